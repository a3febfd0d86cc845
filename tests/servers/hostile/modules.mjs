// @ts-check
// The modules of the OpenID conformance suite for relying parties that apply to a public client in a
// browser: by each name, what the provider does there that an honest one does not. What a client must
// make of it stands in tests/e2e/conformance.engine.test.mjs.
//
// Two modules are about DPoP: nonces that proofs need at both servers, and a challenge whose scheme is in
// odd letters. A client whose tokens are bound to no key has to go on there all the same.
import { randomBytes } from "node:crypto";
import { signingKey, tampered } from "./keys.mjs";

/** @typedef {import("./points.js").Scenario} Scenario */
/** @typedef {import("./points.js").Answer} Answer */
/** @typedef {import("./issuer.mjs").Issuer} Issuer */

const HONEST = {};
const NONCE = { "DPoP-Nonce": "next" };

/**
 * @param {(claims: Record<string, any>, issuer: Issuer) => void} change
 * @returns {Scenario} whose ID tokens have other claims
 */
const claims = (change) => ({
  idToken(draft, issuer) {
    change(/** @type {Record<string, any>} */ (draft.claims), issuer);
  },
});

/**
 * @param {string} name
 * @returns {Scenario} whose ID tokens lack it
 */
const without = (name) => claims((found) => Reflect.deleteProperty(found, name));

/**
 * @param {(claims: Record<string, any>) => void} change
 * @returns {Scenario} whose refreshes have other claims, whose sign-ins are honest
 */
const renewed = (change) => ({
  idToken(draft, _, grantType) {
    if (grantType === "refresh_token") change(/** @type {any} */ (draft.claims));
  },
});

/**
 * @param {string} alg that the provider says it uses, and uses
 * @param {Scenario} [scenario]
 * @returns {Scenario}
 */
const signedBy = (alg, scenario = {}) => ({
  setup(issuer) {
    issuer.keys = [signingKey(alg, "key-1")];
  },
  metadata({ body }) {
    body.id_token_signing_alg_values_supported = [alg];
  },
  ...scenario,
});

/** @type {Scenario} */
const unsigned = {
  metadata({ body }) {
    body.id_token_signing_alg_values_supported = ["none", "RS256"];
  },
  idToken(draft) {
    draft.header = { alg: "none" };
    delete draft.key;
  },
};

/** @type {Scenario} */
const otherDiscovery = {
  metadata({ body }, { url }) {
    body.issuer = `${url}/another`;
  },
};

/** @type {Scenario} */
const rotatedBeforeSigning = {
  idToken(draft, issuer) {
    issuer.rotate();
    const [key] = issuer.keys;
    draft.header.kid = key?.kid;
    if (key) draft.key = key.privateKey;
  },
};

/** @type {Scenario} */
const oddPaths = {
  setup(issuer) {
    for (const name of /** @type {(keyof typeof issuer.paths)[]} */ (Object.keys(issuer.paths))) {
      if (name !== "discovery") issuer.paths[name] += `-${randomBytes(6).toString("hex")}`;
    }
  },
};

/**
 * @param {string} endpoint
 * @param {Issuer} issuer
 */
const asked = (endpoint, issuer) => issuer.requests().filter((each) => each.endpoint === endpoint);

