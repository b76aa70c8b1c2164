"""`draftsmith run`: the bot and its worker, until SIGTERM; then both drain."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from sqlalchemy.exc import ArgumentError

from bot.app import NotConfigured, running
from bot.drafting.brief.recipe import RecipeError
from bot.drafting.slack_port import SlackRefused, SlackUnavailable
from bot.settings import Settings
from bot.store import StoreUnavailable
from bot.worker import WorkerCannotLoad, own_worker
from inference.logs import configure
from safety import AuditError, FilterError, PolicyError

log = structlog.get_logger(__name__)

FAILED, WRONG_SETTING = 1, 2


async def run(settings: Settings) -> int:
    """The exit code: 0 after SIGTERM, 1 what it needs is away, 2 a wrong setting."""
    configure(settings.log_format)
    try:
        await _serve(settings)
    except (
        NotConfigured,
        RecipeError,
        WorkerCannotLoad,
        AuditError,
        FilterError,
        PolicyError,
    ) as wrong:
        print(wrong, file=sys.stderr)
        return WRONG_SETTING
    except SlackRefused as refused:
        print(f"Slack refused: {refused}. Run `draftsmith doctor`.", file=sys.stderr)
        return WRONG_SETTING
    except SlackApiError as refused:
        print(
            f"Slack refused: {refused.response['error']}. Run `draftsmith doctor`.", file=sys.stderr
        )
        return WRONG_SETTING
    except ArgumentError:
        print("DATABASE_URL is not a URL that SQLAlchemy knows.", file=sys.stderr)
        return WRONG_SETTING
    except (SlackUnavailable, StoreUnavailable, aiohttp.ClientError, OSError) as away:
        print(f"{type(away).__name__}: {away}. Run `draftsmith doctor`.", file=sys.stderr)
        return FAILED
    return 0


async def _serve(settings: Settings) -> None:
    stopped = asyncio.create_task(_stop_signal())
    waiting = {stopped}
    async with AsyncExitStack() as stack:
        if settings.worker_url is None:
            waiting.add(await stack.enter_async_context(own_worker(settings.socket, _pass_on)))
        await stack.enter_async_context(running(settings))
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done - {stopped}:
            task.result()


async def _stop_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _pass_on(line: str) -> None:
    print(line, file=sys.stderr)
