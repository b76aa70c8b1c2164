// The connection: what the person sees comes in, what they do goes out.

export class Live {
  constructor(onSight, onState) {
    this.onSight = onSight;
    this.onState = onState;
    this.waiting = new Map();
    this.next = 1;
  }

  connect(who) {
    this.who = who;
    this.socket?.close();
    const socket = new WebSocket(`ws://${location.host}/page/live?as=${encodeURIComponent(who)}`);
    this.socket = socket;
    socket.onopen = () => this.onState(true);
    socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    socket.onclose = () => this.lost(socket);
  }

  lost(socket) {
    if (socket !== this.socket) return;
    this.onState(false);
    for (const answer of this.waiting.values()) answer({ error: "The workspace is not there." });
    this.waiting.clear();
    setTimeout(() => socket === this.socket && this.connect(this.who), 1000);
  }

  receive(told) {
    if (told.type === "sight") return this.onSight(told.outline, told.messages);
    this.waiting.get(told.id)?.(told);
    this.waiting.delete(told.id);
  }

  // Resolves to the answer; `error` in it is a sentence to show.
  act(wish) {
    if (this.socket.readyState !== WebSocket.OPEN) {
      return Promise.resolve({ error: "The workspace is not there." });
    }
    const id = this.next++;
    this.socket.send(JSON.stringify({ ...wish, id }));
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }
}
