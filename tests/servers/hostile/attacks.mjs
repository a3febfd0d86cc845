// @ts-check
// What a provider, or one beside it, does to get a code, a token or a session that is not its own, and
// answers that only a careless client takes. What a client must make of them stands in
// tests/e2e/hostile.engine.test.mjs.

/** @typedef {import("./points.js").Scenario} Scenario */

/**
 * @param {(iss: string) => string} change
 * @returns {Scenario} whose callbacks name another issuer
 */
const issued = (change) => ({
  callback: (query) => query.set("iss", change(query.get("iss") ?? "")),
});

/** Issuers that are nearly the one that was asked (RFC 9207, 2.4: compared as strings). */
export const NEAR_ISSUERS = /** @type {Record<string, Scenario>} */ ({
  "in capital letters": issued((iss) => iss.toUpperCase()),
  "with a capital scheme": issued((iss) => iss.replace("http", "HTTP")),
  "with a capital host": issued((iss) => iss.replace("localhost", "LOCALHOST")),
  "with a slash at its end": issued((iss) => `${iss}/`),
  "with a zero before its port": issued((iss) => iss.replace(/:(\d)/, ":0$1")),
  "without its port": issued((iss) => iss.replace(/:\d+/, "")),
  "with another port": issued((iss) => iss.replace(/:\d+/, ":8443")),
  "percent-encoded once more": issued((iss) => encodeURIComponent(iss)),
  "with an encoded letter": issued((iss) => iss.replace("localhost", "loc%61lhost")),
  "with a dot behind its host": issued((iss) => iss.replace("localhost", "localhost.")),
  "by its host's address": issued((iss) => iss.replace("localhost", "127.0.0.1")),
  "with a user's name": issued((iss) => iss.replace("://", "://user@")),
  "with a dot segment": issued((iss) => iss.replace(/(\w)\/(\w)/, "$1/./$2")),
  "with an empty query": issued((iss) => `${iss}?`),
  "with an empty fragment": issued((iss) => `${iss}#`),
  "with a space behind it": issued((iss) => `${iss} `),
  "with a letter that looks alike": issued((iss) => iss.replace("o", "\u043e")),
  empty: issued(() => ""),
});

/**
 * @param {string} more parameters behind the honest ones
 * @returns {Scenario}
 */
const appended = (more) => ({
  callback: (query) => `${query}&${more.replace("$state", query.get("state") ?? "")}`,
});

/** Callbacks in which a parameter stands twice (RFC 6749, 3.1), or that say two things. */
export const DOUBLED = /** @type {Record<string, Scenario>} */ ({
  "two codes": appended("code=b"),
  "one state twice": appended("state=$state"),
  "two states": appended("state=b"),
  "an encoded name of the state": appended("st%61te=b"),
  "two issuers": appended("iss=https%3A%2F%2Fid.example.com"),
  "a code and an error": appended("error=access_denied"),
  "a code and a token": appended("access_token=t"),
  "two errors": {
    callback(query) {
      query.delete("code");
      return `${query}&error=access_denied&error=server_error`;
    },
  },
});

/**
 * @param {"token_type"} name
 * @param {unknown} value
 * @returns {Scenario} whose token answers have another member
 */
const answered = (name, value) => ({
  token({ body }) {
    if (value === undefined) Reflect.deleteProperty(body, name);
    else body[name] = value;
  },
});

/** Token types that are `Bearer` in other letters (RFC 6749, 7.1). */
export const BEARER_TYPES = /** @type {Record<string, Scenario>} */ ({
  bearer: answered("token_type", "bearer"),
  BEARER: answered("token_type", "BEARER"),
});

/** Token types of which a client that sends bearer tokens knows nothing. */
export const OTHER_TYPES = /** @type {Record<string, Scenario>} */ ({
  mac: answered("token_type", "mac"),
  DPoP: answered("token_type", "DPoP"),
  N_A: answered("token_type", "N_A"),
  "Bearer with a space": answered("token_type", "Bearer "),
  "an empty one": answered("token_type", ""),
  none: answered("token_type", undefined),
  null: answered("token_type", null),
  "a number": answered("token_type", 1),
  "a list": answered("token_type", ["Bearer"]),
});

/**
 * @param {any} body
 * @param {string} name
 * @returns {string} as JSON, with a second member of that name, equal to the first
 */
const twice = (body, name) => {
  const member = `${JSON.stringify(name)}:${JSON.stringify(body[name])}`;
  return `{${member},${JSON.stringify(body).slice(1)}`;
};

/**
 * @param {import("./points.js").Answer} answer
 * @param {string} name
 */
const double = (answer, name) => {
  answer.body = twice(answer.body, name);
};

/** Documents in which a member stands twice, at each place that is read before somebody is signed in. */
export const DOUBLE_MEMBERS = /** @type {Record<string, Scenario>} */ ({
  "a token answer": { token: (answer) => double(answer, "access_token") },
  "an ID token's claims": {
    idToken(draft) {
      draft.claims = twice(draft.claims, "sub");
    },
  },
  "a JWK set": { keys: (answer) => double(answer, "keys") },
  "a key": {
    keys(answer) {
      const [key] = answer.body.keys;
      answer.body = `{"keys":[${twice(key, "kid")}]}`;
    },
  },
});

/**
 * @param {Scenario} scenario
 * @returns {Scenario} the same, of a provider that does not say whether it checks PKCE (RFC 9700, 4.7.1)
 */
export const silentOnPkce = (scenario) => ({
  ...scenario,
  metadata: ({ body }) => void Reflect.deleteProperty(body, "code_challenge_methods_supported"),
});

/** @type {Scenario} */
export const DOUBLE_METADATA = { metadata: (answer) => double(answer, "token_endpoint") };

/** @type {Scenario} */
export const DOUBLE_USERINFO = { userinfo: (answer) => double(answer, "sub") };

/**
 * @param {string} url
 * @returns {Scenario} whose token endpoint sends code and verifier on to somebody else
 */
export const redirectingTo = (url) => ({
  token(answer) {
    answer.status = 307;
    answer.headers.Location = url;
  },
});

/**
 * @param {string} url
 * @returns {Scenario} whose metadata name another token endpoint once somebody is on the way back
 */
export function swappingTo(url) {
  let isSwapped = false;
  return {
    callback() {
      isSwapped = true;
    },
    metadata({ body }) {
      if (isSwapped) body.token_endpoint = url;
    },
  };
}

/**
 * Mix-up (RFC 9700, 4.4.1): this issuer sends its users on to sign in at another one, whose code it
 * wants to be brought to its own token endpoint.
 *
 * @param {string} authorizationEndpoint of the honest one
 * @returns {Scenario}
 */
export const sendingTo = (authorizationEndpoint) => ({
  metadata({ body }) {
    body.authorization_endpoint = authorizationEndpoint;
  },
});
