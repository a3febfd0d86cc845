// Made from the Rust sources: UPDATE_GENERATED=1 cargo test --lib generated
/** Every option that a configuration may have, as in src/generated/options.ts. */
export const OPTIONS = {
  issuer: "string!",
  clientId: "string!",
  redirectUri: "string!",
  silentRedirectUri: "string",
  scope: "strings",
  resources: "array!",
  resource: "strings",
  apiKeys: "object",
  signatures: "object",
  endpoints: "object",
  extraParams: "record",
  pushAuthorizationRequests: "boolean",
  dpop: "boolean",
  logout: "object",
  restore: "string",
  persistence: "string",
  refreshCookie: "object",
  allowTokenExport: "boolean",
  allowPasswordGrant: "string",
  timeouts: "object",
  appOrigins: "strings",
};
/** The members of options that have some. */
export const MEMBERS = {
  resources: {
    origin: "string!",
    paths: "strings",
    methods: "strings",
    credential: "string",
    resource: "string",
  },
  apiKeys: {
    header: "string",
    prefix: "string",
    endpoint: "string",
  },
  signatures: {
    keyId: "string!",
    components: "strings",
    tag: "string",
    expiresInS: "number",
    label: "string",
    responses: "string",
    endpoint: "string",
  },
  endpoints: {
    authorization: "string!",
    token: "string!",
    revocation: "string",
    endSession: "string",
    jwks: "string",
    userinfo: "string",
    pushedAuthorizationRequest: "string",
    idTokenSigningAlgValuesSupported: "strings",
  },
  refreshCookie: {
    token: "string!",
    revocation: "string!",
    header: "string",
  },
  logout: {
    postLogoutRedirectUri: "string",
    endSession: "boolean",
    idTokenHint: "string",
  },
  timeouts: {
    networkMs: "number",
  },
};
/** What `createClient` takes besides. */
export const OF_PAGE = ["isolation", "vaultUrl", "serviceWorker", "callback"];
