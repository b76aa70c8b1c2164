"""What a person does on the page, as actions of a user, named and with arguments as there."""

from collections.abc import Awaitable, Callable, Sequence

from bot.emoji import slacks_name
from bot.workspace.events import HomeTab
from bot.workspace.objects import Json
from bot.workspace.user_actions import UserActions


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


async def write(
    people: UserActions,
    *,
    who: str,
    channel: str,
    text: str,
    thread_ts: str | None = None,
    files: Sequence[str] = (),
) -> None:
    """Post a message, or send a slash command if the text begins with one."""
    if not text.startswith("/"):
        await people.say(who, channel, text, thread_ts=thread_ts, files=files)
        return
    if thread_ts:
        raise ValueError("Slash commands do not work in threads; type it in the channel.")
    if files:
        raise ValueError("Slash commands carry no files; send the file as a message of its own.")
    command, _, rest = text.partition(" ")
    await people.command(who, channel, command, rest.strip())


async def react(people: UserActions, *, who: str, channel: str, ts: str, emoji: str) -> None:
    """Add a reaction to a message, or remove it if it is there."""
    message = people.state.channels[channel].message(ts)
    mine = message is not None and who in message.reactions.get(slacks_name(emoji), [])
    change = people.unreact if mine else people.react
    await change(who, channel, ts, emoji)


async def open_home(
    people: UserActions, *, who: str, tab: HomeTab, beside: str | None = None
) -> None:
    """Open a tab of the app; the page shows the app alone, so `beside` is where they were last."""
    if people.state.features.agent:
        await people.look_at(who, beside)
    await people.open_home(who, tab)


ACTIONS: dict[str, Callable[..., Awaitable[object]]] = {
    "write": write,
    "react": react,
    "delete": UserActions.delete,
    "click": UserActions.click,
    "click_in_view": UserActions.click_in_view,
    "submit": UserActions.submit,
    "close_view": UserActions.close_view,
    "invite": UserActions.invite,
    "open_home": open_home,
    "stop_session": UserActions.stop_session,
    "shortcut": UserActions.shortcut,
    "message_shortcut": UserActions.message_shortcut,
}


async def perform(people: UserActions, who: str, action: str, arguments: Json) -> Json:
    """Do what the page asks, and return the answer, where `error` is a sentence to show."""
    try:
        result = await ACTIONS[action](people, who=who, **arguments)
    except ValueError as error:
        return {"error": str(error)}
    if result is False:
        return {"error": "The app did not answer in time."}
    return {"result": result} if isinstance(result, str) else {}
