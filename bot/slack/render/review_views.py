"""Pure builders of the views of a reviewer."""

from itertools import islice

from bot.messages import Language, Sentence, sentence
from bot.slack.render.views import MOST_BLOCKS, ViewPayload, page_view, pieces, section
from safety import SafeText


def review_view(text: SafeText, language: Language) -> ViewPayload:
    """Build the view of a held text, without formatting."""
    sections = [
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in islice(pieces(text), MOST_BLOCKS)
        if piece.strip()
    ]
    return page_view(sentence("review_title"), sections or [{"type": "divider"}], language)


def waiting_view(language: Language) -> ViewPayload:
    """Build what a reviewer sees until the text is there."""
    return said_view(sentence("review_waits"), language)


def said_view(said: Sentence, language: Language) -> ViewPayload:
    """Build a view with one sentence in the place of the text."""
    return page_view(sentence("review_title"), [section(said.to(language))], language)
