// Modals: a form for the topmost view; what was typed stays when errors come back.

import { renderBlocks, textOf } from "./blocks.js";
import { el } from "./markup.js";

const dialog = document.getElementById("modal");
let shown = "";

// `act(wish)` submits, closes or clicks.
export function showViews(views, names, act) {
  const view = views.at(-1);
  if (!view) return hide();
  if (shown !== `${view.id}/${view.hash}`) build(view, names, act);
  showErrors(view);
  if (!dialog.open) dialog.showModal();
}

function hide() {
  shown = "";
  if (dialog.open) dialog.close();
}

function build(view, names, act) {
  shown = `${view.id}/${view.hash}`;
  const close = () => act({ do: "close", view: view.id });
  dialog.oncancel = (event) => { event.preventDefault(); close(); };
  const click = (action) => act({ do: "click", view: view.id, action });
  const form = el("form", { novalidate: true, autocomplete: "off" },
    el("header", {},
      el("h2", { id: "modal-title" }, view.title?.text ?? ""),
      el("button", { type: "button", class: "button bare", "aria-label": "Close", onclick: close }, "✕")),
    ...view.blocks.map((block) => part(block, names, click)),
    el("p", { class: "hint", "data-error": "", role: "alert" }),
    el("footer", {},
      el("button", { type: "button", class: "button", onclick: close }, view.close?.text ?? "Cancel"),
      view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null));
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form, view, act); });
  form.querySelector("[data-block]")?.setAttribute("autofocus", "");
  dialog.replaceChildren(form);
}

async function send(form, view, act) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  const values = {};
  for (const field of form.querySelectorAll("[data-block]")) values[field.dataset.block] = valueOf(field);
  await act({ do: "submit", view: view.id, values });
  button.disabled = false;
}

function showErrors(view) {
  for (const place of dialog.querySelectorAll("[data-error]")) {
    place.textContent = view.errors[place.dataset.error] ?? "";
    const input = dialog.querySelector(`[data-block="${CSS.escape(place.dataset.error)}"]`);
    input?.toggleAttribute("aria-invalid", Boolean(place.textContent));
  }
  dialog.querySelector("[aria-invalid]")?.focus();
}

function part(block, names, click) {
  if (block.type !== "input") return renderBlocks([block], names, click)[0];
  const id = `input-${block.block_id}`;
  const many = ["checkboxes", "radio_buttons"].includes(block.element.type);
  const label = [block.label.text, block.optional ? el("small", {}, " (optional)") : null];
  const field = input(block.element, { id, "data-block": block.block_id });
  field.setAttribute("aria-describedby", `${id}-error`);
  return el("div", { class: "input" },
    many ? el("span", { class: "label", id: `${id}-label` }, ...label.filter(Boolean))
      : el("label", { for: id }, ...label.filter(Boolean)),
    field,
    block.hint ? el("p", { class: "note" }, ...textOf(block.hint, names)) : null,
    el("p", { class: "hint", id: `${id}-error`, "data-error": block.block_id }));
}

function input(element, attributes) {
  const placeholder = element.placeholder?.text;
  const common = { ...attributes, "data-type": element.type, placeholder };
  switch (element.type) {
    case "plain_text_input": {
      const limits = { maxlength: element.max_length ?? 3000 };
      if (!element.multiline) return el("input", { ...common, ...limits, type: "text", value: element.initial_value });
      return el("textarea", { ...common, ...limits, rows: 5 }, element.initial_value ?? "");
    }
    case "number_input":
      return el("input", { ...common, type: "number", value: element.initial_value,
        min: element.min_value, max: element.max_value, step: element.is_decimal_allowed ? "any" : 1 });
    case "static_select": return select(element, common);
    case "checkboxes": return choices(element, common, "checkbox", element.initial_options ?? []);
    case "radio_buttons": return choices(element, common, "radio", [element.initial_option].filter(Boolean));
    default: return el("input", { ...common, type: "text" });
  }
}

function select(element, attributes) {
  const initial = element.initial_option?.value;
  const blank = el("option", { value: "" }, element.placeholder?.text ?? "Choose ...");
  const options = [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((g) => g.options)];
  return el("select", attributes, blank, ...options.map((option) =>
    el("option", { value: option.value, selected: option.value === initial }, option.text.text)));
}

function choices(element, attributes, type, initial) {
  const chosen = new Set(initial.map((option) => option.value));
  const group = { ...attributes, role: "group", tabindex: -1, "aria-labelledby": `${attributes.id}-label` };
  return el("div", group, ...element.options.map((option) =>
    el("label", { class: "choice" },
      el("input", { type, name: attributes.id, value: option.value, checked: chosen.has(option.value) }),
      option.text.text)));
}

function valueOf(field) {
  const checked = [...field.querySelectorAll("input:checked")].map((box) => box.value);
  if (field.dataset.type === "checkboxes") return checked;
  if (field.dataset.type === "radio_buttons") return checked[0] ?? "";
  return field.value;
}
