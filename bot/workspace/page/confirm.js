// The question before a button does what cannot be undone: a Block Kit confirm object.

import { textOf } from "./blocks.js";
import { el } from "./markup.js";

const dialog = document.getElementById("confirm");

// Resolves to whether the person went on; at once where nothing is to be asked.
export function confirmed(confirm, names) {
  if (!confirm) return Promise.resolve(true);
  const answer = (name, style, value) =>
    el("button", { class: `button ${style}`, value, "data-answer": value }, confirm[name].text);
  dialog.returnValue = "";
  dialog.replaceChildren(el("form", { method: "dialog" },
    el("h2", { id: "confirm-title" }, confirm.title.text),
    el("div", {}, ...textOf(confirm.text, names)),
    el("footer", {}, answer("deny", "", "no"), answer("confirm", confirm.style ?? "primary", "yes"))));
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
  });
}
