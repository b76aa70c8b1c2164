"""The stages of a draft: what people do until it is there, and what they must find in the end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.drafting.jobs.job_context import STOP_THREAD
from bot.store import VersionStatus
from bot.workspace import PostedMessage
from tests.bot.draft_view import form_behind
from tests.drill.scene import Scene, Text
from tests.person import is_done, is_head

PATIENCE = 60.0
TRIES = 120
ADDRESS = "jane.roe@acme-corp.com"
# Seconds between two pieces of the text.
SLOW, BRISK, FAST = 0.04, 0.01, 0.002

Step = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ending:
    """What people find: how each version ended; messages in the channel, and below its head."""

    versions: tuple[VersionStatus, ...] = (VersionStatus.FINISHED,)
    posts: int = 0
    told: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """`begin`, then `reach`; the fault strikes as soon as this returns; `after` it, `go_on`.

    `scripted`: the stage needs a worker that does as it is told.
    """

    name: str
    reach: Step
    begin: Step
    go_on: Step
    ending: Ending = Ending()
    text: Text = lambda seed: essay(seed, 8)
    pause: float = SLOW
    scripted: bool = False


def essay(seed: int, sentences: int) -> str:
    """Return two paragraphs, other ones for another seed."""
    written = [f"Sentence {i} of seed {seed} on rain." for i in range(1, sentences + 1)]
    half = sentences // 2
    return "\n\n".join([" ".join(written[:half]), " ".join(written[half:])])


def drafts(scene: Scene) -> list[PostedMessage]:
    """Return the bot's messages below the head of the thread."""
    channel, space = scene.ana.channel, scene.workspace
    heads = [m for m in space.messages(channel) if is_head(m)]
    thread = space.messages(channel, heads[0].ts)[1:] if heads else []
    return [m for m in thread if m.user == space.bot_user]


async def sees(scene: Scene, seen: Callable[[], object]) -> None:
    await scene.workspace.until(seen, PATIENCE)


def streams(scene: Scene, number: int) -> bool:
    """Say whether some text of a draft is there, and not all of it.

    A real model may have written too little for that.
    """
    found = drafts(scene)
    if len(found) != number:
        return False
    if is_done(found[-1]):
        return scene.setting.own_worker
    return len(found[-1].text) > 60


async def nothing(_: Scene) -> None: ...


async def ask(scene: Scene) -> None:
    await until_taken(lambda: asked(scene))


async def asked(scene: Scene) -> bool:
    """Ask for a draft; what a busy machine acks too late it may take after all."""
    if (await scene.ana.draft("seed=5 blog: rain in Lisbon")).ok:
        return True
    await asyncio.sleep(3.0)
    return bool((await scene.read()).jobs)


async def ask_and_get(scene: Scene) -> None:
    """Ask for a draft, and wait until there is nothing left to do about it."""
    pace, scene.engine.pause = scene.engine.pause, FAST
    await ask(scene)
    await sees(scene, lambda: drafts(scene) and is_done(drafts(scene)[0]))
    await sees(scene, lambda: "repeat" in drafts(scene)[0].reactions)
    await sees(scene, lambda: STOP_THREAD not in str(scene.ana.root.blocks))
    scene.engine.pause = pace


async def ask_and_watch(scene: Scene) -> None:
    await ask(scene)
    await sees(scene, lambda: streams(scene, 1))


async def root_stands(scene: Scene) -> None:
    await sees(scene, lambda: scene.workspace.messages(scene.ana.channel))


async def message_stands(scene: Scene) -> None:
    await sees(scene, lambda: drafts(scene))


async def text_streams(scene: Scene) -> None:
    await sees(scene, lambda: streams(scene, 1))


async def second_message_stands(scene: Scene) -> None:
    await sees(scene, lambda: streams(scene, 2))


async def last_text_stands(scene: Scene) -> None:
    await sees(scene, lambda: drafts(scene) and "Sentence 8" in drafts(scene)[0].text)


