// @ts-check
// Answers with tokens in them that are no good, and calls of the client that cannot go well: each is a way
// to fail, on which a token could get into a text.

/** @typedef {import("../../servers/lookalike.mjs").Answer} Answer */
/** @typedef {{ access: string, refresh: string, id: string }} Tokens */
/** @typedef {[name: string, answer: Answer]} Named */

const HTML = { "Content-Type": "text/html" };

/**
 * Refusals that repeat the tokens wherever a provider has words.
 *
 * @param {Tokens} tokens
 * @returns {Named[]}
 */
export function refusals({ access, refresh, id }) {
  const all = `${access} ${refresh} ${id}`;
  /** @type {[string, unknown, Record<string, string>?][]} */
  const bodies = [
    ["its words", { error: "invalid_request", error_description: all, error_uri: all }],
    ["its code", { error: access, error_description: refresh }],
    ["a member of its own", { error: "server_error", token: all, [refresh]: id }],
    ["a grant that is over", { error: "invalid_grant", error_description: refresh }],
    ["a page", `<title>${access}</title><p>${all}</p>`, HTML],
    ["a text", all, { "Content-Type": "text/plain" }],
    ["JSON that breaks off", `{"error":"invalid_request","error_description":"${all}`],
  ];
  return [400, 401, 403, 404, 408, 429, 500, 502, 503].flatMap((status) =>
    bodies.map(([name, body, headers]) => {
      // A header may repeat it, too.
      const said = { ...headers, "X-Request-Id": access, "Retry-After": refresh.slice(0, 20) };
      return /** @type {Named} */ ([`${status}, ${name}`, { status, body, headers: said }]);
    }),
  );
}

/**
 * Answers that have the tokens where they belong, and are wrong in one thing.
 *
 * @param {Tokens} tokens
 * @returns {Named[]}
 */
export function spoilt({ access, refresh, id }) {
  const good = {
    access_token: access,
    refresh_token: refresh,
    id_token: id,
    token_type: "Bearer",
    expires_in: 60,
  };
  const text = JSON.stringify(good);
  /** @type {Named[]} */
  const answers = [];
  const add = (/** @type {string} */ name, /** @type {unknown} */ body, headers = {}) => {
    answers.push([name, { body, headers }]);
  };
  for (const member of ["access_token", "token_type"]) {
    add(`no ${member}`, { ...good, [member]: undefined });
    add(`${member} is null`, { ...good, [member]: null });
  }
  for (const member of ["access_token", "refresh_token", "id_token", "token_type"]) {
    for (const wrong of [1, true, [access], { token: refresh }]) {
      add(`${member} is ${JSON.stringify(wrong).slice(0, 6)}`, { ...good, [member]: wrong });
    }
    add(`${member} twice`, `${text.slice(0, -1)},"${member}":"${access}"}`);
    add(`${member} twice, escaped`, `${text.slice(0, -1)},"\\u00${hex(member)}":"${refresh}"}`);
  }
  for (const wrong of [
    `${access}\n`,
    ` ${access}`,
    `${access} `,
    `${access}\u0000`,
    `é${access}`,
  ]) {
    add(`an access token of other characters: ${JSON.stringify(wrong.slice(0, 2))}`, {
      ...good,
      access_token: wrong,
    });
    add(`a refresh token of other characters: ${JSON.stringify(wrong.slice(0, 2))}`, {
      ...good,
      refresh_token: wrong,
    });
  }
  for (const type of ["mac", "DPoP", "N_A", "", access]) {
    add(`token_type ${type.slice(0, 4)}`, { ...good, token_type: type });
  }
  for (const part of [1, 2, 3, 4, 5, 6, 7]) {
    add(`breaks off after ${part} eighths`, text.slice(0, (text.length * part) / 8));
  }
  add("its last brace missing", text.slice(0, -1));
  add("something behind it", `${text}{}`);
  add("a byte order mark", `\ufeff${text}`);
  add("in a list", [good]);
  add("in a text", JSON.stringify(text));
  add("in single quotes", text.replaceAll('"', "'"));
  add("a lone surrogate", text.replace(refresh, `${refresh}\\ud800`));
  add("a scope that is no text", { ...good, scope: [1, access] });
  add("too deep", { ...good, more: JSON.parse(`${"[".repeat(40)}"${access}"${"]".repeat(40)}`) });
  add("a page", text, HTML);
  add("a form", new URLSearchParams({ access_token: access, refresh_token: refresh }).toString());
  add("nothing", "");
  add("an error and tokens", { ...good, error: "invalid_request", error_description: refresh });
  return answers;
}

/** @param {string} text whose first letter is given as its code */
const hex = (text) => text.charCodeAt(0).toString(16) + text.slice(1);

/**
 * Answers of UserInfo that are of no use.
 *
 * @param {Tokens} tokens
 * @param {string} lent the token that they are asked with
 * @returns {[name: string, fault: import("../../servers/faults.mjs").Fault][]}
 */
