"""The chat messages of a request: the recipe, the brief, and the turns that led to the draft."""

from collections.abc import Sequence

from bot.drafting.recipes import Recipe
from bot.store import Turn
from inference.client import Message

# Short on purpose: a small model follows it better than a page of rules.
SYSTEM = "You are a skilled writer. You write for us, in our voice, and stay with the topic."


def chat_messages(
    recipe: Recipe, brief: str, turns: Sequence[Turn], instruction: str | None
) -> list[Message]:
    """The conversation so far, and what is wanted now (None: the first draft)."""
    messages = [Message("system", SYSTEM), Message("user", f"{recipe.ask} {brief}")]
    for turn in turns:
        if turn.instruction is not None:
            messages.append(Message("user", turn.instruction))
        messages.append(Message("assistant", turn.text))
    if instruction is not None:
        messages.append(Message("user", instruction))
    return messages
