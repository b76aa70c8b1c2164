"""The Bolt app that the listeners are bound to. Knows nothing of drafts."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import SecretStr
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.drafting.slack_port import where
from bot.metrics import ACKS
from bot.slack.manifest import EVENTS
from inference.request_names import name_of

log = structlog.get_logger(__name__)

INTERACTIONS = {*("block_actions", "message_action", "shortcut", "view_closed", "view_submission")}
# All that are counted: nothing that is unsigned may make a label.
KINDS = INTERACTIONS | {event.partition(".")[0] for event in EVENTS}


class TimedApp(AsyncApp):
    """Bolt's app, which counts how long each delivery waited for its answer.

    All lines of the log that come of a delivery name it: an event by Slack's id of it.
    """

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Handle a delivery of Slack's and return the answer to it."""
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(delivery=name_of(req.body.get("event_id"))):
            response = await super().async_dispatch(req)
        labels = kind_of(req.body), str(response.status)
        ACKS.labels(*labels).observe(time.monotonic() - began)
        return response


def kind_of(body: Mapping[str, Any]) -> str:
    """Return what was delivered, in one word."""
    if "command" in body:
        return "command"
    event = body.get("event")
    kind = event.get("type") if isinstance(event, dict) else body.get("type")
    return kind if isinstance(kind, str) and kind in KINDS else "other"


def bolt_app(
    client: AsyncWebClient, me: Mapping[str, Any], signing_secret: SecretStr | None
) -> AsyncApp:
    """Return an app whose listeners commit before the ack: an exception in one means no ack.

    Slack then delivers an event again, which is what a locked database asks for. `me` is the
    answer of auth.test.
    """
    quiet = logging.getLogger("bot.bolt")
    quiet.setLevel(logging.ERROR)

    # Bolt would ask auth.test at the first event, and lose that event if Slack fails just then.
    async def authorize(**_: object) -> AuthorizeResult:
        return AuthorizeResult.from_auth_test_response(
            bot_token=client.token, auth_test_response=me
        )

    app = TimedApp(
        client=client,
        authorize=authorize,
        signing_secret=signing_secret.get_secret_value() if signing_secret else "",
        process_before_response=True,
        # Bolt would count the deletion of one of our messages by a person among our own events.
        ignoring_self_events_enabled=False,
        logger=quiet,
    )

    @app.error
    async def on_error(error: Exception) -> BoltResponse:
        log.error("listener failed", error=where(error))
        return BoltResponse(status=500)

    return app
