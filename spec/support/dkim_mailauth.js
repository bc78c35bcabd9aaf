// dkim_mailauth RECORDS MESSAGE…: what mailauth says of each message's
// signatures, told as dkim_dkimpy.py tells it.  It asks no network.
const fs = require("fs");
const { dkimVerify } = require("mailauth/lib/dkim/verify");

const [path, ...messages] = process.argv.slice(2);
const records = new Map();
for (const line of fs.readFileSync(path, "utf8").split("\n")) {
  const at = line.indexOf(" ");
  if (at > 0) records.set(line.slice(0, at), line.slice(at + 1));
}

async function resolver(name, type) {
  if (type === "TXT" && records.has(name)) return [[records.get(name)]];
  throw Object.assign(new Error("no such record: " + name), { code: "ENOTFOUND" });
}

async function all() {
  for (const name of messages) {
    const { results } = await dkimVerify(fs.readFileSync(name), { resolver });
    console.log(results.map((r) => (r.status.result === "pass" ? "pass" : "fail")).join(" "));
  }
}

all();
