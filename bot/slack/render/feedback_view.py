"""Pure builder of the form that asks what is wrong with a draft."""

from bot.drafting.feedback import REASONS
from bot.messages import Language, sentence, sentence_about
from bot.messages.catalogue import SentenceGroup
from bot.slack.render.views import ViewPayload, form_view, input_block, option, plain_text

FEEDBACK, WORDS = "feedback", "words"
REASON: SentenceGroup = "reason"
MOST_WORDS = 1_000  # Characters.


def feedback_view(private_metadata: str, language: Language) -> ViewPayload:
    """Build the form. Nothing in it is needed, for the thumb is counted already."""
    reasons = [option(sentence_about(REASON, each).to(language), each) for each in REASONS]
    radio = {"type": "radio_buttons", "options": reasons}
    text = {"type": "plain_text_input", "multiline": True, "max_length": MOST_WORDS}
    inputs = [
        input_block(REASON, sentence("feedback_reason"), radio, language),
        input_block(WORDS, sentence("feedback_words"), text, language),
    ]
    kept = {"type": "context", "elements": [plain_text(sentence("feedback_kept"), language)]}
    return form_view(
        FEEDBACK,
        private_metadata,
        title=sentence("feedback_title"),
        submit=sentence("feedback_submit"),
        blocks=[*({**block, "optional": True} for block in inputs), kept],
        language=language,
    )
