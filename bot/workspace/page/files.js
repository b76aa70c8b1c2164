// Files: uploading them, and showing them in messages.

import { icon } from "./icons.js";
import { el } from "./markup.js";

const sent = new WeakMap(); // a form that comes back with errors sends no file twice

// Upload the files and return their ids. Throws an Error with a sentence.
export async function uploaded(files, who) {
  const ids = [];
  for (const file of files) {
    if (!sent.has(file)) sent.set(file, await upload(file, who));
    ids.push(sent.get(file));
  }
  return ids;
}

async function upload(file, who) {
  const query = new URLSearchParams({ as: who, name: file.name });
  const response = await fetch(`/page/files?${query}`, { method: "POST", body: file });
  if (response.status === 413) throw new Error(`${file.name} is too large.`);
  if (!response.ok) throw new Error(`${file.name} could not be uploaded.`);
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer.id;
}

export const size = (bytes) =>
  bytes < 1000 ? `${bytes} bytes` : bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

export function fileList(files, who) {
  if (!files.length) return null;
  return el("ul", { class: "files", "aria-label": "Files" }, ...files.map((file) =>
    el("li", {}, el("a", { href: `/page/files/${file.id}?as=${encodeURIComponent(who)}`, download: file.name,
      "data-canvas": file.canvas ? file.id : null },
      icon("file"), el("span", {}, file.name), el("small", {}, size(file.size))))));
}
