// Read messages with mailparser, as read_mail.py does with Python.
const fs = require("fs");
const { simpleParser } = require("mailparser");
const libmime = require("libmime");

function out(key, value) {
  console.log(key + " " + Buffer.from(value).toString("hex"));
}

function mailboxes(key, field) {
  for (const list of [].concat(field || [])) {
    for (const one of list.value) out(key, one.name + "\0" + one.address);
  }
}

function attachment(part) {
  if (part.cid) {
    out("inline", part.contentId + "\0" + part.contentType + "\0" + part.filename);
  } else {
    out("attachment", part.contentType + "\0" + part.filename);
  }
  out("octets", part.content);
}

async function read(octets) {
  const options = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true };
  const mail = await simpleParser(octets, options);
  out("subject", mail.subject);
  mailboxes("from", mail.from);
  mailboxes("to", mail.to);
  mailboxes("cc", mail.cc);
  out("note", libmime.decodeWords(mail.headers.get("x-note")));
  out("date", mail.date.toISOString().replace(".000Z", "+00:00"));
  if (typeof mail.text === "string") out("text/plain", mail.text);
  if (mail.html) out("text/html", mail.html);
  mail.attachments.forEach(attachment);
  console.log("end");
}

async function all(bundle) {
  let at = 0;
  while (at < bundle.length) {
    const end = bundle.indexOf(10, at);
    const size = Number(bundle.toString("latin1", at, end));
    await read(bundle.subarray(end + 1, end + 1 + size));
    at = end + 1 + size;
  }
}

all(fs.readFileSync(process.argv[2]));
