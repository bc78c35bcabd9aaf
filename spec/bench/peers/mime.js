// mime.js b64|qp: nodemailer's encoders; mime.js node: Node's own, without lines
const data = require('fs').readFileSync(process.env.B_IN);
const encode = {
  node: () => data.toString('base64'),
  b64: () => { const m = require('nodemailer/lib/base64'); return m.wrap(m.encode(data), 76); },
  qp: () => { const m = require('nodemailer/lib/qp'); return m.wrap(m.encode(data), 76); },
}[process.argv[2]];
const seconds = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e6; };
const out = encode().length;
const start = seconds();
let rounds = 0;
let spent;
do {
  encode();
  rounds += 1;
  spent = seconds() - start;
} while (spent < Number(process.env.B_SECS));
console.log(JSON.stringify({ bytes: rounds * data.length, out, secs: spent }));
