"""Modals and the home tab, on their way to Slack. Each method raises SlackUnavailable."""

from bot.drafting.slack_port import SlackRefused
from bot.slack.client.api_client import ApiClient
from bot.slack.render.views import ViewPayload


class Views:
    """What a person sees beside the conversations."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    async def open(self, trigger_id: str, view: ViewPayload) -> str:
        """Open a modal and return its id. A trigger is good for 3 s.

        Returns "" if the trigger was used already: the modal is open, but its id is not known.
        """
        try:
            args = {"trigger_id": trigger_id, "view": view}
            opened = await self._api.call("views.open", args)
        except SlackRefused as refusal:
            if refusal.error != "exchanged_trigger_id":
                raise
            return ""
        return str(opened["view"]["id"])

    async def update(self, view_id: str, view: ViewPayload, *, hash_: str | None = None) -> None:
        """Replace the content of an open modal; closed meanwhile is fine.

        `hash_`: only if it is still as it was then; else it stays as it is.
        """
        try:
            args = {"view_id": view_id, "view": view, "hash": hash_}
            await self._api.call("views.update", args)
        except SlackRefused as refusal:
            if refusal.error not in ("not_found", "hash_conflict"):
                raise

    async def publish_home(self, user: str, view: ViewPayload) -> None:
        """Show a person the app's home tab."""
        await self._api.call("views.publish", {"user_id": user, "view": view})
