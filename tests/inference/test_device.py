"""What a rank chooses by its device where the settings say nothing."""

from dataclasses import dataclass, replace

import pytest
import torch

from inference.errors import ModelError
from inference.model.device import Device, Limits
from inference.model.device_defaults import DEFAULTS
from inference.settings import WorkerSettings

CPU = Device("cpu", torch.float32, 1, "full", deterministic=True)
CUDA = replace(CPU, name="cuda")


@dataclass(frozen=True)
class Asked:
    """The settings of a device."""

    device: str = "cpu"
    dtype: str = "fp32"
    weights: str = "full"
    deterministic: bool | None = None


def settings(**given: object) -> WorkerSettings:
    return WorkerSettings.model_validate(given)


def test_settings_that_say_nothing_are_those_of_the_device() -> None:
    assert Limits.choose(settings(), CPU) == Limits(0.1, 16, 256)
    assert Limits.choose(settings(), CUDA) == Limits(0.9, 64, 2048)


def test_what_is_set_holds_on_every_device() -> None:
    asked = settings(kv_fraction=0.5, max_running=8, max_step_tokens=128)
    assert Limits.choose(asked, CPU) == Limits.choose(asked, CUDA) == Limits(0.5, 8, 128)


def test_a_step_that_the_device_would_overfill_is_refused_with_both_numbers() -> None:
    asked = settings(max_step_tokens=32)
    with pytest.raises(ModelError, match=r"at least MAX_RUNNING.* 32 and 64; set both"):
        Limits.choose(asked, CUDA)
    assert Limits.choose(asked, CPU) == Limits(0.1, 16, 32)


def test_the_same_bits_are_the_default_on_a_cpu_and_a_choice_either_way() -> None:
    chosen = [Device.choose(Asked(deterministic=wish), 0, 1) for wish in (None, True, False)]
    assert [device.deterministic for device in chosen] == [True, True, False]
    assert DEFAULTS["cuda"].deterministic


def test_ranks_talk_over_gloo_but_for_tensors_of_several_gpus() -> None:
    assert [CPU.backend(1), CPU.backend(2), CUDA.backend(1)] == ["gloo"] * 3
    assert CUDA.backend(2) == "cpu:gloo,cuda:nccl"


def test_few_bits_stay_few_wherever_rows_are_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    for name in ("cpu", "cuda"):
        asked = [Asked(name, "bf16", weights) for weights in ("auto", "int8", "full")]
        forms = [Device.choose(one, 0, 1).form for one in asked]
        assert forms == ["file", "int8", "full"]
        assert Device.choose(Asked(name, "fp32", "auto"), 0, 1).form == "full"
        with pytest.raises(ModelError, match="WEIGHTS=int8 needs DTYPE=bf16"):
            Device.choose(Asked(name, "fp32", "int8"), 0, 1)