export function claims({ access, refresh, id }, lent) {
  const all = `${access} ${refresh} ${id}`;
  /** @type {[string, import("../../servers/faults.mjs").Fault][]} */
  const faults = [400, 403, 404, 429, 500, 502].flatMap((status) => [
    [`${status}, its words`, { status, body: { error: "x", error_description: all } }],
    [`${status}, a page`, { status, body: all, contentType: "text/html" }],
  ]);
  return [
    ...faults,
    ["another person", { status: 200, body: { sub: access } }],
    ["no person", { status: 200, body: { token: all } }],
    ["the token repeated", { status: 200, body: { sub: "alice", token: lent } }],
    ["no JSON", { status: 200, body: all }],
    ["unsigned", { status: 200, body: id, contentType: "application/jwt" }],
    ["a list", { status: 200, body: [access] }],
    ["twice", { status: 200, body: `{"sub":"alice","sub":"${access}"}` }],
    ["reset", { drop: true, count: 10 }],
    ["cut off", { spoil: "truncate" }],
    ["hidden", { spoil: "hide" }],
  ];
}

/**
 * In the page: notes what an attempt threw in every way that an application would, and says how it ended.
 *
 * @param {any} auth
 * @param {string} name of the function of `window.tw` that is called
 * @param {unknown[]} given
 * @returns {Promise<string>} `came` where it went well
 */
export function failing(auth, name, given) {
  return Promise.resolve()
    .then(() => (window.tw[name] ?? auth[name])(...given))
    .then((value) => (value instanceof Response ? value.text().then(() => "came") : "came"))
    .catch((error) => {
      window.tw.note("error", error);
      window.tw.note("error", [String(error), JSON.stringify(error), error?.stack]);
      console.error(error);
      return `${error?.code ?? error?.name}`;
    });
}

/**
 * Calls that cannot go well, by the client's own functions.
 *
 * @param {{ api: string, other: string, callback: string }} at
 * @param {Tokens} tokens
 * @returns {[name: string, given: unknown[]][]}
 */
export function misuses({ api, other, callback }, { access, refresh, id }) {
  const bearer = { Authorization: `Bearer ${access}` };
  /** @type {[string, unknown[]][]} */
  const calls = [];
  const each = (/** @type {string} */ name, /** @type {unknown[][]} */ ...given) => {
    for (const one of given) calls.push([name, one]);
  };
  each(
    "fetch",
    [`${other}/`],
    [`${other}/?t=${refresh}`],
    ["data:text/plain,x"],
    ["blob:x"],
    ["javascript:1"],
    ["http://[::"],
    [`${api.replace("http://", "http://u:p@")}/me`],
    [`${api}/me`, { headers: bearer }],
    [`${api}/me`, { headers: { DPoP: refresh } }],
    [`${api}/me`, { mode: "no-cors" }],
    [`${api}/me`, { method: "TRACE" }],
    [`${api}/me`, { headers: { "X-Test": "not\na value" } }],
    [`${api}/redirect?to=${other}/`, { redirect: "error" }],
    [`${api}/redirect?to=${other}/`],
    [`${api}/reflect/header`],
    [`${api}/reflect/body`],
    [`${api}/reflect/pieces`],
    [`${api}.evil.test/`],
    ["http://localhost:1/me"],
  );
  each(
    "handleCallback",
    [`${callback}?code=${refresh}&state=unknown`],
    [`${callback}?code=${refresh}&code=${access}&state=x`],
    [`${callback}?code=${refresh}`],
    [`${callback}?state=${refresh}`],
    [`${callback}?code=${refresh}&state=x&error=${access}`],
    [`${callback}?state=x&error=${access}&error_description=${refresh}`],
    [`${callback}?code=x&state=x&access_token=${access}`],
    [`${callback}?code=x&state=x&id_token=${id}`],
    [`${callback}?code=${refresh}%00&state=x`],
    [`${callback}?code=${refresh}&state=${"x".repeat(300)}`],
    [`${callback}#access_token=${access}`],
    [`not a URL ${access}`],
    [42],
  );
  each(
    "signIn",
    [{ returnTo: "https://example.com/" }],
    [{ returnTo: `//${refresh}.example.com/` }],
    [{ returnTo: 1 }],
    [{ extraParams: { state: access } }],
    [{ extraParams: { client_id: refresh } }],
    [{ extraParams: { code_verifier: access } }],
    [{ extraParams: access }],
    [{ nope: access }],
    [{ mode: refresh }],
    [{ mode: "silent" }],
    [{ maxAge: access }],
    [{ claims: `{"a":"${access}"` }],
    [{ prompt: 1 }],
  );
  each("exportAccessToken", [], [access], [{ resource: refresh }]);
  each("setApiKey", ["k", `${access}\n`], ["k", ""], [access, "x"], ["k", `é${access}`]);
  each("setSigningKey", ["k", 1], [refresh, new Array(32).fill(1)]);
  each("signInWithPassword", [access, refresh], [1, 2]);
  each("frontChannelLogout", []);
  each(
    "create",
    [{}],
    [{ issuer: access, clientId: refresh, redirectUri: "/" }],
    [{ clientSecret: access }],
    [{ nope: refresh }],
    [{ vaultUrl: `https://example.com/${access}` }],
    [{ isolation: refresh }],
    [{ resources: [{ origin: access }] }],
    [{ resources: access }],
    [{ apiKeys: { k: { header: `${access}\n` } } }],
    [{ scope: [access, 1] }],
    [{ extraParams: { client_id: access } }],
  );
  return calls;
}
