"""What the tests of the workspace share: a Bolt app and the calls that it makes."""

from collections.abc import Awaitable, Callable

import pytest
from slack_sdk.errors import SlackApiError

# Connects the test's Bolt app to the workspace.
StartApp = Callable[[], Awaitable[object]]


async def refused(call: Awaitable[object]) -> str:
    """Return the word with which the Web API refuses the call."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])
