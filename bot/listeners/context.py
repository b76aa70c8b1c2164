"""Where a form was opened: travels with it and comes back when it is submitted."""

import json
from typing import Any


def place_of(body: dict[str, Any]) -> str:
    """The private_metadata of a form opened by a slash command."""
    return json.dumps({"channel": body["channel_id"], "response_url": body["response_url"]})


def draft_of(body: dict[str, Any]) -> str:
    """The private_metadata of a form opened by a button under a draft."""
    return json.dumps(
        {"version": int(body["actions"][0]["value"]), "channel": body["channel"]["id"]}
    )


def draft_from(private_metadata: str) -> tuple[int, str]:
    """The version's id and the channel that `draft_of` put there."""
    draft = json.loads(private_metadata)
    return int(draft["version"]), str(draft["channel"])


def place_from(private_metadata: str) -> tuple[str, str]:
    """The channel and the response_url that `place_of` put there."""
    place = json.loads(private_metadata)
    return str(place["channel"]), str(place["response_url"])
