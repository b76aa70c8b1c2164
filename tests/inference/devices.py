"""The devices that a test runs on: a CPU, and its twin on a card where there is one."""

import pytest

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
