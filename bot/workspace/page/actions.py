"""What a person does on the page, as calls of the workspace. Each raises ValueError, a sentence."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bot.workspace.objects import Json

if TYPE_CHECKING:
    from bot.workspace.workspace import Workspace

Act = Callable[["Workspace", str, Json], Awaitable[Json]]


def user_called(workspace: "Workspace", name: str) -> str:
    """The id of the person with this id or name, or of the first; their DM with the bot exists."""
    people = [person for person in workspace.state.users.values() if not person.bot]
    if not people:
        workspace.person("you")
        return user_called(workspace, name)
    named = (person.id for person in people if name in (person.id, person.name))
    who = next(named, people[0].id)
    workspace.dm(who)
    return who


async def write(workspace: "Workspace", who: str, wish: Json) -> Json:
    """A message, or a slash command where the text begins with one."""
    text, thread, files = str(wish["text"]), wish.get("thread_ts"), wish.get("files", [])
    if not text.startswith("/"):
        await workspace.say(who, wish["channel"], text, thread_ts=thread, files=files)
        return {}
    if thread:
        raise ValueError("Slash commands do not work in threads; type it in the channel.")
    if files:
        raise ValueError("Slash commands carry no files; send the file as a message of its own.")
    command, _, rest = text.partition(" ")
    await workspace.command(who, wish["channel"], command, rest.strip())
    return {}


async def react(workspace: "Workspace", who: str, wish: Json) -> Json:
    """Puts the emoji under a message, or takes it away again."""
    message = workspace.state.channels[wish["channel"]].message(wish["ts"])
    mine = message is not None and who in message.reactions.get(wish["emoji"], [])
    act = workspace.unreact if mine else workspace.react
    await act(who, wish["channel"], wish["ts"], wish["emoji"])
    return {}


async def delete(workspace: "Workspace", who: str, wish: Json) -> Json:
    await workspace.delete(who, wish["channel"], wish["ts"])
    return {}


async def click(workspace: "Workspace", who: str, wish: Json) -> Json:
    """A button or a choice in a message or a view."""
    what = {"value": wish.get("value"), "block_id": wish["block"]}
    if wish.get("view"):
        form = (wish["view"], wish["action"], wish.get("values"))
        return _answered(await workspace.click_in_view(who, *form, **what))
    place = (wish["channel"], wish["ts"], wish["action"])
    return _answered(await workspace.click(who, *place, **what))


async def shortcut(workspace: "Workspace", who: str, wish: Json) -> Json:
    """A shortcut of the composer, or with `ts` of a message."""
    callback_id, channel = wish["callback_id"], wish["channel"]
    if wish.get("ts"):
        acked = await workspace.message_shortcut(who, channel, wish["ts"], callback_id)
    else:
        acked = await workspace.shortcut(who, callback_id, channel=channel)
    return _answered(acked)


def _answered(acked: bool) -> Json:
    return {} if acked else {"error": "The app did not answer in time."}


async def submit(workspace: "Workspace", who: str, wish: Json) -> Json:
    await workspace.submit(who, wish["view"], wish["values"])
    return {}


async def close(workspace: "Workspace", who: str, wish: Json) -> Json:
    await workspace.close_view(who, wish["view"])
    return {}


async def invite(workspace: "Workspace", who: str, wish: Json) -> Json:
    await workspace.invite(wish["channel"], who=who)
    return {}


async def home(workspace: "Workspace", who: str, wish: Json) -> Json:
    await workspace.open_home(who, wish["tab"])
    return {}


async def chat(workspace: "Workspace", who: str, wish: Json) -> Json:
    """A new chat with the app, of a person who looks at `channel`."""
    return {"thread_ts": await workspace.open_assistant(who, wish.get("channel"))}


ACTS: dict[str, Act] = {
    "write": write,
    "react": react,
    "delete": delete,
    "click": click,
    "submit": submit,
    "close": close,
    "invite": invite,
    "home": home,
    "chat": chat,
    "shortcut": shortcut,
}
