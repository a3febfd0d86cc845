/** The options of `createClient`: their shape is checked here, their meaning by the vault. */

import { failure } from "./error.js";
import { OPTIONS } from "./generated/options.js";
import type { Place } from "./places/place.js";

/** An origin that a credential may go to. */
export interface Resource {
  /** Scheme, host and port: `https://api.example.com`. */
  origin: string;
  /** Path prefixes, by whole segments; every path where absent. */
  paths?: readonly string[];
  /** Methods; every method where absent. */
  methods?: readonly string[];
  /**
   * Whom its access token is for, by the provider's name: an absolute URI (RFC 8707). Resources of one
   * name share one token; those without have the default one.
   */
  resource?: string;
  /** Which credential it takes: the access token, or by its name one of `apiKeys` or `signatures`. */
  credential?: "bearer" | `apiKey:${string}` | `signature:${string}`;
}

/** An API key that resources take. The key itself is handed in with `setApiKey`, or fetched. */
export interface ApiKey {
  /** The header that it is written into; `X-API-Key` where absent. */
  header?: string;
  /** What stands before it there, with its space: `"Key "`. */
  prefix?: string;
  /** Where the vault fetches it: an address of this origin, which answers `{ "key": "…" }`. */
  endpoint?: string;
}

/** A signature on each request (RFC 9421, `hmac-sha256`). Its key is handed in with `setSigningKey`, or fetched. */
export interface RequestSignature {
  /** By which the server finds the key. */
  keyId: string;
  /**
   * What is signed: headers in lower case, `@method`, `@query-param;name="…"`, and so on (RFC 9421, 2);
   * `["@method", "@authority", "@path", "@query"]` where absent. The digest of a body always is.
   */
  components?: readonly string[];
  /** Which application the signature is for. */
  tag?: string;
  /** For how long it is good, in seconds; 300 where absent. */
  expiresInS?: number;
  /** What it is called in `Signature` and `Signature-Input`; `sig1` where absent. */
  label?: string;
  /**
   * What must be signed of an answer, with the same key, before you get it: its status and its body
   * (`"signed"`), or the request's signature, too (`"bound"`), so that no answer to another request will do.
   * Nothing where absent.
   */
  responses?: "signed" | "bound";
  /** Where the vault fetches the key: an address of this origin, which answers `{ "key": "…" }`, in base64url. */
  endpoint?: string;
}

/** The provider's endpoints, for one without a discovery document. */
export interface Endpoints {
  authorization: string;
  token: string;
  revocation?: string;
  endSession?: string;
  /** The provider's keys: required with the scope `openid`. */
  jwks?: string;
  userinfo?: string;
  pushedAuthorizationRequest?: string;
  /** What it signs ID tokens with; `["RS256"]` where absent. */
  idTokenSigningAlgValuesSupported?: readonly string[];
}

/** A backend that keeps the refresh token (RFC 10017, 6.2). */
export interface RefreshCookie {
  /** Where codes are exchanged and tokens are renewed: an absolute URL. */
  token: string;
  /** Where a sign-out is told, so that the cookie goes. */
  revocation: string;
  /** The header, with the value `1`, without which the backend answers nobody; `"X-Tokenward"` where absent. */
  header?: string;
}

