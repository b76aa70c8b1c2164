"""Canvases: made once, opened to their readers, found again, read.

https://docs.slack.dev/surfaces/canvases
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from bot.drafting.slack_port import NoFile, NotThere, Place, SlackRefused, SlackUnavailable
from bot.slack.client.api_client import AnswerLost, ApiAnswer, ApiClient, RateLimited
from bot.slack.shared_files import is_canvas, name_of

# Slack's clock and ours may differ by this, in seconds.
CLOCKS = 30
# The app may not, or Slack does not know how: not that the canvas is gone.
NOT_GRANTED = {"missing_scope", "unknown_method", "no_permission", "canvas_disabled_user_team"}

log = structlog.get_logger(__name__)


class Canvases:
    """Makes canvases. Slack has no idempotency key: one made before is known by its title."""

    def __init__(self, api: ApiClient, whoami: Callable[[], Awaitable[ApiAnswer]]) -> None:
        self._api = api
        self._whoami = whoami

    async def make(
        self, place: Place, title: str, markdown: str, *, since: float, again: bool
    ) -> str:
        """Make a canvas for a place, and return its address.

        `again`, or if Slack's answer is lost: ours of the same title and place, made after `since`,
        is taken for it. Slack's list of files may lag behind: within that time a second one may
        come. Raises SlackRefused where the app may make none.
        """
        try:
            found = await self._find(place, title, since) if again else None
            canvas = found or await self._create(place, title, markdown, since)
            await self._open_to(place, canvas)
            return await self._address(canvas)
        except NotThere as closed:
            if closed.reason != "restricted_action":
                raise
            raise SlackRefused(closed.reason) from None

    async def _create(self, place: Place, title: str, markdown: str, since: float) -> str:
        args = {
            "title": title,
            "document_content": {"type": "markdown", "markdown": markdown},
            "channel_id": _tab(place),
        }
        for pause in self._api.pauses():
            await self._api.rate_limit.acquire("canvases.create")
            try:
                return str((await self._api.attempt("canvases.create", args))["canvas_id"])
            except RateLimited:
                continue
            except AnswerLost:
                await self._api.rate_limit.clock.sleep(pause)
            if found := await self._find(place, title, since):
                return found
        raise SlackUnavailable("canvases.create")

    async def _find(self, place: Place, title: str, since: float) -> str | None:
        me = (await self._whoami())["user_id"]
        args = {"user": me, "channel": _tab(place), "ts_from": int(since) - CLOCKS}
        files = (await self._api.call("files.list", args))["files"]
        same = (str(f["id"]) for f in files if is_canvas(f) and f.get("title") == title)
        return next(same, None)

    async def _open_to(self, place: Place, canvas: str) -> None:
        """Let the place's people read and write: the text is theirs from now on.

        A channel's members may write already by the tab: where Slack does not take their channel
        here, as for a group of people, that stands.
        """
        readers = {"user_ids": [place.user]}
        if tab := _tab(place):
            readers = {"channel_ids": [tab]}
        args = {"canvas_id": canvas, "access_level": "write", **readers}
        try:
            await self._api.call("canvases.access.set", args)
        except (NotThere, SlackRefused) as refused:
            if not tab:
                raise
            log.warning("canvas access not set", error=str(refused))

    async def _address(self, canvas: str) -> str:
        """Return the address that Slack gives a canvas, or the one that all canvases have."""
        try:
            return str((await self._api.call("files.info", {"file": canvas}))["file"]["permalink"])
        except (NotThere, SlackRefused):
            me = await self._whoami()
            return f"{me['url']}docs/{me['team_id']}/{canvas}"


async def read_canvas(
    api: ApiClient, file: Mapping[str, Any], file_id: str, most: int
) -> tuple[str, bytes]:
    """Return the name and the text of a canvas, at most `most` bytes.

    Raises NoFile, SlackUnavailable.
    """
    try:
        answer = await api.call("canvases.getContent", {"canvas_id": file_id})
    except NotThere:
        raise NoFile("gone") from None
    except SlackRefused as refused:
        raise NoFile("canvas" if refused.error in NOT_GRANTED else "gone") from None
    data = str(answer.get("content", "")).encode()
    if len(data) > most:
        raise NoFile("size")
    return name_of(file), data


def _tab(place: Place) -> str | None:
    """Return the channel in whose tab a canvas goes; None for our conversation with a person."""
    return None if place.channel.startswith("D") else place.channel
