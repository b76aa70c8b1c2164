"""`draftsmith draft "..."`: one draft, streamed to the terminal through the same filter."""

import secrets
import sys
from contextlib import AsyncExitStack, aclosing

from bot.drafting.brief.brief import Brief, parse
from bot.drafting.brief.recipe import Recipe, load_recipes
from bot.drafting.jobs.prompt import Conversation
from bot.drafting.tidying import Opening, kept_length
from bot.errors import OperatorError, UserError
from bot.safety_filter import load_filter
from bot.settings import Settings
from bot.slack.render.markup import plain
from bot.worker import own_worker, until_ready
from inference.client import Delta, EngineClient, Sampling
from safety import Blocked, Filter, SafeText, Stage, joined, part, safe

FAILED = 1
REQUEST = "terminal"


async def draft(text: str, settings: Settings) -> int:
    """Print the draft to stdout and all else to stderr; return 0.

    Raises OperatorError, EngineRefused, EngineUnavailable.
    """
    try:
        await _draft(text, settings)
    except UserError as bad:
        raise OperatorError(plain(bad.sentence.to("en")), FAILED) from None
    except Blocked as blocked:
        rules = ", ".join(blocked.verdict.rules)
        raise OperatorError(f"The safety filter stopped it: {rules}.", FAILED) from None
    except OperatorError as error:
        raise OperatorError(error.sentence, FAILED) from None
    return 0


async def _draft(text: str, settings: Settings) -> None:
    recipes = load_recipes(settings.recipes)
    brief = parse(
        text,
        recipes,
        settings.options(secrets.randbelow(2**31)),
        limit=settings.max_brief,
        languages=settings.model_languages,
    )
    filter_ = load_filter(settings)
    verdict = await filter_.judge(brief.text, Stage.INPUT, request=REQUEST)
    if not verdict.allowed:
        raise Blocked(verdict)
    async with AsyncExitStack() as stack:
        engine = await _engine(stack, settings)
        await _write(brief, recipes[brief.recipe], engine, filter_)


async def _engine(stack: AsyncExitStack, settings: Settings) -> EngineClient:
    """Return a model that answers: the one that is up, or one of our own until the end."""
    client = EngineClient(settings.engine_url, token=settings.worker_token)
    engine = await stack.enter_async_context(client)
    if settings.worker_url is not None or await engine.ready():
        return engine
    worker = await stack.enter_async_context(own_worker(settings.socket, _progress))
    await until_ready(worker, engine, settings.worker_patience, _progress)
    return engine


async def _write(brief: Brief, recipe: Recipe, engine: EngineClient, filter_: Filter) -> None:
    messages = Conversation(recipe, brief.text, brief.options).messages()
    sampling = Sampling(**{**brief.options.sampling, "n": 1})
    gate = filter_.gate(request=REQUEST)
    opening, shown, reason = Opening(), "", None
    async with aclosing(engine.chat(messages, sampling)) as stream:
        async for item in stream:
            if isinstance(item, Delta):
                piece = await gate.feed(opening.feed(item.text))
                _show(piece)
                shown, reason = shown + piece, item.finish_reason
    rest = joined(await gate.feed(opening.finish()), await gate.finish())
    kept = kept_length(shown + rest, cut_off=reason == "length", kind=recipe.name)
    # What stands on a terminal cannot be taken back.
    _show(part(rest, 0, max(0, kept - len(shown))))
    print()


def _show(text: SafeText) -> None:
    print(safe(text), end="", flush=True)


def _progress(line: str) -> None:
    print(line, file=sys.stderr)
