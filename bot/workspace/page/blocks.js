// Block Kit as DOM nodes. `click(action, value, block)` is what a button or a choice does.

import { confirmed } from "./confirm.js";
import { icon } from "./icons.js";
import { input, valueOf } from "./inputs.js";
import { el, markdown, plain } from "./markup.js";
import { menu } from "./menu.js";
import { richText } from "./rich.js";
import { select } from "./select.js";
import { textOf } from "./text.js";

export function renderBlocks(blocks, names, click) {
  return blocks.map((block) => {
    const render = RENDER[block.type];
    const here = (action, value) => click(action, value, block.block_id);
    const inside = render ? render(block, names, here) : [`(${block.type})`];
    return el("div", { class: `block block-${block.type}` }, ...inside);
  });
}

const RENDER = {
  section: (block, names, click) => [
    el("div", { class: "section-text" }, ...textOf(block.text, names), ...fields(block, names)),
    block.accessory ? element(block.accessory, names, click) : null,
  ],
  markdown: (block, names) => markdown(block.text, names),
  rich_text: richText,
  header: (block) => [el("h3", {}, ...plain(block.text.text))],
  context: (block, names) => block.elements.map((e) => contextElement(e, names)),
  divider: () => [el("hr")],
  image: (block) => [image(block)],
  actions: (block, names, click) => block.elements.map((e) => element(e, names, click)),
  context_actions: (block, names, click) => block.elements.map((e) => element(e, names, click)),
};

const fields = (block, names) =>
  (block.fields ?? []).map((field) => el("div", { class: "field" }, ...textOf(field, names)));

// The page loads no pictures: a workspace for trials must send nothing to other servers.
const image = (object) => el("span", { class: "image" }, `[image: ${object.alt_text ?? ""}]`);

function contextElement(object, names) {
  return object.type === "image" ? image(object) : el("span", {}, ...textOf(object, names));
}

function element(object, names, click) {
  const make = ELEMENTS[object.type];
  const sure = async (action, value) => {
    const yes = await confirmed(object.confirm, names);
    if (yes) click(action, value);
    return yes;
  };
  if (object.type === "image") return image(object);
  return make ? make(object, sure, names) : el("span", {}, `(${object.type})`);
}

const WEB = /^https?:\/\//i;
const opening = (address) => ({ href: address, target: "_blank", rel: "noopener noreferrer" });

function button(object, click) {
  if (WEB.test(object.url ?? "")) {
    // The app hears of a click on a link as well.
    const hear = () => click(object.action_id, object.value);
    return el("a", { ...opening(object.url), class: "button", onclick: hear }, ...plain(object.text.text));
  }
  return press(object, object.text.text, object.style ?? "", undefined, click);
}

const iconButton = (object, click) =>
  press(object, object.text?.text ?? object.icon, "bare", object.value, click);

// The thumbs that were pressed here, for Slack's client shows which of a pair that is.
const pressed = new Set();

function feedback(object, click) {
  const pair = { ":+1:": object.positive_button, ":-1:": object.negative_button };
  const buttons = Object.entries(pair).map(([thumb, { text, value, accessibility_label }]) => {
    const button = press(object, thumb, "bare", value, choose, accessibility_label ?? text.text);
    button.setAttribute("aria-pressed", pressed.has(button.dataset.key));
    return button;
  });
  function choose(action, value) {
    for (const button of buttons) {
      const now = button.dataset.key === `${action}/${value}` && !pressed.has(button.dataset.key);
      pressed[now ? "add" : "delete"](button.dataset.key);
      button.setAttribute("aria-pressed", now);
    }
    click(action, value);
  }
  return el("span", { class: "feedback" }, ...buttons);
}

function overflow(object, click) {
  const choose = ({ value, url }) => () => {
    if (WEB.test(url ?? "")) window.open(url, "_blank", "noopener,noreferrer");
    click(object.action_id, value);
  };
  return menu("More options", icon("dots"),
    object.options.map((option) => [plain(option.text.text), choose(option), option.value]), { "data-action": object.action_id });
}

function choice(object, click) {
  const before = object.initial_option?.value ?? "";
  const attributes = {
    class: "button", "data-action": object.action_id, "data-key": object.action_id,
    "aria-label": object.placeholder?.text ?? "Choose",
  };
  const field = select(object, attributes);
  field.addEventListener("change", async () => {
    if (field.value && !(await click(object.action_id, field.value))) field.value = before;
  });
  return field;
}

// Radio buttons, checkboxes, dates and times beside a message act at once.
function field(object, click, names) {
  const made = input(object, { "data-action": object.action_id, id: `act-${count++}` }, names);
  made.addEventListener("change", () => click(object.action_id, valueOf(made)));
  return made;
}
let count = 0; // tells groups of radio buttons apart

const ELEMENTS = {
  button, icon_button: iconButton, feedback_buttons: feedback, overflow, static_select: choice,
  radio_buttons: field, checkboxes: field, multi_static_select: field, datepicker: field, timepicker: field,
};

function press(object, text, style, value, click, label) {
  const name = label ?? object.accessibility_label;
  const key = `${object.action_id}/${value ?? ""}`;
  const attributes = { type: "button", class: `button ${style}`, "data-action": object.action_id };
  if (name) attributes["aria-label"] = attributes.title = name;
  return el("button", { ...attributes, "data-key": key, onclick: () => click(object.action_id, value) },
    ...plain(text));
}
