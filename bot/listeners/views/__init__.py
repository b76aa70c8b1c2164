"""Forms that were submitted."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.binding import bind
from bot.listeners.payloads import ViewSubmission
from bot.listeners.services import Services
from bot.listeners.views.draft_form import on_draft_form
from bot.listeners.views.feedback_form import on_feedback_form
from bot.listeners.views.version_form import on_version_form
from bot.listeners.voice import on_voice_form
from bot.slack.render.draft_form import DRAFT
from bot.slack.render.feedback_view import FEEDBACK
from bot.slack.render.version_views import ACCEPT, CHANGE
from bot.slack.render.voice_form import VOICE


def register(app: AsyncApp, services: Services) -> None:
    """Bind each form."""
    app.view(DRAFT)(bind(on_draft_form, ViewSubmission.from_body, services))
    app.view(FEEDBACK)(bind(on_feedback_form, ViewSubmission.from_body, services))
    app.view(VOICE)(bind(on_voice_form, ViewSubmission.from_body, services))
    for callback_id in (CHANGE, ACCEPT):
        app.view(callback_id)(bind(on_version_form, ViewSubmission.from_body, services))
