"""A workspace for each test, and a Bolt app to live in it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Bot, running
from bot.slack.client.rate_limit import RateLimiter
from bot.slack.manifest import manifest
from bot.store import Store, database
from bot.store.models import Base
from bot.workspace import Workspace
from tests.person import Person, StartBot, settings_for
from tests.reader import Reader, opened_browser
from tests.scripted_engine import ScriptedEngine


@pytest.fixture
async def workspace(request: pytest.FixtureRequest) -> AsyncIterator[Workspace]:
    """Run a workspace without rate limits, which delivers again soon, so that tests need not wait.

    With a bot it knows the bot's manifest; in tests of the workspace alone the app may do all.
    """
    made = manifest("Draftsmith", "/draft") if "engine" in request.fixturenames else None
    delays = (0.05, 0.1, 0.1)
    async with Workspace(limits=None, ack_timeout=3.0, retry_delays=delays, manifest=made) as ws:
        yield ws


@pytest.fixture
def ada(workspace: Workspace) -> str:
    return workspace.person("ada")


@pytest.fixture
def general(workspace: Workspace, ada: str) -> str:
    return workspace.channel("general", members=[ada])


@pytest.fixture
def client(workspace: Workspace) -> AsyncWebClient:
    """Return the SDK's client with the bot's token, without the SDK's own retries."""
    url = f"{workspace.url}/api/"
    return AsyncWebClient(workspace.bot_token, base_url=url, retry_handlers=[])


@pytest.fixture
def bolt(client: AsyncWebClient, workspace: Workspace) -> AsyncApp:
    """Return a Bolt app with no listener yet."""
    return AsyncApp(client=client, signing_secret=workspace.signing_secret)


@pytest.fixture
async def connect(workspace: Workspace, bolt: AsyncApp) -> AsyncIterator[Callable[..., object]]:
    """Return what connects the Bolt app by Socket Mode; disconnect it at the end."""
    handlers: list[AsyncSocketModeHandler] = []

    async def connected() -> AsyncSocketModeHandler:
        handler = AsyncSocketModeHandler(bolt, workspace.app_token, ping_interval=0.2)
        handlers.append(handler)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await workspace.until(lambda: workspace.connected)
        return handler

    yield connected
    for handler in handlers:
        await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine() as scripted:
        yield scripted


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with all tables and no row, to copy: migrations are half of a start."""
    path = tmp_path_factory.mktemp("migrated") / "draftsmith.db"

    async def make() -> None:
        await (await Store.open(f"sqlite+aiosqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
def start(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    migrated: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> StartBot:
    """Return what starts a bot with some settings changed, always on the same data."""
    shutil.copy(migrated, tmp_path)
    # A bot keeps to Slack's limits, and nearly every test would wait for that.
    monkeypatch.setattr(RateLimiter, "_part", lambda _, calls: 60 * calls)
    return lambda **changed: running(settings_for(workspace, engine.url, tmp_path, **changed))


@pytest.fixture
async def bot(start: StartBot) -> AsyncIterator[Bot]:
    async with start() as running_bot:
        yield running_bot


@pytest.fixture(params=["socket", "http"])
async def bot_by_either_way(
    request: pytest.FixtureRequest, start: StartBot, workspace: Workspace
) -> AsyncIterator[Bot]:
    async with start(slack_transport=request.param) as running_bot:
        workspace.events_url = running_bot.address
        yield running_bot


@pytest.fixture
def ana(workspace: Workspace) -> Person:
    return Person(workspace, workspace.person("ana"), workspace.channel("launch"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Return the address of an empty database."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    yield url
    engine = database.connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.exec_driver_sql("DROP TABLE alembic_version")
    await engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def reader(browser: webdriver.Chrome, workspace: Workspace) -> Iterator[Reader]:
    # Chromium keeps 50 steps, and drops first those that came by no real click, such as a test's.
    browser.execute_cdp_cmd("Page.resetNavigationHistory", {})
    reader = Reader(browser, workspace.url)
    reader.complaints()
    yield reader
    # Before the workspace goes, lest the page complain that it is gone.
    complaints = reader.complaints()
    browser.get("about:blank")
    assert complaints == []
