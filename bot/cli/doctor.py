"""`draftsmith doctor`: is everything there, and if not, what to do."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy.exc import ArgumentError

from bot.cli.failure import NEWER_DATABASE
from bot.drafting.brief.recipe import load_recipes
from bot.errors import OperatorError
from bot.health import database_troubles, worker_troubles
from bot.messages import sentence_about
from bot.private_folder import open_folder
from bot.safety_filter import load_filter
from bot.settings import Settings
from bot.slack.client.api_client import web_client
from bot.slack.client.lookups import is_private
from bot.slack.manifest import AGENT_EVENTS, SCOPES
from bot.slack.sessions import NO_AGENT
from bot.store import NewerDatabase, Store, StoreUnavailable
from inference.client import EngineClient, EngineRefused, EngineUnavailable
from inference.environment import worker_environment

CHECK_SECONDS = 60.0
FAILED = 1

# An id of the right form that no channel has, and what Slack says of it to an agent.
NOWHERE = "C0000000000"
GONE = {"channel_not_found", "invalid_channel", "not_in_channel", "thread_not_found"}
NO_AGENT_YET = (
    "The app is no agent yet, so Slack shows no prompts and no stop button. On its page, App "
    "Manifest: put in what `draftsmith manifest` prints (features.agent_view in the place of "
    "features.assistant_view, the events app_context_changed and agent_session_stopped in the "
    "place of assistant_thread_started and assistant_thread_context_changed), save, and install "
    "the app again. Slack ends the old experience in February 2027."
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found."""

    name: str
    ok: bool
    said: str


async def doctor(settings: Settings) -> int:
    """Print a line for each check; return the exit code: 0 all is well, 1 something is to do."""
    well = True
    async for result in results(settings):
        print(f"{'ok ' if result.ok else '-- '} {result.name:<9} {result.said}", flush=True)
        well = well and result.ok
    return 0 if well else FAILED


async def results(settings: Settings) -> AsyncIterator[CheckResult]:
    """Yield a result for each check, in the order in which to mend them."""
    checks: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "token": _token,
        "agent": _agent,
        "transport": _transport,
        "database": _database,
        "filter": _filter,
        "review": _review,
        "recipes": _recipes,
        "languages": _languages,
        "model": _served if settings.worker_url else _model,
    }
    for name, check in checks.items():
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                yield CheckResult(name, True, await check(settings))
        except OperatorError as trouble:
            yield CheckResult(name, False, trouble.sentence)
        except TimeoutError:
            yield CheckResult(name, False, f"No answer within {CHECK_SECONDS:.0f} s.")


async def _token(settings: Settings) -> str:
    if not settings.slack_bot_token:
        raise OperatorError("Set SLACK_BOT_TOKEN to the xoxb- token from OAuth & Permissions.")
    async with web_client(settings.slack_bot_token, settings.slack_api_url) as client:
        answer = await _ask(client, "auth.test", "SLACK_BOT_TOKEN")
    granted = set(answer.headers.get("x-oauth-scopes", "").replace(",", " ").split())
    if missing := sorted(set(SCOPES) - granted):
        raise OperatorError(
            f"Scopes are missing: {', '.join(missing)}. Put the manifest of "
            "`draftsmith manifest` into the app's page and install the app again."
        )
    return f"{answer['user']} in {answer['team']}, with every scope"


async def _agent(settings: Settings) -> str:
    """Ask for a session in a channel that cannot be there: Slack answers no, and nothing is left.

    It rests on the order in which Slack looks: to an app that is no agent it says `not_agent_app`
    whatever the call is about (so others saw it, its pages do not say), to an agent that there is
    no such channel. Which events the app has no bot token can read; an app that the manifest made
    an agent has both of them, one that was made an agent by hand may not.
    """
    if not settings.slack_bot_token:
        raise OperatorError("Set SLACK_BOT_TOKEN first.")
    args = {"channel_id": NOWHERE, "thread_ts": "1.000000", "status": "closed"}
    async with web_client(settings.slack_bot_token, settings.slack_api_url) as client:
        try:
            await client.api_call("agents.sessions.setStatus", json=args)
            error = ""
        except SlackApiError as refused:
            error = str(refused.response["error"])
        except (SlackClientError, aiohttp.ClientError, OSError):
            raise OperatorError("Slack does not answer: check the network.") from None
    if error in NO_AGENT:
        raise OperatorError(NO_AGENT_YET)
    if error not in GONE:
        raise OperatorError(f"Slack does not say whether the app is an agent: {error or 'ok'}.")
    return f"an agent (its page, Event Subscriptions, must list {' and '.join(AGENT_EVENTS)})"


