// Modals: a form for the topmost view. It keeps what was typed when errors come back, and when the
// page is loaded again.

import { renderBlocks } from "./blocks.js";
import { uploaded } from "./files.js";
import { CHOICES, input, setValue, valueOf } from "./inputs.js";
import { el } from "./markup.js";
import { textOf } from "./text.js";
import { keepUnsent, unsent } from "./unsent.js";

const dialog = document.getElementById("modal");
const INPUTS = "[data-block]:not([role]), [data-block] input";
let shown = "";

// `act(request)` sends what the person `who` does.
export function showViews(views, names, act, who) {
  const view = views.at(-1);
  if (!view) return hide();
  if (shown !== `${view.id}/${view.hash}`) build(view, names, act, who);
  showErrors(view);
  if (!dialog.open) dialog.showModal();
}

function hide() {
  if (shown) keepUnsent(typedIn(shown.split("/")[0]), "");
  shown = "";
  if (dialog.open) dialog.close();
}

function build(view, names, act, who) {
  const same = shown.startsWith(`${view.id}/`);
  const [kept, scrolled] = same ? [fields(dialog), dialog.firstChild.scrollTop] : [[], 0];
  const focused = document.activeElement;
  shown = `${view.id}/${view.hash}`;
  const close = () => act({ do: "close_view", view_id: view.id });
  dialog.oncancel = (event) => { event.preventDefault(); close(); };
  // Read the whole dialog, for a kept input is now in a newer form.
  const click = async (action, value, block) => {
    const place = { view_id: view.id, block_id: block, action_id: action };
    const answer = await act({ do: "click_in_view", ...place, value, values: typed(dialog) });
    if (answer.error) dialog.querySelector('[data-error=""]').textContent = answer.error;
  };
  const form = el("form", { novalidate: true, autocomplete: "off" },
    el("header", {},
      el("h2", { id: "modal-title" }, view.title?.text ?? ""),
      el("button", { type: "button", class: "button bare", "aria-label": "Close", onclick: close }, "✕")),
    ...view.blocks.map((block) => part(block, names, click, kept)),
    el("p", { class: "hint", "data-error": "", role: "alert" }),
    el("footer", {},
      el("button", { type: "button", class: "button", onclick: close }, view.close?.text ?? "Cancel"),
      view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null));
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form, view, act, who); });
  focusOf(form, view)?.setAttribute("autofocus", "");
  const saved = JSON.parse(unsent(typedIn(view.id)) || "{}");
  if (!same) fields(form).forEach((field) => restore(field, saved[field.dataset.block]));
  form.addEventListener("input", () => save(form, view));
  dialog.replaceChildren(form);
  form.scrollTop = scrolled;
  if (same) refocus(focused, form, kept);
}

// Give the focus back that an update took: to the same input, or else to the first one that is new.
function refocus(focused, form, kept) {
  const target = form.contains(focused) ? focused : fields(form).find((field) => !kept.includes(field));
  (target ?? form.querySelector("[autofocus]"))?.focus();
}

// Return the input that asks for the focus, or else the first; without inputs, the button that closes.
function focusOf(form, view) {
  const named = view.blocks.find((block) => block.element?.focus_on_load)?.block_id;
  return form.querySelector(named ? `[data-block="${CSS.escape(named)}"]` : INPUTS) ?? form.querySelector("footer button");
}

async function send(form, view, act, who) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const values = typed(form);
    for (const field of form.querySelectorAll("[type=file]")) {
      values[field.dataset.block] = await uploaded(field.files, who);
    }
    await act({ do: "submit", view_id: view.id, values });
  } catch (error) {
    form.querySelector('[data-error=""]').textContent = error.message;
  }
  button.disabled = false;
}

// What is typed in a view, each value with the shape of its input.
const typedIn = (id) => `view ${id}`;

function save(form, view) {
  const kept = fields(form).filter((field) => field.type !== "file");
  const values = kept.map((field) => [field.dataset.block, { shape: field.dataset.shape, value: valueOf(field) }]);
  keepUnsent(typedIn(view.id), JSON.stringify(Object.fromEntries(values)));
}

function restore(field, saved) {
  if (saved?.shape === field.dataset.shape) setValue(field, saved.value);
}

const fields = (form) => [...form.querySelectorAll("[data-block]")];

// Return the values of the form by block, without files.
const typed = (form) => Object.fromEntries(
  fields(form).filter((field) => field.type !== "file").map((field) => [field.dataset.block, valueOf(field)]));

function showErrors(view) {
  for (const place of dialog.querySelectorAll("[data-error]")) {
    place.textContent = view.errors[place.dataset.error] ?? "";
    const input = dialog.querySelector(`[data-block="${CSS.escape(place.dataset.error)}"]`);
    input?.toggleAttribute("aria-invalid", Boolean(place.textContent));
  }
  dialog.querySelector("[aria-invalid]")?.focus();
}

function part(block, names, click, kept) {
  if (block.type !== "input") return el("div", { class: "content" }, ...renderBlocks([block], names, click));
  const id = `input-${block.block_id}`;
  const many = CHOICES.has(block.element.type);
  const label = [block.label.text, block.optional ? el("small", {}, " (optional)") : null];
  const field = keptOrNew(block, id, kept, names);
  if (many) field.setAttribute("aria-labelledby", `${id}-label`);
  field.onchange = block.dispatch_action ? () => click(block.element.action_id, valueOf(field), block.block_id) : null;
  field.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  return el("div", { class: "input" },
    many ? el("span", { class: "label", id: `${id}-label` }, ...label.filter(Boolean))
      : el("label", { for: id }, ...label.filter(Boolean)),
    field,
    block.hint ? el("div", { class: "note", id: `${id}-hint` }, ...textOf(block.hint, names)) : null,
    el("p", { class: "hint", id: `${id}-error`, "data-error": block.block_id }));
}

// An input with the same ids keeps what was typed, over an update that changes it, too.
function keptOrNew(block, id, kept, names) {
  const shape = JSON.stringify(block.element);
  const { type, action_id: action = "" } = block.element;
  const same = kept.find((old) => old.id === id && old.dataset.type === type && old.dataset.input === action);
  if (same?.dataset.shape === shape) return same;
  const attributes = { id, "data-block": block.block_id, "data-input": action, "data-shape": shape };
  const field = input(block.element, attributes, names);
  field.addEventListener("input", () => { field.dataset.touched = "yes"; });
  if (same?.dataset.touched && same.value) field.value = same.value;
  return field;
}

