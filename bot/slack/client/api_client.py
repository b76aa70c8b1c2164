"""Calls of Slack's Web API: one HTTP session, within the rate limits, errors as three kinds.

Knows methods and answers, not what they are for.
"""

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.drafting.slack_port import NotThere, SlackError, SlackRefused, SlackUnavailable
from bot.slack.client.call_times import timed_calls
from bot.slack.client.rate_limit import Priority, RateLimiter

ApiArgs = Mapping[str, object]
ApiAnswer = dict[str, Any]

TRIES = 5
TIMEOUT_SECONDS = 20
TIMEOUT = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, connect=5)

# Slack reads no JSON body for these.
READS = {
    "chat.getPermalink",
    "conversations.history",
    "conversations.info",
    "conversations.members",
    "conversations.replies",
    "files.getUploadURLExternal",
    "files.info",
    "files.list",
    "users.info",
}
# What may happen twice without harm, whoever does it: it changes nothing that others read.
HARMLESS = READS | {
    "assistant.threads.setStatus",
    "assistant.threads.setSuggestedPrompts",
    "auth.test",
    "chat.postEphemeral",
    "conversations.open",
    "views.open",
    "views.publish",
    "views.update",
}
TRANSIENT = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}
CLOSED = {
    "cannot_dm_bot",
    "cannot_reply_to_message",
    "cant_delete_message",
    "cant_update_message",
    "channel_not_found",
    "edit_window_closed",
    "file_deleted",
    "file_not_found",
    "invalid_channel",
    "is_archived",
    "is_inactive",
    "message_not_found",
    "messages_tab_disabled",
    "not_in_channel",
    "posting_to_channel_denied",
    "restricted_action",
    "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel",
    "restricted_action_thread_locked",
    "restricted_action_thread_only_channel",
    "thread_not_found",
    "user_disabled",
    "user_not_found",
    "user_not_in_channel",
    "user_not_visible",
}

log = structlog.get_logger(__name__)


class RateLimited(SlackError):
    """The method's budget is used up; nothing was done. Raised within `bot.slack` only."""


class AnswerLost(SlackError):
    """No answer, or a server error: it may have taken effect. Raised within `bot.slack` only."""


@asynccontextmanager
async def web_client(
    token: SecretStr, base_url: str = AsyncWebClient.BASE_URL
) -> AsyncIterator[AsyncWebClient]:
    """Open the SDK's client as this package needs it, with the one HTTP session of the process.

    Its own retries are off: they would repeat posts. Its debug log is off: it shows texts.
    """
    quiet = logging.getLogger("bot.slack.sdk")
    quiet.setLevel(logging.INFO)
    timed = [timed_calls(base_url)]
    async with aiohttp.ClientSession(timeout=TIMEOUT, trace_configs=timed) as session:
        yield AsyncWebClient(
            token=token.get_secret_value(),
            base_url=base_url,
            session=session,
            retry_handlers=[],
            logger=quiet,
        )


class ApiClient:
    """One workspace's Web API."""

    def __init__(
        self,
        client: AsyncWebClient,
        rate_limit: RateLimiter,
        seconds_to_write: Callable[[], float],
    ) -> None:
        """Take what is asked before each write that another bot may do later: how long it may take.

        0: none may begin.
        """
        assert client.session is not None, "make the client with web_client()"
        assert not client.retry_handlers, "the client would repeat posts: make it with web_client()"
        self.rate_limit = rate_limit
        self._seconds_to_write = seconds_to_write
        self._client = client
        self._session = client.session

    async def call(
        self, method: str, args: ApiArgs, *, priority: Priority = Priority.ANSWER
    ) -> ApiAnswer:
        """Make a call that may be repeated without harm, until it is answered."""
        channel = str(args.get("channel", ""))
        for pause in self.pauses():
            await self.rate_limit.acquire(method, channel=channel, priority=priority)
            try:
                return await self.attempt(method, args)
            except RateLimited:
                continue
            except AnswerLost:
                await self.rate_limit.clock.sleep(pause)
        raise SlackUnavailable(method)

    async def attempt(self, method: str, args: ApiArgs) -> ApiAnswer:
        """Make one HTTP request, past the rate limit. Raises RateLimited or AnswerLost as well."""
        seconds = math.inf if method in HARMLESS else self._seconds_to_write()
        if seconds <= 0:
            raise SlackUnavailable(method)
        try:
            async with asyncio.timeout(min(seconds, TIMEOUT_SECONDS)):
                response = await self._client.api_call(method, **_request(method, args))
        except SlackApiError as error:
            raise self._to_error(method, error.response) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            log.warning("slack_answer_lost", method=method)
            raise AnswerLost(method) from None
        assert isinstance(response.data, dict)
        return response.data

    async def upload(self, url: str, data: bytes) -> None:
        """Send a file to the address that Slack gave for it. Raises SlackUnavailable."""
        for pause in self.pauses():
            try:
                async with self._session.post(url, data=data) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError, OSError):
                log.warning("slack_answer_lost", method="upload")
            await self.rate_limit.clock.sleep(pause)
        raise SlackUnavailable("upload")

    async def download(self, url: str, token: str, most: int) -> bytes | None:
        """Return a file; None for over `most` bytes, or for a page. Raises SlackUnavailable."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            # A redirect would carry the token to another host.
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status >= 500:
                    raise SlackUnavailable("download")
                # Where the app may not read a file, Slack sends a sign-in page with status 200.
                if response.status != 200 or response.content_type == "text/html":
                    return None
                return await _read_body(response, most)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise SlackUnavailable("download") from None

    async def respond(self, response_url: str, body: ApiArgs) -> bool:
        """Post to a response_url. Return False if Slack does not take it (any more)."""
        try:
            async with self._session.post(response_url, json=dict(body)) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def pauses(self) -> Iterator[float]:
        """Return the seconds to wait after each lost try: doubling, with jitter."""
        return (2**i * random.uniform(0.25, 0.5) for i in range(TRIES))  # noqa: S311

    def _to_error(self, method: str, response: Any) -> Exception:
        data = getattr(response, "data", None)
        answer: ApiAnswer = data if isinstance(data, dict) else {}
        status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
        error = str(answer.get("error") or f"http_{status}")
        if status == 429 or error in ("ratelimited", "rate_limited"):
            retry_after = response.headers.get("Retry-After", "")
            seconds = float(retry_after) if retry_after.replace(".", "", 1).isdigit() else 1.0
            log.info("slack_rate_limited", method=method, seconds=seconds)
            self.rate_limit.back_off(method, seconds)
            return RateLimited(method)
        if status >= 500 or error in TRANSIENT or (status == 200 and not answer):
            log.warning("slack_answer_lost", method=method, error=error)
            return AnswerLost(method)
        if error in CLOSED:
            return NotThere(error)
        return SlackRefused(error, str(answer.get("needed", "")))


async def _read_body(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    data = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        data += chunk
        if len(data) > most:
            return None
    return bytes(data)


def _request(method: str, args: ApiArgs) -> dict[str, Any]:
    present = {name: value for name, value in args.items() if value is not None}
    if method in READS:
        return {"http_verb": "GET", "params": present}
    return {"json": present}
