"""The sentences that quote words: released text, escaped, or ids and names of our own.

Other sentences need no function: `sentence("thread_gone")`, `sentence_about("button", name)`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from unicodedata import category

from bot.messages.catalogue import (
    LANGUAGES,
    WORDS,
    Language,
    Named,
    Phrase,
    Sentence,
    escape,
    fill_in,
    sentence_about,
)
from bot.messages.names import SentenceName
from safety import SafeText, part

TEXT_LANGUAGES = tuple(
    n.removeprefix("language_") for n in WORDS["en"] if n.startswith("language_")
)
"""Codes (ISO 639-1) of the languages in which a text can be asked for."""

DECISIONS: dict[str, SentenceName] = {
    "approved": "review_approved",
    "redacted": "review_redacted",
    "rejected": "review_rejected",
    "expired": "review_expired",
}


def use_option(name: str, near: Named) -> Sentence:
    """Say that there is no such option, and which one was meant."""
    return fill_in("use_option", option=_name(name), near=near)


def unknown_option(name: str, known: Sequence[Named]) -> Sentence:
    """Say that there is no such option."""
    return fill_in("unknown_option", option=_name(name), known=tuple(known))


def other_option(option: Named, value: str, other: Named, meant: Named) -> Sentence:
    """Say that the value is one of another option."""
    return fill_in("other_option", option=option, value=_name(value), other=other, meant=meant)


def use_kind(kind: str, near: Named) -> Sentence:
    """Say that there is no such kind of text, and which one was probably meant."""
    return fill_in("use_kind", kind=_name(kind), near=near)


def unknown_kind(kind: str, known: Sequence[Named]) -> Sentence:
    """Say that there is no such kind of text."""
    return fill_in("unknown_kind", kind=_name(kind), known=tuple(known))


def two_kinds(first: Named, second: Named) -> Sentence:
    """Say that a brief names two kinds of text."""
    return fill_in("two_kinds", first=first, second=second)


def mute_where(word: str) -> Sentence:
    """Say where `mute` and its like work."""
    return fill_in("mute_where", word=_name(word))


def bad_option(option: Named, value: str, range_: Sentence) -> Sentence:
    """Say that an option cannot have this value; `range_` says which it can have."""
    given = _name(value)
    if range_.name == "one_of_near":
        return fill_in("bad_option_near", option=option, range=range_)
    if range_.name == "characters" or not given:
        return fill_in("bad_length", option=option, range=range_)
    return fill_in("bad_option", option=option, value=given, range=range_)


def range_of(low: float, high: float, *, whole: bool, above: bool) -> Sentence:
    """Say which numbers an option takes; `above`: without the lowest."""
    name: SentenceName = "whole_number" if whole else "number_above" if above else "number"
    return fill_in(name, low=low, high=high)


def choices(known: Sequence[Named], near: Named | None) -> Sentence:
    """Say which words an option takes."""
    ticked = tuple(each.ticked for each in known)
    if near:
        return fill_in("one_of_near", known=ticked, near=near)
    return fill_in("only_one" if len(known) == 1 else "one_of", known=ticked)


def other_language(code: str, written: Iterable[str]) -> Sentence:
    """Say that the model does not write the language of a brief, or the one that it asks for."""
    names = tuple(sentence_about("language", each) for each in written)
    return fill_in("other_language", language=sentence_about("language", code), written=names)


def language_names() -> dict[str, str]:
    """Return the code of a language by each of its names, in every language of the catalogue."""
    names = {
        str(sentence_about("language", code).to(spoken)): code
        for code in TEXT_LANGUAGES
        for spoken in LANGUAGES
    }
    return {**{code: code for code in TEXT_LANGUAGES}, **names}


def help_wishes(emoji: Mapping[str, str]) -> Sentence:
    """Say what can be done with a draft; `emoji`: the one of each wish."""
    lines = tuple(
        fill_in("help_wish", emoji=name, meaning=sentence_about("wish", wish))
        for wish, name in emoji.items()
    )
    return fill_in("help_wishes", wishes=lines)


def help_kind(name: str, title: str, example: str) -> Sentence:
    """Say what a kind is called, with an example."""
    return fill_in("help_kind", name=escape(name), title=escape(title), example=escape(example))


def help_networks(kind: str, limits: Mapping[str, int], example: str) -> Sentence:
    """List the networks of a kind, with the characters that each takes."""
    networks = tuple(
        fill_in("help_network", network=escape(network), characters=characters)
        for network, characters in limits.items()
    )
    kind, first, example = map(escape, (kind, next(iter(limits)), example))
    return fill_in("help_networks", kind=kind, networks=networks, network=first, example=example)


def help_options(kind: str, example: str, options: Sequence[Sentence]) -> Sentence:
    """List the options, with an example that has some."""
    return fill_in(
        "help_options", kind=escape(kind), example=escape(example), options=tuple(options)
    )


def help_option(name: str, typed: str, takes: Sentence) -> Sentence:
    """Say how an option is typed, and what it takes."""
    meaning = sentence_about("option", name)
    return fill_in("help_option", option=f"{typed}=", meaning=meaning, range=takes)


def form_source_kept(characters: int, files: int, thread: Sentence | None = None) -> Sentence:
    """Say what of a message is kept already, over the form that was opened from it.

    `thread`: what is kept of the thread that it stands in.
    """
    kept = [fill_in("kept_text", characters=characters)] if characters else []
    if files:
        kept.append(fill_in("kept_files", n=files))
    if thread:
        kept.append(thread)
    return fill_in("form_source_kept", kept=tuple(kept))


def kept_messages(kept: int, messages: int) -> Sentence:
    """Say how many messages of its thread are kept with a message."""
    if kept < messages:
        return fill_in("kept_messages_part", kept=kept, messages=messages)
    return fill_in("kept_message") if kept == 1 else fill_in("kept_messages", n=messages)


def thread_files(n: int) -> Sentence:
    """Say that the files in a thread were not read."""
    return fill_in("thread_file") if n == 1 else fill_in("thread_files", n=n)


def left_out(name: SafeText | None, kept: int, total: int) -> Sentence:
    """Say that a source is too long to be used whole; without a name it is a text of theirs."""
    named = fill_in("named_source", name=escape(part(name, 0, 100))) if name else None
    return fill_in("left_out", source=named or fill_in("your_source"), kept=kept, total=total)


def prompt(title: str, kind: str, example: str, language: Language) -> tuple[Phrase, Phrase]:
    """Return what a chat may begin with: as it is shown, and as it is typed."""
    shown = fill_in("prompt", title=title)
    return shown.to(language), fill_in("prompt_typed", kind=kind, example=example).to(language)


def home_thread(title: str, brief: SafeText, url: str | None, drafts: int) -> Sentence:
    """Say what a thread is about, and how many drafts it has."""
    shown = " ".join(part(brief, 0, 150).split()) + ("…" if len(brief) > 150 else "")
    count = fill_in("drafts_one" if drafts == 1 else "drafts_several", n=drafts)
    name: SentenceName = "home_thread_link" if url else "home_thread"
    linked = {"url": escape(url)} if url else {}
    return fill_in(name, title=escape(title), brief=escape(shown), drafts=count, **linked)


def rules(names: Sequence[str]) -> Sentence:
    """Name the rules by which the filter stopped something."""
    return fill_in("one_rule" if len(names) == 1 else "several_rules", rules=_ticked(names))


def invite_me(bot: str, channel: str | None = None) -> Sentence:
    """Ask for an invitation: to where the person asked, or to where an accepted text is to go."""
    if channel is None:
        return fill_in("invite_me", bot=bot)
    return fill_in("invite_me_to_accept", bot=bot, channel=channel)


def waits(before: int) -> Sentence:
    """Say, after the app's name, what it does until the first words; `before`: requests before."""
    if not before:
        return fill_in("thinks")
    return fill_in("waits_for_one") if before == 1 else fill_in("waits_for_several", n=before)


