// @ts-check
// `auth.fetch` is the page's own `fetch` with a credential: what goes in, what comes out, aborts,
// streams, and the one retry after a refused token.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

// The vault's policy lets it go wherever a test sends it.
const e2e = suite({ vaultConnects: "http://localhost:* http://127.0.0.1:*" });

const sha256 = (/** @type {string | Uint8Array} */ bytes) =>
  createHash("sha256").update(bytes).digest("hex");

test("input is a string, a URL or a Request; fetch needs no `this`", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const answers = await tab.run(async (auth, api) => {
    const { fetch } = auth;
    const responses = [
      await fetch(`${api}/me`),
      await fetch(new URL(`${api}/me`)),
      await fetch(new Request(`${api}/me`)),
      await fetch(new Request(`${api}/me`), { method: "PUT" }),
      await fetch(`${api.toUpperCase()}/me#fragment`),
    ];
    return responses.map((response) => [
      response.status,
      response.ok,
      response.url,
      response.redirected,
      response.type,
      response instanceof Response,
    ]);
  }, e2e.servers.api);
  const plain = [200, true, `${e2e.servers.api}/me`, false, "cors", true];
  assert.deepEqual(answers.slice(0, 4), [plain, plain, plain, plain]);
  assert.equal(answers[4]?.[0], 200);
  assert.deepEqual(
    app.calls().map(({ method, url }) => `${method} ${url}`),
    ["GET /me", "GET /me", "GET /me", "PUT /me", "GET /me"],
  );
});

test("methods and headers arrive as they were given", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "post"];
  const statuses = await tab.run(
    async (auth, api, methods) => {
      const statuses = [];
      for (const method of methods) {
        const headers = { "X-Test": `of ${method}`, "X-Request-Id": "ä".normalize("NFD")[0] ?? "" };
        statuses.push((await auth.fetch(`${api}/echo`, { method, headers })).status);
      }
      return statuses;
    },
    e2e.servers.api,
    methods,
  );
  assert.deepEqual(statuses, Array(7).fill(200));
  const [access] = app.tokens("access");
  for (const [at, call] of app.calls().entries()) {
    assert.equal(call.method, methods[at]?.toUpperCase());
    assert.equal(call.headers["x-test"], `of ${methods[at]}`);
    assert.equal(call.headers["x-request-id"], "a");
    assert.equal(call.headers.authorization, `Bearer ${access?.token}`);
    assert.equal(call.headers.cookie, undefined);
  }
});

test("bodies of every kind arrive byte by byte, with their content type", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await tab.run(async (auth, api) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    const form = new FormData();
    form.append("text", "value with ä");
    form.append('a "name"\nof two', "two\nlines");
    form.append("file", new File([bytes], "bytes.bin", { type: "application/x-test" }));
    const bodies = [
      "text with ä",
      new URLSearchParams({ a: "1 2", b: "ä" }),
      new Blob([bytes], { type: "Image/PNG" }),
      bytes.buffer,
      new DataView(bytes.buffer, 10, 20),
      form,
      "",
      null,
    ];
    for (const body of bodies) await auth.fetch(`${api}/echo`, { method: "POST", body });
  }, e2e.servers.api);

  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  const calls = app.calls().map(({ bodySha256, bodyLength, headers }) => ({
    bodySha256,
    bodyLength,
    type: headers["content-type"],
  }));
  const expected = [
    ["text/plain;charset=UTF-8", "text with ä"],
    ["application/x-www-form-urlencoded;charset=UTF-8", "a=1+2&b=%C3%A4"],
    ["image/png", bytes],
    [undefined, bytes],
    [undefined, bytes.subarray(10, 30)],
  ];
  for (const [at, [type, body]] of expected.entries()) {
    assert.equal(calls[at]?.type, type, `the type of body ${at}`);
    assert.equal(calls[at]?.bodySha256, sha256(/** @type {any} */ (body)), `body ${at}`);
  }
  // A form's boundary is the browser's own choice; its parts and the case of the boundary are not.
  assert.match(String(calls[5]?.type), /^multipart\/form-data; boundary=\S+$/);
  const boundary = String(calls[5]?.type).split("boundary=")[1] ?? "";
  assert.equal(calls[5]?.bodySha256, sha256(multipart(boundary, bytes)), "the form");
  assert.deepEqual([calls[6]?.bodyLength, calls[7]?.bodyLength], [0, 0]);
});

