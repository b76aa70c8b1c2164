// A select of Block Kit, its options plain or in groups.

import { el } from "./markup.js";

export function select(element, attributes) {
  const initial = element.initial_option?.value;
  const one = (option) =>
    el("option", { value: option.value, selected: option.value === initial }, option.text.text);
  const groups = (element.option_groups ?? []).map((group) =>
    el("optgroup", { label: group.label.text }, ...group.options.map(one)));
  return el("select", attributes,
    el("option", { value: "" }, element.placeholder?.text ?? "Choose ..."),
    ...(element.options ?? []).map(one), ...groups);
}