async def _transport(settings: Settings) -> str:
    if settings.slack_transport == "http":
        if not settings.slack_signing_secret:
            raise OperatorError("Set SLACK_SIGNING_SECRET, from the app's page Basic Information.")
        return f"signed HTTP on {settings.http_host}:{settings.http_port}"
    if not settings.slack_app_token:
        raise OperatorError("Set SLACK_APP_TOKEN to an xapp- token with connections:write.")
    async with web_client(settings.slack_app_token, settings.slack_api_url) as client:
        await _ask(client, "apps.connections.open", "SLACK_APP_TOKEN")
    return "Socket Mode"


async def _ask(client: AsyncWebClient, method: str, token: str) -> AsyncSlackResponse:
    try:
        return await client.api_call(method)
    except SlackApiError as error:
        raise OperatorError(f"Slack does not take {token}: {error.response['error']}.") from None
    except (SlackClientError, aiohttp.ClientError, OSError):
        raise OperatorError(
            f"{client.base_url} does not answer as Slack: check the network."
        ) from None


async def _database(settings: Settings) -> str:
    try:
        open_folder(settings.data_dir)
        store = await Store.open(settings.database)
    except OSError:
        raise OperatorError(f"{settings.data_dir} cannot be written: check DATA_DIR.") from None
    except ArgumentError:
        raise OperatorError("DATABASE_URL is not a URL that SQLAlchemy knows.") from None
    except NewerDatabase:
        raise OperatorError(NEWER_DATABASE) from None
    except StoreUnavailable:
        raise OperatorError(
            f"{settings.database_shown} cannot be opened: check DATABASE_URL."
        ) from None
    try:
        troubles = await database_troubles(store)
    finally:
        await store.close()
    if troubles:
        raise OperatorError(" ".join(troubles))
    return settings.database_shown


async def _filter(settings: Settings) -> str:
    if troubles := (await load_filter(settings).health()).troubles:
        raise OperatorError(" ".join(troubles))
    return f"{settings.policy or 'the packaged policy'} finds its known samples"


async def _review(settings: Settings) -> str:
    if settings.review_channel is None:
        return "no REVIEW_CHANNEL: what the policy holds is blocked"
    if not settings.slack_bot_token:
        raise OperatorError("REVIEW_CHANNEL needs SLACK_BOT_TOKEN.")
    async with web_client(settings.slack_bot_token, settings.slack_api_url) as client:
        try:
            answer = await client.conversations_info(channel=settings.review_channel)
        except (SlackClientError, aiohttp.ClientError, OSError):
            answer = None
    if answer is None or not answer["channel"].get("is_member"):
        raise OperatorError("The bot is not in the channel of REVIEW_CHANNEL: /invite it there.")
    if not is_private(answer["channel"]):
        raise OperatorError(
            "The channel of REVIEW_CHANNEL is open to others: make it private, unshared."
        )
    return f"what the policy holds waits {settings.review_hours:g} h in {settings.review_channel}"


async def _recipes(settings: Settings) -> str:
    return ", ".join(load_recipes(settings.recipes))


async def _languages(settings: Settings) -> str:
    names = [sentence_about("language", code).to("en") for code in settings.model_languages]
    return f"{', '.join(names)} (MODEL_LANGUAGES: what MODEL can write)"


async def _served(settings: Settings) -> str:
    try:
        async with EngineClient(settings.engine_url, token=settings.worker_token) as engine:
            models = await engine.models()
            troubles = await worker_troubles(engine)
    except (EngineUnavailable, EngineRefused) as error:
        raise OperatorError(
            f"{settings.engine_url}: {error} Check WORKER_URL, WORKER_TOKEN."
        ) from None
    if troubles:
        raise OperatorError(" ".join(troubles))
    return f"{', '.join(models)} at {settings.engine_url}"


async def _model(_: Settings) -> str:
    # In a process of its own, as the worker is: this one has no torch.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "inference", "--check", env=worker_environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    lines = (out if process.returncode == 0 else err).decode(errors="replace").split("\n")
    said = next((line for line in reversed(lines) if line.strip()), "It ended without a word.")
    if process.returncode != 0:
        raise OperatorError(said.removeprefix("worker: "))
    return said
