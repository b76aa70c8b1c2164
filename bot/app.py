"""The running bot. Wiring only: settings, store, Slack, filter, drafting, listeners, transport."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot import listeners, metrics
from bot.audit_key import audit_key
from bot.background_tasks import BackgroundTasks, in_background
from bot.bolt_app import bolt_app
from bot.drafting.actions import DraftActions
from bot.drafting.brief.recipe import load_recipes
from bot.drafting.drafting import Drafting
from bot.drafting.explanation import DraftHistory
from bot.drafting.feedback import DraftFeedback
from bot.drafting.jobs.draft_footers import DraftFooters
from bot.drafting.jobs.intake import Intake
from bot.drafting.jobs.job_context import JobContext
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.jobs.lease import Lease
from bot.drafting.jobs.not_begun import tell_if_not_begun
from bot.drafting.jobs.pipeline import JobPipeline
from bot.drafting.jobs.thread_heads import ThreadHeads
from bot.drafting.jobs.worker_queue import WorkerQueue
from bot.drafting.kept_texts import KeptTexts
from bot.drafting.learning import Learning
from bot.drafting.measures import Judge
from bot.drafting.preferences import OwnPreferences
from bot.drafting.slack_port import resuming
from bot.drafting.sources import Sources
from bot.drafting.voice.house_voices import HouseVoices
from bot.drafting.voice.voice_check import VoiceCheck
from bot.encryption import Encryption
from bot.errors import OperatorError
from bot.extraction.extraction import kind_of
from bot.health import serve_health, watch_health
from bot.listeners.early_events import EarlyEvents
from bot.listeners.services import Services
from bot.messages import use_command
from bot.private_folder import open_folder
from bot.review_channel import open_reviews
from bot.safety_filter import load_filter
from bot.scrape import Scrape
from bot.settings import Settings, required
from bot.slack.client.api_client import web_client
from bot.slack.client.files import Files
from bot.slack.client.membership import Installation
from bot.slack.client.people import SlackPeople
from bot.slack.client.threads import Threads
from bot.slack.outbox import Outbox
from bot.store import DatabaseInUse, Job, OtherKey, Store, StoreUnavailable, alone_on
from bot.transport import transport
from inference.client import EngineClient
from safety import AuditLog, Filter

log = structlog.get_logger(__name__)

FORGET_SECONDS = 3600.0
LEARN_SECONDS = 3600.0
# How long the bot, while it ends, stays for what it has to say about late requests, and then for
# what it acked last.
LATE_SECONDS = 8.0
ACKED_SECONDS = 5.0
# The exit code of what another start may cure: there is nothing wrong with a setting.
FAILED = 1


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot. `address` is where Slack's HTTP requests go, None in Socket Mode; `health`
    is where its health is told, None without a port for that.
    """

    engine: EngineClient
    jobs: Jobs
    user: str
    address: str | None
    health: str | None


