"""Where a form was opened: travels with it and comes back when it is submitted. Ids only."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Without a channel, the form asks for it. `sources` are the keys of what is kept for it."""

    channel: str | None = None
    response_url: str | None = None
    sources: tuple[str, ...] = ()

    def packed(self) -> str:
        """As the private_metadata of a view."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})


def place_from(private_metadata: str) -> Place:
    """The place that `packed` put there."""
    return Place(**json.loads(private_metadata))


def draft_of(body: dict[str, Any]) -> str:
    """The private_metadata of a form opened by a button under a draft."""
    return json.dumps(
        {"version": int(body["actions"][0]["value"]), "channel": body["channel"]["id"]}
    )


def draft_from(private_metadata: str) -> tuple[int, str]:
    """The version's id and the channel that `draft_of` put there."""
    draft = json.loads(private_metadata)
    return int(draft["version"]), str(draft["channel"])
