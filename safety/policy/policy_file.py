"""The policy file: TOML that changes the packaged policy, and is checked when it is read."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safety.errors import OperatorError
from safety.policy.policy import OVERLAID, Policy
from safety.policy.schema import hint, sentence

IDS = {"workspaces": "TE", "channels": "CGD"}
"""The letters with which Slack's ids begin."""


class PolicyError(OperatorError):
    """A policy cannot be used."""


def load_policy(path: Path | None) -> Policy:
    """Return the packaged policy with the changes of the file at `path`. Raises PolicyError."""
    packaged = files("safety").joinpath("data/policy.toml").read_text("utf-8")
    tables = _read(packaged, "packaged policy")
    if path is None:
        return _check(tables, "packaged policy")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path} cannot be read as a policy: check the path.") from error
    changes = _read(text, str(path))
    overlays = {kind: changes.pop(kind, {}) for kind in ("workspaces", "channels")}
    merged = _merge(tables, changes)
    base = _check(merged, str(path))
    laid = {
        kind: {name: _overlaid(base, merged, over, f"{path}: {kind}.{name}") for name, over in each}
        for kind, each in _items(overlays, str(path))
    }
    return base.model_copy(update=laid)


def _read(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name} is not valid TOML: {error}.") from error
    except RecursionError:
        raise PolicyError(f"{name} is not a policy: it is nested too deeply.") from None


def _items(overlays: dict[str, Any], name: str) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    for kind, tables in overlays.items():
        if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
            raise PolicyError(f"{name}: {kind}: write a table for each id, as [{kind}.ID.output].")
        for place in tables:
            if not re.fullmatch(f"[{IDS[kind]}][A-Z0-9]+", place):
                letters = " or ".join(IDS[kind])
                raise PolicyError(
                    f"{name}: {kind}.{place} never applies: write the id that Slack shows for it, "
                    f"{letters} and then capitals and digits."
                )
        yield kind, list(tables.items())


def _overlaid(base: Policy, tables: dict[str, Any], overlay: dict[str, Any], name: str) -> Policy:
    for key in overlay:
        if key not in OVERLAID:
            raise PolicyError(f"{name}: unknown key {key}; {hint(key, OVERLAID)}")
    policy = _check(_merge(tables, overlay), name)
    if not base.may_loosen and (milder := _first_milder(base, policy)):
        raise PolicyError(
            f"{name}: {milder} is milder than in the policy: make it as strict, "
            "or write may_loosen = true at the top of the file."
        )
    return policy


def _first_milder(base: Policy, overlay: Policy) -> str | None:
    mine, strict = overlay.stricter(overlay).model_dump(), base.stricter(overlay).model_dump()
    paths = (_difference(mine[name], strict[name], name) for name in OVERLAID)
    return next(filter(None, paths), None)


def _difference(one: Any, other: Any, path: str) -> str | None:
    """Return the path of the first key in which two settings of one shape differ."""
    if not isinstance(one, dict):
        return None if one == other else path
    paths = (_difference(one[key], other[key], f"{path}.{key}") for key in one)
    return next(filter(None, paths), None)


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both_tables = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merge(base[key], value) if both_tables else value
    return merged


def _check(tables: dict[str, Any], name: str) -> Policy:
    # Pasted text is judged as typed text, except for what [material] says.
    typed, pasted = tables["input"], tables["material"]
    if isinstance(typed, dict) and isinstance(pasted, dict):
        tables = {**tables, "material": _merge(typed, pasted)}
    try:
        return Policy.model_validate(tables)
    except ValidationError as error:
        raise PolicyError(f"{name}: {sentence(error, Policy)}") from None
