"""The chat messages of a request: the recipe, the brief, and the turns that led to the draft."""

from collections.abc import Sequence

from bot.drafting.recipes import Recipe
from bot.store import Turn
from inference.client import Message

SYSTEM = (
    "You are a skilled writer. You write exactly what is asked for, complete and ready to publish, "
    "and add no remarks of your own."
)


def chat_messages(
    recipe: Recipe, brief: str, turns: Sequence[Turn], instruction: str | None
) -> list[Message]:
    """The conversation so far, and what is wanted now (None: the first draft)."""
    messages = [Message("system", SYSTEM), Message("user", f"{recipe.ask}\n\n{brief}")]
    for turn in turns:
        if turn.instruction is not None:
            messages.append(Message("user", turn.instruction))
        messages.append(Message("assistant", turn.text))
    if instruction is not None:
        messages.append(Message("user", instruction))
    return messages
