// The connection: snapshots come in, requests of the person go out.

import { TAB } from "./tab.js";

export class Live {
  constructor(onSnapshot, onState) {
    this.onSnapshot = onSnapshot;
    this.onState = onState;
    this.waiting = new Map();
    this.next = 1;
  }

  connect(who) {
    this.who = who;
    this.socket?.close();
    const socket = new WebSocket(`ws://${location.host}/page/live?${new URLSearchParams({ as: who, tab: TAB })}`);
    this.socket = socket;
    socket.onopen = () => socket === this.socket && this.onState(true);
    socket.onmessage = (event) => socket === this.socket && this.receive(JSON.parse(event.data));
    socket.onclose = () => this.lost(socket);
  }

  lost(socket) {
    if (socket !== this.socket) return;
    this.onState(false);
    for (const answer of this.waiting.values()) answer({ error: "The workspace is not there." });
    this.waiting.clear();
    setTimeout(() => socket === this.socket && this.connect(this.who), 1000);
  }

  receive(message) {
    if (message.type === "snapshot") return this.onSnapshot(message.outline, message.messages);
    this.waiting.get(message.id)?.(message);
    this.waiting.delete(message.id);
  }

  // Resolve to the answer; `error` in it is a sentence to show.
  act(request) {
    if (this.socket.readyState !== WebSocket.OPEN) {
      return Promise.resolve({ error: "The workspace is not there." });
    }
    const id = this.next++;
    this.socket.send(JSON.stringify({ ...request, id }));
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }
}
