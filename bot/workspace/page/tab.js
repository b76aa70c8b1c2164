// The name of this tab, which stays the same when the page reloads. A modal opens in the tab in
// which the person asked for it.

if (!sessionStorage.getItem("tab")) sessionStorage.setItem("tab", crypto.randomUUID());

export const TAB = sessionStorage.getItem("tab");