test("a body that is a stream arrives, and is sent again after a refused token", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  app.refuseTokens();
  const [sendsStreams, status] = await tab.run(async (auth, api) => {
    const pieces = ["one ", "two ", "three"];
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        const piece = pieces.shift();
        if (piece) controller.enqueue(new TextEncoder().encode(piece));
        else controller.close();
      },
    });
    const init = { method: "POST", body, duplex: "half" };
    // A browser without such bodies makes a text of the stream.
    const usual = new Request("/", { ...init, body: new ReadableStream() });
    const { status } = await auth.fetch(`${api}/echo`, init);
    return [!usual.headers.has("content-type"), status];
  }, e2e.servers.api);
  assert.equal(status, 200);
  const sent = sha256(sendsStreams ? "one two three" : "[object ReadableStream]");
  assert.deepEqual(
    app.calls().map(({ status, bodySha256 }) => [status, bodySha256]),
    [
      [401, sent],
      [200, sent],
    ],
  );
});

test("a body of 5 MB arrives whole", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const status = await tab.run(async (auth, api) => {
    const body = new Uint8Array(5_000_000).map((_, at) => at % 251);
    return (await auth.fetch(`${api}/echo`, { method: "POST", body })).status;
  }, e2e.servers.api);
  assert.equal(status, 200);
  const expected = new Uint8Array(5_000_000).map((_, at) => at % 251);
  assert.equal(app.calls()[0]?.bodySha256, sha256(expected));
});

test("an answer streams: its first piece is there before its last is sent", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const seen = await tab.run(async (auth, api) => {
    // So slow that it would take minutes: whoever waits for the end does not get here.
    const response = await auth.fetch(`${api}/stream?chunks=10000&delay=100`);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    while (!text.includes("chunk 2\n")) {
      const { value, done } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    await reader.cancel();
    return text;
  }, e2e.servers.api);
  assert.ok(seen.startsWith("chunk 0\nchunk 1\nchunk 2\n"), seen);
  // Nobody reads on, so the connection is given up.
  await eventually("the end of the connection", async () => app.calls()[0]?.aborted === true);
});

test("an answer of many pieces arrives whole and in order", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const { text } = await tab.call(`${e2e.servers.api}/stream?chunks=5000`);
  const expected = Array.from({ length: 5000 }, (_, at) => `chunk ${at}\n`).join("");
  assert.equal(sha256(text), sha256(expected));
});

test("empty answers, clones and every reader work as those of the browser", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const seen = await tab.run(async (auth, api) => {
    const empty = await auth.fetch(`${api}/status/204`);
    const clone = (await auth.fetch(`${api}/me`)).clone();
    const twice = await auth.fetch(`${api}/me`);
    const copy = twice.clone();
    const [a, b] = [await twice.json(), await copy.text()];
    const used = await twice.text().catch((/** @type {Error} */ error) => error.name);
    return {
      empty: [empty.status, empty.body, await empty.text()],
      clone: [clone.url, clone.type, clone.redirected, clone.status],
      same: JSON.stringify(a) === JSON.stringify(JSON.parse(b)),
      used,
      blob: (await (await auth.fetch(`${api}/me`)).blob()).type,
      bytes: (await (await auth.fetch(`${api}/me`)).arrayBuffer()).byteLength,
      header: (await auth.fetch(`${api}/me`)).headers.get("content-type"),
      hidden: (await auth.fetch(`${api}/me`)).headers.get("vary"),
    };
  }, e2e.servers.api);
  assert.deepEqual(seen.empty, [204, null, ""]);
  assert.deepEqual(seen.clone, [`${e2e.servers.api}/me`, "cors", false, 200]);
  assert.equal(seen.same, true);
  assert.equal(seen.used, "TypeError");
  assert.equal(seen.blob, "application/json");
  assert.ok(seen.bytes > 10);
  assert.equal(seen.header, "application/json");
  assert.equal(seen.hidden, null, "CORS does not expose it");
});

test("a status never throws (br6)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  for (const status of [400, 403, 404, 418, 429, 500, 503]) {
    const answer = await tab.call(`${e2e.servers.api}/status/${status}`);
    assert.deepEqual([answer.status, JSON.parse(answer.text)], [status, { status }]);
  }
  assert.equal(app.counts().refreshRequests, 0, "none of them is about the token");
  assert.equal(app.calls().length, 7);
});