/** What `createClient` takes. Up to `timeouts`, options define the session: clients that agree in them share it. */
export interface ClientOptions {
  /** The provider's issuer identifier, exactly as it writes it. */
  issuer: string;
  /** The client identifier that the provider gave out. */
  clientId: string;
  /** Where the provider sends people back to: a URL of this origin, or a path. */
  redirectUri: string;
  /**
   * The same for hidden frames, which `signIn({ mode: "silent" })` needs: the page that `npx tokenward
   * init` puts beside the vault, `/tokenward/callback.html`.
   */
  silentRedirectUri?: string;
  /** Scopes to ask for; `["openid"]` where absent. */
  scope?: readonly string[];
  /** Where the access token and other credentials may go. Nowhere else. */
  resources: readonly Resource[];
  /**
   * Whom the default access token is for, by the provider's names (RFC 8707). Where it is absent: for the
   * first `resource` among `resources`, or whomever the provider takes.
   */
  resource?: readonly string[];
  /** API keys that resources take, by names of your own. */
  apiKeys?: Readonly<Record<string, ApiKey>>;
  /** Signatures that resources take, by names of your own. */
  signatures?: Readonly<Record<string, RequestSignature>>;
  /** Static metadata, instead of discovery. */
  endpoints?: Endpoints;
  /** More parameters for the authorization request. */
  extraParams?: Readonly<Record<string, string>>;
  /** Whether authorization requests are pushed to the provider (RFC 9126), also where it does not require that. */
  pushAuthorizationRequests?: boolean;
  /** Whether tokens are bound to a key of the vault's (DPoP, RFC 9449), instead of bearer tokens. */
  dpop?: boolean;
  /** What a sign-out does at the provider. */
  logout?: {
    postLogoutRedirectUri?: string;
    endSession?: boolean;
    /** Sends the ID token along, for a provider that asks for it: it passes through the page and its address. */
    idTokenHint?: "expose";
  };
  /**
   * What becomes of a session whose vault is gone: the provider is asked (`prompt=none`), by a page that goes
   * there and comes back, or nothing. With `"frame"` it is asked in a hidden frame first, and the page stays
   * where that does; only where `npx tokenward init --config` wrote that into the vault, and with
   * `silentRedirectUri`.
   */
  restore?: "frame" | "redirect" | "none";
  /**
   * Whether the refresh token is also in IndexedDB, so that the session outlives its vault without a way to
   * the provider: encrypted under a key that no script can export, though any script of this origin can use
   * it. `"sealed"` needs `dpop`: what a script takes is then worth as much as the proofs that it signed here
   * beforehand. `"sealed-unbound"` does without: a script that runs here once may take the refresh token and
   * use it anywhere. `"memory"` where absent.
   */
  persistence?: "memory" | "sealed" | "sealed-unbound";
  /**
   * A backend of yours that keeps the refresh token behind a cookie, and takes token requests in the provider's
   * place; only where `npx tokenward init --config` wrote that into the vault.
   */
  refreshCookie?: RefreshCookie;
  /** Whether `exportAccessToken()` may hand the access token to the page. */
  allowTokenExport?: boolean;
  /** Whether `signInWithPassword()` may take a password: RFC 9700 forbids it, so for migrations alone. */
  allowPasswordGrant?: "deprecated";
  /** How long the provider may take to answer. */
  timeouts?: { networkMs?: number };

  /**
   * Where the vault runs: in a `SharedWorker`, in a dedicated `Worker`, or with `"none"` in the page
   * itself, which promises no isolation. `"shared"` where the browser has it, else `"worker"`.
   */
  isolation?: "shared" | "worker" | "none";
  /** Where `npx tokenward init` put the vault: `/tokenward/vault.js`. */
  vaultUrl?: string;
  /**
   * Whether the empty service worker beside `vaultUrl` hides the vault from the application's own. Without it,
   * one that covers the vault's script may see every credential: the console says so, `vault_exposed`.
   */
  serviceWorker?: "shield" | "none";
  /** Whether the client looks for a callback by itself, or `handleCallback` brings it. */
  callback?: "auto" | "manual";
}

/** Options of a client whose vault has an origin, and so a configuration, of its own. */
export interface OriginOptions {
  /** In a frame of another origin of this site, where no script of this one can reach. */
  isolation: "origin";
  /** Where `npx tokenward init --config` put the vault: `https://vault.example.com/tokenward/vault.js`. */
  vaultUrl: string;
}

/** The options, sorted into what defines the session and what belongs to this page. */
export interface Settings {
  /** What defines the session, as canonical JSON: equal configurations have equal texts. */
  config: string;
  /** Where the provider sends people back to. */
  redirectUri: URL;
  /** Where the vault's script is, if it is not beside this one. */
  vaultUrl: URL | undefined;
  place: Place;
  hasShield: boolean;
  isManual: boolean;
}

const CHOICES: Readonly<Record<string, readonly unknown[]>> = Object.assign(Object.create(null), {
  isolation: ["shared", "worker", "origin", "none"],
  serviceWorker: ["shield", "none"],
  callback: ["auto", "manual"],
});

type Kind = readonly [(value: unknown) => boolean, string];
const KINDS: Readonly<Record<string, Kind>> = Object.assign(Object.create(null), {
  strings: [(value: unknown) => Array.isArray(value) && areStrings(value), "an array of strings"],
  array: [Array.isArray, "an array"],
  object: [isObject, "an object"],
  record: [(value: unknown) => isObject(value) && areStrings(value), "an object of strings"],
});

function isString(value: unknown): boolean {
  return typeof value === "string";
}

