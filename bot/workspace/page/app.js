// The page: what one person sees of the workspace. Only what has changed is drawn again.

import { drawMessagesTab, drawSession } from "./agent.js";
import { renderBlocks } from "./blocks.js";
import { canvasTabs, canvasWindow } from "./canvas.js";
import { composer, hint } from "./composer.js";
import { fileList } from "./files.js";
import { answered, forgetAsked, noteAsked } from "./follow.js";
import { icon } from "./icons.js";
import { Live } from "./live.js";
import { el, emoji, markdown, mrkdwn } from "./markup.js";
import { foldMenus, menu, redrawn } from "./menu.js";
import { showViews } from "./modal.js";
import { place, settle, visit } from "./place.js";

const $ = (id) => document.getElementById(id);
const QUICK = ["repeat", "x", "+1"];
const PICKER = ["repeat", "scissors", "heavy_plus_sign", "x", "white_check_mark", "wastebasket", "+1", "-1",
  "heart", "tada", "eyes", "pray", "thinking_face", "rocket", "bulb"];

let snapshot = { people: [], channels: [], views: [], statuses: {}, features: { shortcuts: {} } };
let messages = new Map();
let fresh = true; // whether the connection is new, so that all that comes is old
let here = null; // the channel's id
let thread = null; // the root's ts
let picking = null; // the message whose emoji picker is open
let atHome = false; // whether the app's DM shows its home tab, not its messages
let lastChannel = null; // what the app sees that the person looks at
const unread = new Set();
const names = {
  person: (id) => (id === "USLACKBOT" ? "Slackbot" : snapshot.people.find((p) => p.id === id)?.name),
  channel: (id) => snapshot.channels.find((c) => c.id === id)?.name,
};
const live = new Live(onSnapshot, onState);
const act = (request) => {
  noteAsked(request, here, [...messages.values()].filter((message) => message.channel === here));
  return live.act(request);
};

function onState(connected) {
  $("connection").textContent = connected ? "on this machine only" : "reconnecting ...";
  document.body.classList.toggle("offline", !connected);
  if (!connected) return;
  messages = new Map();
  unread.clear();
  fresh = true;
}

function onSnapshot(outline, changed) {
  const first = fresh;
  fresh = false;
  snapshot = outline;
  for (const message of changed) {
    if (!first) announce(message);
    messages.set(`${message.channel}/${message.ts}`, message);
  }
  if (first) arrive();
  else changed.forEach(openIfAsked);
  draw();
}

// Be where the address says, as far as the person sees that place.
function arrive() {
  const wanted = place();
  const named = snapshot.channels.find((c) => c.name === wanted.channel);
  here = (named ?? snapshot.channels[0])?.id;
  thread = named ? wanted.thread : null;
  atHome = wanted.tab === "home";
  settle(placeNow());
  live.who = names.person(snapshot.you);
}

const placeNow = () => ({
  as: names.person(snapshot.you), channel: names.channel(here), thread, tab: atHome ? "home" : null,
});

// What the app wrote in answer to the person opens, without taking their focus.
function openIfAsked(message) {
  const root = answered(message, snapshot, (ts) => messages.get(`${message.channel}/${ts}`));
  if (!root || message.channel !== here) return;
  thread = root;
  visit(placeNow());
}

function announce(message) {
  const before = messages.get(`${message.channel}/${message.ts}`);
  const arrived = !message.streaming && !message.deleted && (!before || before.streaming);
  if (!arrived || message.user === snapshot.you) return;
  if (message.channel !== here) unread.add(message.channel);
  $("announcer").textContent = `${names.person(message.user)}: ${message.text.slice(0, 200)}`;
}

// Drawing

function draw() {
  const focused = document.activeElement?.dataset?.key;
  const scope = document.activeElement?.closest("[data-ts]")?.dataset.ts;
  drawSidebar();
  drawChannel();
  drawThread();
  showViews(snapshot.views, names, act, snapshot.you);
  enterMain();
  if (focused && document.activeElement === document.body) {
    document.querySelector(`[data-ts="${scope}"] [data-key="${CSS.escape(focused)}"]`)?.focus();
  }
}

function drawSidebar() {
  const item = ({ id, name, kind, current, isUnread }) =>
    el("li", {}, el("button", {
      type: "button", "data-channel": name, "aria-current": current ? "page" : null,
      class: isUnread ? "unread" : null, onclick: () => go(id),
    }, el("span", { "aria-hidden": "true" }, mark({ kind })), name));
  const of = (...kinds) => snapshot.channels.filter((c) => kinds.includes(c.kind)).map(({ id, name, kind }) =>
    ({ id, name, kind, current: id === here, isUnread: unread.has(id) }));
  drawList("channels", of("channel", "group"), item);
  drawList("dms", of("im", "mpim"), item);
  const kinds = { guest: " (guest)", outsider: " (from outside)" };
  drawList("you", snapshot.people.filter((person) => person.kind !== "bot"), (person) =>
    el("option", { value: person.id }, person.name + (kinds[person.kind] ?? "") + reads(person)));
  $("you").value = snapshot.you;
}

