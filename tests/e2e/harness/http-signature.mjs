// @ts-check
// A server that checks HTTP Message Signatures (RFC 9421, 3.2) by what it received, and nothing else, and signs
// what it answers.
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";

/** @typedef {{ method: string, url: string, headers: NodeJS.Dict<string | string[]>, body: string }} Received */

/**
 * Checks a request's one signature, and the digest of its body where that is covered.
 *
 * @param {Received} request
 * @param {Buffer} key
 * @returns {{ label: string, covered: string[], parameters: Record<string, string> }} what it covers and
 *   says, as it stands there
 */
export function verified(request, key) {
  const { label, covered, parameters, text } = input(field(request, "signature-input"));
  const lines = covered.map((component) => `${component}: ${value(request, component)}`);
  const base = [...lines, `"@signature-params": ${text}`].join("\n");
  const signature = createHmac("sha256", key).update(base).digest("base64");
  assert.equal(field(request, "signature"), `${label}=:${signature}:`, base);
  if (covered.includes('"content-digest"')) {
    const digest = createHash("sha256").update(request.body).digest("base64");
    assert.equal(field(request, "content-digest"), `sha-256=:${digest}:`);
  }
  return { label, covered, parameters };
}

/** What a signed answer covers so that it is one to this request. */
export const BOUND = ['"@status"', '"content-digest"', '"signature";req;key="sig1"'];

/** What a page must be able to see of a signed answer. */
export const EXPOSED = "Signature, Signature-Input, Content-Digest";

/**
 * An answer to a request with a signature of its own (RFC 9421, 2.4).
 *
 * @param {Received} request
 * @param {Buffer} key
 * @param {{ status?: number, body: string, covered?: string[], created?: number }} answer
 * @returns {{ status: number, body: string, headers: Record<string, string> }}
 */
export function signedAnswer(request, key, answer) {
  const { status = 200, body, covered = BOUND, created = Math.floor(Date.now() / 1000) } = answer;
  const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
  /** @type {Record<string, string>} */
  const values = {
    '"@status"': String(status),
    '"content-digest"': digest,
    '"signature";req;key="sig1"': field(request, "signature").replace("sig1=", ""),
    '"@method";req': request.method,
  };
  const parameters = `(${covered.join(" ")});created=${created};keyid="key-1"`;
  const lines = covered.map((component) => `${component}: ${values[component]}`);
  const base = [...lines, `"@signature-params": ${parameters}`].join("\n");
  const signature = createHmac("sha256", key).update(base).digest("base64");
  const headers = {
    "Content-Digest": digest,
    "Signature-Input": `answer=${parameters}`,
    Signature: `answer=:${signature}:`,
    "Access-Control-Expose-Headers": EXPOSED,
  };
  return { status, body, headers };
}

/** @param {string} text of `Signature-Input`, with one member */
function input(text) {
  const found = /^([a-z*][\w.*-]*)=(\(([^)]*)\)(.*))$/.exec(text);
  assert.ok(found, text);
  const [, label = "", all = "", list = "", rest = ""] = found;
  /** @type {string[]} */
  const covered = list.match(/"[^"]*"(;name="[^"]*")?/g) ?? [];
  assert.equal(covered.join(" "), list);
  assert.equal(new Set(covered).size, covered.length, "each once");
  const pairs = [...rest.matchAll(/;([a-z]+)=("[^"]*"|\d+)/g)];
  assert.equal(pairs.map(([pair]) => pair).join(""), rest);
  const parameters = Object.fromEntries(
    pairs.map(([, name, is = ""]) => [name, is.replaceAll('"', "")]),
  );
  return { label, covered, parameters, text: all };
}

/**
 * @param {Received} request
 * @param {string} component
 */
function value(request, component) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  const at = request.url.indexOf("?");
  switch (component) {
    case '"@method"':
      return request.method;
    case '"@target-uri"':
      return `http://${request.headers.host}${request.url}`;
    case '"@authority"':
      return request.headers.host;
    case '"@scheme"':
      return "http";
    case '"@request-target"':
      return request.url;
    case '"@path"':
      return at < 0 ? request.url : request.url.slice(0, at);
    case '"@query"':
      return at < 0 ? "?" : request.url.slice(at);
  }
  const parameter = /^"@query-param";name="(.*)"$/.exec(component)?.[1];
  if (parameter === undefined) return field(request, component.slice(1, -1));
  const all = url.searchParams.getAll(decodeURIComponent(parameter));
  assert.equal(all.length, 1, component);
  return encodeURIComponent(String(all[0]));
}

/**
 * @param {Received} request
 * @param {string} name
 */
function field(request, name) {
  const found = request.headers[name];
  assert.equal(typeof found, "string", `${name} is there once`);
  return String(found).trim();
}
