// Walks through the console in Chromium: `node console.mjs URL FOLDER REPRIEVE CHROMIUM`. It ends with an error at the first
// thing that is not as it should be. The folder has the keys of alice and bob, and `request.json`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [url, folder, reprieve, executablePath] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

const post = async (route, body) => {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url + route, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
};
const request = JSON.parse(readFileSync(join(folder, "request.json"), "utf8"));

/** A page that fails the test if something in it fails, asks or is blocked. */
const open = async (options) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.failures = [];
  page.on("pageerror", (error) => page.failures.push(String(error)));
  page.on("dialog", (dialog) => page.failures.push(`dialog: ${dialog.message()}`));
  page.on("console", (message) => message.type() === "error" && page.failures.push(message.text()));
  page.on("request", (sent) => sent.url().startsWith(url) || page.failures.push(`loads ${sent.url()}`));
  return page;
};

/** No serious fault of accessibility, nothing of others that runs, and no scrolling sideways. */
const inspect = async (page, path) => {
  await page.goto(url + path);
  // The policy of the page allows no script of others, so the check is evaluated by the browser itself.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((fault) => ["serious", "critical"].includes(fault.impact));
  assert.deepEqual(serious.map((fault) => [fault.id, fault.nodes.map((node) => node.html)]), [], path);
  assert.equal(await page.evaluate(() => window.hacked), undefined, path);
  const sources = await page.evaluate(() => [...document.scripts].map((script) => script.getAttribute("src")));
  assert.deepEqual(sources, ["/console.js"], path);
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(content <= width, `${path} is ${content} wide in a window of ${width}`);
  assert.deepEqual(page.failures, [], path);
};

const page = await open({});
const text = (selector) => page.locator(selector).innerText();
const submit = async (button) => page.getByRole("button", { name: button }).click();

// A denied batch is approved by two people: one in the browser, one on the command line.
const denied = await post("/v1/decisions", request);
assert.equal(denied.status, 403);
const entry = denied.body.ledger.entry;
await page.goto(`${url}/`);
await page.getByRole("link", { name: String(entry), exact: true }).click();
assert.match(await text("h1"), /^deny /i);
await page.getByRole("link", { name: "Approve this list" }).click();
// Something else than a key is refused, and says so.
await page.locator("input[type=file]").setInputFiles(join(folder, "request.json"));
await submit("Sign and send");
await page.getByText("is not a private key").waitFor();
await page.locator("input[type=file]").setInputFiles(join(folder, "alice.key"));
await submit("Sign and send");
await page.getByText(/^alice, entry/).waitFor();
const statement = await (await fetch(`${url}/v1/decisions/${entry}/approval?key=bob`)).text();
const signed = execFileSync(reprieve, ["sign", "--key", join(folder, "bob.key")], { input: statement, stdio: ["pipe", "pipe", "ignore"] });
assert.equal((await post("/v1/approvals", JSON.parse(signed))).status, 200);
await page.reload();
assert.match(await text("main"), /alice[^]*bob/);

// The same request is allowed; its permit is taken, and its outcome recorded.
const allowed = await post("/v1/decisions", request);
assert.equal(allowed.status, 200, JSON.stringify(allowed.body));
await page.goto(`${url}/decisions/${allowed.body.ledger.entry}`);
await submit("Take the permit");
await page.locator(".result", { hasText: /^[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}$/ }).waitFor();
await submit("Make the decision again");
await page.getByText("The decision is the same.").waitFor();
await page.getByLabel("Number of deleted targets").fill("three");
await submit("Record that it ran");
await page.getByText("three is not a number").waitFor();
await page.getByLabel("Number of deleted targets").fill("3");
await submit("Record that it ran");
await page.getByText("ran: 3 of the targets were deleted, and the run succeeded").waitFor();

// Everything is halted and resumed, with the keyboard alone.
await page.goto(`${url}/`);
await page.getByLabel("Reason").focus();
await page.keyboard.type("an incident");
await page.keyboard.press("Tab");
await page.keyboard.press("Enter");
await page.getByText("Everything is denied:").waitFor();
assert.equal((await post("/v1/decisions", request)).status, 403);
await page.getByLabel("Reason").fill("it is over");
await submit("Resume");
await page.getByText("Nothing is halted.").waitFor();
assert.deepEqual(page.failures, []);

// Hostile text in every field is text on every page, in light and dark, and 360 pixels wide.
const hostile = `<script>window.hacked=1</script>"'><img src=x onerror=window.hacked=1>\u202e&lt;javascript:window.hacked=1`;
// A name with an invisible character is refused.
const name = hostile.replace("\u202e", "");
const bad = {
  ...request, id: `${name}1`, environment: name, target_kind: name, campaign: name,
  reason: { text: hostile, ticket: hostile }, actor: { id: name, on_behalf_of: name },
  targets: [{ id: hostile, kind: name, tenant: name }, { id: "a".repeat(2000), tenant: "b".repeat(2000) }],
};
const answer = await post("/v1/decisions", bad);
assert.ok([403, 409].includes(answer.status), JSON.stringify(answer.body));
const last = answer.body.ledger.entry;
await post("/v1/halt", { reason: hostile });
const pages = ["/", `/decisions/${last}`, `/decisions/${last}/approve`, `/decisions/${entry}`,
  `/campaigns/${encodeURIComponent(name)}`, "/policies"];
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1200, 360]) {
    const inspected = await open({ colorScheme, viewport: { width, height: 900 } });
    for (const path of pages) await inspect(inspected, path);
    await inspected.context().close();
  }
}
await browser.close();
console.log("the console works in a browser");
