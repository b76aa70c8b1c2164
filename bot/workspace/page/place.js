// Where the person is, kept in the page's address, so that Back, a reload and a link lead there.
// A place is { as, channel, thread, tab }: names and times only, never text of people.

const NAMES = ["as", "channel", "thread", "tab"];

// Return the place in the address; null for what it does not name.
export function place() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name)]));
}

// Go to a place, a step that Back undoes.
export function visit(wanted) {
  if (address(wanted) !== address(place())) history.pushState(null, "", address(wanted));
}

// Correct the address of the place where the person is.
export function settle(wanted) {
  history.replaceState(null, "", address(wanted));
}

const address = (wanted) =>
  `?${new URLSearchParams(NAMES.filter((name) => wanted[name]).map((name) => [name, wanted[name]]))}`;
