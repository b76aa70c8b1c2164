// Text that is typed but not sent, by its place. It stays in this tab, also when the page reloads.

const name = (place) => `unsent ${place}`;

export const unsent = (place) => sessionStorage.getItem(name(place)) ?? "";

export function keepUnsent(place, text) {
  if (text) sessionStorage.setItem(name(place), text);
  else sessionStorage.removeItem(name(place));
}
