"""Pure builder of the app's home tab. https://docs.slack.dev/surfaces/app-home"""

from collections.abc import Sequence

from bot.drafting.explanation import RecentThread
from bot.messages import Language, Phrase, Sentence, sentence, sentences
from bot.slack.render.blocks import SECTION_LIMIT, Block, cut, sections
from bot.slack.render.views import MOST_BLOCKS, ViewPayload, plain_text

NEW_DRAFT = "new_draft"


def home_view(
    recent: Sequence[RecentThread], can: Sequence[Phrase], language: Language
) -> ViewPayload:
    """Build the home tab. `can`: what the app can do, part by part."""
    button = {
        "type": "button",
        "text": plain_text(sentence("home_new"), language),
        "action_id": NEW_DRAFT,
        "style": "primary",
    }
    threads = [
        _mrkdwn(sentences.home_thread(r.title, r.brief, r.url, r.drafts), language) for r in recent
    ] or [_mrkdwn(sentence("home_nothing"), language)]
    blocks: list[Block] = [
        {"type": "header", "text": plain_text(sentence("home_title"), language)},
        {"type": "actions", "elements": [button]},
        {"type": "header", "text": plain_text(sentence("home_recent"), language)},
        *threads,
        {"type": "divider"},
        *(_section(text) for part in can for text in sections(part)),
    ]
    return {"type": "home", "blocks": blocks[:MOST_BLOCKS]}


def _mrkdwn(sentence: Sentence, language: Language) -> Block:
    return _section(cut(sentence.to(language), SECTION_LIMIT))


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
