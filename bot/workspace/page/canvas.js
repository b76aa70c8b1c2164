// Canvases: the tabs of a channel, and a window in which to read one.

import { icon } from "./icons.js";
import { el, markdown } from "./markup.js";

const dialog = document.getElementById("canvas");
const tabs = document.getElementById("canvases");

// Open a canvas wherever it is named: in a tab, as a file of a message, by a link in a text.
export function canvasWindow(who, names) {
  document.addEventListener("click", (event) => {
    const id = named(event.target.closest("[data-canvas], a"));
    if (!id) return;
    event.preventDefault();
    open(id, who(), names);
  });
}

export function canvasTabs(canvases) {
  const stamp = JSON.stringify(canvases);
  tabs.hidden = !canvases.length;
  if (tabs.dataset.stamp === stamp) return;
  tabs.dataset.stamp = stamp;
  tabs.replaceChildren(...canvases.map(({ id, title }) =>
    el("button", { type: "button", "data-canvas": id, title }, icon("file"), el("span", { dir: "auto" }, title))));
}

const named = (target) => target?.dataset.canvas ?? target?.pathname?.match(/^\/docs\/\w+\/(F\w+)$/)?.[1];

async function open(id, who, names) {
  const response = await fetch(`/page/canvases/${id}?as=${encodeURIComponent(who)}`);
  const { title, text } = response.ok ? await response.json()
    : { title: "Canvas", text: "You have no access to this canvas." };
  dialog.replaceChildren(el("form", { method: "dialog" },
    el("header", {}, el("h2", { id: "canvas-title", dir: "auto" }, title), el("button", { class: "button bare", "aria-label": "Close" }, "✕")),
    el("div", { class: "content" }, ...markdown(withMentions(text), names))));
  dialog.showModal();
}

// A canvas writes a mention of a person or a channel as a picture of its id.
const withMentions = (text) => text.replace(/!\[\]\(([@#])(\w+)\)/g, "<$1$2>");
