"""`draftsmith demo`: a person's story. All parts are real but Slack, which is the workspace."""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.app import running
from bot.cli.story import STEP_SECONDS, Story
from bot.drafting.draft_action import DraftAction
from bot.errors import OperatorError
from bot.settings import ExplicitSettings, Settings
from bot.slack.manifest import manifest
from bot.worker import own_worker, until_ready
from bot.workspace import Workspace
from inference.client import EngineClient, EngineUnavailable
from inference.logs import configure

STORY_SECONDS = 300.0
# Enough for the model to end by itself: it writes up to 110 of the story's brief, and 330 to
# 520 of a blog post.
MAX_TOKENS = 640
FAILED = 1


async def demo(*, stay: bool, began: float) -> int:
    """Play the story; return the exit code: 0, or 1 with one line that says what failed.

    `began` is when the command was given, by time.monotonic().
    """
    configure("console", logging.WARNING)
    try:
        await _tell(stay, began)
    except (OperatorError, EngineUnavailable) as broke:
        print(f"\ndemo failed: {broke}", file=sys.stderr)
        return FAILED
    except TimeoutError:
        print(f"\ndemo failed: not done within {STORY_SECONDS:.0f} s", file=sys.stderr)
        return FAILED
    return 0


async def _tell(stay: bool, began: float) -> None:
    async with asyncio.timeout(STORY_SECONDS) as limit, stage() as (workspace, settings):
        await Story(workspace, began).play(settings.emoji[DraftAction.REGENERATE])
        if stay:
            limit.reschedule(None)
            print(f"\nThe workspace stays up: {workspace.url}  (Ctrl-C ends it)")
            await asyncio.Event().wait()


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[Workspace, Settings]]:
    """Run a workspace, a worker and a bot; yield the workspace and the bot's settings."""
    with tempfile.TemporaryDirectory(prefix="draftsmith-") as folder:
        async with Workspace(manifest=manifest("Draftsmith", "/draft")) as workspace:
            settings = settings_for(workspace, Path(folder))
            print(f"workspace   {workspace.url}", flush=True)
            async with own_worker(settings.socket, lambda _: None) as worker:
                async with EngineClient(settings.engine_url) as engine:
                    await until_ready(worker, engine, STEP_SECONDS, Progress())
                async with running(settings):
                    yield workspace, settings


def settings_for(workspace: Workspace, folder: Path) -> Settings:
    """Return the settings of a bot of this workspace, whatever the environment says."""
    return ExplicitSettings(
        slack_bot_token=workspace.bot_token,
        slack_app_token=workspace.app_token,
        slack_api_url=f"{workspace.url}/api/",
        slack_transport="socket",
        data_dir=folder,
        max_tokens=MAX_TOKENS,
    )


@dataclass(slots=True)
class Progress:
    """Prints how far the model is: at most a line a second, and the last one."""

    began: float = field(default_factory=time.monotonic)
    said: float = 0.0

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if now - self.said >= 1 or line == "ready":
            self.said = now
            print(f"model       {line} ({now - self.began:.1f} s)", flush=True)
