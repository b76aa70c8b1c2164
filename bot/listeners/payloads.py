"""What Slack sends, as typed objects. Raw payloads are read here and in `agent_payloads` alone.

https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/reference/events
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from bot.drafting.jobs.intake import Invocation
from bot.listeners.form_context import FormContext, VersionContext, VoiceContext
from bot.listeners.look import Look
from bot.listeners.slack_time import moment
from bot.listeners.team import team_of
from bot.slack.shared_files import files_of
from bot.slack.words import words_of

Body = Mapping[str, Any]
FileName = tuple[str, str]
"""The id and the name of a file; "" for a name that the event does not tell."""

# Other subtypes are not a person's words: edits, joins, topics, other apps.
SUBTYPES_OF_PEOPLE = {None, "thread_broadcast", "file_share"}


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a person did in a channel, and how to answer. `key` is the same for each delivery.

    `thread_ts`: the root of the thread in which they did it, if they did.
    """

    user: str
    team: str
    channel: str
    key: str
    trigger_id: str
    response_url: str | None
    thread_ts: str | None
    at: datetime

    @property
    def invocation(self) -> Invocation:
        """Who asked, and where."""
        return Invocation(
            self.user, self.team, self.channel, self.key, self.response_url, at=self.at
        )


@dataclass(frozen=True, slots=True)
class SlashCommand(Interaction):
    """A slash command: https://docs.slack.dev/interactivity/implementing-slash-commands."""

    text: str

    @classmethod
    def from_body(cls, body: Body) -> Self:
        return cls(
            user=body["user_id"],
            team=team_of(body),
            channel=body["channel_id"],
            key=f"command-{body['trigger_id']}",
            trigger_id=body["trigger_id"],
            response_url=body["response_url"],
            thread_ts=None,
            at=moment(None),
            text=body.get("text") or "",
        )


@dataclass(frozen=True, slots=True)
class ButtonClick(Interaction):
    """A click on a button of a message, on a choice of its menu, or on a thumb (block_actions).

    `action_id` is then the name of what was chosen. `posted_at`: when the message was posted.
    """

    action_id: str
    value: str
    posted_at: datetime

    @classmethod
    def from_body(cls, body: Body) -> Self:
        action, container = body["actions"][0], body.get("container") or {}
        fields = _interaction(body, "action")
        chosen = action.get("selected_option") or action
        # What has several choices says which one in its value: "shorter:12".
        name, _, value = str(chosen.get("value") or "").rpartition(":")
        posted_at = moment((body.get("message") or {}).get("ts") or container.get("message_ts"))
        name = name or action["action_id"]
        return cls(**fields, action_id=name, value=value, posted_at=posted_at)

    @property
    def id(self) -> int:
        """The id that the button carries."""
        return int(self.value)


@dataclass(frozen=True, slots=True)
class MessageShortcut(Interaction):
    """A shortcut from the menu of a message (message_action). `author` wrote the message."""

    author: str
    ts: str
    root_ts: str | None
    message: Body
    files: Sequence[FileName]

    @classmethod
    def from_body(cls, body: Body) -> Self:
        message = body["message"]
        return cls(
            **_interaction(body, "shortcut"),
            author=message.get("user") or body["user"]["id"],
            ts=message.get("ts") or body["message_ts"],
            root_ts=message.get("thread_ts"),
            message=message,
            files=files_of(message),
        )

    def words(self, bot: str) -> str:
        """Return the words of the message, wherever it has them, without the name of the bot."""
        return words_of(self.message, bot=bot)


@dataclass(frozen=True, slots=True)
class ModalTrigger:
    """A global shortcut, or a button of the home tab: it tells no channel."""

    user: str
    trigger_id: str

    @classmethod
    def from_body(cls, body: Body) -> Self:
        return cls(body["user"]["id"], body["trigger_id"])


@dataclass(frozen=True, slots=True)
class ViewClick:
    """A click on a button of a modal (block_actions), with the view as it is shown."""

    user: str
    view: Mapping[str, Any]

    @classmethod
    def from_body(cls, body: Body) -> Self:
        return cls(body["user"]["id"], body["view"])


