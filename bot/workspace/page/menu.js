// A button that unfolds a list of things to do; `items` are [name, act].

import { el } from "./markup.js";

export function menu(label, picture, items, attributes = {}) {
  const fold = el("details", { class: "menu", ...attributes });
  const choose = (act) => () => { fold.open = false; act(); };
  fold.append(
    el("summary", { "aria-label": label, title: label }, picture),
    el("div", { class: "menu-items" }, ...items.map(([name, act]) =>
      el("button", { type: "button", onclick: choose(act) }, name))));
  return fold;
}

// Folds what is unfolded, but for what holds `except`; says whether there was anything.
export function foldMenus(except = null) {
  const open = [...document.querySelectorAll("details.menu[open]")].filter((fold) => !fold.contains(except));
  for (const fold of open) {
    if (fold.contains(document.activeElement)) fold.querySelector("summary").focus();
    fold.open = false;
  }
  return open.length > 0;
}
