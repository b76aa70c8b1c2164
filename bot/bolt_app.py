"""The Bolt app that the listeners are bound to. Knows nothing of drafts."""

import logging
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import SecretStr
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.drafting.slack_port import where

log = structlog.get_logger(__name__)


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

    app = AsyncApp(
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
