// Gives every object of the page a value for each option of the client and each field of a message.

const { attacker } = window.tw.settings;
const VALUES = {
  issuer: attacker,
  clientId: "attacker",
  redirectUri: `${attacker}/`,
  silentRedirectUri: `${attacker}/`,
  resources: [{ origin: attacker }],
  resource: ["attacker"],
  endpoints: { authorization: `${attacker}/auth`, token: `${attacker}/token` },
  extraParams: { redirect_uri: `${attacker}/` },
  pushAuthorizationRequests: true,
  dpop: true,
  restore: "none",
  allowTokenExport: true,
  allowPasswordGrant: "deprecated",
  timeouts: { networkMs: 1 },
  vaultUrl: "/attacks/vault.js",
  serviceWorker: "none",
  callback: "manual",
  origin: attacker,
  paths: ["/"],
  returnTo: `${attacker}/`,
  asked: { extraParams: { state: "attacker" } },
  local: true,
  config: "{}",
  wire: 0,
  lock: "attacker",
};

for (const [name, value] of Object.entries(VALUES)) {
  Object.defineProperty(Object.prototype, name, { value, writable: true, configurable: true });
}

/** What an object of this realm has by now. */
export const isThere = () => ({}).issuer;
