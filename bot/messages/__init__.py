"""Every sentence that the bot says to a person, and what each quotes.

The words are in the catalogue (en.toml, zh.toml). What a sentence quotes is released text, escaped
here, or a number, an id or a name of our own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.messages.catalogue import (
    LANGUAGES,
    WORDS,
    Language,
    Phrase,
    Sentence,
    language_for,
    ours,
    sentence,
    use_command,
)
from bot.slack.render.markup import escape
from bot.store import Version
from safety import SafeText, part

__all__ = [
    "LANGUAGES",
    "Language",
    "Phrase",
    "Sentence",
    "language_for",
    "ours",
    "use_command",
]

LANGUAGE = "language_"  # How the names of languages begin in the catalogue.
WRITTEN = tuple(n.removeprefix(LANGUAGE) for n in WORDS["en"] if n.startswith(LANGUAGE))
"""Codes (ISO 639-1) of the languages that a text can be asked for in."""

# Briefs


def nothing_to_write() -> Sentence:
    """An empty brief."""
    return sentence("nothing_to_write")


def too_long(characters: int, limit: int) -> Sentence:
    """A brief over the limit."""
    return sentence("too_long", characters=characters, limit=limit)


def unknown_option(name: str, near: str | None, known: Sequence[str]) -> Sentence:
    """An option that does not exist."""
    return sentence("unknown_option", option=_name(name), hint=_hint(near, known))


def unknown_kind(kind: str, near: str | None, known: Sequence[str]) -> Sentence:
    """A kind of text that has no recipe."""
    return sentence("unknown_kind", kind=_name(kind), hint=_hint(near, known))


def bad_option(name: str, value: str, range_: Sentence) -> Sentence:
    """An option with a value that it cannot have; `range_` says which it can."""
    return sentence("bad_option", option=_name(name), value=_name(value), range=range_)


def range_of(low: float, high: float, *, whole: bool, above: bool) -> Sentence:
    """The numbers that an option takes; `above`: all but the lowest."""
    name = "whole_number" if whole else "number_above" if above else "number"
    return sentence(name, low=low, high=high)


def characters(most: int) -> Sentence:
    """Words of one's own that an option takes."""
    return sentence("characters", most=most)


def choices(known: Sequence[str], near: str | None) -> Sentence:
    """The words that an option takes."""
    if near:
        return sentence("one_of_near", known=_ticked(known), near=near)
    return sentence("one_of", known=_ticked(known))


def no_networks() -> Sentence:
    """A network for a kind of text that knows none."""
    return sentence("no_networks")


def other_language(code: str, written: Iterable[str]) -> Sentence:
    """A brief in a language, or for one, that the model does not write."""
    names = tuple(language_name(each) for each in written)
    return sentence("other_language", language=language_name(code), written=names)


def language_name(code: str) -> Sentence:
    """What a language is called, in another or in itself."""
    return sentence(LANGUAGE + code)


def language_names() -> dict[str, str]:
    """Each name of a language, in every language of the catalogue, and its code."""
    names = {str(language_name(code).to(spoken)): code for code in WRITTEN for spoken in LANGUAGES}
    return {**{code: code for code in WRITTEN}, **names}


def _hint(near: str | None, known: Sequence[str]) -> Sentence:
    return sentence("did_you_mean", near=near) if near else sentence("i_know", known=_ticked(known))


def _ticked(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"`{name}`" for name in names)


def _name(typed: str) -> str:
    """A word that somebody typed, so that it can be shown before any filter has judged it."""
    return "".join(c for c in typed if c.isalnum() or c in "._-")[:32]


# Help


def help_intro() -> Sentence:
    """What this is."""
    return sentence("help_intro")


def help_wishes(emoji: Mapping[str, str]) -> Sentence:
    """What can be done with a draft; the emoji of each wish."""
    lines = tuple(
        sentence("help_wish", emoji=name, meaning=sentence(f"wish_{wish}"))
        for wish, name in emoji.items()
    )
    return sentence("help_wishes", wishes=lines)


def help_kinds(kinds: Sequence[Sentence]) -> Sentence:
    """The list of kinds."""
    return sentence("help_kinds", kinds=tuple(kinds))


def help_kind(name: str, title: str, example: str) -> Sentence:
    """A line of that list."""
    return sentence("help_kind", name=escape(name), title=escape(title), example=escape(example))