test("an abort rejects with its reason, before, during and after the answer's head", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const early = await tab.run(async (auth, api) => {
    const reason = new Error("no longer wanted");
    const before = await auth
      .fetch(`${api}/me`, { signal: AbortSignal.abort(reason) })
      .catch((/** @type {unknown} */ error) => error === reason);
    const timeout = await auth
      .fetch(`${api}/slow?ms=60000`, { signal: AbortSignal.timeout(100) })
      .catch((/** @type {Error} */ error) => error.name);
    window.tw.abort = new AbortController();
    window.tw.first = auth
      .fetch(`${api}/slow?ms=60000&during`, { signal: window.tw.abort.signal })
      .catch((/** @type {Error} */ error) => error.name);
    return { before, timeout };
  }, e2e.servers.api);
  assert.deepEqual(early, { before: true, timeout: "TimeoutError" });
  const arrived = () => app.calls().some(({ url }) => url.endsWith("during"));
  await eventually("the call at the API", async () => arrived());
  const late = await tab.run(async (auth, api) => {
    const reason = new Error("no longer wanted");
    window.tw.abort?.abort();
    const during = await window.tw.first;
    const late = new AbortController();
    const response = await auth.fetch(`${api}/stream?chunks=10000&delay=100`, {
      signal: late.signal,
    });
    late.abort(reason);
    const after = await response.text().catch((/** @type {unknown} */ error) => error === reason);
    return { during, after };
  }, e2e.servers.api);
  assert.deepEqual(late, { during: "AbortError", after: true });
  await eventually("the end of all connections", async () =>
    app.calls().every(({ aborted }) => aborted),
  );
  // The one with a time limit may have come to it before it was sent.
  const sent = app.calls().map(({ url }) => url);
  assert.deepEqual(
    sent.filter((url) => url !== "/slow?ms=60000"),
    ["/slow?ms=60000&during", "/stream?chunks=10000&delay=100"],
  );
  assert.ok(sent.length <= 3, sent.join());
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

test("an abort of one call does not cancel the refresh that others wait for", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  app.refuseTokens();
  app.planFault({ grantType: "refresh_token", hold: true });
  const { faults } = e2e.servers.direct.provider;
  await tab.run((auth, api) => {
    window.tw.abort = new AbortController();
    window.tw.first = auth
      .fetch(`${api}/me`, { signal: window.tw.abort.signal })
      .catch((/** @type {Error} */ error) => error.name);
    window.tw.second = auth.fetch(`${api}/me`);
  }, e2e.servers.api);
  await eventually("the refresh at the provider", async () => faults.held === 1);
  const first = await tab.run(() => {
    window.tw.abort.abort();
    return window.tw.first;
  });
  assert.equal(first, "AbortError");
  faults.release();
  const second = await tab.run(async () => (await window.tw.second).status);
  assert.equal(second, 200);
  assert.equal(app.counts().refreshRequests, 1);
});

test("a refused token is renewed and the call repeated once, with its body (br5)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  app.refuseTokens();
  const answer = await tab.call(`${e2e.servers.api}/echo`, { method: "POST", body: "again" });
  assert.equal(answer.status, 200);
  const calls = app.calls();
  assert.deepEqual(
    calls.map(({ status, bodySha256 }) => [status, bodySha256]),
    [
      [401, sha256("again")],
      [200, sha256("again")],
    ],
  );
  assert.notEqual(calls[0]?.headers.authorization, calls[1]?.headers.authorization);
  assert.deepEqual([app.counts().refreshesSucceeded, app.counts().reuses], [1, 0]);
});

test("an API that refuses the new token too gets no third try, and its answer is returned", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  e2e.servers.direct.api.refuseNext(1000);
  const answer = await tab.call(`${e2e.servers.api}/me`);
  assert.equal(answer.status, 401);
  assert.equal(app.calls().length, 2);
  assert.equal(app.counts().refreshRequests, 1);
  assert.equal((await tab.state()).status, "signedIn");
});

