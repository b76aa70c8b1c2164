"""A value of type Any passes mypy as everything: the outbox checks it at run time."""

import ast
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

from bot.drafting.destination import Destination
from bot.drafting.explanation import Changes, RecentThread
from bot.drafting.slack_port import Button, Content, Place, Work
from bot.messages import Phrase, sentences
from bot.slack.client.api_client import web_client
from bot.slack.draft_message import DraftMessage
from bot.slack.outbox import Outbox
from bot.slack.render import (
    blocks,
    canvas,
    documents,
    draft_form,
    home_view,
    markup,
    parts,
    review_views,
    version_views,
)
from bot.slack.render.draft_form import Choices
from bot.store import Preferences
from bot.workspace import Workspace
from safety import SafeText
from tests.bot.test_sentences import where

# As in a payload of Bolt's, where every value has the type Any.
BODY: dict[str, Any] = {"text": "words that nobody has judged"}
OWN = Preferences(user="U1")
SAID, TEXT = Phrase("We say."), SafeText("Released.")
TYPES = ("SafeText", "Phrase", "Heads")


def takers(of: ModuleType | type) -> set[str]:
    """Return the public functions of a module or class that take either type."""
    name = of.__name__ if isinstance(of, ModuleType) else of.__module__
    return {
        function.__name__
        for function in vars(of).values()
        if inspect.isfunction(function)
        and function.__module__ == name
        and not function.__name__.startswith("_")
        and any(
            type_ in str(parameter.annotation)
            for parameter in inspect.signature(function).parameters.values()
            for type_ in TYPES
        )
    }


BUILDERS: dict[ModuleType, dict[str, list[Callable[[Any], object]]]] = {
    sentences: {
        "left_out": [lambda w: sentences.left_out(w, 1, 2)],
        "home_thread": [lambda w: sentences.home_thread("Blog", w, None, 1)],
        "canvas_link": [lambda w: sentences.canvas_link("https://x.slack.com/docs/T1/F1", w)],
        "model_refused": [sentences.model_refused],
        "root": [lambda w: sentences.root("U1", "Blog", w)],
        "why_based": [
            lambda w: sentences.why_based(1, w, []),
            lambda w: sentences.why_based(None, None, [w]),
        ],
        "voice_flagged": [lambda w: sentences.voice_flagged([w])],
        "voice_word": [
            lambda w: sentences.voice_word(w, None),
            lambda w: sentences.voice_word(TEXT, w),
        ],
        "voice_spelled": [lambda w: sentences.voice_spelled(w, "colour")],
    },
    markup: {
        "markdown": [markup.markdown],
        "mrkdwn": [markup.mrkdwn],
    },
    parts: {"split": [parts.split]},
    blocks: {
        "page": [lambda w: blocks.page([w])],
        "sections": [blocks.sections],
        "message": [
            lambda w: blocks.message(Content(w)),
            lambda w: blocks.message(Content(None, w)),
        ],
        "final": [lambda w: blocks.final(w, None), lambda w: blocks.final(TEXT, w)],
        "draft": [lambda w: blocks.draft(w, TEXT), lambda w: blocks.draft(SAID, w)],
        "draft_markdown": [
            lambda w: blocks.draft_markdown(w, TEXT),
            lambda w: blocks.draft_markdown(SAID, w),
        ],
        "head_markdown": [blocks.head_markdown],
        "typed_again": [lambda w: blocks.typed_again(w, "rain")],
        "closing": [blocks.closing, lambda w: blocks.closing(SAID, [Button(w, "again")])],
    },
    documents: {
        "file_name": [documents.file_name],
        "file_of": [lambda w: documents.file_of(w, "md"), lambda w: documents.file_of(w, "docx")],
        "word": [documents.word],
    },
    canvas: {
        "canvas_markdown": [
            lambda w: canvas.canvas_markdown(w, SAID),
            lambda w: canvas.canvas_markdown(TEXT, w),
        ],
    },
    draft_form: {
        "draft_view": [lambda w: draft_form.draft_view("{}", "en", Choices([], []), source=w)],
    },
    review_views: {"review_view": [lambda w: review_views.review_view(w, "en")]},
    home_view: {
        "home_view": [
            lambda w: home_view.home_view([RecentThread("Blog", w, None, 1)], OWN, [], "en"),
            lambda w: home_view.home_view([], OWN, [w], "en"),
        ],
    },
    version_views: {
        "accept_view": [
            lambda w: version_views.accept_view("{}", "en", Destination("C1", apart=False), w)
        ],
        "changes_view": [lambda w: version_views.changes_view(Changes(1, [("same", w)]), "en")],
    },
}


def test_every_builder_is_tried() -> None:
    for module, tried in BUILDERS.items():
        assert takers(module) <= set(tried)


@pytest.mark.parametrize(
    "build",
    [each for tried in BUILDERS.values() for builds in tried.values() for each in builds],
)
def test_what_is_neither_said_nor_released_is_built_into_nothing(
    build: Callable[[Any], object],
) -> None:
    with pytest.raises(TypeError, match=r"not released|not of the catalogue"):
        build(BODY["text"])


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(limits=None) as running:
        yield running