def model_refused(said: SafeText) -> Sentence:
    """Say why the worker refused the request, e.g. because it is too long for the model."""
    return fill_in("model_refused", sentence=escape(part(said, 0, 1000)))


def review_card(
    asked: bool, author: str, channel: str, categories: Sequence[str], expires: datetime
) -> Sentence:
    """Ask the reviewers; `asked`: about what was asked for, else about a draft."""
    return fill_in(
        "review_card",
        what=fill_in("review_asked" if asked else "review_drafted"),
        author=author,
        channel=channel,
        categories=_ticked(categories),
        expires=int(expires.timestamp()),
        fallback=expires.strftime("%Y-%m-%d %H:%M"),
    )


def review_decided(decision: str, reviewer: str | None, categories: Sequence[str]) -> Sentence:
    """Say on the reviewers' card what was decided; without a reviewer, nobody decided in time."""
    who = {"reviewer": reviewer} if reviewer else {}
    return fill_in(DECISIONS[decision], categories=_ticked(categories), **who)


def root(requester: str, title: str, brief: SafeText) -> Sentence:
    """Say at the head of a thread who asked for what."""
    first = part(brief, 0, 500)
    shown = first if first == brief else first.rstrip() + "…"
    return fill_in("root", requester=requester, title=escape(title), brief=escape(shown))


