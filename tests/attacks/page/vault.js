// A vault of the attacker's, which says what it is told.

const channel = new BroadcastChannel("attacker's vault");
const listen = (port) => {
  port.onmessage = ({ data }) => channel.postMessage(data);
};
self.onconnect = ({ ports: [port] }) => listen(port);
self.onmessage = ({ ports: [port] }) => port && listen(port);
