/**
 * The shield: a service worker for the vault's folder that does nothing.
 *
 * A service worker of the application whose scope covers the vault would see the vault's script and
 * every request with its credentials. The narrower scope wins, and without a fetch handler this one
 * sees nothing. It must never get one.
 */

const shield = self as unknown as ServiceWorkerGlobalScope;

shield.addEventListener("install", () => {
  void shield.skipWaiting();
});

shield.addEventListener("activate", (event) => {
  event.waitUntil(shield.clients.claim());
});
