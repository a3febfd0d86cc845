// The points at which a scenario changes what the provider does. Each gets what an honest one would
// send, may change it, and may give something else instead; an issuer without a scenario is honest.

import type { Issuer } from "./issuer.mjs";
import type { Draft } from "./keys.mjs";

/** An HTTP answer; a body that is a text is sent as it is. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: scenarios put in it what no type allows
  body: any;
}

export interface Scenario {
  /** Before anything is asked: other keys, other paths. */
  setup?: (issuer: Issuer) => void;
  /** The discovery document. */
  metadata?: (answer: Answer, issuer: Issuer) => void;
  /** The JWK set. */
  keys?: (answer: Answer, issuer: Issuer) => void;
  /** The parameters with which the browser is sent back; a text is the whole query. */
  callback?: (query: URLSearchParams, issuer: Issuer) => unknown;
  /** The ID token's header, claims and key; `grantType` is that of the request. */
  idToken?: (draft: Draft, issuer: Issuer, grantType: string) => void;
  /** The ID token once it is signed. */
  signed?: (token: string, issuer: Issuer) => string;
  /** The token endpoint's good answer. */
  token?: (answer: Answer, issuer: Issuer, grantType: string) => void;
  userinfo?: (answer: Answer, issuer: Issuer) => void | Promise<void>;
  /** The resource's answer, whose own origin asks the issuer whom a token is for. */
  resource?: (answer: Answer, issuer: Issuer) => void;
  /** The nonce that DPoP proofs must have at an endpoint (`token`, `resource`). */
  nonce?: (endpoint: string, issuer: Issuer) => string | undefined;
  /** The answer to a DPoP proof that is refused. */
  challenge?: (answer: Answer, issuer: Issuer) => void;
  /** The parameters with which the browser comes back from logout. */
  loggedOut?: (query: URLSearchParams, issuer: Issuer) => void;
}