test("a body too large to be kept is sent once, and its 401 is returned", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  app.refuseTokens();
  const send = () =>
    tab.run(async (auth, api) => {
      const body = new Uint8Array(2 * 1024 * 1024);
      const { status, unrepeated } = await auth.fetch(`${api}/echo`, { method: "POST", body });
      return [status, unrepeated];
    }, e2e.servers.api);
  assert.deepEqual(await send(), [401, true]);
  assert.equal(app.calls().length, 1);
  // The refusal is known: the next one goes out with another token.
  assert.deepEqual(await send(), [200, false]);
  assert.equal(app.calls().length, 2);
});

test("a network failure is a TypeError, and so is an answer without CORS permission (br8)", async () => {
  const { control, api } = e2e.servers;
  const app = await e2e.application({
    options: { resources: [{ origin: api }, { origin: control }, { origin: FREE }] },
  });
  const tab = await app.openSignedIn();
  // Nobody listens at the one; the other answers no page.
  for (const origin of [FREE, control]) {
    const failed = tab.run((auth, url) => auth.fetch(url), `${origin}/`);
    await assert.rejects(failed, { name: "TypeError", isAuthError: false }, origin);
  }
  assert.equal(app.counts().refreshRequests, 0);
  assert.equal((await tab.call(`${api}/me`)).status, 200);
});

test("an answer to one is not kept for another: calls bypass the cache unless told (br9)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await tab.call(`${e2e.servers.api}/me`);
  await tab.call(`${e2e.servers.api}/me`);
  assert.equal(app.calls().length, 2);
  for (const { headers } of app.calls()) assert.equal(headers["cache-control"], "no-cache");
});

test("a call waits while the session is being found out, and needs no `ready`", async () => {
  const app = await e2e.application({ page: { start: false } });
  const tab = await app.open();
  await assert.rejects(
    tab.run((auth, url) => auth.fetch(url), `${e2e.servers.api}/me`),
    authError("not_signed_in", /signIn/),
  );
  await tab.signIn();
  await app.keepVault();
  await app.open();
  // The page's first word is a call. Where its vault went with it, `restore.test.mjs` has the same.
  if (place.sharesTabs) assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

/** A loopback port that nobody listens on and browsers do not block. */
const FREE = "http://localhost:8099";

/**
 * @param {string} boundary
 * @param {Uint8Array} file
 */
function multipart(boundary, file) {
  const part = (/** @type {string} */ disposition) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}`;
  return Buffer.concat([
    Buffer.from(`${part('name="text"')}\r\n\r\nvalue with ä\r\n`),
    Buffer.from(`${part('name="a %22name%22%0D%0Aof two"')}\r\n\r\ntwo\r\nlines\r\n`),
    Buffer.from(`${part('name="file"; filename="bytes.bin"')}\r\n`),
    Buffer.from("Content-Type: application/x-test\r\n\r\n"),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
}

test("an answer that repeats the token is not handed on (credential_reflected)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const seen = await tab.run(async (auth, api) => {
    const told = (/** @type {any} */ error) => [error.name, error.code];
    const read = (/** @type {string} */ where) =>
      auth
        .fetch(`${api}/reflect/${where}`)
        .then((/** @type {Response} */ response) => response.text());
    const outcomes = [];
    for (const where of ["header", "body", "pieces"]) outcomes.push(await read(where).catch(told));
    /** @type {string[]} */
    const pieces = [];
    /** @type {Response} */
    const { body } = await auth.fetch(`${api}/reflect/pieces`);
    const reader = body?.getReader();
    for (let isOver = false; reader && !isOver; ) {
      await reader.read().then(
        ({ value, done }) => {
          if (value) pieces.push(new TextDecoder().decode(value));
          isOver = done;
        },
        () => {
          isOver = true;
        },
      );
    }
    return { outcomes, pieces: pieces.join(""), beginning: await read("beginning") };
  }, e2e.servers.api);
  const reflected = ["AuthError", "credential_reflected"];
  assert.deepEqual(seen.outcomes, [reflected, reflected, reflected]);
  const [call] = app.calls();
  const sent = String(call?.headers.authorization);
  assert.ok(sent.length > 100);
  // What only begins like it is whole; of what was cut off, no more than its first letters.
  assert.equal(seen.beginning, `Your token begins with ${sent.slice(0, -1)}`);
  assert.ok(seen.pieces.length <= "Bearer ".length + 8, seen.pieces);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});
