// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { options, page, turn } from "./page.mjs";

/**
 * A vault with a journal, which answers as the real one: at once, or when there is something later.
 *
 * @param {{ serial: number, at: number }[]} journal
 */
function vault(journal) {
  /** @type {{ message: import("./edge.mjs").Message, worker: import("./edge.mjs").Worker }[]} */
  let waiting = [];
  const asked = { count: 0 };
  const answer = (/** @type {typeof waiting[number]} */ { message, worker }) => {
    const { id, after = 0 } = message;
    const events = JSON.stringify(journal.filter(({ serial }) => serial > after));
    worker.say({ type: "events", id, events });
  };
  return {
    asked,
    note: (/** @type {number} */ serial, at = Date.now()) => {
      journal.push({ serial, at });
      for (const one of waiting.splice(0)) answer(one);
    },
    /** The vault dies with what it knew. */
    forget: () => {
      journal.length = 0;
      waiting = [];
    },
    hear: (
      /** @type {import("./edge.mjs").Message} */ message,
      /** @type {import("./edge.mjs").Worker} */ worker,
    ) => {
      if (message.type !== "events") return;
      asked.count++;
      const one = { message, worker };
      if (message.after === undefined || message.after !== (journal.at(-1)?.serial ?? 0))
        answer(one);
      else waiting.push(one);
    },
  };
}

test("diagnostics are what the vault keeps, frozen", async () => {
  const told = vault([{ serial: 7, at: 1 }]);
  const { createClient } = await page({ vault: told.hear });
  const events = await createClient(options()).diagnostics();
  assert.deepEqual(events, [{ serial: 7, at: 1 }]);
  assert.ok(Object.isFrozen(events) && Object.isFrozen(events[0]));
});

test("a listener hears what happens from then on, each event once, and no more after it left", async () => {
  const told = vault([{ serial: 1, at: 1 }]);
  const { createClient } = await page({ vault: told.hear });
  const auth = createClient(options());
  /** @type {number[]} */
  const first = [];
  /** @type {number[]} */
  const second = [];
  const stopLoud = auth.onEvent(() => {
    throw new Error("a listener's own fault");
  });
  const reported = reports();
  const stop = auth.onEvent(({ serial }) => first.push(serial));
  const stopToo = auth.onEvent(({ serial }) => second.push(serial));
  await until(() => told.asked.count === 2);
  told.note(2);
  await until(() => told.asked.count === 3);
  stop();
  told.note(3);
  await until(() => told.asked.count === 4);
  assert.deepEqual([first, second], [[2], [2, 3]]);
  assert.equal(reported.length, 2);
  assert.equal(told.asked.count, 4, "one question at a time, however many listen");
  stopToo();
  stopLoud();
  told.note(4);
  await turn();
  await turn();
  assert.equal(told.asked.count, 4, "nobody listens any more");
});

test("what happened before the script was there is told, if it was after the call", async () => {
  const told = vault([]);
  const { createClient } = await page({ vault: told.hear });
  const auth = createClient(options());
  /** @type {number[]} */
  const heard = [];
  auth.onEvent(({ serial }) => heard.push(serial));
  told.note(1);
  await until(() => heard.length > 0);
  assert.deepEqual(heard, [1]);
});

test("the next vault is heard too, and the same one again without repetition", async () => {
  const told = vault([]);
  const { createClient, page: events } = await page({ vault: told.hear });
  const auth = createClient(options());
  /** @type {number[]} */
  const heard = [];
  auth.onEvent(({ serial }) => heard.push(serial));
  await auth.ready;
  await until(() => told.asked.count === 2);
  told.note(1);
  await until(() => told.asked.count === 3);
  // Into the back/forward cache and out of it: the vault lived on.
  events.dispatchEvent(new Event("pagehide"));
  await turn();
  const before = told.asked.count;
  told.note(2);
  await turn();
  assert.equal(told.asked.count, before, "a page that is not there asks nothing");
  events.dispatchEvent(new Event("pageshow"));
  await until(() => heard.length === 2 && told.asked.count === before + 2);
  assert.deepEqual(heard, [1, 2]);
  // And once more, to a vault that begins anew.
  events.dispatchEvent(new Event("pagehide"));
  told.forget();
  events.dispatchEvent(new Event("pageshow"));
  await until(() => told.asked.count === before + 4);
  told.note(1, Date.now() + 1);
  await until(() => heard.length === 3);
  assert.deepEqual(heard, [1, 2, 1]);
});

test("what happened while nobody listened is nothing to the next listener", async () => {
  const told = vault([]);
  const { createClient } = await page({ vault: told.hear });
  const auth = createClient(options());
  const stop = auth.onEvent(() => {});
  await until(() => told.asked.count === 2);
  stop();
  told.note(1);
  await turn();
  told.note(2, Date.now() - 1000);
  /** @type {number[]} */
  const heard = [];
  auth.onEvent(({ serial }) => heard.push(serial));
  await until(() => told.asked.count === 4);
  told.note(3);
  await until(() => heard.length > 0);
  assert.deepEqual(heard, [3]);
});

test("a listener that another one stopped in the same round is not called", async () => {
  const told = vault([]);
  const { createClient } = await page({ vault: told.hear });
  const auth = createClient(options());
  let stop = () => {};
  /** @type {number[]} */
  const heard = [];
  auth.onEvent(() => stop());
  stop = auth.onEvent(({ serial }) => heard.push(serial));
  await until(() => told.asked.count === 2);
  told.note(1);
  await until(() => told.asked.count === 3);
  told.note(2);
  await until(() => told.asked.count === 4);
  assert.deepEqual(heard, []);
});

test("without a listener nothing is asked", async () => {
  const told = vault([]);
  const { createClient } = await page({ vault: told.hear });
  const auth = createClient(options());
  await auth.ready;
  auth.subscribe(() => {});
  await turn();
  assert.equal(told.asked.count, 0);
  auth.close();
  await assert.rejects(auth.diagnostics(), { code: "closed" });
});

/** @param {() => boolean} isSo waits until it is, as long as a slow machine may take */
async function until(isSo) {
  for (let n = 0; n < 300 && !isSo(); n++) await turn();
}

/** What listeners threw. */
function reports() {
  /** @type {unknown[]} */
  const reported = [];
  Object.assign(globalThis, { reportError: (/** @type {unknown} */ e) => reported.push(e) });
  return reported;
}