def help_networks(kind: str, limits: Mapping[str, int], example: str) -> Sentence:
    """The networks of a kind, with the characters that each takes."""
    networks = tuple(
        sentence("help_network", network=escape(network), characters=characters)
        for network, characters in limits.items()
    )
    first = escape(next(iter(limits)))
    return sentence(
        "help_networks",
        kind=escape(kind),
        networks=networks,
        network=first,
        example=escape(example),
    )


def help_options(kind: str, example: str, options: Sequence[Sentence]) -> Sentence:
    """The list of options, with an example that has some."""
    return sentence(
        "help_options", kind=escape(kind), example=escape(example), options=tuple(options)
    )


def help_option(name: str, typed: str, takes: Sentence) -> Sentence:
    """A line of that list: an option as it is typed, and what it takes."""
    meaning = sentence(f"option_{name}")
    return sentence("help_option", option=f"{typed}=", meaning=meaning, range=takes)


# The form


def form_title() -> Sentence:
    """Over the form behind the bare command; at most 24 characters."""
    return sentence("form_title")


def form_submit() -> Sentence:
    """The button that sends the form; at most 24 characters."""
    return sentence("form_submit")


def form_close() -> Sentence:
    """The button that closes the form; at most 24 characters."""
    return sentence("form_close")


def page_close() -> Sentence:
    """The button that closes a page with nothing to fill in; at most 24 characters."""
    return sentence("page_close")


def form_field(name: str) -> Sentence:
    """Over an input of the form."""
    return sentence(f"form_{name}")


def form_privately() -> Sentence:
    """Beside the box that is to be ticked for it."""
    return sentence("form_privately")


def form_source_kept(characters: int, files: int) -> Sentence:
    """Over the form behind a message: what of it is kept already."""
    kept = [sentence("kept_text", characters=characters)] if characters else []
    if files:
        kept.append(sentence("kept_files", n=files))
    return sentence("form_source_kept", kept=tuple(kept))


def form_example() -> Sentence:
    """In the empty text."""
    return sentence("form_example")


def no_form() -> Sentence:
    """The form behind the bare command did not open."""
    return sentence("no_form")


# Sources


def unreadable(reason: str) -> Sentence:
    """A file that gives no text: why, and what to do."""
    return sentence(f"file_{reason}")


def too_many_files(most: int) -> Sentence:
    """More files at once than are read."""
    return sentence("too_many_files", most=most)


def source_kept(n: int) -> Sentence:
    """Files without a word, in the thread of a draft."""
    return sentence("source_kept_one") if n == 1 else sentence("source_kept", n=n)


def files_without_wish() -> Sentence:
    """Files without a word, where no draft is."""
    return sentence("files_without_wish")


def left_out(name: SafeText | None, kept: int, total: int) -> Sentence:
    """A source that is longer than what can be used of it; without a name, a text of theirs."""
    what = (
        sentence("named_source", name=escape(part(name, 0, 100)))
        if name
        else sentence("your_source")
    )
    return sentence("left_out", source=what, kept=kept, total=total)


def source_refused(rules: Sequence[str]) -> Sentence:
    """The filter blocked a source."""
    return sentence("source_refused", rules=_rules(rules))


# Our own conversation, and the home tab


def help_short() -> Sentence:
    """Somebody asks in our conversation how this works."""
    return sentence("help_short")


def no_text_there() -> Sentence:
    """A message without words, from which something is to be drafted."""
    return sentence("no_text_there")


def prompts_title() -> Sentence:
    """Over what a chat may begin with."""
    return sentence("prompts_title")


def prompt(title: str, kind: str, example: str, language: Language) -> tuple[Phrase, Phrase]:
    """What a chat may begin with: as it is shown, and as it is typed."""
    shown = sentence("prompt", title=title)
    return shown.to(language), sentence("prompt_typed", kind=kind, example=example).to(language)


def home_title() -> Sentence:
    """Over the home tab."""
    return sentence("home_title")


def home_new() -> Sentence:
    """The button that begins a draft."""
    return sentence("home_new")


def home_recent() -> Sentence:
    """Over what the person began last."""
    return sentence("home_recent")


def home_nothing() -> Sentence:
    """Where there is nothing yet."""
    return sentence("home_nothing")


