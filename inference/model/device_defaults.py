"""What the settings mean where they say nothing, by device. No torch here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceDefaults:
    """The values of the settings of the same names."""

    kv_fraction: float
    max_running: int
    max_step_tokens: int
    deterministic: bool

    def __post_init__(self) -> None:
        assert 0 < self.kv_fraction < 1
        assert 0 < self.max_running <= self.max_step_tokens


DEFAULTS = {
    # Other programs need the memory of this machine too; a step of 256 rows takes about a third of
    # a second, which is as long as others should pause; the same bits cost little here.
    "cpu": DeviceDefaults(0.1, max_running=16, max_step_tokens=256, deterministic=True),
    # The memory of a card is there for this, and its largest step has been run before it is shared
    # out; the last tenth is for fragments. Rows share one reading of the weights: a card is bound
    # by memory up to some 200 of them, and captured steps end at 64. 2,048 tokens of 8B take about
    # 60 ms at 60 % of 989 TFLOP/s [est]: more would make others' pauses longer, not prompts
    # faster. What strict products cost has not been measured on a card; until it is, a message
    # that goes on after a crash with the same text is worth more than speed.
    "cuda": DeviceDefaults(0.9, max_running=64, max_step_tokens=2048, deterministic=True),
}


def by_device(setting: str) -> str:
    """Return for a setting's line of help what it is by default."""
    cpu, cuda = (f"{getattr(DEFAULTS[name], setting)}".lower() for name in ("cpu", "cuda"))
    return f"by default {cpu}" if cpu == cuda else f"by default {cpu} on CPUs, {cuda} on GPUs"
