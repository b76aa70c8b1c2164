"""`draftsmith policy check` and `draftsmith policy explain`: what the filter would do, and why."""

import sys
from pathlib import Path

from bot.settings import Settings
from safety import Filter, FilterError, JudgeServer, PolicyError, Stage, load_policy
from safety.screening.explanation import explain

WRONG = 2


async def check(settings: Settings, file: Path | None) -> int:
    """The exit code: 0, 2 for a policy that cannot be used (a sentence says why)."""
    path = file or settings.policy
    try:
        policy = load_policy(path)
        Filter(policy, worker=judge_server(settings))
    except (PolicyError, FilterError) as wrong:
        return _wrong(wrong)
    print(f"{path or 'the packaged policy'}: {policy.digest}")
    for kind in ("workspaces", "channels"):
        for place, overlay in getattr(policy, kind).items():
            print(f"{kind}.{place}: {overlay.digest}")
    return 0


async def explained(
    settings: Settings, text: str, stage: Stage, *, workspace: str, channel: str
) -> int:
    """The exit code: 0, 2 for a policy that cannot be used (a sentence says why)."""
    try:
        policy = load_policy(settings.policy)
        by = Filter(policy, worker=judge_server(settings)).within(workspace, channel)
    except (PolicyError, FilterError) as wrong:
        return _wrong(wrong)
    print("\n".join(await explain(by, text, stage)))
    return 0


def judge_server(settings: Settings) -> JudgeServer:
    """The worker, which is the judge where the policy names no other."""
    return JudgeServer(settings.engine_url, settings.worker_token)


def _wrong(wrong: Exception) -> int:
    print(wrong, file=sys.stderr)
    return WRONG
