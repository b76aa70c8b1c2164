"""The one task that shows the heads of threads anew, until each says the truth."""

import asyncio
from contextlib import suppress

import structlog

from bot.drafting.jobs.job_context import JobContext
from bot.drafting.jobs.thread_header import head_now
from bot.drafting.slack_port import Edit, NotThere, SlackRefused, where
from bot.store import DueHead, StoreUnavailable

log = structlog.get_logger(__name__)

# Seconds between two looks for what another process made due, or what was put off.
LOOK = 2.0
# The longest pause of a head that could not be shown.
MOST_PAUSE = 30.0
# Seconds for what is due when the process ends; the next start does the rest.
LEAVE_WITHIN = 2.0


class ThreadHeads:
    """Keeps the heads of all threads true, each shown once, as it is when its turn comes.

    The store says which are due. What cannot be shown is tried again until it stands.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._failures = 0
        self._freed = False
        self._showing = asyncio.Lock()

    async def keep(self) -> None:
        """Show what is due, for as long as the process lives."""
        while True:
            try:
                await self.show_due()
            except StoreUnavailable as away:
                log.warning("heads wait", away=type(away).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._context.store.heads_due.wait()

    async def finish(self) -> None:
        """Wait for what is due, as far as that is soon done."""
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await self.show_due()

    async def show_due(self) -> None:
        """Show all that is due now, one after another. Raises StoreUnavailable."""
        store = self._context.store
        if not self._freed:
            await store.free_heads()
            self._freed = True
        store.heads_due.clear()
        async with self._showing:
            while await store.has_due_head() and await self._show_next():
                pass

    async def _show_next(self) -> bool:
        """Show the head that needs it most once there is room for it; False if there is none."""
        head: DueHead | None = None
        writing = 0

        async def choose() -> Edit | None:
            nonlocal head, writing
            head = await self._context.store.claim_head()
            if head is None:
                return None
            edit, writing = await head_now(self._context, head.thread)
            return edit

        try:
            await self._context.slack.edit_later(choose)
        except (NotThere, SlackRefused) as closed:
            # Nobody sees it any more, or Slack will never take it.
            log.warning("head not changed", error=str(closed))
        except Exception as error:
            if head is None:
                raise
            await self._put_off(head, error)
            return True
        if head is None:
            return False
        self._failures = 0
        await self._context.store.record_shown(head, writing)
        return True

    async def _put_off(self, head: DueHead, error: Exception) -> None:
        self._failures += 1
        pause = min(MOST_PAUSE, 2.0 ** min(self._failures, 10) / 2)
        log.warning("head waits", thread=head.thread.id, error=where(error), seconds=pause)
        await self._context.store.put_off_head(head, pause)
