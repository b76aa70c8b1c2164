"""What a person does on the page, as actions of a user. Each raises ValueError with a sentence."""

from collections.abc import Awaitable, Callable

from bot.workspace.objects import Json
from bot.workspace.user_actions import UserActions

PageAction = Callable[[UserActions, str, Json], Awaitable[Json | None]]


def user_called(people: UserActions, name: str) -> str:
    """Return the id of the person with this id or name, or else of the first person.

    Adds a person if there is nobody, and opens the person's DM with the bot.
    """
    users = [user for user in people.state.users.values() if not user.bot]
    if not users:
        people.person("you")
        return user_called(people, name)
    named = (user.id for user in users if name in (user.id, user.name))
    who = next(named, users[0].id)
    people.dm(who)
    return who


async def write(people: UserActions, who: str, request: Json) -> None:
    """Post a message, or send a slash command if the text begins with one."""
    text, thread, files = str(request["text"]), request.get("thread_ts"), request.get("files", [])
    if not text.startswith("/"):
        await people.say(who, request["channel"], text, thread_ts=thread, files=files)
        return
    if thread:
        raise ValueError("Slash commands do not work in threads; type it in the channel.")
    if files:
        raise ValueError("Slash commands carry no files; send the file as a message of its own.")
    command, _, rest = text.partition(" ")
    await people.command(who, request["channel"], command, rest.strip())


async def react(people: UserActions, who: str, request: Json) -> None:
    """Add a reaction to a message, or remove it if it is there."""
    message = people.state.channels[request["channel"]].message(request["ts"])
    mine = message is not None and who in message.reactions.get(request["emoji"], [])
    change = people.unreact if mine else people.react
    await change(who, request["channel"], request["ts"], request["emoji"])


async def delete(people: UserActions, who: str, request: Json) -> None:
    await people.delete(who, request["channel"], request["ts"])


async def click(people: UserActions, who: str, request: Json) -> Json | None:
    """Click a button or make a choice, in a message or a view."""
    action_id, value, block_id = request["action"], request.get("value"), request["block"]
    if view := request.get("view"):
        values = request.get("values")
        acked = await people.click_in_view(
            who, view, action_id, values, value=value, block_id=block_id
        )
    else:
        place = (request["channel"], request["ts"])
        acked = await people.click(who, *place, action_id, value=value, block_id=block_id)
    return _answer(acked)


async def shortcut(people: UserActions, who: str, request: Json) -> Json | None:
    """Use a shortcut beside the message box or, with `ts`, of a message."""
    callback_id, channel = request["callback_id"], request["channel"]
    if ts := request.get("ts"):
        return _answer(await people.message_shortcut(who, channel, ts, callback_id))
    return _answer(await people.shortcut(who, callback_id, channel=channel))


def _answer(acked: bool) -> Json | None:
    return None if acked else {"error": "The app did not answer in time."}


async def submit(people: UserActions, who: str, request: Json) -> None:
    await people.submit(who, request["view"], request["values"])


async def close(people: UserActions, who: str, request: Json) -> None:
    await people.close_view(who, request["view"])


async def invite(people: UserActions, who: str, request: Json) -> None:
    await people.invite(request["channel"], who=who)


async def home(people: UserActions, who: str, request: Json) -> None:
    await people.open_home(who, request["tab"])


async def chat(people: UserActions, who: str, request: Json) -> Json:
    """Begin a chat with the app, with `channel` in sight."""
    return {"thread_ts": await people.open_assistant(who, request.get("channel"))}


ACTIONS: dict[str, PageAction] = {
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