def being_written(n: int) -> Sentence:
    """Say under the root how many drafts are being written."""
    return fill_in("writes_one") if n == 1 else fill_in("writes_several", n=n)


def drafts_stand(n: int, newest: Sentence, accepted: Sentence | None) -> Sentence:
    """Say under the root how many drafts there are, the newest, and the one that was accepted."""
    count = fill_in("drafts_one" if n == 1 else "drafts_several", n=n)
    facts = [count, fill_in("newest", draft=newest)]
    if accepted:
        facts.append(fill_in("accepted", draft=accepted))
    return fill_in("facts", facts=tuple(facts))


def quiet(state: Sentence, user: str | None) -> Sentence:
    """Say behind how the drafts stand that replies are ignored, and who wanted that."""
    muted = fill_in("quiet_by", user=user) if user else fill_in("quiet")
    return fill_in("facts", facts=(state, muted))


def link_to_draft(number: int, url: str | None) -> Sentence:
    """Name a draft, as a link to its message."""
    linked = {"url": escape(url)} if url else {}
    return fill_in("draft_link" if url else "draft", number=number, **linked)


def draft_head(
    number: int, *, parent: int | None, again: int | None, goes_on: bool = False
) -> Sentence:
    """Return the first line of a draft; no other draft of the thread has the same."""
    if again is not None:
        return fill_in("draft_again", number=number, again=again)
    if parent is not None and goes_on:
        return fill_in("draft_on", number=number, parent=parent)
    if parent is not None:
        return fill_in("draft_from", number=number, parent=parent)
    return fill_in("draft_head", number=number)


def made_by(figures: Sequence[Sentence], model: str | None) -> Sentence:
    """Say what a draft was written with: figures, and the model's name."""
    named = [escape(model)] if model else []
    return fill_in("facts", facts=(*figures, *named))


def network_length(network: str, characters: int, limit: int) -> Sentence:
    """Say how long a draft is for a network, and whether that is too long."""
    name: SentenceName = "network_length" if characters <= limit else "network_too_long"
    return fill_in(name, network=escape(network), characters=characters, limit=limit)


def head_facts(state: Sentence, channel: str) -> Sentence:
    """Say at the head of a thread how its drafts stand, and the channel that they are for."""
    return fill_in("facts", facts=(state, fill_in("goes_to", channel=channel)))


def accepted_by(user: str, number: int, *, disclosed: bool) -> Sentence:
    """Say under a text who accepted it, which draft it was, and `disclosed`: that AI drafted it."""
    return fill_in("disclosed_by" if disclosed else "accepted_by", user=user, number=number)


def disclosure(name: str) -> Sentence:
    """Say in a file that AI drafted it, and who accepted it, by a name that people chose."""
    return fill_in("disclosure", name=_person(name))


def accept_to(channel: str, *, apart: bool) -> Sentence:
    """Name the channel of an accepted text; `apart`: people there did not see it drafted."""
    return fill_in("accept_apart" if apart else "accept_channel", channel=channel)


