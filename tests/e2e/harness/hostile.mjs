// @ts-check
// Stories at the scripted provider: an application with an issuer of its own, or, for lies that a
// session is to survive, one that stays signed in from test to test.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { startHostileProvider } from "../../servers/hostile-provider.mjs";
import { suite } from "./suite.mjs";
import { assertAuthErrorInfo } from "./tab.mjs";

/** @typedef {import("../../servers/hostile/points.js").Scenario} Scenario */
/** @typedef {import("../../servers/hostile/issuer.mjs").Issuer} Issuer */
/** @typedef {{ state: any, error: any, returnTo?: string }} Outcome of a way back */
/**
 * @typedef {object} Wanted
 * @property {import("../app/page.js").Options} [options] beside the usual ones
 * @property {import("./suite.mjs").Wanted["page"]} [page]
 * @property {(app: import("./suite.mjs").Application) =>
 *   Partial<import("../../servers/hostile/issuer.mjs").Client>} [client] likewise
 */

export function hostileSuite() {
  // Where a lie sends something, no policy stops it: what stops it is the vault.
  const e2e = suite({ vaultConnects: "http://localhost:* http://127.0.0.1:*" });
  const stage = new Stage(e2e);
  before(() => stage.open());
  after(() => stage.provider?.close());
  return stage;
}

class Stage {
  /** @type {import("../../servers/hostile-provider.mjs").HostileProvider} */
  provider = /** @type {any} */ (undefined);
  /** @type {Story | undefined} */
  #known;

  /** @param {import("./suite.mjs").Suite} e2e */
  constructor(e2e) {
    this.e2e = e2e;
  }

  async open() {
    this.provider = await startHostileProvider();
  }

  /**
   * A page that nobody is signed in at, and an issuer that plays the scenario.
   *
   * @param {Scenario} [scenario]
   * @param {Wanted} [wanted]
   */
  async begin(scenario = {}, { options, page, client } = {}) {
    const app = await this.e2e.application();
    const issuer = this.provider.issuer({
      clientId: app.clientId,
      redirectUri: app.callback,
      postLogoutRedirectUri: app.base,
      ...client?.(app),
    });
    issuer.play(scenario);
    const resources = [{ origin: this.provider.resource }];
    await app.settle({ page, options: { issuer: issuer.url, resources, ...options } });
    return new Story(app, issuer, await app.open(), this.provider.accounts(issuer));
  }

  /**
   * A page where somebody is signed in, of an issuer that was honest until now and has told all that
   * is public of it.
   *
   * @param {Scenario} scenario from now on
   */
  async signedIn(scenario) {
    this.#known ??= await this.begin();
    const { app, issuer, accounts } = this.#known;
    issuer.play({});
    await app.keepVault();
    const tab = await app.open();
    await app.untilSignedIn(tab);
    issuer.play(scenario);
    return new Story(app, issuer, tab, accounts);
  }
}

export class Story {
  /**
   * @param {import("./suite.mjs").Application} app
   * @param {Issuer} issuer
   * @param {import("./tab.mjs").Tab} tab
   * @param {string} accounts an address at the issuer's resource
   */
  constructor(app, issuer, tab, accounts) {
    this.app = app;
    this.issuer = issuer;
    this.tab = tab;
    this.accounts = accounts;
  }

  /**
   * To the provider, which answers at once, and back.
   *
   * @param {Record<string, unknown>} [asked]
   * @returns {Promise<Outcome>}
   */
  async signIn(asked) {
    await this.tab.leave(asked);
    return this.returned();
  }

  /**
   * Out at the provider too, and back.
   *
   * @param {Record<string, unknown>} [options]
   * @returns {Promise<Outcome>}
   */
  async signOut(options = {}) {
    await this.tab.run((auth, options) => {
      window.tw.left = true;
      auth.signOut(options).catch((/** @type {unknown} */ error) => {
        window.tw.failure = String(error);
      });
    }, options);
    return this.returned();
  }

  /** @returns {Promise<Outcome>} once a page that was not left is ready */
  async returned() {
    const outcome = await this.tab.until("the way back", (auth) => {
      if (window.tw?.failure) throw new Error(`it did not leave: ${window.tw.failure}`);
      if (!auth || window.tw.left) return false;
      return auth.ready.then(() => ({
        state: auth.state,
        error: auth.callbackError && {
          ...auth.callbackError,
          message: auth.callbackError.message,
        },
        returnTo: auth.returnTo,
      }));
    });
    // JSON has no `undefined`.
    return { ...outcome, error: outcome.error ?? undefined };
  }

  /** A call to the resource with the session's token. */
  call() {
    return this.tab.call(this.accounts);
  }

  /**
   * What was asked of the issuer, but for what gives tokens back that came with a lie. Whoever gave
   * others back would be seen by the next call.
   */
  steps() {
    return this.issuer.steps().filter((step) => step !== "revocation");
  }

  /**
   * @param {string} endpoint
   * @returns {import("../../servers/hostile/issuer.mjs").Asked[]}
   */
  asked(endpoint) {
    return this.issuer.requests().filter((asked) => asked.endpoint === endpoint);
  }

  /** @returns {(string | undefined)[]} what each call to the resource carried */
  authorizations() {
    return this.asked("resource").map(({ headers }) => headers.authorization);
  }
}

/**
 * The callback was refused, and nobody was signed in before.
 *
 * @param {Outcome} outcome
 * @param {string} code
 * @param {RegExp} says
 */
export function assertRefused({ state, error }, code, says) {
  assertAuthErrorInfo(error, code, says);
  assert.deepEqual([state.status, state.reason], ["signedOut", "callback_failed"]);
  assertAuthErrorInfo(state.error, code, says);
}

/**
 * The callback was refused, and whoever was signed in still is.
 *
 * @param {Outcome} outcome
 * @param {any} before the state
 * @param {string} code
 * @param {RegExp} says
 */
export function assertKept({ state, error }, before, code, says) {
  assertAuthErrorInfo(error, code, says);
  assert.deepEqual(
    [state.status, state.claims, state.expiresAt],
    ["signedIn", before.claims, before.expiresAt],
  );
}
