"""What is said to whoever runs the worker, in one sentence."""


class OperatorError(Exception):
    """Says what is wrong and what to do, in one sentence; `exit_code` ends the command by it."""

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code
