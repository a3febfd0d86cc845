/**
 * The script of `callback.html`: in a hidden frame it hands its own address to the page that waits; beside a
 * vault of its own origin it is also where sign-ins by redirect come back to. It is no application.
 */

import { WINDOW_STATE } from "./generated/constants.js";
import { handOver } from "./handoff.js";

const { href, pathname, searchParams } = new URL(location.href);
history.replaceState(null, "", pathname);
// Where nobody waits there is nobody to tell, either.
if (searchParams.get("state")?.startsWith(WINDOW_STATE)) handOver(href).catch(() => {});
else {
  // There only where `npx tokenward init` wrote a configuration with `appOrigins`.
  const script = "./frame.js";
  import(script).then(({ goBack }) => goBack(href)).catch(() => {});
}
