// A button that opens a menu; `items` are [name, act, value], a name being a text or nodes, the value
// for whoever looks for one.

import { el } from "./markup.js";

export function menu(label, picture, items, attributes = {}) {
  const fold = el("details", { class: "menu", ...attributes });
  const choose = (act) => () => { fold.open = false; act(); };
  const list = el("div", { class: "menu-items" }, ...items.map(([name, act, value]) => {
    const item = el("button", { type: "button", onclick: choose(act) }, ...[name].flat());
    if (value) item.dataset.value = value;
    return item;
  }));
  fold.append(el("summary", { "aria-label": label, title: label }, picture), list);
  // The last message's menu would open below what is in sight.
  fold.addEventListener("toggle", () => { if (fold.open) list.scrollIntoView({ block: "nearest" }); });
  return fold;
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
