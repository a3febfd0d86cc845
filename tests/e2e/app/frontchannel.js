// @ts-check
// The page that the provider loads in a frame when somebody signs out there, as an application has it:
// the client ends the session that is meant, and the provider's page hears when that is done.

const { auth, settings } = window.tw;
// Where the application began the logout itself, there is nothing left to end.
await auth.frontChannelLogout().catch(() => {});
parent.postMessage("done", new URL(settings.options.issuer).origin);
