"""A workspace without rate limits, for bots that run as they do for an operator."""

from collections.abc import AsyncIterator

import pytest

from bot.workspace import Workspace


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(limits=None) as started:
        yield started
