"""The language of a text, as far as its script shows it; Latin letters do not."""

import re
from collections.abc import Collection

# How many words a match is: a syllable or an ideogram is a part of one, so that a foreign name
# does not decide.
SCRIPTS = {
    "ja": (re.compile(r"[\u3040-\u30ff]"), 1.0),
    "zh": (re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]"), 0.6),
    "ko": (re.compile(r"[\uac00-\ud7af]"), 0.4),
    "th": (re.compile(r"[\u0e00-\u0e7f]"), 0.2),
    "ru": (re.compile(r"[\u0400-\u04ff]+"), 1.0),
    "el": (re.compile(r"[\u0370-\u03ff]+"), 1.0),
    "he": (re.compile(r"[\u0590-\u05ff]+"), 1.0),
    "ar": (re.compile(r"[\u0600-\u06ff]+"), 1.0),
    "hi": (re.compile(r"[\u0900-\u097f]+"), 1.0),
}
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")

# Languages that share a script: a text in it may be any of them.
SHARED = {"ru": ("ru", "uk")}


def language_among(text: str, languages: Collection[str]) -> str | None:
    """Return the language of a text; where languages share its script, one of `languages`."""
    code = language_of(text)
    return next((each for each in SHARED.get(code or "", ()) if each in languages), code)


def language_of(text: str) -> str | None:
    """Return the code (ISO 639-1) of the script that most words have; None for Latin letters."""
    words = {code: len(script.findall(text)) * each for code, (script, each) in SCRIPTS.items()}
    if words["ja"]:
        words["ja"] += words.pop("zh")  # Japanese is written in both.
    most = max(words, key=words.__getitem__)
    return most if words[most] > len(LATIN.findall(text)) else None
