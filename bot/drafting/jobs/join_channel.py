"""Into a channel: the bot joins what it may, and says what is to be done where it may not."""

from bot.drafting.jobs.job_context import DRAFT_IN_DM, Refusal
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.slack_port import Button, NotThere
from bot.messages import sentence, sentences
from bot.store import JobKind, JobStatus


async def join_channel(run: JobRun, channel: str) -> None:
    """Make sure that the bot can write in the channel.

    Raises Refusal where the job waits for that, NotThere for an archived channel.
    """
    slack = run.context.slack
    try:
        if not await slack.is_member(channel):
            await slack.join(channel)
    except NotThere as closed:
        if closed.archived:
            raise
        drafts = run.job.kind is JobKind.DRAFT
        label = sentence("draft_in_dm_button").to(run.language)
        buttons = [Button(label, DRAFT_IN_DM, str(run.job.id))] if drafts else []
        # Ids of conversations between people begin with D: nobody can invite an app there.
        if channel.startswith("D"):
            said = sentence("not_in_this_dm")
        else:
            said = sentences.invite_me(run.context.bot_user, None if drafts else channel)
        raise Refusal(said, JobStatus.WAITING, buttons) from None
