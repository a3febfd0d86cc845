// @ts-check
// What the matrices share: recorders on origins that differ in one part each, applications with one kind of
// credential, the secrets that must not be elsewhere, and the counts that are printed.
import { randomBytes } from "node:crypto";
import { after, afterEach, before } from "node:test";
import { generate } from "selfsigned";
import { suite } from "../e2e/harness/suite.mjs";
import { startRecorder } from "../servers/recorder.mjs";

/** @typedef {import("../servers/recorder.mjs").Recorder} Recorder */
/** @typedef {import("../servers/recorder.mjs").Recorded} Recorded */
/** @typedef {import("../e2e/harness/tab.mjs").Tab} Tab */
/** @typedef {import("../e2e/harness/suite.mjs").Application} Application */
/**
 * @typedef {object} Credential
 * @property {object} [resource] how a resource asks for it
 * @property {object} [options] of the client, beside the usual ones
 * @property {object} [provider] settings of the client at the provider
 * @property {(tab: Tab) => Promise<string[]>} [hand] gives the vault its key; says what no other server may
 *   see of it
 */

/** @type {Record<string, Credential>} */
export const CREDENTIALS = {
  bearer: {},
  DPoP: { options: { dpop: true }, provider: { requiresProofs: true } },
  "API key": {
    resource: { credential: "apiKey:k" },
    options: { apiKeys: { k: {} } },
    async hand(tab) {
      const key = randomBytes(24).toString("base64url");
      await tab.run((auth, key) => auth.setApiKey("k", key), key);
      return [key];
    },
  },
  signature: {
    resource: { credential: "signature:k" },
    options: { signatures: { k: { keyId: "key-1" } } },
    async hand(tab) {
      const key = randomBytes(32);
      await tab.run((auth, key) => auth.setSigningKey("k", Uint8Array.from(key)), [...key]);
      return [key.toString("base64"), key.toString("base64url"), key.toString("hex")];
    },
  },
};

/** The fields that a credential is written into. */
const FIELDS = ["authorization", "dpop", "x-api-key", "signature", "signature-input"];

/** Whom the vault's policy lets it reach: what stops a request is the vault, and where that fails, it still
 * stays on this device (`evil.test` is a name for it, too). */
const REACHABLE = [..."localhost *.localhost 127.0.0.1 evil.test *.evil.test".split(" ")].flatMap(
  (host) => [`http://${host}:*`, `https://${host}:*`],
);

export class Wire {
  e2e = suite({ vaultConnects: REACHABLE.join(" "), trustsAll: true });
  /** @type {Recorder} the origin of the resource */
  resource = /** @type {any} */ (undefined);
  /** @type {Recorder} the same host on another port */
  other = /** @type {any} */ (undefined);

  constructor() {
    before(async () => {
      const made = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" });
      const certificate = { key: made.private, cert: made.cert };
      this.resource = await startRecorder(certificate);
      this.other = await startRecorder(certificate);
    });
    afterEach(() => {
      this.resource.reset();
      this.other.reset();
    });
    after(() => Promise.all([this.resource.close(), this.other.close()]));
  }

  /** The addresses, each of which differs from the resource's in one part. */
  get at() {
    const { port } = this.resource;
    return {
      resource: `http://localhost:${port}`,
      port: `http://localhost:${this.other.port}`,
      host: `http://127.0.0.1:${port}`,
      scheme: `https://localhost:${port}`,
    };
  }

  /**
   * An application whose one resource takes that credential, signed in, its key handed over.
   *
   * @param {Credential} credential
   * @param {{ resource?: object, provider?: object }} [more]
   */
  async signedIn({ resource, options, provider, hand }, more = {}) {
    const resources = [{ origin: this.at.resource, ...resource, ...more.resource }];
    const app = await this.e2e.application({
      options: { resources, ...options },
      provider: { ...provider, ...more.provider },
    });
    const tab = await app.openSignedIn();
    const keys = (await hand?.(tab)) ?? [];
    return { app, tab, keys };
  }

  /** @returns {Recorded[]} what came to any recorder, preflights too */
  all() {
    return [...this.resource.all(), ...this.other.all()];
  }

  /**
   * The secrets that came elsewhere, by where they came: tokens, keys, and what the resource itself received
   * of proofs and signatures.
   *
   * @param {Application} app
   * @param {string[]} keys
   * @param {(recorded: Recorded) => boolean} isMeant whether it may have them
   */
  leaks(app, keys, isMeant) {
    const all = this.all();
    const written = all
      .filter(isMeant)
      .flatMap(({ headers }) => FIELDS.map((name) => String(headers[name] ?? "")));
    const tokens = app.tokens().map(({ token }) => token);
    // Also a signature or a proof without what stands around it.
    const parts = written.flatMap((text) => text.match(/[\w+/=.-]{32,}/g) ?? []);
    const secrets = [...new Set([...keys, ...tokens, ...parts])];
    return all
      .filter((recorded) => !isMeant(recorded))
      .flatMap((recorded) => {
        const { origin, url, headers, body } = recorded;
        const text = JSON.stringify([url, headers, body.toString("latin1")]);
        const found = secrets.filter((secret) => text.includes(secret));
        const fields = FIELDS.filter((name) => headers[name] !== undefined);
        return found.length + fields.length ? [{ to: origin + url, found, fields }] : [];
      });
  }
}

/**
 * Has a count printed; `cargo xtask test` adds those of one matrix up over all engines and places.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} matrix
 * @param {Record<string, number>} counts in the order in which they are printed
 */
export function figure(t, matrix, counts) {
  t.diagnostic(`figure: ${JSON.stringify({ matrix, counts: Object.entries(counts) })}`);
}
