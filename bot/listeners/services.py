"""What the listeners hand on to, and how they answer the person who acted."""

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

from slack_bolt.async_app import AsyncAck

from bot.background_tasks import BackgroundTasks
from bot.drafting.actions import DraftActions
from bot.drafting.drafting import Drafting
from bot.drafting.explanation import DraftHistory
from bot.drafting.feedback import DraftFeedback
from bot.drafting.jobs.draft_footers import DraftFooters
from bot.drafting.jobs.intake import Intake
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.jobs.thread_heads import ThreadHeads
from bot.drafting.kept_texts import KeptTexts
from bot.drafting.preferences import OwnPreferences
from bot.drafting.reviews import Reviews
from bot.drafting.sources import Sources
from bot.drafting.voice.house_voices import HouseVoices
from bot.drafting.voice.voice_check import VoiceCheck
from bot.errors import UserError
from bot.listeners.early_events import EarlyEvents
from bot.listeners.payloads import ButtonClick, Interaction, ViewSubmission
from bot.messages import Sentence, sentence
from bot.settings import Settings
from bot.slack.client.people import SlackPeople
from bot.slack.outbox import Outbox
from bot.slack.render.markup import unformatted
from bot.store import StoreUnavailable

# For a sentence that follows an event, which Slack repeats where it waits too long for its ack.
TELL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Services:
    """The domain and the door out."""

    drafting: Drafting
    actions: DraftActions
    history: DraftHistory
    feedback: DraftFeedback
    preferences: OwnPreferences
    intake: Intake
    outbox: Outbox
    people: SlackPeople
    settings: Settings
    bot_user: str
    jobs: Jobs
    heads: ThreadHeads
    footers: DraftFooters
    background: BackgroundTasks
    sources: Sources
    reviews: Reviews | None
    kept: KeptTexts
    early: EarlyEvents
    voices: HouseVoices
    voice_check: VoiceCheck

    async def answer(self, interaction: Interaction, sentence: Sentence) -> None:
        """Tell whoever clicked, beside what they clicked on."""
        said = await self.people.told(interaction.user, sentence)
        await self.outbox.tell(
            interaction.channel,
            interaction.user,
            said,
            thread_ts=interaction.thread_ts,
            response_url=interaction.response_url,
        )

    async def answer_in_place(self, interaction: Interaction, sentence: Sentence) -> None:
        """Put a sentence in the place of what somebody clicked on, or beside it if that is over."""
        said = await self.people.told(interaction.user, sentence)
        url = interaction.response_url
        if not (url and await self.outbox.respond(url, said)):
            await self.answer(interaction, sentence)

    async def attempt(self, ack: AsyncAck, click: ButtonClick, work: Awaitable[None]) -> None:
        """Commit what a click asks for, ack, and tell whoever clicked if it cannot be done."""
        said = None
        try:
            await work
        except UserError as bad:
            said = bad.sentence
        except StoreUnavailable:
            # Slack does not deliver a click again.
            said = sentence("not_saved")
        await ack()
        if said:
            await self.answer(click, said)

    async def kept_beside(self, form: ViewSubmission, key: str | None) -> str:
        """Return what is kept of a text that is longer than the form. Raises UserError."""
        if key is None:
            return ""
        kept = await self.kept.find(key, form.user)
        if kept is None:
            raise UserError(sentence("form_forgotten"))
        return kept.text

    async def drop_kept(self, *keys: str | None) -> None:
        """Forget what was sent with a form."""
        for key in filter(None, keys):
            with suppress(StoreUnavailable):
                await self.kept.drop(key)

    async def object_to(
        self, ack: AsyncAck, submission: ViewSubmission, field: str, sentence: Sentence
    ) -> None:
        """Show what is wrong in the submitted form, which keeps what was typed."""
        said = await self.people.told(submission.user, sentence)
        await ack(response_action="errors", errors={field: unformatted(said)})
