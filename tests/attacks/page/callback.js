// On the page that the provider sends people back to, before the SDK.
import { readTransaction } from "./limits.js";

await readTransaction("reads the sign-in's record on the callback page");
