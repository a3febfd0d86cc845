/** Single-use tickets, for what takes no header: a WebSocket. Knows no credential. */

import type { Client } from "./client.js";
import { failure } from "./error.js";
import type { FetchInit } from "./fetch.js";

/**
 * A ticket from `url`, fetched with the credential that `auth.fetch` has for it: the answer's `ticket`, where
 * it is JSON, or else its text. Asks with POST, unless `init` says otherwise. Ask for each connection anew:
 * a ticket is for one, and for a few seconds.
 *
 * Throws `ticket_invalid` where the answer has none (its `cause` is the `Response`), and what `auth.fetch`
 * throws.
 */
export async function ticket(
  auth: Pick<Client, "fetch">,
  url: string | URL,
  init?: FetchInit,
): Promise<string> {
  const response = await auth.fetch(url, { method: "POST", ...init, cache: "no-store" });
  const found = response.ok ? await read(response) : undefined;
  if (typeof found === "string" && found) return found;
  const { status } = response;
  const message = `No ticket came, but status ${status}: answer \`{ "ticket": "..." }\`, or a text.`;
  const error = failure("ticket_invalid", message, status === 429 || status > 499, "fetch");
  error.cause = response;
  throw error;
}

async function read(response: Response): Promise<unknown> {
  const isJson = /^application\/(.+\+)?json\b/i.test(response.headers.get("Content-Type") ?? "");
  if (!isJson) return (await response.text()).trim();
  const answer: unknown = await response.json().catch(() => undefined);
  return answer && (answer as { ticket?: unknown }).ticket;
}
