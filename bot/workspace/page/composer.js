// The message box, with attached files. What is not sent stays with its place and its person.

import { size, uploaded } from "./files.js";
import { icon } from "./icons.js";
import { el } from "./markup.js";
import { keepUnsent, unsent } from "./unsent.js";

// Show the error of an answer, or remove the last one.
export async function hint(answer, form) {
  form.querySelector(".hint").textContent = (await answer).error ?? "";
}

// `where()` returns the channel and thread, `who()` the person; `act(request)` sends a request.
// Return what is to be called whenever the person may be in another place.
export function composer(form, where, who, act) {
  const box = form.querySelector("textarea");
  const picker = form.querySelector("[type=file]");
  const files = new Map(); // the attached ones, by place
  let here = null;
  const placeNow = () => [who(), where().channel, where().thread_ts ?? ""].join("/");
  const chosen = () => files.get(here) ?? [];
  const fit = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 220)}px`;
  };
  const show = () => form.querySelector(".attached").replaceChildren(...chosen().map((file) =>
    el("li", {}, icon("file"), el("span", {}, file.name), el("small", {}, size(file.size)),
      el("button", { type: "button", "aria-label": `Leave out ${file.name}`, onclick: () => keep(here, box.value, chosen().filter((f) => f !== file)) }, "✕"))));
  const keep = (place, text, attached) => {
    keepUnsent(place, text);
    files.set(place, attached);
    if (place === here) enter(true);
  };
  const enter = (again = false) => {
    if (here === placeNow() && again !== true) return;
    if (here !== placeNow()) form.querySelector(".hint").textContent = "";
    here = placeNow();
    if (box.value !== unsent(here)) box.value = unsent(here);
    show();
    fit();
  };
  const write = async (text, attached, to) => {
    try {
      return await act({ do: "write", text, files: await uploaded(attached, who()), ...to });
    } catch (error) {
      return { error: error.message };
    }
  };
  const send = async (text, attached) => {
    const from = here;
    const sent = write(text, attached, where());
    keep(from, "", []);
    const answer = await sent;
    if (!answer.error) return hint(answer, form);
    const empty = !unsent(from) && !files.get(from)?.length;
    if (empty) keep(from, text, attached);
    if (from === here) hint(answer, form);
  };
  picker.addEventListener("change", () => {
    keep(here, box.value, [...chosen(), ...picker.files]);
    picker.value = "";
    box.focus();
  });
  box.addEventListener("input", () => {
    keepUnsent(here, box.value);
    fit();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (box.value.trim() || chosen().length) send(box.value, chosen());
  });
  return enter;
}
