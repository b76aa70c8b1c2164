"""Renders a chat as the text that a model was trained on, with the jinja template of the model.

Templates come with files from the internet, so they run in jinja's sandbox.
https://huggingface.co/docs/transformers/chat_templating
"""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inference.errors import ModelError
from inference.tokenization.vocabulary import Vocabulary

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# For models that were not trained to chat: a dialogue in plain text.
PLAIN = (
    "{{ bos_token }}{% for message in messages %}{% if message.role != 'system' %}"
    "{{ message.role | capitalize }}: {% endif %}{{ message.content }}\n\n{% endfor %}Assistant:"
)
PLAIN_STOPS = ("\nUser:", "\nAssistant:")


class PromptError(Exception):
    """Says why a chat cannot be made into a prompt."""


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message of a chat."""

    role: str
    content: str


def merge_roles(turns: Sequence[ChatTurn]) -> list[ChatTurn]:
    """Join neighbouring turns of one role: templates reject them, and Slack threads have them."""
    merged: list[ChatTurn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = ChatTurn(turn.role, merged[-1].content + "\n\n" + turn.content)
        else:
            merged.append(turn)
    return merged


class ChatTemplate:
    """The template of one model.

    stops: texts that end an answer, for models that have no token for it. thinking: the value of
    `enable_thinking`, for templates that use it.
    """

    def __init__(self, vocabulary: Vocabulary, *, thinking: bool = False) -> None:
        """Raise ModelError if the template cannot be read."""
        self.source = vocabulary.template or (
            CHATML if "<|im_start|>" in vocabulary.specials else PLAIN
        )
        self.stops = PLAIN_STOPS if self.source == PLAIN else ()
        self.thinking = thinking
        self._bos, self._eos = vocabulary.name(vocabulary.bos), vocabulary.name(vocabulary.eos)
        try:
            self._template = _compile(self.source)
        except TemplateError as error:
            raise ModelError(
                f"{vocabulary.path} has a chat template that cannot be read: {error}."
            ) from error

    def render(self, turns: Sequence[ChatTurn]) -> str:
        """Return the text up to where the answer begins.

        If the template knows no system turn, its text is put before the user's. Raises PromptError.
        """
        try:
            return self._render(turns)
        except PromptError:
            if len(turns) < 2 or (turns[0].role, turns[1].role) != ("system", "user"):
                raise
            first = ChatTurn("user", f"{turns[0].content}\n\n{turns[1].content}")
            return self._render([first, *turns[2:]])

    def _render(self, turns: Sequence[ChatTurn]) -> str:
        try:
            return self._template.render(
                messages=[{"role": turn.role, "content": turn.content} for turn in turns],
                tools=None,
                documents=None,
                add_generation_prompt=True,
                enable_thinking=self.thinking,
                bos_token=self._bos,
                eos_token=self._eos,
            )
        except SecurityError as error:
            raise PromptError("The model's chat template does what templates may not.") from error
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise PromptError(
                f"The model's chat template refuses these messages: {error}"
            ) from error


class _Generation(Extension):
    """Reads {% generation %}, which marks answers for training, as if it were not there."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _compile(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
    return environment.from_string(source)


def _refuse(reason: str) -> None:
    raise TemplateError(reason)


def _now(form: str) -> str:
    return datetime.datetime.now().astimezone().strftime(form)


def _to_json(value: object, indent: int | None = None) -> str:
    # Jinja's own filter escapes for HTML.
    return json.dumps(value, ensure_ascii=False, indent=indent)
