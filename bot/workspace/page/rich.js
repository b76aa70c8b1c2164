// A rich_text block as DOM nodes. Its text has no markup.
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

import { el, emoji, link } from "./markup.js";

export const richText = (block, names) =>
  block.elements.map((part) => Object.assign(PARTS[part.type](part, names), { dir: "auto" }));

const PARTS = {
  rich_text_section: (part, names) => el("p", {}, ...rendered(part, names)),
  rich_text_quote: (part, names) => el("blockquote", {}, ...rendered(part, names)),
  rich_text_preformatted: (part, names) => el("pre", {}, el("code", {}, ...rendered(part, names))),
  rich_text_list: (part, names) =>
    el(part.style === "ordered" ? "ol" : "ul", { start: (part.offset ?? 0) + 1, class: `level-${part.indent ?? 0}` },
      ...part.elements.map((item) => el("li", {}, ...rendered(item, names)))),
};

const rendered = (part, names) => part.elements.map((element) => styled(element, INLINE[element.type](element, names)));

const mention = (text) => el("span", { class: "mention" }, text);

const INLINE = {
  text: ({ text }) => text,
  link: ({ url, text }) => link(url, [text || url]),
  emoji: ({ name }) => emoji(name),
  user: ({ user_id: id }, names) => mention(`@${names.person(id) ?? id}`),
  channel: ({ channel_id: id }, names) => mention(`#${names.channel(id) ?? id}`),
  usergroup: ({ usergroup_id: id }) => mention(`@${id}`),
  broadcast: ({ range }) => mention(`@${range}`),
  color: ({ value }) => value,
  date: ({ fallback, timestamp }) => fallback ?? new Date(timestamp * 1000).toLocaleString(),
};

const TAGS = { bold: "strong", italic: "em", strike: "s", code: "code" };

const styled = ({ style = {} }, node) =>
  Object.keys(TAGS).reduce((inner, name) => (style[name] ? el(TAGS[name], {}, inner) : inner), node);
