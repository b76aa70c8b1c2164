// A text object of Block Kit: mrkdwn, or plain text with emoji.
// https://docs.slack.dev/reference/block-kit/composition-objects/text-object

import { el, mrkdwn, plain } from "./markup.js";

export function textOf(object, names) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : [el("p", {}, ...plain(object.text))];
}
