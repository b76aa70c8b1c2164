"""Into a channel: the bot joins what it may, and says what is to be done where it may not."""

from bot.drafting.jobs.job_context import DRAFT_IN_DM, JobContext, Refusal
from bot.drafting.slack_port import Button, NotThere
from bot.messages import Language, sentence, sentences
from bot.store import Job, JobKind, JobStatus


async def enter(context: JobContext, channel: str, job: Job, language: Language) -> None:
    """The bot can write in the channel when this returns.

    Raises Refusal where the job waits for that, NotThere for an archived channel.
    """
    try:
        if not await context.slack.is_member(channel):
            await context.slack.join(channel)
    except NotThere as closed:
        if closed.reason == "is_archived":
            raise
        # Ids of conversations between people begin with D: nobody can invite an app there.
        invited = (
            sentences.invite_me if job.kind is JobKind.DRAFT else sentences.invite_me_to_accept
        )
        dm = channel.startswith("D")
        said = sentence("not_in_this_dm") if dm else invited(context.bot_user)
        label = sentence("draft_in_dm_button").to(language)
        instead = [Button(label, DRAFT_IN_DM, str(job.id))] if job.kind is JobKind.DRAFT else []
        raise Refusal(said, JobStatus.WAITING, instead) from None
