// The thread in which the app answers what the person just asked for, so that the page can open it.

const ASKS = new Set(["write", "submit"]);
const PATIENCE = 60_000; // milliseconds
let asked = null;

// Note a request of the person, who sees these messages of this channel.
export function noteAsked(request, channel, messages) {
  if (!ASKS.has(request.do) || request.thread_ts) return;
  const after = messages.map((message) => message.ts).sort().at(-1) ?? "";
  asked = { channel, after, until: Date.now() + PATIENCE };
}

// The person went elsewhere by themselves.
export function forgetAsked() {
  asked = null;
}

// Return the root of a thread if `message` is the app's answer there: a reply below what the person
// wrote, or below what the app wrote for them. `find(ts)` returns a message of its channel.
export function answered(message, { bot, you }, find) {
  if (!asked || Date.now() > asked.until) return null;
  if (message.user !== bot || message.whisper || message.channel !== asked.channel) return null;
  const root = message.thread_ts && find(message.thread_ts);
  if (!root || root.ts <= asked.after) return null;
  if (root.user !== you && !(root.user === bot && isFor(you, root.text))) return null;
  asked = null;
  return root.ts;
}

const isFor = (you, text) => {
  const named = [...text.matchAll(/<@(\w+)/g)].map(([, id]) => id);
  return !named.length || named.includes(you);
};
