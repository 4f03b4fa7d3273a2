// Sends the forms of the console as JSON to the interface, and signs approvals. A private key never leaves this page.
"use strict";

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

const call = async (method, route, body) => {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(route, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const document = await answer.json();
  if (!answer.ok) {
    throw new Error([document.detail, document.help].filter(Boolean).join("\nWhat to do: "));
  }
  return document;
};

/** The fields of a form as JSON. What is blank is left out. */
const values = (form) => {
  const body = {};
  for (const input of form.querySelectorAll("input[name]")) {
    if (input.value === "") continue;
    if (input.dataset.kind === "number" && !/^[0-9]{1,15}$/.test(input.value)) {
      throw new Error(`${input.value} is not a number`);
    }
    body[input.name] = input.dataset.kind === "number" ? Number(input.value) : input.value;
  }
  return body;
};

const sign = async (form, entry) => {
  const file = form.querySelector("input[type=file]").files[0];
  let key;
  try {
    key = JSON.parse(await file.text());
  } catch {
    throw new Error(`${file.name} is not a key`);
  }
  if (key.kty !== "OKP" || key.crv !== "Ed25519" || !key.d || !key.kid) {
    throw new Error(`${file.name} is not a private key of \`reprieve keys new\``);
  }
  let imported;
  try {
    const jwk = { kty: key.kty, crv: key.crv, x: key.x, d: key.d };
    imported = await crypto.subtle.importKey("jwk", jwk, { name: "Ed25519" }, false, ["sign"]);
  } catch {
    throw new Error("this browser cannot sign with Ed25519; use the command above");
  }
  const statement = await call("GET", `/v1/decisions/${entry}/approval?key=${encodeURIComponent(key.kid)}`);
  const input = new TextEncoder().encode(statement.signing_input);
  const signature = await crypto.subtle.sign({ name: "Ed25519" }, imported, input);
  const token = `${statement.signing_input}.${base64url(signature)}`;
  const added = await call("POST", "/v1/approvals", { entry: Number(entry), token });
  return `approved by ${added.by}, recorded as entry ${added.entry}`;
};

const show = (document) => {
  if (document.permit) return document.permit;
  if ("same" in document) return document.same ? "The decision is the same." : "The decision differs.";
  return "Done.";
};

for (const form of document.querySelectorAll("form.action")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const result = form.querySelector(".result");
    const { post, get, sign: entry } = form.dataset;
    result.textContent = "…";
    try {
      if (entry) result.textContent = await sign(form, entry);
      else result.textContent = show(post ? await call("POST", post, values(form)) : await call("GET", get));
      result.className = "result";
      // A page that shows what has just changed is shown again. A permit and a comparison are read first.
      if (entry || (post && !post.endsWith("/permit"))) location.reload();
    } catch (error) {
      result.className = "result deny";
      result.textContent = error.message;
    }
  });
}