async def draft_is_done(scene: Scene) -> None:
    await sees(scene, lambda: drafts(scene) and is_done(drafts(scene)[0]))


async def refined(scene: Scene) -> None:
    await scene.ana.reply("tell it as a long story about a tram in the rain")
    await sees(scene, lambda: streams(scene, 2))


async def regenerated(scene: Scene) -> None:
    await scene.ana.react(drafts(scene)[0], "repeat")
    await sees(scene, lambda: streams(scene, 2))


async def accepted(scene: Scene) -> None:
    await scene.ana.react(drafts(scene)[0], "white_check_mark")


async def accepted_as_file(scene: Scene) -> None:
    form = await form_behind(scene.workspace, scene.ana, drafts(scene)[0], "accept_form")
    assert (await scene.workspace.submit(scene.ana.id, form.id, {"accept": "docx"})).ok


async def stopped(scene: Scene) -> None:
    await until_taken(lambda: scene.ana.press(scene.ana.root, STOP_THREAD))


async def held(scene: Scene) -> None:
    await sees(scene, lambda: cards(scene))


def cards(scene: Scene) -> list[PostedMessage]:
    """Return the cards that came since this cell began."""
    return scene.workspace.messages(scene.rex.channel)[scene.cards :]


async def approve(scene: Scene) -> None:
    """Let the reviewer approve, again while the bot cannot take it."""
    space, rex = scene.workspace, scene.rex

    async def approved() -> bool:
        (card,) = cards(scene)
        if not any(block["type"] == "actions" for block in card.blocks):
            return True
        return await space.click(rex.id, rex.channel, card.ts, "review_approve")

    await until_taken(approved)


async def until_taken(click: Callable[[], Awaitable[bool]]) -> None:
    """Click again until it is acked, as people do."""
    for _ in range(TRIES):
        if await click():
            return
        await asyncio.sleep(0.5)
    raise TimeoutError("A click was never taken.")


async def take_worker_away(scene: Scene) -> None:
    scene.engine.up = False
    await ask(scene)


async def waits(scene: Scene) -> None:
    await scene.ana.hears("The model is not up", PATIENCE)
    # Until the bot has the answer of that call, too: else it may say so again.
    await asyncio.sleep(0.5)


async def bring_worker_back(scene: Scene) -> None:
    scene.engine.up = True


TWO = (VersionStatus.FINISHED, VersionStatus.FINISHED)

STAGES = [
    Stage("committed", nothing, ask, nothing),
    Stage("root posted", root_stands, ask, nothing),
    Stage("message posted", message_stands, ask, nothing),
    Stage("text streams", text_streams, ask, nothing),
    Stage(
        "second message",
        second_message_stands,
        ask,
        nothing,
        text=lambda seed: essay(seed, 170),
        pause=BRISK,
        scripted=True,
    ),
    Stage(
        "last text shown",
        last_text_stands,
        ask,
        nothing,
        text=lambda seed: essay(seed, 8) + "\n" * 300,
        scripted=True,
    ),
    Stage("closed", draft_is_done, ask, nothing),
    Stage("refined", refined, ask_and_get, nothing, Ending(TWO)),
    Stage("regenerated", regenerated, ask_and_get, nothing, Ending(TWO)),
    Stage("accepted", accepted, ask_and_get, nothing, Ending(posts=1, told=1)),
    Stage("accepted as a file", accepted_as_file, ask_and_get, nothing, Ending(told=1, files=1)),
    Stage(
        "stopped",
        stopped,
        ask_and_watch,
        nothing,
        Ending((VersionStatus.STOPPED,)),
        # So long that it cannot end before the click.
        text=lambda seed: essay(seed, 60),
    ),
    Stage(
        "held for review",
        held,
        ask,
        approve,
        text=lambda seed: f"{essay(seed, 6)} Write to {ADDRESS} today. And more follows.",
        scripted=True,
    ),
    Stage("waiting for the worker", waits, take_worker_away, bring_worker_back, scripted=True),
]
