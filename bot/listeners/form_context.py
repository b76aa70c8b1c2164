"""What a form carries in its private_metadata, and brings back when it is submitted. Ids only."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class FormContext:
    """Where the form of a draft was opened.

    Without a channel, the form asks for it. `under` is the ts of the message that is the root of
    the drafts, `among_others` says whether people talked below it before, and `post_to` is the
    channel that the text is for. `sources` are the keys of what is kept for the form. Of a text
    that is longer than its input, `rest` is the key of its end, or `material` that of the whole.
    """

    channel: str | None = None
    response_url: str | None = None
    sources: Sequence[str] = ()
    under: str | None = None
    among_others: bool = False
    post_to: str | None = None
    rest: str | None = None
    material: str | None = None

    def to_metadata(self) -> str:
        """Return the private_metadata of the form."""
        return _metadata(asdict(self))

    @classmethod
    def from_metadata(cls, private_metadata: str) -> Self:
        """Read what `to_metadata` wrote."""
        return cls(**json.loads(private_metadata))


@dataclass(frozen=True, slots=True)
class VersionContext:
    """The draft under which a form was opened.

    `rest` and `material` are as in the form of a draft.
    """

    version: int
    channel: str
    response_url: str | None = None
    rest: str | None = None
    material: str | None = None

    def to_metadata(self) -> str:
        """Return the private_metadata of the form."""
        return _metadata(asdict(self))

    @classmethod
    def from_metadata(cls, private_metadata: str) -> Self:
        """Read what `to_metadata` wrote."""
        return cls(**json.loads(private_metadata))


@dataclass(frozen=True, slots=True)
class VoiceContext:
    """What the form of a voice is for: a workspace, or with `channel` one channel of it."""

    team: str
    channel: str = ""

    def to_metadata(self) -> str:
        """Return the private_metadata of the form."""
        return _metadata(asdict(self))

    @classmethod
    def from_metadata(cls, private_metadata: str) -> Self:
        """Read what `to_metadata` wrote."""
        return cls(**json.loads(private_metadata))


def _metadata(fields: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in fields.items() if value})
