"""What tables of a policy file are made of, and how a wrong one is put into a sentence."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from safety.errors import first_fault
from safety.verdict import Action


class PolicyTable(BaseModel, extra="forbid", frozen=True):
    """A table that refuses unknown keys, and is never changed."""


def _without_span(action: Action) -> Action:
    if action is Action.REDACT:
        raise ValueError("a meaning has no span to redact: write allow, hold or block")
    return action


MeaningAction = Annotated[Action, AfterValidator(_without_span)]
Score = Annotated[float, Field(gt=0, le=1)]


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """Return the first thing that is wrong: where, and what to write instead."""
    kind, path, message = first_fault(error)
    where = ".".join(path)
    if kind == "extra_forbidden":
        return f"unknown key {where}; {hint(path[-1], _table(model, path[:-1]).model_fields)}"
    return f"{where}: {message}."


def hint(key: str, known: Collection[str]) -> str:
    """Name the known key that is nearest, or all of them."""
    close = get_close_matches(key, known, n=1)
    return f"did you mean {close[0]}?" if close else f"the known keys are {', '.join(known)}."


def check_keys(table: dict[str, Any], allowed: Collection[str]) -> dict[str, Any]:
    """Return the table. Raises ValueError, a sentence, for the first key that is not allowed."""
    for key in table:
        if key not in allowed:
            raise ValueError(f"unknown key {key}; {hint(key, allowed)}")
    return table


def _table(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    for name in path:
        annotation: Any = model.model_fields[name].annotation
        # An optional table is a union with None.
        kinds = (each for each in (annotation, *get_args(annotation)) if isinstance(each, type))
        model = next(each for each in kinds if issubclass(each, BaseModel))
    return model
