"""Where a form was opened: travels with it and comes back when it is submitted."""

import json
from typing import Any


def place_of(body: dict[str, Any]) -> str:
    """The private_metadata of a form opened by a slash command."""
    return json.dumps({"channel": body["channel_id"], "response_url": body["response_url"]})


def place_from(private_metadata: str) -> tuple[str, str]:
    """The channel and the response_url that `place_of` put there."""
    place = json.loads(private_metadata)
    return str(place["channel"]), str(place["response_url"])