@dataclass(frozen=True, slots=True)
class ViewSubmission:
    """A form that was submitted (view_submission)."""

    user: str
    team: str
    view_id: str
    callback_id: str
    private_metadata: str
    inputs: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_body(cls, body: Body) -> Self:
        view = body["view"]
        values = view["state"]["values"]
        return cls(
            user=body["user"]["id"],
            team=team_of(body),
            view_id=view["id"],
            callback_id=view["callback_id"],
            private_metadata=view["private_metadata"],
            # In our views, a block and its element have the same name.
            inputs={name: block[name] for name, block in values.items() if name in block},
        )

    @property
    def form_context(self) -> FormContext:
        """Where a form for a draft was opened."""
        return FormContext.from_metadata(self.private_metadata)

    @property
    def version_context(self) -> VersionContext:
        """The draft under which this form was opened."""
        return VersionContext.from_metadata(self.private_metadata)

    @property
    def voice_context(self) -> VoiceContext:
        """The place whose voice this form is about."""
        return VoiceContext.from_metadata(self.private_metadata)

    def value(self, name: str) -> str:
        """Return what an input holds; "" if it is missing or empty.

        https://docs.slack.dev/reference/views
        """
        held = self.inputs.get(name, {})
        if chosen := held.get("selected_option"):
            return str(chosen["value"])
        if ticked := held.get("selected_options"):
            return str(ticked[0]["value"])
        return str(held.get("selected_conversation") or held.get("value") or "")

    def files(self, name: str) -> Sequence[FileName]:
        """Return the files of an input."""
        return files_of(self.inputs.get(name, {}))

    def invocation(self, channel: str, response_url: str | None = None) -> Invocation:
        """Return who submitted the form, and where it was opened."""
        return Invocation(self.user, self.team, channel, f"view-{self.view_id}", response_url)


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """A message, or one that names the app, or the news that a message was deleted.

    Which fields there are depends on the subtype. A mention tells of no files: not `files_known`.

    https://docs.slack.dev/reference/events/message
    https://docs.slack.dev/reference/events/app_mention
    """

    team: str
    channel: str
    channel_type: str
    ts: str
    thread_ts: str | None
    subtype: str | None
    user: str | None
    bot_id: str | None
    text: str
    files: Sequence[FileName]
    files_known: bool
    shared_urls: Sequence[str]
    deleted_ts: str | None
    parent_author: str | None
    beside: Look | None = None

    @classmethod
    def from_body(cls, body: Body) -> Self:
        event = body["event"]
        attachments = event.get("attachments") or []
        return cls(
            team=team_of(body),
            channel=event["channel"],
            channel_type=event.get("channel_type") or "",
            ts=event["ts"],
            thread_ts=event.get("thread_ts"),
            subtype=event.get("subtype"),
            user=event.get("user"),
            bot_id=event.get("bot_id"),
            text=event.get("text") or "",
            files=files_of(event),
            files_known=event["type"] != "app_mention" or "files" in event,
            shared_urls=[each["from_url"] for each in attachments if each.get("from_url")],
            deleted_ts=event.get("deleted_ts"),
            parent_author=event.get("parent_user_id"),
            beside=Look.beside_message(body),
        )

    @property
    def author(self) -> str | None:
        """The person who wrote this; None if no person did."""
        from_person = self.bot_id is None and self.subtype in SUBTYPES_OF_PEOPLE
        return self.user if from_person else None

    @property
    def is_direct(self) -> bool:
        """Whether it was written in our own conversation with a person."""
        return self.channel_type == "im"

    def names(self, user: str) -> bool:
        """Say whether it mentions a user."""
        return any(f"<@{user}{end}" in self.text for end in ">|")

    @property
    def in_thread(self) -> bool:
        """Whether it stands below another message."""
        return self.thread_ts not in (None, self.ts)

    @property
    def among_others(self) -> bool:
        """Whether it stands in a thread in which others may have talked before."""
        return self.in_thread and not self.is_direct

    @property
    def root_ts(self) -> str:
        """The first message of its thread; its own ts outside a thread."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True)
class ReactionAdded:
    """An emoji on a message: https://docs.slack.dev/reference/events/reaction_added.

    `emoji` has no skin tone. `channel` and `ts` name the message; they are empty if the emoji is
    on something else.
    """

    team: str
    event_id: str
    user: str
    emoji: str
    channel: str
    ts: str
    item_author: str | None
    at: datetime

    @classmethod
    def from_body(cls, body: Body) -> Self:
        event = body["event"]
        on_message = event["item"]["type"] == "message"
        return cls(
            team=team_of(body),
            event_id=body["event_id"],
            user=event["user"],
            emoji=event["reaction"].partition("::")[0],
            channel=event["item"]["channel"] if on_message else "",
            ts=event["item"]["ts"] if on_message else "",
            item_author=event.get("item_user"),
            at=moment(event.get("event_ts")),
        )

    @property
    def invocation(self) -> Invocation:
        """Who reacted, and where."""
        key = f"event-{self.event_id}"
        return Invocation(self.user, self.team, self.channel, key, at=self.at)


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Somebody joined a channel: https://docs.slack.dev/reference/events/member_joined_channel."""

    user: str
    channel: str

    @classmethod
    def from_body(cls, body: Body) -> Self:
        return cls(body["event"]["user"], body["event"]["channel"])


def _interaction(body: Body, kind: str) -> dict[str, Any]:
    return {
        "user": body["user"]["id"],
        "team": team_of(body),
        "channel": _channel_of(body),
        "key": f"{kind}-{body['trigger_id']}",
        "trigger_id": body["trigger_id"],
        "response_url": body.get("response_url"),
        "thread_ts": _thread_of(body),
        "at": moment(body.get("action_ts") or (body.get("actions") or [{}])[0].get("action_ts")),
    }


def _channel_of(body: Body) -> str:
    """Return where a message stands that somebody clicked on, or in whose menu they chose."""
    channel, container = body.get("channel") or {}, body.get("container") or {}
    return str(channel.get("id") or container["channel_id"])


def _thread_of(body: Body) -> str | None:
    """Return the root of a message that is a reply; the root itself is read in the channel.

    Of a message that one person alone sees, there is only the container.
    """
    message, container = body.get("message") or {}, body.get("container") or {}
    ts = message.get("ts") or container.get("message_ts")
    root = message.get("thread_ts") or container.get("thread_ts")
    return root if root != ts else None
