"""What the listeners hand on to, and how they answer the person who acted."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.background_tasks import BackgroundTasks
from bot.drafting.actions import DraftActions
from bot.drafting.drafting import Drafting
from bot.drafting.explanation import DraftHistory
from bot.drafting.jobs.intake import Intake, Invocation
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.reviews import Reviews
from bot.errors import UserError
from bot.messages import Sentence, sentence
from bot.settings import Settings
from bot.slack.client.people import SlackPeople
from bot.slack.outbox import Outbox
from bot.store import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Services:
    """The domain and the door out. `bot` is the bot's own user."""

    drafting: Drafting
    actions: DraftActions
    history: DraftHistory
    intake: Intake
    outbox: Outbox
    people: SlackPeople
    settings: Settings
    bot: str
    jobs: Jobs
    background: BackgroundTasks
    reviews: Reviews | None

    async def answer(self, body: dict[str, Any], sentence: Sentence) -> None:
        """To whoever clicked, beside what they clicked on."""
        said = await self.people.told(body["user"]["id"], sentence)
        await self.outbox.respond(body["response_url"], said, replace=False)

    async def attempt(self, body: dict[str, Any], work: Awaitable[None]) -> None:
        """What a click asks for; why not, where it cannot be, is told to whoever clicked."""
        try:
            await work
        except UserError as bad:
            await self.answer(body, bad.sentence)
        except StoreUnavailable:
            # Slack does not deliver a click again.
            await self.answer(body, sentence("not_saved"))

    async def object_to(
        self, ack: AsyncAck, body: dict[str, Any], field: str, sentence: Sentence
    ) -> None:
        """In the form that was submitted, which keeps what was typed."""
        said = await self.people.told(body["user"]["id"], sentence)
        await ack(response_action="errors", errors={field: said})


def clicked(body: dict[str, Any]) -> Invocation:
    """Who clicked a button of a message, and where."""
    return Invocation(
        user=body["user"]["id"],
        team=body["team"]["id"],
        channel=body["channel"]["id"],
        key=f"action-{body['trigger_id']}",
        response_url=body["response_url"],
    )


def clicked_id(body: dict[str, Any]) -> int:
    """The id that the button carries."""
    return int(body["actions"][0]["value"])
