"""Every sentence that the bot says to a person, in Slack's mrkdwn.

What a phrase quotes is released text, escaped here, or a number, an id or a name of our own.
"""

from collections.abc import Sequence
from typing import NewType

from bot.slack.markup import escape
from bot.store import Version
from safety import SafeText

Phrase = NewType("Phrase", str)


# Briefs


def nothing_to_write() -> Phrase:
    """An empty brief."""
    return Phrase("There is nothing to write yet. Try `/draft blog: our new office in Lisbon`.")


def too_long(characters: int, limit: int) -> Phrase:
    """A brief over the limit."""
    return Phrase(
        f"That is {characters:,} characters long; I take at most {limit:,}. Please shorten it."
    )


def unknown_option(name: str, near: str | None, known: Sequence[str]) -> Phrase:
    """An option that does not exist."""
    hint = f"Did you mean `{near}`?" if near else f"I know {_list(known)}."
    return Phrase(
        f"I do not know the option `{_name(name)}`. {hint} "
        "If it belongs to your text, begin with the kind: `/draft text: ...`."
    )


def unknown_kind(kind: str, near: str | None, known: Sequence[str]) -> Phrase:
    """A kind of text that has no recipe."""
    hint = f"Did you mean `{near}`?" if near else f"I know {_list(known)}."
    return Phrase(f"I do not know the kind `{_name(kind)}`. {hint}")


def bad_option(name: str, value: str, reason: str) -> Phrase:
    """An option with a value that it cannot have."""
    return Phrase(f"`{_name(name)}={_name(value)}` does not work: {reason.lower()}.")


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _name(typed: str) -> str:
    """A word that somebody typed, so that it can be shown before any filter has judged it."""
    return "".join(c for c in typed if c.isalnum() or c in "._-")[:32]


# Requests


def no_form() -> Phrase:
    """The form behind the bare command did not open."""
    return Phrase("I could not open the form just now. Try `/draft blog: what to write` instead.")


def not_allowed() -> Phrase:
    """Somebody who may not ask."""
    return Phrase(
        "Drafting is open to full members of this workspace. Ask the person who runs this app."
    )


def too_many(limit: int) -> Phrase:
    """The limit of running requests."""
    return Phrase(
        f"You have {limit} drafts running already. Wait until one is done, or stop one with :x:, "
        "and ask again."
    )


def not_saved() -> Phrase:
    """The database did not take the request."""
    return Phrase(
        "I could not save your request just now, so nothing was started. Please send it again."
    )


def refused(rules: Sequence[str]) -> Phrase:
    """The filter blocked what was asked."""
    return Phrase(
        f"I did not take this request: the safety filter stopped it ({_rules(rules)}). "
        "Change the text and ask again."
    )


def blocked(number: int, rules: Sequence[str]) -> Phrase:
    """The filter blocked what the model wrote, said to the requester."""
    return Phrase(
        f"I took draft {number} away: the safety filter stopped what the model wrote "
        f"({_rules(rules)}). :repeat: on it tries again."
    )


def _rules(rules: Sequence[str]) -> str:
    return ("rule " if len(rules) == 1 else "rules ") + ", ".join(f"`{rule}`" for rule in rules)


def invite_me(bot: str, command: str) -> Phrase:
    """A private channel that the bot is not in."""
    return Phrase(
        f"I am not in this channel. Your brief is kept: `/invite` <@{bot}> and I begin by myself, "
        f"or take the button, or send `{command}` in our own conversation."
    )


def not_in_this_dm() -> Phrase:
    """A conversation of people that no app can join."""
    return Phrase(
        "I cannot write in a conversation between two people. Your brief is kept: "
        "take the button, and the draft comes to our own conversation."
    )


def archived() -> Phrase:
    """A channel in which nobody writes any more."""
    return Phrase("This channel is archived. Send your brief in another one.")


def draft_in_dm_button() -> Phrase:
    """The button beside these two."""
    return Phrase("Draft it in our conversation")


def drafting_in_dm() -> Phrase:
    """What the message with that button becomes."""
    return Phrase("The draft comes to our own conversation.")


def nothing_to_refine() -> Phrase:
    """A reply in a thread without any draft left."""
    return Phrase(
        "There is no draft left in this thread that I could change. Begin a new one with `/draft`."
    )


def thread_gone() -> Phrase:
    """The thread was deleted, or cannot be written to any more."""
    return Phrase("The thread of this draft is gone. Begin a new one with `/draft`.")


def failed() -> Phrase:
    """Something that should not happen."""
    return Phrase(
        "Something went wrong on my side, and this draft was not finished. Your brief is kept; "
        "please ask again, or tell the person who runs this app."
    )


# The worker


def worker_starting() -> Phrase:
    """The worker is not up (yet, or again)."""
    return Phrase("The model is not up just now. Your draft goes on by itself as soon as it is.")


def worker_missing() -> Phrase:
    """The worker did not come within the time that a draft waits."""
    return Phrase(
        "The model could not be reached, so this draft is not finished. Your brief is kept: "
        ":repeat: on the draft tries again."
    )


def model_refused(sentence: SafeText) -> Phrase:
    """The worker refused the request, e.g. because it is too long for the model."""
    return Phrase(f"The model did not take this request. {escape(sentence[:1000])}")


# The thread


def root(requester: str, title: str, brief: SafeText) -> Phrase:
    """The message at the head of a thread."""
    shown = brief if len(brief) <= 500 else brief[:500].rstrip() + "…"
    return Phrase(f"<@{requester}> asked for a {title}: {escape(shown)}")


def draft_head(number: int, *, parent: int | None, again: int | None) -> Phrase:
    """The first line of a draft."""
    if again is not None:
        return Phrase(f"*Draft {number}* · {again} once more")
    if parent is not None:
        return Phrase(f"*Draft {number}* · from {parent}")
    return Phrase(f"*Draft {number}*")


def draft_facts(version: Version, seed: int) -> Phrase:
    """The small line under a finished draft."""
    seconds, tokens = version.seconds or 0.0, version.tokens
    facts = [f"{seconds:.1f} s"]
    if tokens:
        facts += [f"{tokens} tokens", f"{tokens / max(seconds, 0.001):.1f} tokens/s"]
    facts += [f"seed {seed}"]
    if version.model:
        facts += [escape(version.model)]
    if version.finish_reason == "length":
        facts += ["ended at its token limit"]
    return Phrase(" · ".join(facts))


def stopped() -> Phrase:
    """Under a draft that a person stopped."""
    return Phrase("Stopped.")


def interrupted() -> Phrase:
    """Under a draft that could not be finished."""
    return Phrase("Not finished.")


def taken_away() -> Phrase:
    """In place of a draft that the filter blocked."""
    return Phrase("_This draft was taken away by the safety filter._")


def regenerate_button() -> Phrase:
    """The button under a draft."""
    return Phrase("Regenerate")