@dataclass(frozen=True, slots=True)
class _Slack:
    """The connection to Slack. `me` is the answer of auth.test."""

    client: AsyncWebClient
    me: Mapping[str, Any]
    outbox: Outbox
    people: SlackPeople
    files: Files


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Bot]:
    """Connect the bot. Leaving takes nothing new, drains, and closes.

    Raises OperatorError, SlackUnavailable, SlackRefused, StoreUnavailable.
    """
    use_command(settings.slash_command)
    open_folder(settings.data_dir)
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(settings))
        store = await Store.open(settings.database)
        stack.push_async_callback(store.close)
        lease = Lease(store, audit_key(settings), settings.lease_seconds)
        await _join(stack, lease)
        slack = await _connect(stack, settings, lease)
        engine = EngineClient(settings.engine_url, token=settings.worker_token)
        await stack.enter_async_context(engine)
        filter_ = _audited_filter(stack, settings)
        background, late = BackgroundTasks(), BackgroundTasks()
        stack.push_async_callback(background.close)
        stack.push_async_callback(late.close)
        services = await _services(
            settings,
            store,
            slack,
            engine,
            filter_=filter_,
            judge=await _judge(stack, settings),
            background=background,
            late=late,
            lease=lease,
        )

        app = bolt_app(slack.client, slack.me, settings.slack_signing_secret)
        listeners.register(app, services)
        await _take_up(stack, store, services, lease)
        # After the transport has closed: what was acked is still done.
        stack.push_async_callback(background.finish, ACKED_SECONDS)
        reached = await stack.enter_async_context(transport(settings, app))
        log.info("bot connected", transport=settings.slack_transport, bot=lease.bot)
        sockets = None if reached.address else reached.connections
        watch = watch_health(store, engine, filter_, sockets, lease)
        scrape = web.get("/metrics", Scrape(store, watch, reached.connections).answer)
        health = await stack.enter_async_context(
            serve_health(watch, settings.http_host, settings.health_port, scrape)
        )
        await stack.enter_async_context(in_background(partial(_look_for_invitations, services)))
        # First of all on leaving: what is asked for meanwhile is taken in for the next start.
        stack.push_async_callback(late.finish, LATE_SECONDS)
        stack.push_async_callback(services.jobs.drain, settings.drain_seconds)
        yield Bot(engine, services.jobs, services.bot_user, reached.address, health)
        log.info("bot drains", running=services.jobs.running)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let no second bot begin on a file of SQLite. Raises OperatorError."""
    try:
        with alone_on(settings.database):
            yield
    except DatabaseInUse:
        raise OperatorError(
            f"Another bot runs on {settings.database_shown}. SQLite is for one bot: for several, "
            "set DATABASE_URL to a PostgreSQL database.",
            FAILED,
        ) from None


async def _join(stack: AsyncExitStack, lease: Lease) -> None:
    """Begin to live as one of the bots of the database. Raises OperatorError."""
    try:
        await lease.join()
    except OtherKey:
        raise OperatorError(
            "The bots that run on this database have another AUDIT_KEY: give all the same one."
        ) from None
    stack.push_async_callback(lease.leave)


async def _connect(stack: AsyncExitStack, settings: Settings, lease: Lease) -> _Slack:
    token = required(settings.slack_bot_token, "SLACK_BOT_TOKEN")
    client = await stack.enter_async_context(web_client(token, settings.slack_api_url))
    outbox = Outbox(client, seconds_to_write=lambda: lease.seconds_to_write)
    me = await outbox.whoami()
    return _Slack(
        client=client,
        me=me,
        outbox=outbox,
        people=SlackPeople(outbox.get_user, settings.allowed, Installation.from_auth_test(me)),
        files=Files(outbox.api, token, settings.slack_api_url, kind_of),
    )


def _audited_filter(stack: AsyncExitStack, settings: Settings) -> Filter:
    audit = AuditLog(settings.data_dir / "audit.jsonl", audit_key(settings))
    stack.callback(audit.close)
    filter_ = load_filter(settings, audit=audit)
    # Kept where the logs are, it shows whether the end of the audit log is missing.
    log.info("audit log", head=str(audit.head()))
    stack.callback(lambda: log.info("audit log", head=str(audit.head())))
    return filter_


async def _judge(stack: AsyncExitStack, settings: Settings) -> Judge | None:
    if settings.judge_url is None:
        return None
    client = EngineClient(settings.judge_url, token=settings.judge_token)
    server = await stack.enter_async_context(client)
    return Judge(server.first_token, server.models)


async def _services(
    settings: Settings,
    store: Store,
    slack: _Slack,
    engine: EngineClient,
    *,
    filter_: Filter,
    judge: Judge | None,
    background: BackgroundTasks,
    late: BackgroundTasks,
    lease: Lease,
) -> Services:
    """Build the domain and what the listeners need of it."""
    user = str(slack.me["user_id"])
    reviews = await open_reviews(settings, store, slack.outbox, filter_)
    threads = Threads(slack.outbox.api, slack.people, user)
    context = JobContext(
        store=store,
        slack=slack.outbox,
        engine=engine,
        filter=filter_,
        people=slack.people,
        recipes=load_recipes(settings.recipes),
        sources=Sources(store, slack.files.fetch, threads.read, settings.max_source),
        queue=WorkerQueue(),
        settings=settings,
        bot_user=user,
        reviews=reviews,
        judge=judge,
    )
    jobs = Jobs(store, lambda job, settled: JobPipeline(job, context, settled), lease)

    def waits(job: Job) -> None:
        telling = tell_if_not_begun(job, store, slack.outbox, slack.people)
        late.start(telling, seconds=LATE_SECONDS)

    intake = Intake(store, jobs, settings.max_running_per_person, waits=waits)
    metrics.QUEUE.set_function(context.queue.__len__)
    metrics.RUNNING.set_function(lambda: jobs.running)

    history = DraftHistory(store, filter_, context.recipes, slack.people)
    return Services(
        drafting=Drafting(store, jobs, intake, context.recipes, settings),
        heads=ThreadHeads(context),
        footers=DraftFooters(context),
        actions=DraftActions(store, jobs, intake, slack.people, settings),
        history=history,
        feedback=DraftFeedback(store, slack.people),
        preferences=OwnPreferences(store, filter_),
        intake=intake,
        outbox=slack.outbox,
        people=slack.people,
        settings=settings,
        bot_user=user,
        jobs=jobs,
        background=background,
        sources=context.sources,
        reviews=reviews,
        kept=KeptTexts(store, Encryption(audit_key(settings), "typed texts")),
        early=EarlyEvents(store, Encryption(audit_key(settings), "early events")),
        voices=HouseVoices(
            store, filter_, slack.people, slack.outbox.creator, settings.voice_budget
        ),
        voice_check=VoiceCheck(store, history),
    )


async def _take_up(stack: AsyncExitStack, store: Store, services: Services, lease: Lease) -> None:
    """Go on with what the last run, or a dead bot, left."""
    jobs, share = services.jobs, services.outbox.api.rate_limit.share_among
    # First of all: what follows may take longer than a lease is valid.
    await stack.enter_async_context(in_background(partial(lease.keep, jobs.abandon, share)))
    await store.purge()
    await stack.enter_async_context(in_background(partial(_forget_hourly, store)))
    await stack.enter_async_context(in_background(partial(_learn_hourly, store, lease)))
    await stack.enter_async_context(in_background(services.heads.keep))
    stack.push_async_callback(services.heads.finish)
    await stack.enter_async_context(in_background(services.footers.keep))
    await jobs.take()
    for work in (jobs.listen, jobs.watch, services.early.watch):
        await stack.enter_async_context(in_background(work))
    if services.reviews:
        watch = partial(services.reviews.watch, jobs.wake, lambda: lease.is_oldest)
        await stack.enter_async_context(in_background(watch))


async def _look_for_invitations(services: Services) -> None:
    """Go on with what waited for an invitation that came while no bot ran."""
    with resuming():
        await services.drafting.resume_waiting(services.outbox.is_member)


async def _learn_hourly(store: Store, lease: Lease) -> None:
    """Let what people clicked meanwhile decide how drafts are ranked."""
    learning = Learning(store)
    while True:
        await asyncio.sleep(LEARN_SECONDS)
        try:
            if lease.is_oldest:
                await learning.refit_all()
        except StoreUnavailable:
            log.warning("nothing learnt")


async def _forget_hourly(store: Store) -> None:
    """Delete what nobody will ask for any more."""
    while True:
        await asyncio.sleep(FORGET_SECONDS)
        try:
            await store.purge()
        except StoreUnavailable:
            log.warning("nothing forgotten")
