// What the page must know of the servers. Their ports differ from run to run, so it asks.

export interface DemoConfig {
  /** The OpenID provider. */
  readonly issuer: string;
  readonly clientId: string;
  /** The API's origin. */
  readonly api: string;
  /** How long an access token lives, for the drawing of its life. */
  readonly accessTokenSeconds: number;
}

export async function readConfig(): Promise<DemoConfig> {
  const response = await fetch("/config.json");
  if (!response.ok) throw new Error(`/config.json answered ${response.status}: start serve.mjs`);
  return (await response.json()) as DemoConfig;
}
