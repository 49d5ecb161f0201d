// Opens pages in Chromium as a plan says, looks at each with axe, and tells what it saw as JSON: one process for all of them.
//
// The plan, on standard input: {base, chromium, shots, languages, views: [{width, scheme}], people: {name: {email, password}},
// visits: [{name, path, as, fill: {field: text}, click: selector}]}. A visit with `fill` sends the form of its page, one with `click` clicks there;
// looked at is what comes then.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const plan = JSON.parse(readFileSync(0, "utf8"));
const LOCALES = { en: "en-GB", fr: "fr-FR" };
const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

async function signIn(page, { email, password }) {
  await page.goto(`${plan.base}/console/sign-in`);
  await page.fill("#email", email);
  await page.fill("#password", password);
  await page.click("main form button");
}

async function send(page, fields) {
  for (const [name, text] of Object.entries(fields)) await page.fill(`main #${name}`, text);
  await page.click("main form:has(.field) button");
}

async function look(page) {
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return { wide, violations: found.violations.map((one) => ({ id: one.id, impact: one.impact, at: one.nodes.map((node) => node.html) })) };
}

async function visit(context, language, one) {
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => message.text().startsWith("Failed to load resource: the server responded") || said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(plan.base + one.path);
  if (one.fill) await send(page, one.fill);
  if (one.click) await page.click(one.click);
  await page.evaluate(axe);
  const seen = [];
  for (const { width, scheme } of plan.views) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    const where = { name: one.name, language, width, scheme, url: page.url(), path: new URL(page.url()).pathname };
    seen.push({ ...where, ...(await look(page)), said });
    const path = `${plan.shots}/${one.name}-${language}-${width}-${scheme}.png`;
    if (plan.shots) await page.screenshot({ path, fullPage: true });
  }
  await page.close();
  return seen;
}

const browser = await chromium.launch({ executablePath: plan.chromium, args: QUIET, chromiumSandbox: false });
const seen = [];
for (const language of plan.languages) {
  for (const as of new Set(plan.visits.map((one) => one.as ?? null))) {
    const context = await browser.newContext({ locale: LOCALES[language], serviceWorkers: "block" });
    const first = await context.newPage();
    if (as) await signIn(first, plan.people[as]);
    for (const one of plan.visits.filter((one) => (one.as ?? null) === as)) seen.push(...(await visit(context, language, one)));
    await context.close();
  }
}
await browser.close();
process.stdout.write(JSON.stringify(seen));
