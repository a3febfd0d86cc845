// @ts-check
/** A page for each test: its browser, a copy of the facade, and options that no other test has. */

import { after } from "node:test";
import { browser, load, OPTIONS } from "./edge.mjs";

/** Each test has its own `clientId`: what came back is kept for the whole page. */
let clients = 0;
export const options = () => ({ ...OPTIONS, clientId: `spa-${++clients}` });

/** @type {(() => void)[]} */
const quits = [];
after(() => {
  for (const quit of quits) quit();
});

/** @param {Parameters<typeof browser>[0]} [given] */
export async function page(given) {
  const made = browser(given);
  quits.push(made.quit);
  return { ...made, ...(await load()) };
}

export const turn = () => new Promise((resolve) => setTimeout(resolve, 10));
