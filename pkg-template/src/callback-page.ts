/**
 * The script of `callback.html`, for hidden frames: hands its own address to the page that waits. It is
 * no application and starts no vault.
 */

import { handOver } from "./handoff.js";

const { href, pathname } = location;
history.replaceState(null, "", pathname);
// Where nobody waits there is nobody to tell, either.
handOver(href).catch(() => {});
