"""Signed HTTP requests to the app's address, instead of Socket Mode.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlencode

import aiohttp

from bot.workspace.delivery import AppReply, EnvelopeKind
from bot.workspace.objects import Json, json_object
from bot.workspace.state import State

JSON = "application/json"


class HttpEvents:
    """Posts to one address. Only a 200 in time is an ack."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.url = ""
        self._session: aiohttp.ClientSession | None = None

    async def send(self, kind: EnvelopeKind, payload: Json, retries: int, reason: str) -> AppReply:
        """Make one attempt and return the reply. Never raises, except when cancelled."""
        if kind == "events_api":
            content_type, body = JSON, json.dumps(payload)
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            content_type, body = "application/x-www-form-urlencoded", urlencode(fields)
        headers = {"Content-Type": content_type, **self._signature(body)}
        if retries:
            headers |= {"X-Slack-Retry-Num": str(retries), "X-Slack-Retry-Reason": reason}
        return await self._post(body, headers)

    async def verify(self) -> bool:
        """Say whether the address answers the challenge that Slack sends to a new one."""
        challenge = secrets.token_urlsafe(24)
        body = json.dumps({"type": "url_verification", "token": "", "challenge": challenge})
        headers = {"Content-Type": JSON, **self._signature(body)}
        reply = await self._post(body, headers)
        return reply.acked and challenge in (reply.body or {}).values()

    async def check_certificate(self) -> bool:
        """Say whether the address answers what Slack sends now and then, without a signature.

        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return (await self._post(urlencode({"ssl_check": "1", "token": "t"}), headers)).acked

    def _signature(self, body: str) -> dict[str, str]:
        stamp = str(int(time.time()))
        signed = f"v0:{stamp}:{body}".encode()
        digest = hmac.new(self.state.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, body: str, headers: dict[str, str]) -> AppReply:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(self.state.ack_seconds):
                async with self._session.post(self.url, data=body, headers=headers) as response:
                    final = response.headers.get("X-Slack-No-Retry") == "1"
                    if response.status != 200:
                        return AppReply(False, reason="http_error", final=final)
                    text = await response.text()
                    said = json_object(text) if response.content_type == JSON else {"text": text}
                    return AppReply(True, said if text else None)
        except TimeoutError:
            return AppReply(False, reason="http_timeout")
        except aiohttp.ClientError:
            return AppReply(False, reason="connection_failed")
