"""The checks: each says yes, no, or None where nothing of the kind was asked."""

from collections.abc import Callable, Mapping

from bot.evaluate.checks.asked import (
    avoids_words,
    fits_network,
    has_length,
    has_words,
    in_language,
    keeps_facts,
)
from bot.evaluate.checks.faults import (
    has_no_label,
    has_no_placeholder,
    has_no_recipe,
    is_not_about_itself,
)
from bot.evaluate.checks.figures import invents_nothing
from bot.evaluate.checks.structure import has_structure, is_whole
from bot.evaluate.checks.subject import Subject
from bot.evaluate.checks.wishes import follows_wish

__all__ = ["CHECKS", "WISH", "Subject", "check"]

WISH = "wish"
# By the names that the tables have.
CHECKS: Mapping[str, Callable[[Subject], bool | None]] = {
    "language": in_language,
    "length": has_length,
    "limit": fits_network,
    "structure": has_structure,
    "asked words": has_words,
    "forbidden words": avoids_words,
    "facts kept": keeps_facts,
    "no placeholder": has_no_placeholder,
    "no label": has_no_label,
    "no talk about itself": is_not_about_itself,
    "no recipe as headings": has_no_recipe,
    "no invented figures": invents_nothing,
    "whole": is_whole,
    WISH: follows_wish,
}


def check(subject: Subject) -> dict[str, bool]:
    """Return what each check that applies says."""
    said = {name: decide(subject) for name, decide in CHECKS.items()}
    return {name: passed for name, passed in said.items() if passed is not None}
