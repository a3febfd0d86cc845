/** The places that most pages do not need, in a script of their own. */

export { openPage as page } from "./page.js";
export { openWorker as worker } from "./worker.js";
