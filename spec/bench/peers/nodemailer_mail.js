// B_N messages B_MSG to 127.0.0.1:B_PORT with nodemailer's pool of B_CONC;
// B_TLS=1: STARTTLS, unverified; B_REUSE=1: a new connection each; B_ATTACH.
const { createTransport } = require('nodemailer');
const { readFileSync } = require('fs');

const env = process.env;
const pool = createTransport({
  host: '127.0.0.1', port: Number(env.B_PORT), name: 'client.example.org', secure: false, pool: true,
  maxConnections: Number(env.B_CONC || 1), maxMessages: env.B_REUSE === '1' ? 1 : Infinity,
  ignoreTLS: env.B_TLS !== '1', requireTLS: env.B_TLS === '1', tls: { rejectUnauthorized: false },
});
const envelope = { from: 'sender@example.org', to: 'rcpt@example.com' };
const message = env.B_ATTACH
  ? { envelope, subject: 'report', text: 'See the file.', attachments: [{ path: env.B_ATTACH }] }
  : { envelope, raw: readFileSync(env.B_MSG) };
let left = Number(env.B_N || 1);
const next = () => (left-- > 0 ? pool.sendMail(message).then(next) : undefined);
Promise.all(Array.from({ length: Number(env.B_CONC || 1) * 2 }, next))
  .then(() => pool.close(), (why) => { console.error(why.message); process.exit(1); });
