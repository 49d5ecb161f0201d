'use strict';

// Zapier's runtime, a line at a time: {"method": "creates.send_sms.operation.perform", "bundle": {...}} in, {"ok": ...} or
// {"err": {"name", "message"}} out, in order. The definition is the file that the command line names.
const { createInterface } = require('node:readline');
const { createAppHandler } = require('zapier-platform-core');

const handle = createAppHandler(require(process.argv[2]));

const run = async (event) => {
  try {
    const { results } = await handle({ command: 'execute', ...event });
    return { ok: results ?? null };
  } catch ({ name, message }) {
    return { err: { name, message } };
  }
};

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
  }
})();
