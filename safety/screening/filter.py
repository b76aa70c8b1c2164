"""The filter: every text that comes in or goes out is judged here, or is not shown.

It fails closed: a detector that raises, takes too long or answers nonsense blocks the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

from safety.audit.audit_log import AuditLog, AuditTrail, Heard
from safety.audit.hash_chain import ChainError
from safety.errors import FilterError
from safety.judge.judge import Judge, JudgeError, JudgeLate, JudgeServer
from safety.policy.policy import Policy
from safety.screening.gate import Gate
from safety.screening.judging_threads import JudgingThreads, TooManyRunaways
from safety.screening.screening import Screening
from safety.screening.self_test import self_test
from safety.text.normalise import normalise
from safety.verdict import Action, Stage, Verdict


@dataclass(frozen=True, slots=True)
class Health:
    """The parts of the filter that do not work; while there are any, texts are blocked."""

    troubles: tuple[str, ...] = ()

    @property
    def degraded(self) -> bool:
        return bool(self.troubles)


class Filter:
    """Judges texts by a policy. Safe to share between tasks."""

    def __init__(
        self,
        policy: Policy,
        *,
        audit: AuditLog | None = None,
        worker: JudgeServer | None = None,
        base: "Filter | None" = None,
        heard: Heard | None = None,
    ) -> None:
        """Take the worker, which is the judge if the policy names no other. Raises FilterError.

        `base` is the filter whose policy the policy of this one changes: both ask one judge, and
        only the base tests itself. `heard` is called with each verdict.
        """
        self.policy = policy
        self.audit = audit
        self.heard = heard
        if base is None:
            judge = Judge(policy.judge, worker) if policy.judge else None
        else:
            judge = base.screening.judge_tier
        threads = base.screening.threads if base else JudgingThreads()
        self.screening: Screening = Screening(policy, judge, threads=threads)
        self._decided = {
            decision: Screening(
                policy.holding_as(decision), judge, digest=self.screening.digest, threads=threads
            )
            for decision in (Action.ALLOW, Action.REDACT)
        }
        self._places: dict[str, Filter] = {}
        if base is None:
            self_test(self.screening)

    def within(self, workspace: str, channel: str) -> "Filter":
        """Return the filter by the policy of a channel of a workspace; often this one."""
        policy = self.policy.within(workspace, channel)
        if policy is self.policy:
            return self
        if policy.digest not in self._places:
            self._places[policy.digest] = Filter(
                policy, audit=self.audit, base=self, heard=self.heard
            )
        return self._places[policy.digest]

    async def judge(
        self, text: str, stage: Stage, *, request: str, who: str = "", held: Action = Action.HOLD
    ) -> Verdict:
        """Return the verdict on a whole text. Raises nothing, whatever the text holds.

        Lines that an input quotes are judged as material, too. `held` is the decision of a person
        about all that the policy holds: ALLOW or REDACT.
        """
        trail = self._trail(stage, request, who)
        screening = self._decided.get(held, self.screening)
        if len(text) > screening.policy.max_chars:
            return await trail.close(screening.refuse("too_long"), text)
        read = cache(lambda: normalise(text))  # first called off the event loop, in time
        verdict = await screening.in_time(lambda: screening.judge(read(), stage))
        if screening.judge_tier is not None and verdict.allowed:
            spans = [passage.span for passage in read().passages]
            budget = screening.judge_tier.budget(request)
            verdict = await screening.judged(verdict, read(), spans, stage, budget)
        return await trail.close(verdict, text)

    async def decided(
        self, decision: str, categories: Sequence[str], stage: Stage, *, request: str, who: str
    ) -> None:
        """Write down what a person decided about a held text. Raises OSError."""
        trail = self._trail(stage, request, who)
        await trail.note(decision, categories, self.screening.digest)

    async def saved(self, text: str, stage: Stage, *, request: str, who: str) -> None:
        """Write down who saved a text that others will write by. Raises OSError."""
        await self._trail(stage, request, who).saved(text, self.screening.digest)

    def gate(self, *, request: str, who: str = "") -> Gate:
        """Return a gate for one draft, whose text comes in chunks."""
        return Gate(self.screening, self._trail(Stage.OUTPUT, request, who))

    def _trail(self, stage: Stage, request: str, who: str) -> AuditTrail:
        return AuditTrail(self.audit, stage, request, who, self.heard)

    async def health(self) -> Health:
        """Try each tier once more, and the audit log."""
        return Health((*await self.judging_troubles(), *await self.own_troubles()))

    async def own_troubles(self) -> Sequence[str]:
        """Let the filter test itself and its audit log."""
        troubles = []
        test, seconds = partial(self_test, self.screening), self.policy.timeout_seconds
        try:
            await self.screening.threads.run(test, seconds)
        except FilterError as error:
            troubles.append(str(error))
        except TooManyRunaways:
            pass  # Those are told by judging_troubles.
        except Exception as error:
            troubles.append(f"A detector fails: {type(error).__name__}.")
        return [*troubles, *await _trouble_of_audit(self.audit)]

    async def judging_troubles(self) -> Sequence[str]:
        """Ask the judge, which may be away, and look for what texts did to the filter."""
        troubles = []
        if runaways := self.screening.threads.runaways:
            troubles.append(f"Judgements that never end: {runaways}. Start it again.")
        return [*troubles, *await _trouble_of_judge(self.screening.judge_tier)]


async def _trouble_of_judge(judge: Judge | None) -> list[str]:
    """Ask about a plain sentence; any answer will do."""
    if judge is None:
        return []
    try:
        await judge.scores(["The office opens on Monday."], Stage.INPUT, judge.budget())
    except JudgeLate:
        return ["The judge does not answer in time: see [judge] in the policy."]
    except JudgeError as error:
        return [f"The judge gives no answer that can be read ({error}): see [judge] in the policy."]
    return []


async def _trouble_of_audit(audit: AuditLog | None) -> list[str]:
    if audit is None:
        return []
    try:
        await audit.check()
    except (OSError, ChainError) as error:
        cause = getattr(error, "strerror", None) or type(error).__name__
        return [f"The audit log cannot be written ({cause}): check its disk and its folder."]
    return []
