// Nodemailer, asked by a line of JSON on stdin (its own words for a mail, `at` for its date, `dkim` for its signature); the whole mail comes back in
// base64, as its SMTP client would send it.
import readline from "node:readline";
import nodemailer from "nodemailer";

async function written({ dkim, at, ...mail }) {
  const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: "windows", dkim });
  return (await transport.sendMail({ ...mail, date: new Date(at) })).message.toString("base64");
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const answer = await written(JSON.parse(line)).then(
    (ok) => ({ ok }),
    (error) => ({ err: `${error.name}: ${error.message}` }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
