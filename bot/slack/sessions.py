"""What Slack shows of our work in a thread: an agent's session with a stop button, else words.

A session is closed once no draft is left in its thread. Before, whoever replies there, even weeks
later, has a draft changed.
A session takes no words, and words beside it would take the place of its stop button.
https://docs.slack.dev/ai/agent-sessions, https://docs.slack.dev/ai/migrating-to-agent-messaging
"""

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import structlog

from bot.drafting.slack_port import NO_WORDS, NotThere, Place, SlackError, SlackRefused, Work
from bot.messages import Phrase, ours
from bot.slack.client.api_client import AnswerLost, ApiClient
from safety import safe

log = structlog.get_logger(__name__)

SET_STATUS, SAY = "agents.sessions.setStatus", "assistant.threads.setStatus"
# How Slack says that the app has no sessions; that will not change while we run.
NO_AGENT = {"feature_disabled", "not_agent_app", "not_authorized", "unknown_method"}
MAX_TITLE = 200
# Seconds until Slack would take the words of a status away.
STANDS = 100.0

ThreadKey = tuple[str, str]


@dataclass(slots=True, weakref_slot=True)
class ThreadWork:
    """The jobs at work in one thread, and what Slack shows of that."""

    jobs: set[str] = field(default_factory=set)
    processing: bool = False
    said: Phrase = NO_WORDS
    said_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sessions:
    """One session for each thread, however many jobs work in it."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._is_agent = True
        self._warned = False
        self._busy: dict[ThreadKey, ThreadWork] = {}
        self._threads: WeakValueDictionary[ThreadKey, ThreadWork] = WeakValueDictionary()

    async def work(self, place: Place, work: Work, job: str) -> None:
        """Show that a job works in a thread, by one call at most, and without a wait."""
        key, thread = self._thread(place)
        thread.jobs.add(job)
        self._busy[key] = thread
        # Whoever changes the session now looks afterwards whether a job is at work.
        if self._is_agent and not thread.processing and not thread.lock.locked():
            async with thread.lock:
                await self._begin(place, thread, work)
        if not self._is_agent:
            await self._say(place, thread, work)

    async def rest(self, place: Place, job: str, *, again: bool, over: bool = False) -> None:
        """Show that a job is done; with the last one the session is at rest, or closed if `over`.

        `again`: an earlier process may have left the session at work. Raises SlackUnavailable.
        """
        key, thread = self._thread(place)
        thread.jobs.discard(job)
        if thread.jobs:
            return
        if thread.said:
            await self._say(place, thread, Work())
        if self._is_agent and (thread.processing or again):
            async with thread.lock:
                await self._end(place, thread, "closed" if over else "active")
        if not thread.jobs:
            self._busy.pop(key, None)

    def forget(self, place: Place, job: str) -> None:
        """Drop what is known of a job's work, without a call: another bot works in the thread."""
        key, thread = self._thread(place)
        thread.jobs.discard(job)
        if not thread.jobs:
            self._keep(thread, processing=False)
            self._busy.pop(key, None)

    def status_in(self, place: Place) -> str | None:
        """Return what a stream that stops has to leave its thread in; None: Slack sets it to rest.

        A thread of several drafts is at work until the last of them ends.
        """
        thread = self._busy.get((place.channel, place.thread_ts or ""))
        return "processing" if thread and thread.processing else None

    def _thread(self, place: Place) -> tuple[ThreadKey, ThreadWork]:
        assert place.thread_ts
        key = (place.channel, place.thread_ts)
        return key, self._threads.setdefault(key, ThreadWork())

    async def _begin(self, place: Place, thread: ThreadWork, work: Work) -> None:
        if not self._api.rate_limit.is_free(SET_STATUS):
            return
        await self._api.rate_limit.acquire(SET_STATUS)
        # The end needs a call as well.
        self._keep(thread, processing=True)
        title = " ".join(safe(work.title).split())[:MAX_TITLE]
        try:
            await self._set_processing(place, title or None, place.user or None)
        except AnswerLost:
            pass  # Perhaps it is shown: then it has to end.
        except SlackError as error:
            self._keep(thread, processing=False)
            self._note(error)

    async def _end(self, place: Place, thread: ThreadWork, status: str) -> None:
        """Set the session to rest; if a job came meanwhile, to work again."""
        if thread.jobs:
            return
        self._keep(thread, processing=False)
        args = {"channel_id": place.channel, "thread_ts": place.thread_ts, "status": status}
        try:
            await self._api.call(SET_STATUS, args, urgent=True)
        except (NotThere, SlackRefused) as refused:
            self._note(refused)
        if thread.jobs:
            await self._begin(place, thread, Work())

    async def _set_processing(self, place: Place, title: str | None, initiator: str | None) -> None:
        args = {
            "channel_id": place.channel,
            "thread_ts": place.thread_ts,
            "status": "processing",
            "title": title,
            "initiator_user_id": initiator,
        }
        try:
            answer = await self._api.attempt(SET_STATUS, args)
        except NotThere as gone:
            # Who asks by a command in a public channel need not be a member of it.
            if gone.reason != "user_not_in_channel" or initiator is None:
                raise
            await self._api.rate_limit.acquire(SET_STATUS, urgent=True)
            return await self._set_processing(place, title, None)
        if answer.get("warning") and not self._warned:
            self._warned = True
            log.warning("the app is behind its manifest", warning=answer["warning"])
        return None

    async def _say(self, place: Place, thread: ThreadWork, work: Work) -> None:
        """Show the words where they are new, or Slack would take them away."""
        now = self._api.rate_limit.clock.time()
        stale = bool(work.doing) and now - thread.said_at > STANDS
        if (work.doing == thread.said and not stale) or not self._api.rate_limit.is_free(SAY):
            return
        args = {
            "channel_id": place.channel,
            "thread_ts": place.thread_ts,
            "status": ours(work.doing),
            "loading_messages": list(map(ours, work.loading)) or None,
        }
        thread.said, thread.said_at = work.doing, now
        try:
            await self._api.attempt(SAY, args)
        except SlackError as error:
            self._note(error)

    def _keep(self, thread: ThreadWork, *, processing: bool) -> None:
        """Note what Slack shows; keep a call in the budget for the end of what is at work."""
        if processing is not thread.processing:
            thread.processing = processing
            self._api.rate_limit.reserve(SET_STATUS, 1 if processing else -1)

    def _note(self, error: SlackError) -> None:
        if isinstance(error, SlackRefused) and error.error in NO_AGENT:
            self._is_agent = False
        log.info("status not shown", error=str(error))