def home_thread(title: str, brief: SafeText, url: str | None, drafts: int) -> Sentence:
    """A line of that list."""
    shown = " ".join(part(brief, 0, 150).split()) + ("…" if len(brief) > 150 else "")
    count = sentence("drafts_one" if drafts == 1 else "drafts_several", n=drafts)
    name = "home_thread_link" if url else "home_thread"
    linked = {"url": escape(url)} if url else {}
    return sentence(name, title=escape(title), brief=escape(shown), drafts=count, **linked)


# Requests


def not_allowed() -> Sentence:
    """Somebody who may not ask."""
    return sentence("not_allowed")


def too_many(limit: int) -> Sentence:
    """The limit of running requests."""
    return sentence("too_many", limit=limit)


def not_saved() -> Sentence:
    """The database did not take the request."""
    return sentence("not_saved")


def refused(rules: Sequence[str]) -> Sentence:
    """The filter blocked what was asked."""
    return sentence("refused", rules=_rules(rules))


def blocked(number: int, rules: Sequence[str]) -> Sentence:
    """The filter blocked what the model wrote, said to the requester."""
    return sentence("blocked", number=number, rules=_rules(rules))


def ended(number: int, rules: Sequence[str]) -> Sentence:
    """The filter blocked it, and the policy lets what was shown stand; said to the requester."""
    return sentence("ended", number=number, rules=_rules(rules))


def _rules(rules: Sequence[str]) -> Sentence:
    return sentence("one_rule" if len(rules) == 1 else "several_rules", rules=_ticked(rules))


def invite_me(bot: str) -> Sentence:
    """A private channel that the bot is not in."""
    return sentence("invite_me", bot=bot)


def invite_me_to_accept(bot: str) -> Sentence:
    """A private channel that the bot is not in, to which an accepted text is to go."""
    return sentence("invite_me_to_accept", bot=bot)


def not_in_this_dm() -> Sentence:
    """A conversation of people that no app can join."""
    return sentence("not_in_this_dm")


def archived() -> Sentence:
    """A channel in which nobody writes any more."""
    return sentence("archived")


def draft_in_dm_button() -> Sentence:
    """The button beside these two."""
    return sentence("draft_in_dm_button")


def drafting_in_dm() -> Sentence:
    """What the message with that button becomes."""
    return sentence("drafting_in_dm")


def nothing_to_refine() -> Sentence:
    """A reply in a thread without any draft left."""
    return sentence("nothing_to_refine")


def thread_gone() -> Sentence:
    """The thread was deleted, or cannot be written to any more."""
    return sentence("thread_gone")


def failed() -> Sentence:
    """Something that should not happen."""
    return sentence("failed")


# The worker


def waits(before: int) -> Sentence:
    """What the app is doing until the first words, after its name; `before`: who waits longer."""
    if not before:
        return sentence("thinks")
    return sentence("waits_for_one") if before == 1 else sentence("waits_for_several", n=before)


def loading() -> list[Sentence]:
    """What Slack shows in turn meanwhile."""
    return [sentence("loading_brief"), sentence("loading_words"), sentence("loading_soon")]


def worker_starting() -> Sentence:
    """The worker is not up (yet, or again)."""
    return sentence("worker_starting")


def worker_busy() -> Sentence:
    """The worker has as many requests as it takes."""
    return sentence("worker_busy")


def worker_missing() -> Sentence:
    """The worker did not come within the time that a draft waits."""
    return sentence("worker_missing")


def model_refused(said: SafeText) -> Sentence:
    """The worker refused the request, e.g. because it is too long for the model."""
    return sentence("model_refused", sentence=escape(part(said, 0, 1000)))


# Review


def held_request() -> Sentence:
    """A request that a reviewer has to decide about, said to the requester."""
    return sentence("held_request")


def held_draft(number: int) -> Sentence:
    """A draft that a reviewer has to decide about, said to the requester."""
    return sentence("held_draft", number=number)


def waits_for_review() -> Sentence:
    """In place of a draft until then."""
    return sentence("waits_for_review")


def not_released(number: int) -> Sentence:
    """A draft that no reviewer approved, said to the requester."""
    return sentence("not_released", number=number)


def request_not_approved() -> Sentence:
    """A request that no reviewer approved, said to the requester."""
    return sentence("request_not_approved")


