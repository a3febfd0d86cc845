// What a script that was there first knows of a page's vault: how it was started, what was said to it, and the
// ports over which that was said.

const seen = { shared: [], workers: [], said: [], ports: [] };

for (const [name, list] of [
  ["SharedWorker", seen.shared],
  ["Worker", seen.workers],
]) {
  if (!window[name]) continue;
  window[name] = new Proxy(window[name], {
    construct(target, args) {
      const made = Reflect.construct(target, args);
      list.push({ url: String(args[0]), options: args[1], made });
      return made;
    },
  });
}

const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (...args) {
  seen.said.push(args[0]);
  if (args[0]?.type === "hello") seen.ports.push(this);
  return Reflect.apply(postMessage, this, args);
};

/** The page's hello: what came later may be of a script. */
export const hello = () => seen.said.find((it) => it?.type === "hello");

/** The configuration as the page said it. */
export const configOf = () => hello().config;

/** The ports over which the page speaks to its vault. */
export const ports = () => seen.ports;

/** How the page's vault was started: its URL and its name. */
export function started() {
  const { url, options } = [...seen.shared, ...seen.workers][0];
  return { url, options };
}

/** The page's own worker, where it has one. */
export const worker = () => seen.workers[0]?.made;

/** A port of the script's own to the page's vault. */
export function connect() {
  const { url, options } = started();
  if (seen.shared.length > 0) return new SharedWorker(trusted(url), options).port;
  const { port1, port2 } = new MessageChannel();
  worker().postMessage(null, [port2]);
  return port1;
}

/** The script's URL: the page's own policy for Trusted Types is there for whoever asks for that URL. */
export function trusted(url) {
  return window[Symbol.for("tokenward.policy")]?.createScriptURL(url) ?? url;
}
