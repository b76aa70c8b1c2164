"""The chat messages of a request: the recipe, the brief, and the turns that led to the draft."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot import phrases
from bot.drafting.languages import language_of
from bot.drafting.options import TONES, Options
from bot.drafting.recipes import Recipe
from bot.phrases import Language
from bot.store import Turn
from inference.client import Message


@dataclass(frozen=True, slots=True)
class Rules:
    """What the model is told around the recipe, in one language."""

    system: str
    tone: str
    words: str
    limit: str
    written_in: str
    joint: str


# Short on purpose: a small model follows it better than a page of rules.
RULES: Mapping[Language, Rules] = {
    "en": Rules(
        system="You are a skilled writer. You write for us, in our voice, and stay with the topic.",
        tone="Keep the tone {tone}.",
        words="Write about {words} words.",
        limit="Use at most {characters} characters in all.",
        written_in="Write in {written}.",
        joint=" ",
    ),
    "zh": Rules(
        system="你是一位熟练的写作者。你替我们写，用我们的口吻，不偏离主题。",
        tone="语气要{tone}。",
        words="篇幅大约{words}字。",
        limit="总共不超过{characters}个字符。",
        written_in="用{written}写。",
        joint="",
    ),
}

# Characters of a word with its space, rounded up.
ENGLISH_WORD = 7


def chat_messages(
    recipe: Recipe, brief: str, options: Options, turns: Sequence[Turn], instruction: str | None
) -> list[Message]:
    """The conversation so far, and what is wanted now (None: the first draft)."""
    language: Language = "zh" if options.lang == "zh" else "en"
    messages = [
        Message("system", RULES[language].system),
        Message("user", _request(recipe, brief, options, language)),
    ]
    for turn in turns:
        if turn.instruction is not None:
            messages.append(Message("user", turn.instruction))
        messages.append(Message("assistant", turn.text))
    if instruction is not None:
        messages.append(Message("user", instruction))
    return messages


def _request(recipe: Recipe, brief: str, options: Options, language: Language) -> str:
    """The rules first: what is to be written stays in mind best when it comes last."""
    rules = RULES[language].joint.join(_rules(recipe, brief, options, language))
    request = f"{recipe.wording(language).ask} {brief}"
    return f"{rules}\n\n{request}" if rules else request


def _rules(recipe: Recipe, brief: str, options: Options, language: Language) -> Iterator[str]:
    rules, wording = RULES[language], recipe.wording(language)
    if wording.structure:
        yield wording.structure
    if tone := options.tone or recipe.tone:
        yield rules.tone.format(tone=TONES[tone] if language == "zh" else tone)
    limit = recipe.limits.get(options.network or "")
    most = limit.characters if limit else None
    if words := options.words or _usual_words(wording.words, most, language):
        yield rules.words.format(words=words)
    if limit:
        yield rules.limit.format(characters=limit.characters)
    if options.lang and options.lang != language_of(brief):
        written = phrases.language_name(options.lang).to(language)
        yield rules.written_in.format(written=written)


def _usual_words(usual: int | None, characters: int | None, language: Language) -> int | None:
    if usual is None or characters is None:
        return usual
    return min(usual, characters // (2 if language == "zh" else ENGLISH_WORD))
