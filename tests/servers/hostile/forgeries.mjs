// @ts-check
// ID tokens that are right in every claim and that the issuer's published keys did not sign, as attacks
// on other clients made them (RFC 8725, 2 and 3), and signed tokens that are none.
import { publicJwk, sign, signingKey, tampered } from "./keys.mjs";

/** @typedef {import("./points.js").Scenario} Scenario */
/** @typedef {import("./keys.mjs").Draft} Draft */

/** Nobody publishes it. */
const STRANGER = signingKey("RS256", "stranger", "stranger");

/**
 * @param {Record<string, unknown>} [header] members of it besides
 * @returns {Scenario} whose tokens a stranger's key signed
 */
const byStranger = (header = {}) => ({
  idToken(draft) {
    Object.assign(draft.header, header);
    draft.key = STRANGER.privateKey;
  },
});

/**
 * @param {string} alg
 * @returns {Scenario} whose tokens nobody signed
 */
const unsigned = (alg) => ({
  idToken(draft) {
    draft.header.alg = alg;
    delete draft.key;
  },
});

/**
 * @param {(key: import("./keys.mjs").SigningKey) => string | Buffer} form of the published key
 * @returns {Scenario} whose tokens it signed as if it were a secret
 */
const bySecret = (form) => ({
  idToken(draft, { keys }) {
    const [key] = keys;
    draft.header.alg = "HS256";
    if (key) draft.key = new Uint8Array(Buffer.from(form(key)));
  },
});

/**
 * @param {(header: string, payload: string, signature: string) => string} change
 * @returns {Scenario} whose tokens are made into others
 */
const resigned = (change) => ({
  signed(token) {
    const [header = "", payload = "", signature = ""] = token.split(".");
    return change(header, payload, signature);
  },
});

/**
 * @param {string} elsewhere where a stranger's keys are
 * @returns {Record<string, Scenario>}
 */
export const forgeries = (elsewhere) => ({
  "another key under the issuer's kid": byStranger(),
  "another key in the header": byStranger({ jwk: publicJwk(STRANGER) }),
  "another key set's address in the header": byStranger({ jku: elsewhere }),
  "a certificate's address in the header": byStranger({ x5u: elsewhere }),
  "a certificate in the header": byStranger({ x5c: ["MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"] }),
  "a kid that is no text": byStranger({ kid: 1 }),
  "alg none": unsigned("none"),
  "alg None": unsigned("None"),
  "alg NONE": unsigned("NONE"),
  "alg nOnE": unsigned("nOnE"),
  "an empty signature": unsigned("RS256"),
  "the key as a secret, in PEM": bySecret(({ publicKey }) =>
    publicKey.export({ type: "spki", format: "pem" }),
  ),
  "the key as a secret, in DER": bySecret(({ publicKey }) =>
    publicKey.export({ type: "spki", format: "der" }),
  ),
  "the key as a secret, as a JWK": bySecret((key) => JSON.stringify(publicJwk(key))),
  "a signature of zeros": resigned((header, payload, signature) => {
    const zeros = Buffer.alloc(Buffer.from(signature, "base64url").length);
    return `${header}.${payload}.${zeros.toString("base64url")}`;
  }),
  "a signature of another payload": resigned((header, payload, signature) => {
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const changed = Buffer.from(JSON.stringify({ ...claims, sub: "mallory" }));
    return `${header}.${changed.toString("base64url")}.${signature}`;
  }),
  "a signature with padding": resigned(
    (header, payload, signature) => `${header}.${payload}.${signature}==`,
  ),
});

/**
 * Names of keys that no issuer has, and that a careless client makes a path, a member or a query of.
 *
 * @param {string} elsewhere where a stranger's keys are
 * @returns {Record<string, Scenario>}
 */
export const strangeKids = (elsewhere) => ({
  "a kid that is a path": byStranger({ kid: "../../jwks/key-1" }),
  "a kid that is an address": byStranger({ kid: elsewhere }),
  "a kid that every object has": byStranger({ kid: "__proto__" }),
  "a kid that selects": byStranger({ kid: "key-1' OR '1'='1" }),
  "a kid that ends early": byStranger({ kid: "key-1\u0000" }),
  "a kid in other letters": byStranger({ kid: "\u212aey-1" }),
  "a kid without end": byStranger({ kid: "k".repeat(10_000) }),
});

/**
 * @param {string} typ
 * @returns {Scenario}
 */
const typed = (typ) => ({
  idToken(draft) {
    draft.header.typ = typ;
  },
});

/** Tokens for another purpose, rightly signed (RFC 8725, 3.11). */
export const OTHER_KINDS = /** @type {Record<string, Scenario>} */ ({
  "an access token": typed("at+jwt"),
  "a logout token": typed("logout+jwt"),
  "a proof": typed("dpop+jwt"),
});

/**
 * UserInfo as a signed answer (OpenID Connect Core, 5.3.2).
 *
 * @param {(draft: Draft) => void} [change]
 * @param {(token: string) => string} [bend]
 * @returns {Scenario}
 */
const signedUserInfo = (change = () => {}, bend = (token) => token) => ({
  async userinfo(answer, { url, client, keys }) {
    const [key] = keys;
    /** @type {Draft} */
    const draft = {
      header: { alg: key?.alg, kid: key?.kid },
      claims: { ...answer.body, iss: url, aud: client.clientId },
      ...(key ? { key: key.privateKey } : {}),
    };
    change(draft);
    answer.headers["Content-Type"] = "application/jwt";
    answer.body = bend(await sign(draft));
  },
});

/** UserInfo that its issuer signed for this client. */
export const SIGNED_USERINFO = signedUserInfo();

/** Signed UserInfo that is not to be believed. @type {Record<string, Scenario>} */
export const FORGED_USERINFO = {
  "a bent signature": signedUserInfo(undefined, tampered),
  "a stranger's key": signedUserInfo((draft) => {
    draft.key = STRANGER.privateKey;
  }),
  "no signature": signedUserInfo((draft) => {
    draft.header.alg = "none";
    delete draft.key;
  }),
  "for another client": signedUserInfo(({ claims }) => Object.assign(claims, { aud: "other" })),
  "of another issuer": signedUserInfo(({ claims }) =>
    Object.assign(claims, { iss: "https://id.example" }),
  ),
  "for nobody": signedUserInfo(({ claims }) => Object.assign(claims, { aud: undefined })),
  "about somebody else": signedUserInfo(({ claims }) => Object.assign(claims, { sub: "other" })),
};
