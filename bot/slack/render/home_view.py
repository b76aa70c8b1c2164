"""Pure builder of the app's home tab. https://docs.slack.dev/surfaces/app-home"""

from collections.abc import Sequence

from bot.drafting.explanation import RecentThread
from bot.messages import Language, Phrase, Sentence, sentence, sentences
from bot.slack.render.blocks import SECTION_LIMIT, Block, cut, sections
from bot.slack.render.own_views import own_blocks
from bot.slack.render.views import MOST_BLOCKS, ViewPayload, plain_text, section
from bot.store import Preferences

NEW_DRAFT = "new_draft"


def home_view(
    recent: Sequence[RecentThread], own: Preferences, can: Sequence[Phrase], language: Language
) -> ViewPayload:
    """Build the home tab. `own`: what the person set; `can`: what the app can do, part by part."""
    button = {
        "type": "button",
        "text": plain_text(sentence("home_new"), language),
        "action_id": NEW_DRAFT,
        "style": "primary",
    }
    threads = [
        _line(sentences.home_thread(r.title, r.brief, r.url, r.drafts), language) for r in recent
    ] or [_line(sentence("home_nothing"), language)]
    blocks: list[Block] = [
        {"type": "header", "text": plain_text(sentence("home_title"), language)},
        {"type": "actions", "elements": [button]},
        {"type": "header", "text": plain_text(sentence("home_recent"), language)},
        *threads,
        {"type": "divider"},
        *own_blocks(own, language),
        {"type": "divider"},
        *(section(text) for part in can for text in sections(part)),
    ]
    return {"type": "home", "blocks": blocks[:MOST_BLOCKS]}


def _line(said: Sentence, language: Language) -> Block:
    return section(cut(said.to(language), SECTION_LIMIT))
