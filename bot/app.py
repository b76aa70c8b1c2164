"""Wiring only: settings -> store, outbox, engine client, filter, drafting, Bolt app, transport."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr
from slack_bolt import BoltResponse
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot import listeners
from bot.audit_key import audit_key
from bot.background_tasks import BackgroundTasks
from bot.cli.policy import judge_server
from bot.drafting.actions import DraftActions
from bot.drafting.brief.recipe import load_recipes
from bot.drafting.drafting import Drafting
from bot.drafting.explanation import DraftHistory
from bot.drafting.jobs.intake import Intake
from bot.drafting.jobs.job_context import JobContext
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.jobs.pipeline import JobPipeline, where
from bot.drafting.jobs.worker_queue import WorkerQueue
from bot.drafting.reviews import Reviews
from bot.drafting.slack_port import NotThere
from bot.drafting.sources import Sources
from bot.encryption import Encryption
from bot.health import serving
from bot.http_server import serve_http
from bot.listeners.services import Services
from bot.messages import use_command
from bot.settings import Settings
from bot.slack.client.api_client import web_client
from bot.slack.client.files import Files
from bot.slack.client.people import SlackPeople
from bot.slack.outbox import Outbox
from bot.store import Store, StoreUnavailable
from inference.client import EngineClient
from safety import AuditLog, Filter, load_policy

log = structlog.get_logger(__name__)

EVENTS_PATH = "/slack/events"
FORGET_SECONDS = 3600.0


class NotConfigured(Exception):
    """A setting is missing; the message says which and where to find it."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot. `address` is where Slack's HTTP requests go, None in Socket Mode; `health`
    where its health is told, None without a port for that.
    """

    engine: EngineClient
    jobs: Jobs
    user: str
    address: str | None
    health: str | None


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Bot]:
    """The bot, connected. Leaving it takes nothing new, drains, and closes.

    Raises NotConfigured, RecipeError, SlackUnavailable, SlackRefused, StoreUnavailable,
    PolicyError.
    """
    use_command(settings.slash_command)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.database)
        stack.push_async_callback(store.close)
        token = required(settings.slack_bot_token, "SLACK_BOT_TOKEN")
        client = await stack.enter_async_context(web_client(token, settings.slack_api_url))
        engine = await stack.enter_async_context(
            EngineClient(settings.engine_url, token=settings.worker_token)
        )
        audit = AuditLog(settings.data_dir / "audit.jsonl", audit_key(settings))
        stack.callback(audit.close)
        outbox = Outbox(client)
        me = await outbox.whoami()
        user = str(me["user_id"])
        people = SlackPeople(outbox.get_user, settings.allowed)
        worker = judge_server(settings)
        judge = Filter(load_policy(settings.policy), audit=audit, worker=worker)
        # Kept where the logs are, it shows whether the end of the audit log is missing.
        log.info("audit log", head=str(audit.head()))
        stack.callback(lambda: log.info("audit log", head=str(audit.head())))
        reviews = _reviews(settings, store, outbox, judge)
        await _check_privacy(outbox, settings.review_channel)
        files = Files(outbox.api, token, settings.slack_api_url)
        context = JobContext(
            store=store,
            slack=outbox,
            engine=engine,
            filter=judge,
            people=people,
            recipes=load_recipes(settings.recipes),
            sources=Sources(store, files.fetch, settings.max_source),
            queue=WorkerQueue(),
            settings=settings,
            bot_user=user,
            reviews=reviews,
        )
        jobs = Jobs(store, lambda job, settled: JobPipeline(job, context, settled))
        background = BackgroundTasks()
        stack.push_async_callback(background.close)
        intake = Intake(store, jobs, settings.max_running_per_person)
        drafting = Drafting(store, jobs, intake, context.recipes, settings)
        services = Services(
            drafting=drafting,
            actions=DraftActions(store, jobs, intake, people, settings),
            history=DraftHistory(store, judge, context.recipes),
            intake=intake,
            outbox=outbox,
            people=people,
            settings=settings,
            bot=user,
            jobs=jobs,
            background=background,
            reviews=reviews,
        )
        app = bolt_app(settings, client, me)
        listeners.register(app, services)
        await store.purge()
        await stack.enter_async_context(_kept_up(_forget(store)))
        await jobs.recover()
        await drafting.resume_waiting(outbox.is_member)
        stack.push_async_callback(jobs.drain, settings.drain_seconds)
        if reviews:
            await stack.enter_async_context(_kept_up(reviews.watch(jobs.start)))
        address = await stack.enter_async_context(_transport(settings, app))
        log.info("bot connected", transport=settings.slack_transport)
        health = await stack.enter_async_context(
            serving(judge, settings.http_host, settings.health_port)
        )
        yield Bot(engine, jobs, user, address, health)
        log.info("bot drains", running=jobs.running)


def _reviews(settings: Settings, store: Store, outbox: Outbox, judge: Filter) -> Reviews | None:
    if settings.review_channel is None:
        return None
    seal = Encryption(audit_key(settings), "held texts")
    channel, hours = settings.review_channel, settings.review_hours
    return Reviews(store, outbox, judge, seal, channel=channel, hours=hours)


async def _forget(store: Store) -> None:
    """What nobody will ask for any more goes, every hour."""
    while True:
        await asyncio.sleep(FORGET_SECONDS)
        try:
            await store.purge()
        except StoreUnavailable:
            log.warning("nothing forgotten")


async def _check_privacy(outbox: Outbox, channel: str | None) -> None:
    """Whoever reads the reviewers' channel sees what the policy holds. Raises NotConfigured."""
    if channel is None:
        return
    try:
        closed = await outbox.is_private(channel)
    except NotThere:
        log.warning("not in the reviewers' channel")
        return
    if not closed:
        raise NotConfigured(f"REVIEW_CHANNEL {channel} is open to others: make it private.")