def review_card(
    asked: bool, author: str, channel: str, categories: Sequence[str], expires: datetime
) -> Sentence:
    """The reviewers' card; `asked`: about what was asked for, else about a draft."""
    return sentence(
        "review_card",
        what=sentence("review_asked" if asked else "review_drafted"),
        author=author,
        channel=channel,
        categories=_ticked(categories),
        expires=int(expires.timestamp()),
        fallback=expires.strftime("%Y-%m-%d %H:%M"),
    )


def review_button(name: str) -> Sentence:
    """A button of the card, by its action_id."""
    assert name in CARD
    return sentence(name)


def review_decided(decision: str, reviewer: str | None, categories: Sequence[str]) -> Sentence:
    """What the card says afterwards; without a reviewer, nobody decided in time."""
    who = {"reviewer": reviewer} if reviewer else {}
    return sentence(DECISIONS[decision], categories=_ticked(categories), **who)


CARD = ("review_show", "review_approve", "review_redact", "review_reject")
DECISIONS = {
    "approved": "review_approved",
    "redacted": "review_redacted",
    "rejected": "review_rejected",
    "expired": "review_expired",
}


def review_title() -> Sentence:
    """Over the held text; at most 24 characters."""
    return sentence("review_title")


def review_waits() -> Sentence:
    """In the form until the held text is there."""
    return sentence("review_waits")


def review_over() -> Sentence:
    """A click on a card that is no longer open."""
    return sentence("review_over")


def review_own() -> Sentence:
    """A reviewer who asked for the text."""
    return sentence("review_own")


def review_blocked(rules: Sequence[str]) -> Sentence:
    """A held text that the filter would block by now."""
    return sentence("review_blocked", rules=_rules(rules))


# The thread


def root(requester: str, title: str, brief: SafeText) -> Sentence:
    """The message at the head of a thread."""
    first = part(brief, 0, 500)
    shown = first if first == brief else first.rstrip() + "…"
    return sentence("root", requester=requester, title=escape(title), brief=escape(shown))


def being_written(n: int) -> Sentence:
    """Under a root: how many drafts are on their way."""
    return sentence("writes_one") if n == 1 else sentence("writes_several", n=n)


def drafts_stand(n: int, newest: Sentence, accepted: Sentence | None) -> Sentence:
    """Under a root: how many drafts there are, the newest, and the one that was accepted."""
    count = sentence("drafts_one" if n == 1 else "drafts_several", n=n)
    facts = [count, sentence("newest", draft=newest)]
    if accepted:
        facts.append(sentence("accepted", draft=accepted))
    return sentence("facts", facts=tuple(facts))


def no_draft_stands() -> Sentence:
    """Under a root: every draft was taken away, or none was finished."""
    return sentence("no_draft_stands")


def link_to_draft(number: int, url: str | None) -> Sentence:
    """A draft's name, as a link to its message."""
    if url is None:
        return sentence("draft", number=number)
    return sentence("draft_link", number=number, url=escape(url))


def stop_button() -> Sentence:
    """Under a root, while drafts are being written."""
    return sentence("stop_button")


def draft_head(
    number: int, *, parent: int | None, again: int | None, goes_on: bool = False
) -> Sentence:
    """The first line of a draft."""
    if again is not None:
        return sentence("draft_again", number=number, again=again)
    if parent is not None and goes_on:
        return sentence("draft_on", number=number, parent=parent)
    if parent is not None:
        return sentence("draft_from", number=number, parent=parent)
    return sentence("draft_head", number=number)


def draft_facts(version: Version, seed: int, n: int, length: Sentence | None = None) -> Sentence:
    """The small line under a finished draft, one of `n`; `length` where a network limits it."""
    seconds, tokens = version.seconds or 0.0, version.tokens
    facts: list[str | Sentence] = [length] if length else []
    facts += [sentence("seconds", seconds=seconds)]
    if tokens:
        speed = tokens / max(seconds, 0.001)
        facts += [sentence("tokens", tokens=tokens), sentence("speed", speed=speed)]
    if n == 1:
        facts += [sentence("seed", seed=seed)]
    else:
        facts += [sentence("seed_of", seed=seed, sample=version.sample + 1, n=n)]
    if version.model:
        facts += [escape(version.model)]
    if version.finish_reason == "length":
        facts += [sentence("token_limit")]
    return sentence("facts", facts=tuple(facts))