def ask_to_post(number: int, channel: str) -> Sentence:
    """Ask whether a draft shall go to a channel whose people did not see it drafted."""
    return fill_in("ask_to_post", number=number, channel=channel)


def is_being_posted(number: int, channel: str) -> Sentence:
    """Say that a draft is on its way to a channel."""
    return fill_in("is_being_posted", number=number, channel=channel)


def not_a_member(number: int, channel: str) -> Sentence:
    """Say that a draft does not go where whoever accepts it is no member."""
    return fill_in("not_a_member", number=number, channel=channel)


def posted(draft: Sentence, channel: str | None, user: str) -> Sentence:
    """Say where a draft was posted, and by whom; without a channel, in this conversation."""
    if channel is None:
        return fill_in("posted_here", draft=draft, user=user)
    return fill_in("posted_to", draft=draft, channel=channel, user=user)


def canvas_link(url: str, title: SafeText) -> Sentence:
    """Say that a text stands as a canvas, with a link to it."""
    named = escape(part(title, 0, 150)) if title else fill_in("untitled_canvas")
    return fill_in("canvas_link", url=escape(url), title=named)


def stopped_drafts(n: int) -> Sentence:
    """Say what `/draft stop` did."""
    if not n:
        return fill_in("nothing_runs")
    return fill_in("stopped_one") if n == 1 else fill_in("stopped_several", n=n)


def why_kind(title: str) -> Sentence:
    """Say what kind of text was asked for."""
    return fill_in("why_kind", title=escape(title))


def why_based(
    parent: int | None,
    wish: SafeText | None,
    sources: Sequence[SafeText],
    threads: Sequence[tuple[int, int]] = (),
) -> Sentence:
    """Say what a draft was made from: the brief, or a draft and a wish; and its sources.

    `threads`: how many messages of each thread were used, and how many there were.
    """
    based = fill_in("why_brief")
    if parent is not None:
        shown = escape(part(wish, 0, 500)) if wish else "…"
        based = fill_in("why_draft", parent=parent, wish=shown)
    named = [fill_in("why_source", name=escape(part(name, 0, 100))) for name in sources]
    said = [_why_thread(kept, messages) for kept, messages in threads]
    return fill_in("why_based", based=(based, *named, *said))


def _why_thread(kept: int, messages: int) -> Sentence:
    if kept < messages:
        return fill_in("why_thread_part", kept=kept, messages=messages)
    return fill_in("why_thread_one") if kept == 1 else fill_in("why_thread", messages=messages)


def why_options(options: Mapping[str, object]) -> Sentence:
    """Say which options it was written with."""
    shown = tuple(f"{escape(name)}={escape(str(value))}" for name, value in options.items())
    return fill_in("why_options", options=shown)


def why_own(names: Sequence[str]) -> Sentence:
    """Say what of the requester's own preferences it was written with, by name alone."""
    return fill_in("why_own", names=tuple(sentence_about("own", name) for name in names))


def own_setting(name: str, value: Sentence | Named | int) -> Sentence:
    """Say what a person has set for one thing."""
    return fill_in("own_setting", name=sentence_about("own", name), value=value)


def own_agreed(since: datetime) -> Sentence:
    """Say since when a person agrees that their drafts may be learned from."""
    return fill_in("own_agreed", day=f"{since:%Y-%m-%d}")


def why_filter(categories: Sequence[str]) -> Sentence:
    """Say in which categories the filter acted."""
    return fill_in("why_rules", rules=_ticked(categories)) if categories else fill_in("why_clean")


def _ticked(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"`{name}`" for name in names)


def _person(name: str) -> str:
    """Reduce a person's name to letters, numbers and what parts them: no markup lives in it."""
    kept = "".join(c for c in name if category(c)[0] in "LMN" or c in " .,'’·-")
    return " ".join(kept.split())[:80]


def _name(typed: str) -> str:
    """Reduce what somebody typed to a name, which can be shown before the filter has judged it."""
    return "".join(c for c in typed if c.isalnum() or c in "._-")[:32]
