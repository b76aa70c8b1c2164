"""The Web API over HTTP: tokens, rate limits, faults, and the record of every call."""

import hmac
import math
import time
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from bot.workspace.api.methods import METHODS, MethodArgs, answer
from bot.workspace.errors import ApiError
from bot.workspace.objects import ApiCall, Json, json_object
from bot.workspace.rate_limits import MethodLimiter
from bot.workspace.state import State

Drop = Literal["before", "after"]

# "Most write methods" take JSON: https://docs.slack.dev/apis/web-api#methods_supporting_json
FORM_ONLY = {
    "chat.getPermalink",
    "conversations.history",
    "conversations.info",
    "conversations.list",
    "conversations.members",
    "conversations.replies",
    "files.getUploadURLExternal",
    "files.info",
    "reactions.get",
    "users.conversations",
    "users.info",
    "users.list",
}


@dataclass(slots=True, eq=False)
class Fault:
    """One way for calls of a method to fail. `drop` closes the connection without an answer.

    `after` so many calls that do not.
    """

    method: str
    error: str | None = None
    status: int | None = None
    retry_after: float | None = None
    drop: Drop | None = None
    times: int = 1
    after: int = 0

    def __post_init__(self) -> None:
        ways = [self.error, self.status, self.retry_after, self.drop]
        assert any(way is not None for way in ways), "say how the call is to fail"
        assert self.times > 0


class WebApi:
    """Answers /api/METHOD for one bot token and one app token."""

    def __init__(self, state: State, limiter: MethodLimiter) -> None:
        self.state = state
        self.limiter = limiter
        self.faults: list[Fault] = []
        self.missing: set[str] = set()

    async def call(self, request: web.Request) -> web.Response:
        """Answer one call and record it."""
        method = request.match_info["method"]
        values, token = await _arguments(request, method)
        fault = self._next_fault(method)
        error, response = self._fail(fault) if fault else (None, None)
        if response is None:
            error, response = self._answer(method, token, values)
        if fault is not None and fault.drop == "after":
            error = "dropped_after"
        self.state.calls.append(ApiCall(method, values, time.monotonic(), error))
        self.state.change_signal.notify()
        if fault is not None and fault.drop and request.transport is not None:
            request.transport.abort()
        return response

    def _next_fault(self, method: str) -> Fault | None:
        """Return the first fault for this method or for all ("*"), and count it as used once."""
        fault = next((f for f in self.faults if f.method in (method, "*")), None)
        if fault is None:
            return None
        if fault.after:
            fault.after -= 1
            return None
        fault.times -= 1
        if fault.times == 0:
            self.faults.remove(fault)
        return fault

    def _fail(self, fault: Fault) -> tuple[str | None, web.Response | None]:
        """Return the fault's error and answer, which replace the method's own.

        Both are None for a drop after the effect.
        """
        if fault.drop == "before":
            return "dropped_before", web.Response()
        if fault.retry_after is not None:
            return "ratelimited", _limited(fault.retry_after)
        if fault.status is not None:
            return f"http_{fault.status}", web.Response(status=fault.status, text="unavailable")
        if fault.error is not None:
            return fault.error, self._json({"ok": False, "error": fault.error})
        return None, None

    def _answer(self, method: str, token: str, values: Json) -> tuple[str | None, web.Response]:
        try:
            self._admit(method, token)
            args = MethodArgs(values)
            wait = self.limiter.wait(method, args.text("channel"))
            if wait is not None:
                return "ratelimited", _limited(wait)
            return None, self._json(answer(self.state, method, args))
        except ApiError as e:
            return e.error, self._json({"ok": False, "error": e.error} | e.extra)

    def _admit(self, method: str, token: str) -> None:
        """Raise ApiError for an unknown method or a wrong token."""
        if method not in METHODS or method in self.missing:
            raise ApiError("unknown_method", req_method=method)
        if not token:
            raise ApiError("not_authed")
        right, other = self.state.bot_token, self.state.app_token
        if METHODS[method].app_token:
            right, other = other, right
        if hmac.compare_digest(token.encode(), other.encode()):
            raise ApiError("not_allowed_token_type")
        if not hmac.compare_digest(token.encode(), right.encode()):
            raise ApiError("invalid_auth")

    def _json(self, body: Json) -> web.Response:
        headers = {"X-OAuth-Scopes": ",".join(sorted(self.state.scopes))}
        return web.json_response(body, headers=headers)


def _limited(seconds: float) -> web.Response:
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)


async def _arguments(request: web.Request, method: str) -> tuple[Json, str]:
    """Return the arguments and the token, which only a form may carry as an argument.

    A method that reads pays no heed to a body in JSON.
    """
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if request.content_type == "application/json":
        body = json_object(await request.read()) if method not in FORM_ONLY else None
        return {**request.query, **(body or {})}, bearer
    values = {**request.query, **await request.post()}
    argument = str(values.pop("token", ""))
    return values, bearer or argument
