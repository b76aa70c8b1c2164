"""The two kinds of errors that are told to somebody, each in one sentence."""

from bot.messages import Sentence
from safety import OperatorError

__all__ = ["OperatorError", "UserError"]


class UserError(Exception):
    """Says to whoever asked what is wrong and what to do."""

    def __init__(self, sentence: Sentence) -> None:
        # Not the sentence: what it quotes belongs in no log.
        super().__init__(type(self).__name__)
        self.sentence = sentence
