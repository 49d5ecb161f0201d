// Chromium, at a consent: signs in, presses a button, and tells where that led to and what the browser would not do.
// On standard input: {chromium, url, email, password, button}.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const plan = JSON.parse(readFileSync(0, "utf8"));
const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: plan.chromium, args: QUIET, chromiumSandbox: false });
const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
const said = [];
page.on("console", (message) => said.push(message.text()));
await page.goto(plan.url);
await page.fill("#email", plan.email);
await page.fill("#password", plan.password);
await page.click("main form button");
await page.click(`main button[value="${plan.button}"]`);
await Promise.race([page.waitForURL(/[?&](code|error)=/), page.waitForEvent("console")]);
process.stdout.write(JSON.stringify({ url: page.url(), said }));
await browser.close();
