/** A page's `fetch` in the vault's words, and the vault's answer as a page's `Response`. */

import type { Answer, Body, Call, Link, Question } from "./connection.js";
import { AuthError, failure } from "./error.js";

/** What is passed on where it differs from what a request has by itself. */
const MEMBERS = [
  "credentials",
  "cache",
  "redirect",
  "referrerPolicy",
  "integrity",
  "keepalive",
] as const;

/** What `fetch` takes, and which credential goes along. */
export interface FetchInit extends RequestInit {
  /** `"none"`: the request is the page's own, to any origin; the vault has no part in it. */
  credential?: "none";
}

/** The page's own, as it was before anybody put another in its place. */
const bare = globalThis.fetch;

/** The ways to read a body; not every engine has all of them. */
const READERS = ["text", "json", "blob", "arrayBuffer", "bytes", "formData"] as const;

/** An answer as `fetch` gives it. */
export interface AuthResponse extends Response {
  /**
   * Whether this is the answer to a first try that a second one might have bettered (another token, another
   * nonce), and the body was too large to be sent again: send it again yourself.
   */
  readonly unrepeated?: boolean;
}

/** Sends a request through the vault that `reach` finds; like `fetch` in everything but its errors. */
export async function send(
  reach: () => Promise<Link>,
  input: RequestInfo | URL,
  init?: FetchInit,
): Promise<AuthResponse> {
  if (init?.credential === "none") return bare(input, init);
  const request = read(input, init);
  const { signal } = request;
  signal.throwIfAborted();
  let call: Call<"response"> | undefined;
  // The request's own signal, so nothing stays behind at the caller's.
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => {
      call?.drop();
      reject(signal.reason);
    });
  });
  const answered = async (body?: Body): Promise<AuthResponse> => {
    const question = parts(request, body);
    const link = await reach();
    signal.throwIfAborted();
    call = link.ask(question);
    return respond(await call.answer, call.drop, AbortSignal.any([signal, link.over]));
  };
  return Promise.race([aborted, withBody(request, init?.body, answered)]);
}

/** The request as the browser's own parser sees it; its `TypeError`s are the caller's. */
function read(input: RequestInfo | URL, init?: RequestInit): Request {
  if (input instanceof Request && input.bodyUsed && !init?.body) {
    throw failure("body_used", "The body was used before: pass a clone.", false, "fetch");
  }
  const request = new Request(input, init);
  if (request.mode !== "cors") {
    const message = `Mode "${request.mode}" carries no credential: leave \`mode\` out.`;
    throw failure("request_invalid", message, false, "fetch");
  }
  return request;
}

/** Has the body sent: as bytes, which are as good a second time, or what is long and a stream as one. */
async function withBody(
  request: Request,
  form: unknown,
  answered: (body?: Body) => Promise<AuthResponse>,
): Promise<AuthResponse> {
  // Not asked of `request.body`, which Firefox does not have.
  if (request.method === "GET" || request.method === "HEAD") return answered();
  let whole: Request;
  try {
    // In this mode there is no request whose body is a stream; its fields are not used.
    whole = new Request(request, { method: "POST", mode: "no-cors" });
  } catch {
    return (await import("./upload.js")).upload(request, answered);
  }
  // WebKit does not read a form with files back.
  return answered(
    await whole.arrayBuffer().catch(async (error) => {
      if (!(form instanceof FormData)) throw error;
      return (await import("./form.js")).encoded(form, request.headers);
    }),
  );
}

function parts(request: Request, body?: Body): Question {
  const { url, method } = request;
  const options: [string, string][] = [];
  const question: Question = { type: "fetch", url, method, headers: [...request.headers], options };
  const usual = new Request(url);
  for (const name of MEMBERS) {
    if (request[name] !== usual[name]) options.push([name, `${request[name]}`]);
  }
  // `referrer: ""` says no referrer; a worker's own would be another page than the caller's.
  if (!request.referrer) options.push(["referrerPolicy", "no-referrer"]);
  // No body is read as an empty one.
  if (body && (body as ArrayBuffer).byteLength !== 0) question.body = body;
  return question;
}

function respond(answer: Answer<"response">, drop: () => void, signal: AbortSignal): AuthResponse {
  const { status, url, redirected, unrepeated, body } = answer;
  let isWhole = false;
  let failure: AuthError | false | undefined;
  // The vault gives a piece whenever it is asked.
  const gathered = (port: MessagePort): ReadableStream => {
    const stop = () => {
      // A piece on its way finds nobody.
      port.close();
      drop();
    };
    return new ReadableStream({
      start(stream) {
        // With the caller's reason, or the vault's death.
        signal.addEventListener("abort", () => {
          stream.error(signal.reason);
          stop();
        });
      },
      pull: (stream) =>
        new Promise((done) => {
          port.onmessage = ({ data }) => {
            if (data === null) {
              isWhole = true;
              stream.close();
            } else if (data instanceof Uint8Array) stream.enqueue(data);
            else {
              failure = data && new AuthError(data.error);
              stream.error(failure || new TypeError("network error"));
            }
            done();
          };
          port.postMessage(true);
        }),
      cancel: stop,
    });
  };
  // Chromium's readers say `TypeError` whatever a stream was ended with.
  const told = (error: unknown) =>
    Promise.reject(failure || (signal.aborted && !isWhole ? signal.reason : error));
  const type = new URL(url).origin === location.origin ? "basic" : "cors";

  /** Gives a response what only the network can give, and its clones too. */
  const dress = (response: Response): Response => {
    const clone = response.clone.bind(response);
    const own: object = { status, url, redirected, unrepeated, type, clone: () => dress(clone()) };
    for (const name of READERS) {
      const read = response[name]?.bind(response);
      if (read) Object.assign(own, { [name]: () => read().catch(told) });
    }
    for (const [name, value] of Object.entries(own)) {
      Object.defineProperty(response, name, { value, configurable: true });
    }
    return response;
  };
  // The network has statuses beyond 599, the constructor has not.
  return dress(
    new Response(body && gathered(body), { ...answer, status: status < 600 ? status : 500 }),
  );
}
