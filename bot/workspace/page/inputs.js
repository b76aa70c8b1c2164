// Inputs of Block Kit, in a form or beside a message: the field of each, and the value it holds.

import { el } from "./markup.js";
import { select } from "./select.js";
import { textOf } from "./text.js";

export const CHOICES = new Set(["checkboxes", "multi_static_select", "multi_users_select", "radio_buttons"]);
const TYPES = { datepicker: "date", timepicker: "time", email_text_input: "email", url_text_input: "url" };

export function input(element, attributes, names) {
  const placeholder = element.placeholder?.text;
  const common = { ...attributes, "data-type": element.type, placeholder };
  switch (element.type) {
    case "plain_text_input": {
      // What is too long is not cut: whoever submits it is told.
      if (!element.multiline) return el("input", { ...common, dir: "auto", type: "text", value: element.initial_value });
      return el("textarea", { ...common, dir: "auto", rows: 3 }, element.initial_value ?? "");
    }
    case "number_input":
      return el("input", { ...common, type: "number", value: element.initial_value,
        min: element.min_value, max: element.max_value, step: element.is_decimal_allowed ? "any" : 1 });
    case "file_input":
      return el("input", { ...common, type: "file", multiple: element.max_files !== 1,
        accept: element.filetypes?.map((kind) => `.${kind}`).join(",") });
    case "static_select": case "conversations_select": case "users_select": case "channels_select":
      return select(element, common);
    case "checkboxes": case "multi_static_select": case "multi_users_select":
      return choices(element, common, "checkbox", element.initial_options ?? [], names);
    case "radio_buttons": return choices(element, common, "radio", [element.initial_option].filter(Boolean), names);
    default: {
      const initial = element.initial_value ?? element.initial_date ?? element.initial_time;
      return el("input", { ...common, type: TYPES[element.type] ?? "text", value: initial });
    }
  }
}

function choices(element, attributes, type, initial, names) {
  const chosen = new Set(initial.map((option) => option.value));
  const group = { ...attributes, role: "group", tabindex: -1 };
  const options = [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((g) => g.options)];
  return el("div", group, ...options.map((option) =>
    el("label", { class: "choice" },
      el("input", { type, name: attributes.id, value: option.value, checked: chosen.has(option.value) }),
      el("span", {}, ...textOf(option.text, names),
        option.description ? el("small", { class: "note" }, ...textOf(option.description, names)) : null))));
}

export function setValue(field, value) {
  if (!CHOICES.has(field.dataset.type)) field.value = value;
  for (const box of field.querySelectorAll("input")) box.checked = [value].flat().includes(box.value);
}

export function valueOf(field) {
  const checked = [...field.querySelectorAll("input:checked")].map((box) => box.value);
  if (field.dataset.type === "radio_buttons") return checked[0] ?? "";
  if (CHOICES.has(field.dataset.type)) return checked;
  return field.value;
}