// Leave a list alone that did not change: it keeps the focus, and a select stays open.
function drawList(id, items, node) {
  const stamp = JSON.stringify(items);
  if ($(id).dataset.stamp === stamp) return;
  $(id).dataset.stamp = stamp;
  $(id).replaceChildren(...items.map(node));
}

const LANGUAGES = new Intl.DisplayNames(["en"], { type: "language" });
const reads = ({ locale }) => (locale.startsWith("en") ? "" : ` (reads ${LANGUAGES.of(locale.split("-")[0])})`);

const mark = (channel) => ({ channel: "#", group: icon("lock"), im: "●", mpim: icon("people") })[channel.kind];
const isDm = (channel) => ["im", "mpim"].includes(channel.kind);

function drawChannel() {
  const channel = snapshot.channels.find((c) => c.id === here);
  if (!channel) return;
  $("channel-name").replaceChildren(...(channel.kind === "im" ? [] : [mark(channel), " "]), channel.name);
  $("channel-note").textContent = channel.bot ? "" : "The app is not in here.";
  $("invite").hidden = channel.bot || isDm(channel);
  document.title = `${channel.name} · Workspace on loopback`;
  unread.delete(here);
  if (channel.kind !== "im") lastChannel = here;
  canvasTabs(channel.canvases);
  drawApp(channel);
  drawShortcuts();
  fill($("messages"), inOrder((m) => m.channel === here && !m.thread_ts), true);
}

// The app's DM has a home tab beside the messages.
function drawApp(channel) {
  const own = channel.kind === "im" && channel.bot;
  const { home, agent } = snapshot.features;
  const shown = own && home && atHome;
  $("tabs").hidden = !own;
  $("tab-home").hidden = !home;
  $("tab-home").setAttribute("aria-pressed", String(shown));
  $("tab-messages").setAttribute("aria-pressed", String(!shown));
  $("home").hidden = !shown;
  $("messages").hidden = $("composer").hidden = shown;
  drawMessagesTab(snapshot.agent, own && agent && !shown, (text) =>
    hint(act({ do: "write", text, channel: here }), $("composer")));
  const view = snapshot.home;
  const stamp = view ? view.hash : "none";
  if (!shown || $("home").dataset.stamp === stamp) return;
  $("home").dataset.stamp = stamp;
  const click = (action, value, block) =>
    hint(act({ do: "click_in_view", view_id: view.id, block_id: block, action_id: action, value }), $("home"));
  $("home").replaceChildren(...(view ? renderBlocks(view.blocks, names, click)
    : [el("p", { class: "empty" }, "The app has not shown anything here yet.")]),
    el("p", { class: "hint", role: "alert" }));
}

function drawShortcuts() {
  const items = snapshot.features.shortcuts.global.map((shortcut) =>
    [shortcut.name, () => use(shortcut, { channel: here })]);
  const stamp = `${here}/${items.map(([name]) => name)}`;
  if ($("shortcuts").dataset.stamp === stamp) return;
  $("shortcuts").dataset.stamp = stamp;
  $("shortcuts").replaceChildren(...(items.length ? [menu("Shortcuts", icon("bolt"), items)] : []));
}

function drawThread() {
  const root = messages.get(`${here}/${thread}`);
  $("thread").hidden = !root;
  document.body.classList.toggle("threaded", Boolean(root));
  if (!root) return;
  const replies = inOrder((m) => m.channel === here && m.thread_ts === thread && !m.deleted);
  const channel = snapshot.channels.find((c) => c.id === here);
  $("thread-note").replaceChildren(...(channel.kind === "im" ? [] : [mark(channel), " ", channel.name]));
  enterThread();
  fill($("replies"), [root, ...replies], false);
  $("thread-name").textContent = snapshot.agent.sessions[`${here}/${thread}`]?.title || "Thread";
  const status = snapshot.statuses[`${here}/${thread}`];
  $("status").textContent = status ? [status.text, ...status.loading.slice(0, 1)].join(" · ") : "";
  drawSession(snapshot.agent.sessions[`${here}/${thread}`], snapshot.agent.stoppable, () =>
    hint(act({ do: "stop_session", channel: here, thread_ts: thread }), $("reply")));
}

