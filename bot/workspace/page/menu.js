// A button that opens a menu; `items` are [name, act, value], a name being a text or nodes, the value
// for whoever looks for one.

import { el } from "./markup.js";

export function menu(label, picture, items, attributes = {}) {
  const id = attributes["data-action"] ?? label;
  const fold = el("details", { class: "menu", "data-menu": id, ...attributes });
  const choose = (act) => () => { fold.open = false; act(); };
  const list = el("div", { class: "menu-items" }, ...items.map(([name, act, value], i) => {
    const key = `${id}/${value ?? i}`;
    const item = el("button", { type: "button", "data-key": key, onclick: choose(act) }, ...[name].flat());
    if (value) item.dataset.value = value;
    return item;
  }));
  fold.append(el("summary", { "aria-label": label, title: label, "data-key": id }, picture), list);
  // The last message's menu would open below what is in sight.
  fold.addEventListener("toggle", () => { if (fold.open) list.scrollIntoView({ block: "nearest" }); });
  return fold;
}

// Put these messages into the list; a menu of a message that is open stays so when it is drawn again.
export function redrawn(list, messages) {
  const menus = (state) => [...list.querySelectorAll(`details.menu${state}`)];
  const name = (fold) => `${fold.closest("[data-ts]").dataset.ts}/${fold.dataset.menu}`;
  const open = new Set(menus("[open]").map(name));
  list.replaceChildren(...messages);
  for (const fold of menus("")) fold.open ||= open.has(name(fold));
}

// Close all open menus, except the one that contains `except`; say whether there was one.
export function foldMenus(except = null) {
  const open = [...document.querySelectorAll("details.menu[open]")].filter((fold) => !fold.contains(except));
  for (const fold of open) {
    if (fold.contains(document.activeElement)) fold.querySelector("summary").focus();
    fold.open = false;
  }
  return open.length > 0;
}
