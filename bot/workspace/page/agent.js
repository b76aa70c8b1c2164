// The app as an agent: prompts and what is looked at beside its messages, and its work in a thread.

import { el } from "./markup.js";

const $ = (id) => document.getElementById(id);

// Draw the Messages tab of the app's DM, if `shown`; `say` sends a prompt.
export function drawMessagesTab(agent, shown, say) {
  const { prompts, beside } = agent;
  $("beside").textContent = shown && beside ? `The app sees that you look at #${beside}` : "";
  $("prompts").hidden = !shown || !prompts;
  const stamp = JSON.stringify(prompts);
  if (!prompts || $("prompts").dataset.stamp === stamp) return;
  $("prompts").dataset.stamp = stamp;
  $("prompts").replaceChildren(
    el("p", {}, prompts.title || "Try one of these"),
    ...prompts.prompts.map((prompt) =>
      el("button", { type: "button", class: "button", onclick: () => say(prompt.message) }, prompt.title)));
}

// Draw Slack's own line below a thread in which the app works, and its stop button.
export function drawSession(session, stoppable, stop) {
  const working = session?.status === "processing";
  $("session").hidden = !working;
  const stamp = JSON.stringify([working, session?.title, stoppable]);
  if ($("session").dataset.stamp === stamp) return;
  $("session").dataset.stamp = stamp;
  const button = el("button", { type: "button", class: "button", "data-key": "stop-session", onclick: stop }, "Stop");
  $("session").replaceChildren(
    el("span", {}, session?.title ? `Working on: ${session.title}` : "Working ..."), ...(stoppable ? [button] : []));
}