const inOrder = (wanted) =>
  [...messages.values()].filter(wanted).sort((a, b) => (a.ts < b.ts ? -1 : 1));

// Keep the rows that did not change, so that they lose neither focus nor selection.
function fill(list, rows, inChannel) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const place = `${here}/${inChannel ? "" : thread}/${snapshot.you}`;
  const fresh = list.dataset.place !== place;
  list.dataset.place = place;
  const kept = fresh ? new Map() : new Map([...list.children].map((row) => [row.dataset.stamp, row]));
  const next = rows
    .filter((m) => !m.deleted || replyCount(m))
    .map((m) => kept.get(stamp(m, inChannel)) ?? row(m, inChannel));
  if (!next.length) next.push(el("li", { class: "empty" }, "Nothing here yet. Say something, or try /draft."));
  if (next.length !== list.children.length || next.some((node, i) => node !== list.children[i])) {
    redrawn(list, next);
  }
  if (fresh || atEnd) list.scrollTop = list.scrollHeight;
}

const replyCount = (message) =>
  message.thread_ts ? 0 : inOrder((m) => m.thread_ts === message.ts && m.channel === message.channel && !m.deleted).length;

const stamp = (m, inChannel) =>
  [m.ts, m.revision, inChannel && replyCount(m), picking === m.ts, inChannel && thread === m.ts].join("/");

function row(message, inChannel) {
  const author = names.person(message.user) ?? message.user;
  const kind = snapshot.people.find((p) => p.id === message.user)?.kind ?? "bot";
  const time = new Date(Number(message.ts) * 1000);
  return el("li", {
    class: ["message", message.whisper && "whisper", message.streaming && "streaming",
      inChannel && thread === message.ts && "open"].filter(Boolean).join(" "),
    "data-ts": message.ts, "data-stamp": stamp(message, inChannel),
    "aria-busy": message.streaming ? "true" : null,
  },
    el("span", { class: `avatar tint-${tint(message.user)}`, "aria-hidden": "true" }, author[0].toUpperCase()),
    el("div", { class: "body" },
      message.whisper ? el("p", { class: "only-you" }, icon("eye"), " Only visible to you") : null,
      el("p", { class: "by" }, el("strong", {}, author),
        kind === "bot" ? el("span", { class: "badge" }, "APP") : null,
        el("time", { datetime: time.toISOString() }, time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })),
        message.edited && !message.deleted ? el("small", { class: "edited" }, "(edited)") : null),
      el("div", { class: "content" }, ...content(message)),
      message.deleted ? null : fileList(message.files, snapshot.you),
      message.deleted ? null : reactionRow(message),
      inChannel ? threadLink(message) : null),
    message.whisper || message.deleted ? null : toolbar(message, inChannel));
}

const tint = (id) => Math.max(snapshot.people.findIndex((p) => p.id === id), 0) % 6;

function content(message) {
  if (message.deleted) return [el("p", { class: "gone" }, "This message was deleted.")];
  const { channel, ts } = message;
  const click = (action, value, block) =>
    hinted(act({ do: "click", channel, ts, block_id: block, action_id: action, value }));
  const blocks = renderBlocks(message.blocks, names, click);
  const text = message.markdown ? markdown(message.text, names) : mrkdwn(message.text, names);
  return message.markdown || !blocks.length ? [el("div", { class: "text" }, ...text), ...blocks] : blocks;
}

function reactionRow(message) {
  const chips = Object.entries(message.reactions).map(([name, users]) => {
    const mine = users.includes(snapshot.you);
    const who = users.map((user) => (user === snapshot.you ? "you" : names.person(user))).join(", ");
    return el("button", {
      type: "button", class: "chip", "aria-pressed": String(mine), "data-emoji": name, "data-key": `chip/${name}`,
      title: `${who} reacted with :${name}:`, "aria-label": `${name}, ${users.length}`,
      onclick: () => react(message, name),
    }, emoji(name), el("span", {}, String(users.length)));
  });
  return chips.length ? el("div", { class: "reactions" }, ...chips) : null;
}

function threadLink(message) {
  const count = replyCount(message);
  if (!count) return null;
  return el("button", { type: "button", class: "replies", "data-key": "replies", onclick: () => openThread(message.ts) },
    count === 1 ? "1 reply" : `${count} replies`);
}

