"""The judge: a model that is asked over HTTP; the probabilities of its answer are the scores.

Any server will do that answers as OpenAI's API does and gives log-probabilities. `prompts` knows
how each kind of model is asked, and what its answer means.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import aiohttp
from pydantic import SecretStr

from safety.errors import FilterError
from safety.judge.prompts import PROMPTS, JudgeRequest, UnreadableAnswer
from safety.policy.judge_policy import JudgePolicy
from safety.verdict import JUDGE_RULE, Finding, Stage

MOST_BYTES = 1 << 20


class JudgeError(Exception):
    """There is no answer that can be read. The message is a kind of failure, never text."""


class JudgeLate(Exception):
    """There is no answer in the time that the policy gives."""


@dataclass(frozen=True, slots=True)
class JudgeServer:
    """Where a model answers: "unix:/path/to/socket" or "http://host:port"."""

    url: str
    token: SecretStr | None = None


@dataclass(slots=True)
class JudgeBudget:
    """Seconds that the judge may still spend on one text; `request` names it in its logs."""

    left: float
    request: str = ""

    def __post_init__(self) -> None:
        assert self.left > 0


class Judge:
    """Asks one server, at most `at_once` questions at a time. Safe to share between tasks."""

    def __init__(self, policy: JudgePolicy, worker: JudgeServer | None) -> None:
        """Take the worker, which is asked if the policy names no server. Raises FilterError."""
        self.policy = policy
        self.server = _server(policy, worker)
        self._prompts = PROMPTS[policy.form]
        self._room = asyncio.Semaphore(policy.at_once)

    def budget(self, request: str = "") -> JudgeBudget:
        """Return a budget for a text that is about to be judged."""
        return JudgeBudget(self.policy.budget_seconds, request)

    async def find(
        self, text: str, spans: Sequence[tuple[int, int]], stage: Stage, budget: JudgeBudget
    ) -> list[Finding]:
        """Return what it names in these passages of a text. Raises JudgeError, JudgeLate."""
        answers = await self.scores([text[slice(*span)] for span in spans], stage, budget)
        return [
            Finding(category, JUDGE_RULE + category, *span, score)
            for span, scores in zip(spans, answers, strict=True)
            for category, score in scores.items()
            if score >= self.policy.threshold(category)
        ]

    async def scores(
        self, passages: Iterable[str], stage: Stage, budget: JudgeBudget
    ) -> list[dict[str, float]]:
        """Return the probability of each category, by passage. Raises JudgeError, JudgeLate."""
        began = time.monotonic()
        try:
            asks = [[*self._prompts(passage, stage)] for passage in passages]
            async with asyncio.timeout(budget.left), self._session(budget.request) as session:
                answers = iter(await self._answers(session, chain.from_iterable(asks)))
            return [highest(islice(answers, len(each))) for each in asks]
        except TimeoutError:
            raise JudgeLate from None
        except JudgeError:
            raise
        except Exception as error:
            # Any kind of error: an answer may be anything. From None: the cause may quote the text.
            raise JudgeError(type(error).__name__) from None
        finally:
            budget.left = max(0.0, budget.left - (time.monotonic() - began))

    async def _answers(
        self, session: aiohttp.ClientSession, asks: Iterable[JudgeRequest]
    ) -> list[dict[str, float]]:
        """Return all answers. The first failure ends all other questions, and is raised.

        Of two failures at once, a TimeoutError is not the one that is raised.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._asked(session, ask)) for ask in asks]
        except ExceptionGroup as errors:
            _, failures = errors.split(TimeoutError)
            raise (failures or errors).exceptions[0] from None
        return [task.result() for task in tasks]

    def _session(self, request: str) -> aiohttp.ClientSession:
        headers, token = {"X-Request-Id": request} if request else {}, self.server.token
        if token is not None:
            headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        base, connector = self.server.url, None
        if base.startswith("unix:"):
            path = base.removeprefix("unix:").removeprefix("//")
            base, connector = "http://judge", aiohttp.UnixConnector(path)
        return aiohttp.ClientSession(base, connector=connector, headers=headers, trust_env=False)

    async def _asked(self, session: aiohttp.ClientSession, ask: JudgeRequest) -> dict[str, float]:
        """Return the answer to one question, when it has its turn."""
        body = ask.body | ({"model": self.policy.model} if self.policy.model else {})
        async with (
            self._room,
            asyncio.timeout(self.policy.timeout_seconds),
            # A redirect could carry the text to a server that nobody named.
            session.post(ask.path, json=body, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise JudgeError(f"status {response.status}")
            answer = await _json(response)
        try:
            return ask.read(answer)
        except (TypeError, KeyError, IndexError, ValueError):
            raise UnreadableAnswer from None


def highest(answers: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return for each category the highest score that any answer gives."""
    found: dict[str, float] = {}
    for scores in answers:
        found |= {name: max(score, found.get(name, 0.0)) for name, score in scores.items()}
    return found


async def _json(response: aiohttp.ClientResponse) -> Any:
    raw = await response.content.read(MOST_BYTES + 1)
    while len(raw) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES)):
        raw += more
    if len(raw) > MOST_BYTES:
        raise JudgeError("answer too long")
    return json.loads(raw)


def _server(policy: JudgePolicy, worker: JudgeServer | None) -> JudgeServer:
    if not policy.url:
        if worker is None:
            raise FilterError(
                "The policy has a [judge] without url: write the address of its server."
            )
        return worker
    if policy.token_file is None:
        return JudgeServer(policy.url)
    try:
        token = policy.token_file.read_text("utf-8").strip()
        return JudgeServer(policy.url, SecretStr(token))
    except (OSError, UnicodeDecodeError):
        raise FilterError(
            f"The judge's token_file {policy.token_file} cannot be read: check the path."
        ) from None