@asynccontextmanager
async def _kept_up(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Work that goes on for as long as the bot runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def required(secret: SecretStr | None, name: str) -> SecretStr:
    """The setting's value. Raises NotConfigured."""
    if secret is None:
        raise NotConfigured(f"{name} is not set. The README says where Slack shows it.")
    return secret


def bolt_app(settings: Settings, client: AsyncWebClient, me: Mapping[str, Any]) -> AsyncApp:
    """Bolt, so that a listener commits before its ack: an exception in it means no ack.

    Slack then delivers an event again, which is what a locked database asks for.
    """
    quiet = logging.getLogger("bot.bolt")
    quiet.setLevel(logging.ERROR)
    secret = settings.slack_signing_secret

    # Bolt would ask auth.test at the first event, and lose that event if Slack fails just then.
    async def authorize(**_: object) -> AuthorizeResult:
        return AuthorizeResult.from_auth_test_response(
            bot_token=client.token, auth_test_response=me
        )

    app = AsyncApp(
        client=client,
        authorize=authorize,
        signing_secret=secret.get_secret_value() if secret else "",
        process_before_response=True,
        # Bolt would count the deletion of one of our messages by a person among our own events.
        ignoring_self_events_enabled=False,
        logger=quiet,
    )

    @app.error
    async def on_error(error: Exception) -> BoltResponse:
        log.error("listener failed", error=where(error))
        return BoltResponse(status=500)

    return app


@asynccontextmanager
async def _transport(settings: Settings, app: AsyncApp) -> AsyncIterator[str | None]:
    if settings.slack_transport == "http":
        required(settings.slack_signing_secret, "SLACK_SIGNING_SECRET")
        async with _http(settings, app) as address:
            yield address
        return
    token = required(settings.slack_app_token, "SLACK_APP_TOKEN").get_secret_value()
    handler = AsyncSocketModeHandler(app, token)
    try:
        async with asyncio.timeout(30):
            # The client itself would try a wrong token for ever.
            handler.client.wss_uri = await handler.client.issue_new_wss_url()
            await handler.connect_async()  # type: ignore[no-untyped-call]
        yield None
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def _http(settings: Settings, app: AsyncApp) -> AsyncIterator[str]:
    web_app = app.web_app(path=EVENTS_PATH)
    web_app.middlewares.append(refuse_bad_timestamps)
    async with serve_http(web_app, settings.http_host, settings.http_port) as address:
        yield f"{address}{EVENTS_PATH}"


@web.middleware
async def refuse_bad_timestamps(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bolt answers a timestamp that is no number with a 500 and a traceback."""
    if not request.headers.get("X-Slack-Request-Timestamp", "").isdecimal():
        return web.Response(status=401)
    return await handler(request)