/** @param {string} text */
const swapCase = (text) =>
  [...text].map((c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join("");

/** @type {Record<string, Scenario>} */
export const MODULES = {
  "fapi2-security-profile-final-client-refresh-token-test": {
    resource(answer) {
      answer.status = 401;
      answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"';
    },
  },
  "fapi2-security-profile-final-client-test-discovery-issuer-mismatch": otherDiscovery,
  "fapi2-security-profile-final-client-test-ensure-authorization-response-with-invalid-missing-state-fails":
    {
      callback: (query) => query.delete("state"),
    },
  "fapi2-security-profile-final-client-test-ensure-authorization-response-with-invalid-state-fails":
    {
      callback: (query) => query.set("state", `${query.get("state")}1`),
    },
  "fapi2-security-profile-final-client-test-happy-path": {
    // The first proof has none; what a good answer tells is the next one.
    nonce: (endpoint, issuer) => (asked(endpoint, issuer).length <= 2 ? "first" : "next"),
    token: ({ headers }) => Object.assign(headers, NONCE),
    resource: ({ headers }) => Object.assign(headers, NONCE),
  },
  "fapi2-security-profile-final-client-test-happy-path-no-dpop-nonce": HONEST,
  "fapi2-security-profile-final-client-test-invalid-alternate-alg": {
    // The same key would do: the provider does not say that it signs so.
    idToken(draft) {
      draft.header.alg = "PS256";
    },
  },
  "fapi2-security-profile-final-client-test-invalid-aud": claims((found) => {
    found.aud = "another-client";
  }),
  "fapi2-security-profile-final-client-test-invalid-authorization-response-iss": {
    callback: (query) => query.set("iss", `${query.get("iss")}1`),
  },
  "fapi2-security-profile-final-client-test-invalid-expired-exp": claims((found) => {
    found.exp = found.iat - 360;
  }),
  "fapi2-security-profile-final-client-test-invalid-iss": claims((found) => {
    found.iss += "1";
  }),
  "fapi2-security-profile-final-client-test-invalid-missing-aud": without("aud"),
  "fapi2-security-profile-final-client-test-invalid-missing-exp": without("exp"),
  "fapi2-security-profile-final-client-test-invalid-missing-iss": without("iss"),
  "fapi2-security-profile-final-client-test-invalid-missing-nonce": without("nonce"),
  "fapi2-security-profile-final-client-test-invalid-nonce": claims((found) => {
    found.nonce += "1";
  }),
  "fapi2-security-profile-final-client-test-invalid-null-alg": unsigned,
  "fapi2-security-profile-final-client-test-invalid-secondary-aud": claims((found) => {
    found.aud = [found.aud, "a-client-that-nobody-trusts"];
  }),
  "fapi2-security-profile-final-client-test-remove-authorization-response-iss": {
    callback: (query) => query.delete("iss"),
  },
  "fapi2-security-profile-final-client-test-rs-dpop-auth-scheme-case-insensitivity": {
    resource(answer, issuer) {
      const [first, ...more] = asked("resource", issuer);
      if (more.length > 0) return;
      const scheme = first?.headers.dpop ? "dPOp" : "bEARER";
      answer.status = 401;
      answer.headers["WWW-Authenticate"] = `${scheme} ERROR="invalid_token"`;
    },
  },
  "fapi2-security-profile-final-client-test-token-endpoint-response-without-expires_in": {
    token: ({ body }) => void Reflect.deleteProperty(body, "expires_in"),
  },
  "fapi2-security-profile-final-client-test-token-type-case-insensitivity": {
    token({ body }) {
      body.token_type = swapCase(body.token_type);
    },
  },
  "fapi2-security-profile-final-client-test-valid-aud-as-array": claims((found) => {
    found.aud = [found.aud];
  }),
  "oidcc-client-test": HONEST,
  "oidcc-client-test-3rd-party-init-login": HONEST,
  "oidcc-client-test-discovery-issuer-mismatch": otherDiscovery,
  "oidcc-client-test-discovery-jwks-uri-keys": oddPaths,
  "oidcc-client-test-discovery-openid-config": oddPaths,
  "oidcc-client-test-idtoken-sig-none": unsigned,
  "oidcc-client-test-idtoken-sig-rs256": signedBy("RS256"),
  "oidcc-client-test-invalid-aud": claims((found) => {
    found.aud += "1";
  }),
  "oidcc-client-test-invalid-iss": claims((found) => {
    found.iss = "https://id.example.com/another";
  }),
  "oidcc-client-test-invalid-sig-es256": signedBy("ES256", { signed: tampered }),
  "oidcc-client-test-invalid-sig-hs256": {
    metadata({ body }) {
      body.id_token_signing_alg_values_supported = ["HS256", "RS256"];
    },
    idToken(draft) {
      draft.header = { alg: "HS256" };
      draft.key = randomBytes(32);
    },
  },
  "oidcc-client-test-invalid-sig-rs256": signedBy("RS256", { signed: tampered }),
  "oidcc-client-test-kid-absent-multiple-jwks": {
    setup(issuer) {
      issuer.keys.push(signingKey("RS256", "key-2", "next"), signingKey("ES256", "key-3"));
      // The one that signs is neither the first nor the last of those that it may be.
      issuer.keys.unshift(signingKey("RS256", "key-4", "third"));
    },
    idToken(draft, { keys }) {
      delete draft.header.kid;
      if (keys[1]) draft.key = keys[1].privateKey;
    },
  },
  "oidcc-client-test-kid-absent-single-jwks": {
    idToken(draft) {
      delete draft.header.kid;
    },
  },
  "oidcc-client-test-missing-aud": without("aud"),
  "oidcc-client-test-missing-iat": without("iat"),
  "oidcc-client-test-missing-sub": without("sub"),
  "oidcc-client-test-nonce-invalid": claims((found) => {
    found.nonce = "another";
  }),
  "oidcc-client-test-refresh-token": HONEST,
  "oidcc-client-test-refresh-token-invalid-issuer": renewed((found) => {
    found.iss += "1";
  }),
  "oidcc-client-test-refresh-token-invalid-sub": renewed((found) => {
    found.sub = "mallory";
  }),
  "oidcc-client-test-rp-frontchannel-rpinitlogout": HONEST,
  "oidcc-client-test-rp-init-logout": HONEST,
  "oidcc-client-test-rp-init-logout-no-state": {
    loggedOut: (query) => query.delete("state"),
  },
  "oidcc-client-test-rp-init-logout-other-state": {
    loggedOut: (query) => query.set("state", "another"),
  },
  "oidcc-client-test-scope-userinfo-claims": HONEST,
  "oidcc-client-test-session-management": HONEST,
  "oidcc-client-test-signing-key-rotation": HONEST,
  "oidcc-client-test-signing-key-rotation-just-before-signing": rotatedBeforeSigning,
  "oidcc-client-test-userinfo-bearer-header": HONEST,
  "oidcc-client-test-userinfo-invalid-sub": {
    userinfo({ body }) {
      body.sub = "mallory";
    },
  },
};
