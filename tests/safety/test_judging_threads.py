"""How long a judgement may take: the time of the processor counts, not that of the clock."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from safety import Filter, Stage, load_policy
from safety.screening.judging_threads import (
    MOST_RUNAWAYS,
    WAITS,
    JudgingThreads,
    TooLong,
    TooManyRunaways,
)

ROOT = Path(__file__).parents[2]
STOPPED_SECONDS = 1.5
JUDGES = """
import asyncio, sys
from safety import Filter, Stage, load_policy

class Waits:
    def find(self, text):
        if text.original == "The draft.":
            print("judging", flush=True)
            sys.stdin.readline()
        return ()

async def main():
    by = Filter(load_policy(None).model_copy(update={"timeout_seconds": SECONDS}))
    by.screening.detectors = (*by.screening.detectors, Waits())
    print((await by.judge("The draft.", Stage.OUTPUT, request="r1")).action, flush=True)

asyncio.run(main())
""".replace("SECONDS", str(STOPPED_SECONDS / WAITS / 1.5))


def compute(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_process_that_was_stopped_in_a_judgement_ends_no_draft() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", JUDGES],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "judging\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(STOPPED_SECONDS)
        process.stdin.write("\n")
        process.stdin.flush()
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdout.readline() == "allow\n"


async def test_a_judgement_that_computes_too_long_once_is_tried_once_more() -> None:
    tries = []

    def work() -> str:
        tries.append(1)
        compute(0.2 if len(tries) == 1 else 0.0)
        return "judged"

    assert await JudgingThreads().run(work, 0.05) == "judged"
    assert len(tries) == 2


async def test_a_judgement_that_never_ends_is_given_up_and_health_tells_it() -> None:
    by = Filter(load_policy(None).model_copy(update={"timeout_seconds": 0.1}))
    ends = threading.Event()

    class Hangs:
        def find(self, _: object) -> tuple[()]:
            ends.wait()
            return ()

    working = by.screening.detectors
    by.screening.detectors = (Hangs(),)
    verdict = await by.judge("The draft.", Stage.OUTPUT, request="r1")
    assert verdict.rules == ("detector_error",)
    by.screening.detectors = working
    by.policy = by.policy.model_copy(update={"timeout_seconds": 20})
    assert (await by.health()).troubles == ("Judgements that never end: 2. Start it again.",)
    ends.set()
    for thread in [each for each in threading.enumerate() if each.name == "judge"]:
        thread.join()
    assert not (await by.health()).degraded


async def test_behind_too_many_judgements_that_never_end_nothing_more_is_begun() -> None:
    by = Filter(load_policy(None).model_copy(update={"timeout_seconds": 20}))
    threads, ends = by.screening.threads, threading.Event()
    for _ in range(MOST_RUNAWAYS // 2):
        with pytest.raises(TooLong):
            await threads.run(ends.wait, 0.01)
    with pytest.raises(TooManyRunaways):
        await threads.run(lambda: "judged", 20)
    verdict = await by.judge("The draft.", Stage.OUTPUT, request="r1")
    assert verdict.rules == ("detector_error",)
    # Other bots are no better: one crafted text must not take them all out.
    assert not await by.own_troubles()
    assert await by.judging_troubles()
    ends.set()
    for thread in [each for each in threading.enumerate() if each.name == "judge"]:
        thread.join()
    assert await threads.run(lambda: "judged", 20) == "judged"


async def test_a_judgement_that_nobody_waits_for_any_more_is_still_counted() -> None:
    threads, begun, ends = JudgingThreads(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        ends.wait()

    judging = asyncio.create_task(threads.run(work, 20))
    await asyncio.to_thread(begun.wait)
    judging.cancel()
    await asyncio.wait([judging])
    assert threads.runaways == 1
    ends.set()


async def test_judgements_that_wait_for_their_turn_lose_none_of_their_time() -> None:
    threads = JudgingThreads()
    works = [threads.run(lambda: compute(0.05), 0.15) for _ in range(12)]
    assert await asyncio.gather(*works) == [None] * 12


async def test_what_loops_is_given_up_even_beside_others() -> None:
    threads, ends = JudgingThreads(), threading.Event()

    def loop() -> None:
        while not ends.is_set():
            pass

    looping = asyncio.create_task(threads.run(loop, 0.2))
    assert await threads.run(lambda: "judged", 20) == "judged"
    with pytest.raises(TooLong):
        await looping
    ends.set()
