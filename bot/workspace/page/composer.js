// The message box, with attached files.

import { size, uploaded } from "./files.js";
import { icon } from "./icons.js";
import { el } from "./markup.js";

// Show the error of an answer, or remove the last one.
export async function hint(answer, form) {
  form.querySelector(".hint").textContent = (await answer).error ?? "";
}

// `where()` returns the channel and thread, `who()` the person; `act(request)` sends a request.
export function composer(form, where, who, act) {
  const box = form.querySelector("textarea");
  const picker = form.querySelector("[type=file]");
  let chosen = [];
  const fit = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 220)}px`;
  };
  const show = () => form.querySelector(".attached").replaceChildren(...chosen.map((file) =>
    el("li", {}, icon("file"), el("span", {}, file.name), el("small", {}, size(file.size)),
      el("button", { type: "button", "aria-label": `Leave out ${file.name}`, onclick: () => keep(chosen.filter((f) => f !== file)) }, "✕"))));
  const keep = (files) => {
    chosen = files;
    show();
  };
  const write = async (text, files) => {
    try {
      return await act({ do: "write", text, files: await uploaded(files, who()), ...where() });
    } catch (error) {
      return { error: error.message };
    }
  };
  const send = async (text, files) => {
    const answer = await write(text, files);
    if (answer.error && !box.value && !chosen.length) {
      box.value = text;
      keep(files);
    }
    return answer;
  };
  picker.addEventListener("change", () => {
    keep([...chosen, ...picker.files]);
    picker.value = "";
    box.focus();
  });
  box.addEventListener("input", fit);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!box.value.trim() && !chosen.length) return;
    hint(send(box.value, chosen), form);
    box.value = "";
    keep([]);
    fit();
  });
}
