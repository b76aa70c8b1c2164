"""What a form carries in its private_metadata, and brings back when it is submitted. Ids only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class FormContext:
    """Where the form of a draft was opened.

    Without a channel, the form asks for it. `sources` are the keys of what is kept for the form.
    """

    channel: str | None = None
    response_url: str | None = None
    sources: Sequence[str] = ()

    def to_metadata(self) -> str:
        """Return the private_metadata of the form."""
        fields = {
            "channel": self.channel,
            "response_url": self.response_url,
            "sources": self.sources,
        }
        return json.dumps({name: value for name, value in fields.items() if value})

    @classmethod
    def from_metadata(cls, private_metadata: str) -> Self:
        """Read what `to_metadata` wrote."""
        return cls(**json.loads(private_metadata))


@dataclass(frozen=True, slots=True)
class VersionContext:
    """The draft under which a form was opened."""

    version: int
    channel: str

    def to_metadata(self) -> str:
        """Return the private_metadata of the form."""
        return json.dumps({"version": self.version, "channel": self.channel})

    @classmethod
    def from_metadata(cls, private_metadata: str) -> Self:
        """Read what `to_metadata` wrote."""
        return cls(**json.loads(private_metadata))
