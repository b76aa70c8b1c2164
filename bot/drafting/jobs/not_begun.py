"""What is asked for while the bot ends: kept for the next start, and said if that takes long."""

import asyncio

from bot.drafting.slack_port import People, SlackPort
from bot.messages import sentence
from bot.store import Job, JobStatus, Store

# Another bot, if there is one, begins within these seconds.
BEGINS_WITHIN = 3.0


async def tell_if_not_begun(job: Job, store: Store, slack: SlackPort, people: People) -> None:
    """Tell the requester that a job begins after the restart, unless somebody begins it at once.

    Raises SlackError, StoreUnavailable.
    """
    await asyncio.sleep(BEGINS_WITHIN)
    found = await store.find_job(job.id)
    if found is None or found.status is not JobStatus.OPEN or found.owner or found.tries:
        return
    thread = await store.get_thread(job.thread_id)
    said = sentence("begins_later").to(await people.language(job.requester))
    await slack.tell(
        thread.channel,
        job.requester,
        said,
        thread_ts=thread.shown_root,
        response_url=job.response_url,
    )