function areStrings(values: object): boolean {
  return Object.values(values).every(isString);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The options without anything that they inherit: what a script did to `Object.prototype` is no option.
 * Throws `config_invalid` with everything that is wrong with their shape.
 */
export function checkOptions(options: ClientOptions | OriginOptions): ClientOptions {
  const given = Object.assign(Object.create(null), options);
  const problems = unknownNames(given, Object.keys(OPTIONS));
  for (const [name, rule] of Object.entries(OPTIONS)) {
    const value = given[name];
    const kind = rule.replace("!", "");
    const [fits, words] = KINDS[kind] ?? [(v: unknown) => typeof v === kind, `a ${kind}`];
    if (value === undefined) {
      // The others stand in the vault.
      if (kind !== rule && given.isolation !== "origin") problems.push(`\`${name}\` is missing`);
    } else if (!fits(value)) {
      problems.push(`\`${name}\` must be ${words}`);
    } else if (CHOICES[name]?.includes(value) === false) {
      problems.push(`\`${name}\` must be ${CHOICES[name].map((c) => `"${c}"`).join(" or ")}`);
    }
  }
  refuse(problems);
  return given;
}

/** Reads checked options in a page. Throws `config_invalid` where a URL is wrong. */
export function readOptions(options: ClientOptions): Settings {
  const { isolation, vaultUrl, serviceWorker, callback, ...session } = options;
  const { logout } = session;
  const { origin } = location;
  const isFramed = (isolation as string) === "origin";
  const problems: string[] = [];
  const parse = (name: string, value = ""): URL => {
    const url = URL.canParse(value, origin) ? new URL(value, origin) : undefined;
    if (!url || (url.origin === origin) === isFramed) {
      const which = isFramed ? "another origin than" : "this origin,";
      problems.push(`\`${name}\` must be a URL of ${which} ${origin}`);
    }
    return url as URL;
  };
  const script = isFramed || vaultUrl !== undefined ? parse("vaultUrl", vaultUrl) : undefined;
  // Nobody is sent back to a page of this origin, where the vault has another.
  const redirectUri = isFramed ? (script as URL) : parse("redirectUri", session.redirectUri);
  refuse(problems);
  session.redirectUri = whole(session.redirectUri);
  if (logout?.postLogoutRedirectUri) {
    session.logout = { ...logout, postLogoutRedirectUri: whole(logout.postLogoutRedirectUri) };
  }
  return {
    config: canonical(session),
    redirectUri,
    vaultUrl: script,
    place:
      isolation === "none"
        ? "page"
        : (isolation ?? (globalThis.SharedWorker && keepsKeys(session) ? "shared" : "worker")),
    hasShield: script !== undefined && serviceWorker !== "none",
    isManual: callback === "manual",
  };
}

/**
 * Whether a `SharedWorker` does for what is to be stored under a key. Where none can be cloned there (WebKit),
 * no stream can be transferred either, and that can be tried here.
 */
function keepsKeys({ persistence }: ClientOptions): boolean {
  if (!persistence?.startsWith("sealed")) return true;
  const stream = new ReadableStream();
  try {
    structuredClone(stream, { transfer: [stream] });
    return true;
  } catch {
    return false;
  }
}

/**
 * A path becomes a URL of this origin, the same on every page. A provider compares addresses character
 * by character, so one that is whole stays as it is, and so does what the vault will complain about.
 */
function whole(address: string): string {
  const isPath =
    isString(address) && !URL.canParse(address) && URL.canParse(address, location.origin);
  return isPath ? new URL(address, location.origin).href : address;
}

/** One problem for each member of `given` that is not among `known`. */
export function unknownNames(given: object, known: readonly string[]): string[] {
  const strangers = Object.keys(given).filter((name) => !known.includes(name));
  return strangers.map((name) => {
    if (plain(name) === "clientsecret") {
      return `\`${name}\`: a browser keeps no secret, use a public client`;
    }
    // Three letters are enough for `redirect_uri`, `scopes` and `extraQueryParams`.
    const near = known.find((other) => plain(other).startsWith(plain(name).slice(0, 3)));
    return `\`${name}\` is unknown${near ? `; did you mean \`${near}\`?` : ""}`;
  });
}

/** Throws `config_invalid` if there is a problem. */
export function refuse(problems: readonly string[]): void {
  if (problems.length) throw failure("config_invalid", problems.join("; "), false, "config");
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, "");
}

/** JSON with the members of every object in order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    isObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
