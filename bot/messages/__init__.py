"""Everything that the bot says to a person, in English and in Chinese.

The words are in en.toml and zh.toml. Knows nothing of Slack's API, drafts or the store.
"""

from bot.messages.catalogue import (
    LANGUAGES,
    Language,
    Named,
    Phrase,
    Sentence,
    escape,
    language_for,
    ours,
    sentence,
    sentence_about,
    use_command,
)

__all__ = [
    "LANGUAGES",
    "Language",
    "Named",
    "Phrase",
    "Sentence",
    "escape",
    "language_for",
    "ours",
    "sentence",
    "sentence_about",
    "use_command",
]
