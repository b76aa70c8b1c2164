// Slack's mrkdwn and Markdown as DOM nodes. Text becomes text nodes, never HTML.

import { icon } from "./icons.js";

const EMOJI = {
  heart: "❤️", tada: "🎉", eyes: "👀", pray: "🙏", warning: "⚠️", hourglass_flowing_sand: "⏳",
  pencil2: "✏️", memo: "📝", thinking_face: "🤔", rocket: "🚀", sparkles: "✨", fire: "🔥",
  bulb: "💡", speech_balloon: "💬", no_entry: "⛔", octagonal_sign: "🛑", wave: "👋",
  arrows_counterclockwise: "🔄", point_right: "👉", raised_hands: "🙌", clap: "👏",
};

// Return a node for the emoji of this name; an unknown one stays as written.
export const emoji = (name) => icon(name) ?? EMOJI[name] ?? `:${name}:`;

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const unescape = (text) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

// Each rule: what it matches, and the node it makes; `inner` renders the text inside.
const CODE = [/`([^`\n]+)`/, (m) => el("code", {}, unescape(m[1]))];
const TOKEN = [/<([^<>\s][^<>]*)>/, (m, names) => token(m[1], names)];
const EMOJI_NAME = [/:([a-z0-9_+-]+):/, (m) => emoji(m[1])];
const wrap = (tag) => (m, names, inner) => el(tag, {}, ...inner(m[1]));
const span = (mark) =>
  new RegExp(`(?<![\\w${mark}])${mark}([^\\s${mark}](?:[^\\n]*?[^\\s${mark}])?)${mark}(?![\\w${mark}])`);

const MRKDWN = [
  CODE, TOKEN, EMOJI_NAME,
  [span("\\*"), wrap("strong")], [span("_"), wrap("em")], [span("~"), wrap("s")],
];
const MARKDOWN = [
  CODE, TOKEN, EMOJI_NAME,
  [/\[([^\]\n]+)\]\(([^)\s]+)\)/, (m, names, inner) => link(unescape(m[2]), inner(m[1]))],
  [/\*\*(\S(?:[^\n]*?\S)?)\*\*/, wrap("strong")], [/__(\S(?:[^\n]*?\S)?)__/, wrap("strong")],
  [/~~(\S(?:[^\n]*?\S)?)~~/, wrap("s")],
  [span("\\*"), wrap("em")], [span("_"), wrap("em")],
];

function inline(text, rules, names) {
  let first = null;
  for (const [pattern, make] of rules) {
    const match = pattern.exec(text);
    if (match && (first === null || match.index < first.match.index)) first = { match, make };
  }
  if (first === null) return text ? [document.createTextNode(unescape(text))] : [];
  const { match, make } = first;
  const end = match.index + match[0].length;
  return [
    ...(match.index ? [document.createTextNode(unescape(text.slice(0, match.index)))] : []),
    make(match, names, (within) => inline(within, rules, names)),
    ...inline(text.slice(end), rules, names),
  ];
}

function token(body, names) {
  const [target, label] = body.split("|");
  const mention = (text) => el("span", { class: "mention" }, text);
  if (target.startsWith("@")) return mention("@" + (names.person(target.slice(1)) ?? target.slice(1)));
  if (target.startsWith("#")) return mention("#" + (label ?? names.channel(target.slice(1)) ?? target.slice(1)));
  if (target.startsWith("!date^")) return date(Number(target.split("^")[1]));
  if (target.startsWith("!")) return mention("@" + (label ?? target.slice(1).split("^")[0]));
  return link(unescape(target), [document.createTextNode(unescape(label ?? target))]);
}

const date = (seconds) =>
  el("time", {}, new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));

export function link(address, children) {
  if (!/^(https?:\/\/|mailto:)/i.test(address)) return el("span", {}, ...children, ` (${address})`);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export const mrkdwn = (text, names) => paragraphs(text, MRKDWN, names, false);
export const markdown = (text, names) => paragraphs(text, MARKDOWN, names, true);
export const plain = (text) => inline(text, [EMOJI_NAME], {});

const FENCE = /^\s*```/;
const QUOTE = /^(?:>|&gt;) ?/;
const ITEM = /^(\s*)(?:[-*+•]|(\d+)[.)]) +/;
const HEADING = /^(#{1,6}) +/;
const ROW = /^\s*\|/;
const RULE = /^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/;

// Turn lines into code, quotes, lists, headings, and paragraphs of what is left.
function paragraphs(text, rules, names, headings) {
  const lines = text.split("\n");
  const out = [];
  const rendered = (line) => inline(line, rules, names);
  const take = (pattern) => {
    const taken = [];
    while (lines.length && pattern.test(lines[0])) taken.push(lines.shift().replace(pattern, ""));
    return taken;
  };
  while (lines.length) {
    const line = lines[0];
    if (FENCE.test(line)) out.push(fenced(lines));
    else if (QUOTE.test(line)) out.push(el("blockquote", {}, ...broken(take(QUOTE), rendered)));
    else if (headings && RULE.test(line)) lines.shift(), out.push(el("hr"));
    else if (headings && isTable(lines)) out.push(table(take(ROW), rendered));
    else if (ITEM.test(line)) out.push(list(lines, rendered));
    else if (headings && HEADING.test(line)) out.push(heading(lines.shift(), rendered));
    else if (!line.trim()) lines.shift();
    else out.push(el("p", {}, ...broken(prose(lines, headings), rendered)));
  }
  for (const node of out) node.dir = "auto";
  return out;
}

function prose(lines, headings) {
  const special = [FENCE, QUOTE, ITEM, ...(headings ? [HEADING, RULE] : [])];
  const taken = [lines.shift()];
  while (lines.length && lines[0].trim() && !special.some((p) => p.test(lines[0])) && !(headings && isTable(lines))) {
    taken.push(lines.shift());
  }
  return taken;
}

function fenced(lines) {
  const [before, after] = lines.shift().split("```");
  const body = [];
  if (after?.trim() && !/^\w+$/.test(after.trim())) body.push(after);
  while (lines.length) {
    const line = lines.shift();
    const end = line.indexOf("```");
    if (end < 0) { body.push(line); continue; }
    if (end > 0) body.push(line.slice(0, end));
    break;
  }
  return el("pre", {}, el("code", {}, unescape((before.trim() ? before + "\n" : "") + body.join("\n"))));
}

// A row of names, and below it a row of dashes.
const isTable = ([first, second]) => ROW.test(first) && /^[\s|:-]*-[\s|:-]*$/.test(second ?? "");

function table([names, , ...rows], rendered) {
  const cells = (row, tag) => row.replace(/\|\s*$/, "").split("|").map((cell) => el(tag, {}, ...rendered(cell.trim())));
  return el("table", {},
    el("thead", {}, el("tr", {}, ...cells(names, "th"))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells(row, "td")))));
}

// A further indented item belongs to a list inside the item before it.
function list(lines, rendered) {
  const [, indent, number] = lines[0].match(ITEM);
  const node = el(number ? "ol" : "ul", { start: number });
  for (let item; (item = lines[0]?.match(ITEM)) && item[1].length >= indent.length; ) {
    if (item[1].length > indent.length + 1) node.lastChild.append(list(lines, rendered));
    else if (Boolean(item[2]) !== Boolean(number)) break;
    else node.append(el("li", {}, ...rendered(lines.shift().replace(ITEM, ""))));
  }
  return node;
}

function heading(line, rendered) {
  const level = Math.min(line.match(HEADING)[1].length + 2, 6);
  return el(`h${level}`, {}, ...rendered(line.replace(HEADING, "")));
}

function broken(lines, rendered) {
  return lines.flatMap((line, i) => (i ? [el("br"), ...rendered(line)] : rendered(line)));
}