function toolbar(message, inChannel) {
  const tool = (label, picture, act, key) =>
    el("button", { type: "button", title: label, "aria-label": label, "data-key": key, onclick: act }, picture);
  const reaction = (name) => tool(`React with ${name}`, emoji(name), () => react(message, name), `react/${name}`);
  return el("div", { class: "toolbar" },
    ...(picking === message.ts ? PICKER : QUICK).map(reaction),
    picking === message.ts ? null : tool("More reactions", icon("smile"), () => pick(message.ts), "pick"),
    inChannel ? tool("Reply in thread", icon("reply"), () => openThread(message.ts), "thread") : null,
    tool("Delete the message", icon("trash"), () => hinted(act({ do: "delete", channel: message.channel, ts: message.ts })), "delete"),
    moreActions(message));
}

function moreActions({ channel, ts }) {
  const offered = snapshot.features.shortcuts.message;
  if (!offered.length) return null;
  const items = offered.map((shortcut) => [shortcut.name, () => use(shortcut, { channel, ts })]);
  return menu("More actions", icon("dots"), items);
}

// Doing

function go(channel) {
  moved({ channel });
  document.body.classList.remove("menu");
  $("composer-text").focus();
  if (!$("tabs").hidden) showTab("messages");
}

// Be in another place by the person's own wish.
function moved({ channel = here, root = null, home = false }) {
  forgetAsked();
  here = channel;
  thread = root;
  atHome = home;
  visit(placeNow());
  draw();
}

function showTab(tab) {
  moved({ root: thread, home: tab === "home" });
  hinted(act({ do: "open_home", tab, beside: lastChannel }));
}

const use = ({ kind, callback_id }, place) =>
  hinted(act({ do: kind === "message" ? "message_shortcut" : "shortcut", callback_id, ...place }));

function openThread(ts) {
  moved({ root: ts, home: atHome });
  $("reply-text").focus();
}

// Return the message of this workspace that a link leads to, by itself or by its file, if any.
function linked(anchor) {
  const [, file] = anchor?.pathname.match(/^\/files\/\w+\/(\w+)\//) ?? [];
  const holder = file && [...messages.values()].find((m) => m.files.some(({ id }) => id === file));
  if (holder) return holder;
  const [, channel, seconds, rest] = anchor?.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/) ?? [];
  return messages.get(`${channel}/${seconds}.${rest}`);
}

function show({ channel, ts, thread_ts: root }) {
  if (channel !== here) go(channel);
  openThread(root ?? ts);
  document.querySelector(`#replies [data-ts="${ts}"]`)?.scrollIntoView();
}

function closeThread() {
  moved({ home: atHome });
  $("composer-text").focus();
}

function pick(ts) {
  picking = ts;
  draw();
}

async function react(message, name) {
  picking = null;
  draw();
  await hinted(act({ do: "react", channel: message.channel, ts: message.ts, emoji: name }));
}

const isOwn = (id) => snapshot.channels.find((c) => c.id === id)?.kind === "im";
const hinted = (answer) => hint(answer, $("composer"));
const who = () => snapshot.you;

const enterMain = composer($("composer"), () => ({ channel: here }), who, act);
const enterThread = composer($("reply"), () => ({ channel: here, thread_ts: thread }), who, act);
for (const clip of document.querySelectorAll(".attach")) clip.prepend(icon("clip"));
$("tab-home").addEventListener("click", () => showTab("home"));
$("tab-messages").addEventListener("click", () => showTab("messages"));
$("thread-close").addEventListener("click", closeThread);
$("invite").addEventListener("click", () => hinted(act({ do: "invite", channel: here })));
$("menu").addEventListener("click", () => {
  $("menu").setAttribute("aria-expanded", String(document.body.classList.toggle("menu")));
});
$("you").addEventListener("change", (event) => {
  forgetAsked();
  const as = names.person(event.target.value);
  visit({ ...placeNow(), as, thread: isOwn(here) ? null : thread });
  live.connect(as);
});
window.addEventListener("popstate", () => {
  forgetAsked();
  // Compare with whom the page asks for: their view may not be here yet.
  if (place().as !== live.who) return live.connect(place().as ?? "");
  arrive();
  draw();
});
// A dialog that closes gives the focus back, but not the cursor, without which nothing can be typed.
document.addEventListener("close", () => {
  const field = document.activeElement;
  if (!field.matches("textarea, input")) return;
  field.blur();
  field.focus();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || $("confirm").open) return;
  if (foldMenus() || $("modal").open) return;
  if (picking) pick(null);
  else if (document.body.classList.contains("menu")) document.body.classList.remove("menu");
  else if (thread) closeThread();
});
document.addEventListener("click", (event) => {
  foldMenus(event.target);
  const message = linked(event.target.closest("a"));
  if (message) { event.preventDefault(); show(message); }
});
canvasWindow(who, names);
live.connect(place().as ?? "");
