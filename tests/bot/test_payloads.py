"""What Slack sends, as typed objects."""

from typing import Any

import pytest

from bot.drafting.jobs.intake import Invocation
from bot.listeners.form_context import FormContext, VersionContext
from bot.listeners.payloads import ButtonClick, MessageEvent, ReactionAdded, ViewSubmission


def message(**fields: Any) -> MessageEvent:
    event = {"type": "message", "channel": "C1", "ts": "1.0", "user": "U1", **fields}
    return MessageEvent.from_body({"team_id": "T1", "event_id": "Ev1", "event": event})


def form(values: dict[str, Any], private_metadata: str = "{}") -> ViewSubmission:
    view = {
        "id": "V1",
        "callback_id": "draft",
        "private_metadata": private_metadata,
        "state": {"values": {name: {name: value} for name, value in values.items()}},
    }
    return ViewSubmission.from_body({"user": {"id": "U1"}, "team": {"id": "T1"}, "view": view})


def reaction(item: dict[str, str], emoji: str = "repeat") -> ReactionAdded:
    event = {"type": "reaction_added", "user": "U1", "reaction": emoji, "item": item}
    return ReactionAdded.from_body({"team_id": "T1", "event_id": "Ev1", "event": event})


def test_a_click_says_who_asks_where_and_for_what() -> None:
    click = ButtonClick.from_body(
        {
            "user": {"id": "U1"},
            "team": {"id": "T1"},
            "channel": {"id": "C1"},
            "actions": [{"action_id": "shorter", "value": "7"}],
            "trigger_id": "1.2",
            "response_url": "https://slack.example/respond",
        }
    )
    assert (click.action_id, click.id) == ("shorter", 7)
    assert click.invocation == Invocation("U1", "T1", "C1", "action-1.2", click.response_url)


def test_a_click_in_an_organisation_or_on_what_one_person_sees_has_less_in_it() -> None:
    click = ButtonClick.from_body(
        {
            "user": {"id": "U1"},
            "team": None,
            "enterprise": {"id": "E1"},
            "container": {"message_ts": "1.1", "channel_id": "C1", "thread_ts": "1.0"},
            "actions": [{"action_id": "open_filled_form", "type": "button"}],
            "trigger_id": "1.2",
        }
    )
    assert (click.team, click.channel, click.thread_ts) == ("E1", "C1", "1.0")
    assert (click.action_id, click.value, click.response_url) == ("open_filled_form", "", None)


def test_a_message_without_text_has_no_words() -> None:
    assert message(text=None, attachments=None, files=None).text == ""


# https://docs.slack.dev/reference/events/message#subtypes
NO_WORDS = (
    "bot_add",
    "bot_message",
    "channel_archive",
    "channel_join",
    "channel_leave",
    "channel_name",
    "channel_posting_permissions",
    "channel_purpose",
    "channel_topic",
    "channel_unarchive",
    "document_mention",
    "ekm_access_denied",
    "huddle_thread",
    "message_changed",
    "message_replied",
    "pinned_item",
    "reminder_add",
    "tombstone",
)


@pytest.mark.parametrize(
    ("fields", "author"),
    [
        ({}, "U1"),
        ({"subtype": "file_share"}, "U1"),
        *(({"subtype": subtype}, None) for subtype in NO_WORDS),
        ({"bot_id": "B1"}, None),
        ({"user": None, "subtype": "message_deleted"}, None),
    ],
)
def test_only_words_of_a_person_have_an_author(fields: dict[str, Any], author: str | None) -> None:
    assert message(**fields).author == author


def test_a_message_outside_a_thread_is_its_own_root() -> None:
    assert message().root_ts == "1.0"
    assert message(thread_ts="0.5").root_ts == "0.5"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"name": "a.txt"}, "a.txt"),
        ({"name": "a.xlsx", "filetype": "text"}, "a.xlsx"),
        ({"mode": "file_access", "file_access": "check_file_info"}, ""),
        ({"name": "Untitled", "title": "Untitled", "filetype": "text"}, "Untitled.txt"),
        ({"name": "-.txt", "title": "Our trams", "mode": "snippet"}, "Our trams.txt"),
        ({"name": "-.txt", "title": ""}, "-.txt"),
        ({"name": "Untitled", "filetype": "python", "mode": "snippet"}, "Untitled.txt"),
        ({"name": "notes v1.2", "filetype": "pdf"}, "notes v1.2.pdf"),
        ({"name": "notes", "mimetype": "text/markdown"}, "notes.md"),
        ({"name": "film", "mimetype": "video/mp4"}, "film"),
        ({"mode": "tombstone"}, ""),
    ],
)
def test_a_file_has_the_name_that_slack_tells_and_an_ending_by_its_type(
    told: dict[str, Any], name: str
) -> None:
    assert message(files=[{"id": "F1", **told}]).files == [("F1", name)]


def test_a_message_may_have_no_files() -> None:
    assert message(files=None).files == []
    assert not message(type="app_mention").files_known


def test_a_reaction_has_no_skin_tone_and_no_ts_where_it_is_on_no_message() -> None:
    on_message = {"type": "message", "channel": "C1", "ts": "1.0"}
    assert reaction(on_message, "wave::skin-tone-2").emoji == "wave"
    assert reaction(on_message).ts == "1.0"
    assert reaction({"type": "file", "file": "F1"}).ts == ""


@pytest.mark.parametrize(
    ("held", "value"),
    [
        ({"type": "plain_text_input", "value": "rain"}, "rain"),
        ({"type": "plain_text_input", "value": None}, ""),
        ({"type": "static_select", "selected_option": {"value": "blog"}}, "blog"),
        ({"type": "static_select", "selected_option": None}, ""),
        ({"type": "checkboxes", "selected_options": [{"value": "yes"}]}, "yes"),
        ({"type": "checkboxes", "selected_options": []}, ""),
        ({"type": "conversations_select", "selected_conversation": "C1"}, "C1"),
    ],
)
def test_an_input_of_a_form_has_one_value(held: dict[str, Any], value: str) -> None:
    assert form({"brief": held}).value("brief") == value
    assert form({"brief": held}).value("another") == ""


def test_a_form_brings_back_where_it_was_opened() -> None:
    context = FormContext("C1", None, ["k1", "k2"])
    assert form({}, context.to_metadata()).form_context == FormContext("C1", None, ["k1", "k2"])
    assert form({}, FormContext().to_metadata()).form_context == FormContext()
    version = VersionContext(7, "C1")
    assert form({}, version.to_metadata()).version_context == version
