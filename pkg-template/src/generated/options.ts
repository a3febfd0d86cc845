// Made from the Rust sources: UPDATE_GENERATED=1 cargo test --lib generated
/** Every option: its kind, `!` behind it where it is required. */
export const OPTIONS: Readonly<Record<string, string>> = {
  issuer: "string!",
  clientId: "string!",
  redirectUri: "string!",
  silentRedirectUri: "string",
  scope: "strings",
  resources: "array!",
  resource: "strings",
  endpoints: "object",
  extraParams: "record",
  pushAuthorizationRequests: "boolean",
  logout: "object",
  restore: "string",
  allowTokenExport: "boolean",
  allowPasswordGrant: "string",
  timeouts: "object",
  isolation: "string",
  vaultUrl: "string",
  serviceWorker: "string",
  callback: "string",
};
