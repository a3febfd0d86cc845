// What a script tries with a vault of another origin: a frame of its own, a vault of its own, a frame that is none.
import { loot } from "./attacker.js";

const { tw } = window;

/** Opens a frame as the page does, takes the port, calls the API over it, and asks for the token. */
export async function ownFrame(attack, url) {
  const { vaultUrl } = tw.settings.options;
  const frame = document.createElement("iframe");
  const { port1, port2 } = new MessageChannel();
  const port = await new Promise((resolve) => {
    port1.onmessage = ({ data, ports }) => {
      loot(attack, data);
      if (ports[0]) resolve(ports[0]);
    };
    frame.onload = () => {
      const question = { tokenward: 1, first: 0, at: location.href };
      frame.contentWindow.postMessage(question, new URL(vaultUrl).origin, [port2]);
    };
    frame.src = new URL("./frame.html", vaultUrl).href;
    document.body.append(frame);
  });
  const answers = {};
  port.onmessage = ({ data, ports }) => {
    loot(attack, data);
    ports[0]?.postMessage(null);
    answers[data.id] = data.status ?? data.error?.code ?? data.type;
  };
  port.postMessage({ type: "exportAccessToken", id: 1 });
  port.postMessage({ type: "fetch", id: 2, url, method: "GET", headers: [], options: [] });
  for (let tries = 0; tries < 500 && !(answers[1] && answers[2]); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return [answers[1], answers[2]];
}

/** Starts a vault of this page's own origin, with whatever configuration. */
export async function ownVault(attack, options) {
  const auth = tw.sdk.createClient({ ...options, vaultUrl: "/tokenward/vault.js" });
  await auth.ready;
  loot(attack, [auth.state, await auth.diagnostics()]);
  const outcomes = [auth.state.status];
  for (const act of [
    () => auth.exportAccessToken(),
    () => auth.fetch(options.resources[0].origin),
  ]) {
    outcomes.push(
      await act().then(
        () => "no error",
        ({ code }) => code,
      ),
    );
  }
  auth.close();
  return outcomes;
}
