// The name of this tab, which stays the same when the page is loaded again. A modal opens in the tab
// in which the person asked for it.

// A copy of a tab begins with the other's storage, so only a reload may take the name from there.
const [{ type }] = performance.getEntriesByType("navigation");
const before = type === "reload" ? sessionStorage.getItem("tab") : null;

export const TAB = before ?? crypto.randomUUID();
sessionStorage.setItem("tab", TAB);