@pytest.fixture
async def outbox(workspace: Workspace) -> AsyncIterator[Outbox]:
    async with web_client(SecretStr(workspace.bot_token), f"{workspace.url}/api/") as client:
        yield Outbox(client)


Call = Callable[[Outbox, Place, Any], Awaitable[object]]


async def _posted(_: int, __: str) -> None: ...


async def _deleted(_: int) -> None: ...


def a_draft(outbox: Outbox, place: Place, head: Phrase = SAID) -> DraftMessage:
    return outbox.draft(
        place,
        lambda part: head,
        key="k",
        on_posted=_posted,
        on_deleted=_deleted,
        on_text=lambda: None,
    )


async def open_and_show(outbox: Outbox, place: Place, text: Any) -> None:
    draft = a_draft(outbox, place)
    await draft.open()
    try:
        draft.show(text)
    finally:
        await draft.abandon()


async def open_and_end(outbox: Outbox, place: Place, end: Callable[[DraftMessage], Any]) -> None:
    draft = a_draft(outbox, place)
    await draft.open()
    await end(draft)


async def begin(outbox: Outbox, place: Place, head: Any) -> None:
    await a_draft(outbox, place, head).open()


NOW = datetime.now(UTC)

CALLS: dict[str, list[Call]] = {
    "post_text": [
        lambda o, at, w: o.post_text(at, w, SAID, key="k", again=False),
        lambda o, at, w: o.post_text(at, TEXT, w, key="k", again=False),
    ],
    "upload": [
        lambda o, at, w: o.upload(at, w, "md", comment=SAID, since=NOW, again=False),
        lambda o, at, w: o.upload(at, TEXT, "md", comment=w, since=NOW, again=False),
        lambda o, at, w: o.upload(at, TEXT, "md", comment=SAID, since=NOW, again=False, mark=w),
    ],
    "make_canvas": [
        lambda o, at, w: o.make_canvas(at, w, SAID, since=NOW, again=False),
        lambda o, at, w: o.make_canvas(at, TEXT, w, since=NOW, again=False),
    ],
    "draft": [
        begin,
        open_and_show,
        lambda o, at, w: open_and_end(o, at, lambda draft: draft.finish(w)),
        lambda o, at, w: open_and_end(o, at, lambda draft: draft.stop(w)),
        lambda o, at, w: open_and_end(o, at, lambda draft: draft.retract(w)),
    ],
    "tell": [
        lambda o, at, w: o.tell(at.channel, "U1", w),
        lambda o, at, w: o.tell(at.channel, "U1", SAID, buttons=[Button(w, "again")]),
    ],
    "tell_in_dm": [lambda o, at, w: o.tell_in_dm("U1", w)],
    "respond": [lambda o, at, w: o.respond("http://127.0.0.1:9/", w)],
    "suggest_prompts": [
        lambda o, at, w: o.suggest_prompts(at.channel, [(w, SAID)], SAID),
        lambda o, at, w: o.suggest_prompts(at.channel, [(SAID, w)], SAID),
        lambda o, at, w: o.suggest_prompts(at.channel, [], w),
    ],
}


def test_every_way_out_is_tried() -> None:
    assert takers(Outbox) - {"find"} == set(CALLS)


@pytest.mark.parametrize("call", [each for calls in CALLS.values() for each in calls])
async def test_what_is_neither_said_nor_released_never_leaves(
    workspace: Workspace, outbox: Outbox, call: Call
) -> None:
    place = Place(workspace.channel("general"))
    root = await outbox.post(place, Content(SAID), key="root")
    place = Place(place.channel, root, workspace.person("ada"), workspace.team)
    with pytest.raises(TypeError, match=r"not released|not of the catalogue"):
        await call(outbox, place, BODY["text"])
    assert BODY["text"] not in str(workspace.messages(place.channel, root))
    assert BODY["text"] not in str(workspace.calls)


def test_only_the_builders_build() -> None:
    def builds(tree: ast.AST) -> bool:
        return any(
            (isinstance(n, ast.Call) and ast.unparse(n.func).rpartition(".")[2] == "Rendered")
            or (
                isinstance(n, ast.Dict)
                and any(
                    isinstance(key, ast.Constant)
                    and key.value in ("blocks", "elements", "markdown_text", "mrkdwn", "plain_text")
                    for key in (*n.keys, *n.values)
                )
            )
            for n in ast.walk(tree)
        )

    found = {path for path in where(builds) if not path.startswith("bot/workspace/")}
    assert {"bot/slack/render/blocks.py", "bot/slack/render/views.py"} <= found
    assert {path for path in found if not path.startswith("bot/slack/")} == set()


@pytest.mark.parametrize("make", [Work, lambda w: Work(SAID, [w]), lambda w: Work(title=w)])
def test_work_is_told_in_words_of_the_catalogue_and_named_by_released_text(
    make: Callable[[Any], object],
) -> None:
    with pytest.raises(TypeError, match=r"not released|not of the catalogue"):
        make(BODY["text"])
