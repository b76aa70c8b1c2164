// The question that a Block Kit `confirm` object asks before a button acts.

import { el } from "./markup.js";
import { textOf } from "./text.js";

const dialog = document.getElementById("confirm");

// Resolve to whether the person said yes; resolve at once if there is no question.
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