def network_length(network: str, characters: int, limit: int) -> Sentence:
    """How long a draft is for a network, and whether that is too long."""
    name = "network_length" if characters <= limit else "network_too_long"
    return sentence(name, network=escape(network), characters=characters, limit=limit)


def stopped() -> Sentence:
    """Under a draft that a person stopped."""
    return sentence("stopped")


def interrupted() -> Sentence:
    """Under a draft that could not be finished."""
    return sentence("interrupted")


def cut_off() -> Sentence:
    """Under a draft that the filter blocked, and of which the beginning stands."""
    return sentence("cut_off")


def taken_away() -> Sentence:
    """In place of a draft that the filter blocked."""
    return sentence("taken_away")


def button(name: str) -> Sentence:
    """A button under a draft, by its action_id."""
    return sentence(f"button_{name}")


def accepted_by(user: str, number: int) -> Sentence:
    """The small line under an accepted text."""
    return sentence("accepted_by", user=user, number=number)


# What is done with drafts


def muted() -> Sentence:
    """Replies are passed over from now on."""
    return sentence("muted")


def unmuted() -> Sentence:
    """Replies change drafts again."""
    return sentence("unmuted")


def only_requester() -> Sentence:
    """Somebody else's draft, where only its requester may change it."""
    return sentence("only_requester")


def no_such_draft(number: int) -> Sentence:
    """A reply that names a draft that there is not."""
    return sentence("no_such_draft", number=number)


def nothing_to_accept() -> Sentence:
    """A draft that has no text."""
    return sentence("nothing_to_accept")


def not_accepted(number: int, rules: Sequence[str]) -> Sentence:
    """A draft that the filter of today does not let out."""
    return sentence("not_accepted", number=number, rules=_rules(rules))


def accepted_already(number: int) -> Sentence:
    """A draft that went the same way before."""
    return sentence("accepted_already", number=number)


def draft_gone() -> Sentence:
    """A click on a draft of which nothing is kept."""
    return sentence("draft_gone")


def nothing_to_change(number: int) -> Sentence:
    """A reply that only points to a draft."""
    return sentence("nothing_to_change", number=number)


def stopped_drafts(n: int) -> Sentence:
    """What `/draft stop` did."""
    if not n:
        return sentence("nothing_runs")
    return sentence("stopped_one") if n == 1 else sentence("stopped_several", n=n)


# Forms about a draft


def form_did_not_open() -> Sentence:
    """A click whose form Slack did not open."""
    return sentence("form_did_not_open")


def nothing_to_compare() -> Sentence:
    """A draft without one before it, or one that is gone."""
    return sentence("nothing_to_compare")


def form(name: str, part: str) -> Sentence:
    """A part (title, label, submit) of the form behind a button."""
    return sentence(f"{name}_{part}")


def way(name: str) -> Sentence:
    """Where an accepted text may go."""
    return sentence(f"way_{name}")


def changes_counted(number: int, added: int, removed: int) -> Sentence:
    """Over the words that differ from the draft before."""
    return sentence("changes_counted", number=number, added=added, removed=removed)


def why_kind(title: str) -> Sentence:
    """What kind of text was asked for."""
    return sentence("why_kind", title=escape(title))


def why_based(parent: int | None, wish: SafeText | None, sources: Sequence[SafeText]) -> Sentence:
    """What a draft was made from: the brief, or a draft and a wish; and its sources."""
    if parent is None:
        based = sentence("why_brief")
    else:
        based = sentence(
            "why_draft", parent=parent, wish=escape(part(wish, 0, 500) if wish else "…")
        )
    named = [sentence("why_source", name=escape(part(name, 0, 100))) for name in sources]
    return sentence("why_based", based=(based, *named))


def why_options(options: Mapping[str, object]) -> Sentence:
    """The options that it was written with."""
    shown = tuple(f"{escape(name)}={escape(str(value))}" for name, value in options.items())
    return sentence("why_options", options=shown)


def why_made(facts: Sentence) -> Sentence:
    """Which model wrote it, with which seed, in how long."""
    return sentence("why_made", facts=facts)


def why_filter(rules: Sequence[str]) -> Sentence:
    """What the filter did, by category."""
    if not rules:
        return sentence("why_clean")
    return sentence("why_rules", rules=_ticked(rules))
