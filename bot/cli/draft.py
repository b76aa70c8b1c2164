"""`draftsmith draft "..."`: one draft, streamed to the terminal through the same filter."""

import asyncio
import secrets
import sys
from contextlib import AsyncExitStack, aclosing

from bot.cli.policy import judge_server
from bot.drafting.brief.brief import Brief, parse
from bot.drafting.brief.recipe import Recipe, RecipeError, load_recipes
from bot.drafting.jobs.prompt import Conversation
from bot.errors import UserError
from bot.settings import Settings
from bot.slack.render.markup import plain
from bot.worker import WorkerCannotLoad, own_worker
from inference.client import Delta, EngineClient, EngineRefused, EngineUnavailable, Sampling
from safety import Blocked, Filter, FilterError, PolicyError, SafeText, Stage, load_policy, safe

FAILED = 1
REQUEST = "terminal"


async def draft(text: str, settings: Settings) -> int:
    """The exit code. The draft goes to stdout, all else to stderr."""
    try:
        defaults = settings.options(secrets.randbelow(2**31))
        recipes = load_recipes(settings.recipes)
        brief = parse(
            text,
            recipes,
            defaults,
            limit=settings.max_brief,
            languages=settings.model_languages,
        )
        filter_ = Filter(load_policy(settings.policy), worker=judge_server(settings))
        verdict = await filter_.judge(brief.text, Stage.INPUT, request=REQUEST)
        if not verdict.allowed:
            raise Blocked(verdict)
        async with AsyncExitStack() as stack:
            engine = await _engine(stack, settings)
            await _write(brief, recipes[brief.recipe], engine, filter_)
    except UserError as bad:
        return _failed(plain(bad.sentence.to("en")))
    except Blocked as blocked:
        return _failed(f"The safety filter stopped it: {', '.join(blocked.verdict.rules)}.")
    except (
        EngineRefused,
        EngineUnavailable,
        WorkerCannotLoad,
        PolicyError,
        FilterError,
        RecipeError,
    ) as error:
        return _failed(str(error))
    return 0


async def _engine(stack: AsyncExitStack, settings: Settings) -> EngineClient:
    """A model that answers: the one that is up, or one of our own for as long as it takes."""
    client = EngineClient(settings.engine_url, token=settings.worker_token)
    engine = await stack.enter_async_context(client)
    if settings.worker_url is not None or await engine.ready():
        return engine
    watch = await stack.enter_async_context(own_worker(settings.socket, _progress))
    ready = asyncio.create_task(engine.wait_ready(settings.worker_patience, _progress))
    await asyncio.wait({watch, ready}, return_when=asyncio.FIRST_COMPLETED)
    if watch.done():
        ready.cancel()
        watch.result()
    await ready
    return engine


async def _write(brief: Brief, recipe: Recipe, engine: EngineClient, filter_: Filter) -> None:
    messages = Conversation(recipe, brief.text, brief.options).messages()
    sampling = Sampling(**{**brief.options.sampling, "n": 1})
    gate = filter_.gate(request=REQUEST)
    async with aclosing(engine.chat(messages, sampling)) as stream:
        async for item in stream:
            if isinstance(item, Delta):
                _show(await gate.feed(item.text))
    _show(await gate.finish())
    print()


def _show(text: SafeText) -> None:
    print(safe(text), end="", flush=True)


def _progress(line: str) -> None:
    print(line, file=sys.stderr)


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return FAILED
