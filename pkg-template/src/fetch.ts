/** A page's `fetch` in the vault's words, and the vault's answer as a page's `Response`. */

import type { Answer, Call, Link, Question } from "./connection.js";
import { failure } from "./error.js";

/** What is passed on where it differs from what a request has by itself. */
const MEMBERS = [
  "credentials",
  "cache",
  "redirect",
  "referrerPolicy",
  "integrity",
  "keepalive",
] as const;

const BODYLESS: readonly number[] = [204, 205, 304];

/** Sends a request through the vault that `reach` finds; like `fetch` in everything but its errors. */
export async function send(
  reach: () => Promise<Link>,
  input: RequestInfo | URL,
  init?: RequestInit,
): Promise<Response> {
  const request = read(input, init);
  const { signal } = request;
  signal.throwIfAborted();
  let call: Call<"response"> | undefined;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      call?.drop();
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop);
  });
  const answered = async (): Promise<Response> => {
    const question = await parts(request);
    const link = await reach();
    signal.throwIfAborted();
    call = link.ask(question, "response");
    return respond(await call.answer, AbortSignal.any([signal, link.over]));
  };
  try {
    return await Promise.race([aborted, answered()]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The request as the browser's own parser sees it; its `TypeError`s are the caller's. */
function read(input: RequestInfo | URL, init?: RequestInit): Request {
  if (input instanceof Request && input.bodyUsed && !init?.body) {
    const message = "The request's body was used before: pass a clone.";
    throw failure("body_used", "fetch", message);
  }
  const request = new Request(input, init);
  if (request.mode !== "cors") {
    const message = `A request of mode "${request.mode}" carries no credential: leave \`mode\` out.`;
    throw failure("request_invalid", "fetch", message);
  }
  if (request.headers.has("authorization")) {
    const message =
      "The vault writes `Authorization`: leave it out, or use the page's own `fetch`.";
    throw failure("request_invalid", "fetch", message);
  }
  return request;
}

async function parts(request: Request): Promise<Question> {
  const { url, method } = request;
  const question: Question = { type: "fetch", url, method, headers: [...request.headers] };
  const usual = new Request(url);
  for (const name of MEMBERS) {
    if (request[name] !== usual[name]) Object.assign(question, { [name]: request[name] });
  }
  // Not asked of `request.body`, which Firefox does not have.
  if (method !== "GET" && method !== "HEAD") {
    const body = await request.arrayBuffer();
    if (body.byteLength) question.body = body;
  }
  return question;
}

function respond(answer: Answer<"response">, signal: AbortSignal): Response {
  const { status, statusText, headers, url, redirected, body } = answer;
  const isEmpty = BODYLESS.includes(status);
  if (isEmpty) void body?.cancel();
  // The detour ends the body with the caller's reason, or with the vault's death.
  const stream = isEmpty ? null : body?.pipeThrough(new TransformStream(), { signal });
  const response = new Response(stream, { status, statusText, headers });
  const type = new URL(url).origin === location.origin ? "basic" : "cors";
  return dress(response, { url, redirected, type });
}

/** Gives a response what only the network can give, and its clones too. */
function dress(response: Response, facts: Pick<Response, "url" | "redirected" | "type">): Response {
  const clone = () => dress(Response.prototype.clone.call(response), facts);
  for (const [name, value] of Object.entries({ ...facts, clone })) {
    Object.defineProperty(response, name, { value, configurable: true });
  }
  return response;
}
