"""`draftsmith policy check` and `draftsmith policy explain`: what the filter would do, and why."""

from pathlib import Path

from bot.safety_filter import load_filter
from bot.settings import Settings
from safety import Stage
from safety.screening.explanation import explain


async def check(settings: Settings, file: Path | None) -> int:
    """Print the policy's digests; return 0. Raises OperatorError if it is wrong."""
    policy = load_filter(settings, policy=file).policy
    print(f"{file or settings.policy or 'the packaged policy'}: {policy.digest}")
    for kind in ("workspaces", "channels"):
        for place, overlay in getattr(policy, kind).items():
            print(f"{kind}.{place}: {overlay.digest}")
    return 0


async def explained(
    settings: Settings, text: str, stage: Stage, *, workspace: str, channel: str
) -> int:
    """Print what each tier scores, and what follows; return 0. Raises OperatorError."""
    filter_ = load_filter(settings).within(workspace, channel)
    print("\n".join(await explain(filter_, text, stage)))
    return 0
