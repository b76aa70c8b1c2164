"""Files that people attached. Reads only."""

from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.drafting.slack_port import NoFile, NotThere, SlackRefused
from bot.slack.client.api_client import ApiClient
from bot.slack.client.canvases import read_canvas
from bot.slack.shared_files import is_canvas, name_of


class Files:
    """Downloads people's files (scope files:read)."""

    def __init__(
        self, api: ApiClient, token: SecretStr, api_url: str, check: Callable[[str], object]
    ) -> None:
        """`check(name)` raises Unreadable for a file that is not worth being fetched."""
        self._api = api
        self._check = check
        self._token = token
        self._api_host = urlsplit(api_url).hostname

    async def fetch(self, file_id: str, most: int) -> tuple[str, bytes]:
        """Return a file's name and its bytes, at most `most`. Raises Unreadable, SlackUnavailable.

        Only here is it known what a file is that an event told nothing of.
        """
        try:
            file = (await self._api.call("files.info", {"file": file_id}))["file"]
        except (NotThere, SlackRefused):
            raise NoFile("gone") from None
        if is_canvas(file):
            return await read_canvas(self._api, file, file_id, most)
        if file.get("mode") == "external":
            raise NoFile("external")
        if file.get("mode") not in (None, "hosted", "snippet"):
            raise NoFile("gone")
        name = name_of(file) or file_id
        self._check(name)
        if int(file.get("size") or 0) > most:
            raise NoFile("size")
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        # The token goes to Slack alone, whatever address a file has.
        if not self._is_of_slack(url):
            raise NoFile("gone")
        data = await self._api.download(url, self._token.get_secret_value(), most)
        if data is None:
            raise NoFile("gone")
        return name, data

    def _is_of_slack(self, url: str) -> bool:
        parts = urlsplit(url)
        host = parts.hostname or ""
        secure = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
        return secure or (host == self._api_host and host in ("127.0.0.1", "localhost"))
