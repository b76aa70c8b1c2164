"""What a person who waits for the first words is shown below the thread."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.drafting.slack_port import Place, SlackPort
from bot.messages import Language, Phrase, sentence, sentences

# Seconds until a wait is worth a word, between two looks, and until Slack would take a word away.
PATIENCE, LOOK, STANDS = 1.5, 3.0, 100.0
# What Slack shows in turn meanwhile.
LOADING = (sentence("loading_brief"), sentence("loading_words"), sentence("loading_soon"))
# Nobody waits longer for a word to be taken back.
CLEARED_WITHIN = 2.0


@asynccontextmanager
async def waiting_status(
    slack: SlackPort, place: Place, before: Callable[[], int], language: Language
) -> AsyncIterator[Callable[[], None]]:
    """Show the thread's status until the yielded function is called, or the block is left."""
    over = asyncio.Event()
    task = asyncio.create_task(_tend(slack, place, before, language, over))
    try:
        yield over.set
    finally:
        over.set()
        _, late = await asyncio.wait([task], timeout=CLEARED_WITHIN)
        for each in late:
            each.cancel()


async def _tend(
    slack: SlackPort,
    place: Place,
    before: Callable[[], int],
    language: Language,
    over: asyncio.Event,
) -> None:
    said, at = Phrase(""), 0.0
    clock = asyncio.get_running_loop().time
    pause = PATIENCE
    while not await _is_over(over, pause):
        pause = LOOK
        now = sentences.waits(before()).to(language)
        if now != said or clock() - at > STANDS:
            await slack.set_status(place, now, [each.to(language) for each in LOADING])
            said, at = now, clock()
    if said:
        await slack.set_status(place, Phrase(""))


async def _is_over(over: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return False
    return True
