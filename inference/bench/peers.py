"""`python -m inference.bench.peers NAME`: another engine, which the bench starts and measures."""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from inference.checkpoint.open import find_model
from inference.settings import load_settings

CORES = len(os.sched_getaffinity(0))
CANNOT_GO_ON = 2
NEEDED = {
    "transformers fp32": "transformers",
    "transformers bf16": "transformers",
    "llama.cpp": "llama_cpp",
}
"""The engines, and the module that each needs."""
BANDWIDTH = "bandwidth"
"""The name that measures the memory instead of an engine."""

Decode = Callable[[list[list[int]], int], list[float]]
"""Continues prompts by so many tokens. Returns when each step was done, in seconds."""


def main() -> int:
    """Read lines of JSON and answer each with a line, until there are no more.

    Exit codes: 0, or 2 if something failed (the last line says what).
    """
    name = sys.argv[1]
    # Libraries print to stdout: answers go to the old stdout, and the rest to stderr.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(answer: object) -> None:
        out.write(json.dumps(answer) + "\n")
        out.flush()

    try:
        if name == BANDWIDTH:
            tell([read_bandwidth()])
            return 0
        path = find_model(load_settings().model)
        decode = (
            LlamaCpp(import_module("llama_cpp"), path).decode
            if name == "llama.cpp"
            else transformers(path, name)
        )
        tell([])
        for work in map(json.loads, sys.stdin):
            tell(decode(work["prompts"], work["tokens"]))
    except Exception as error:
        tell({"error": str(error).partition("\n")[0] or type(error).__name__})
        return CANNOT_GO_ON
    return 0


def read_bandwidth() -> float:
    """Return the bytes per second that all cores together read from memory, at best."""
    torch = import_module("torch")
    torch.set_num_threads(CORES)
    numbers = torch.ones(2**27)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        numbers.sum()
        seconds.append(time.perf_counter() - start)
    return float(numbers.nbytes / min(seconds))


def transformers(path: Path, name: str) -> Decode:
    """Load a model for `generate`, as its documentation shows it; prompts are padded."""
    torch, library = import_module("torch"), import_module("transformers")
    torch.set_num_threads(CORES)
    dtype = torch.float32 if name.endswith("fp32") else torch.bfloat16
    model = library.AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=dtype
    ).eval()

    def decode(prompts: list[list[int]], tokens: int) -> list[float]:
        width = max(map(len, prompts))
        ids = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        stamps: list[float] = []
        start = time.perf_counter()

        # It is called after each token. A streamer would work for one prompt only.
        def stop(ids: Any, _: Any, **__: Any) -> Any:
            stamps.append(time.perf_counter() - start)
            return torch.zeros(len(ids), dtype=torch.bool)

        model.generate(
            torch.tensor(ids),
            attention_mask=torch.tensor(mask),
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=0,
            stopping_criteria=library.StoppingCriteriaList([stop]),
        )
        return stamps

    return decode


class LlamaCpp:
    """A model in llama.cpp, by its low-level calls: `Llama.eval` takes one prompt only."""

    BATCH = 512
    CONTEXT = 4096

    def __init__(self, library: Any, path: Path) -> None:
        self.library = library
        library.llama_backend_init()
        parameters = library.llama_model_default_params()
        # With weights in the order of AMX, llama-cpp-python 0.3.36 ended by SIGSEGV in a prompt.
        parameters.use_extra_bufts = " amx_tile" not in Path("/proc/cpuinfo").read_text()
        self.model = library.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self.model:
            raise RuntimeError(f"it cannot read {path}")
        self.vocab = library.llama_vocab_n_tokens(library.llama_model_get_vocab(self.model))
        self.batch = library.llama_batch_init(self.BATCH, 0, 1)
        self.contexts: dict[int, Any] = {}

    def decode(self, prompts: list[list[int]], tokens: int) -> list[float]:
        self._open(len(prompts))
        entries = [
            (token, at, number, at == len(prompt) - 1)
            for number, prompt in enumerate(prompts)
            for at, token in enumerate(prompt)
        ]
        start = time.perf_counter()
        chosen: dict[int, int] = {}
        for at in range(0, len(entries), self.BATCH):
            chosen |= self._feed(entries[at : at + self.BATCH])
        stamps = [time.perf_counter() - start]
        for step in range(tokens - 1):
            chosen = self._feed(
                [(token, len(prompts[i]) + step, i, True) for i, token in chosen.items()]
            )
            stamps.append(time.perf_counter() - start)
        return stamps

    def _open(self, sequences: int) -> None:
        """Begin with an empty cache for so many sequences."""
        if sequences not in self.contexts:
            parameters = self.library.llama_context_default_params()
            parameters.n_ctx = self.CONTEXT
            parameters.n_seq_max = sequences
            parameters.n_batch = parameters.n_ubatch = self.BATCH
            parameters.n_threads = parameters.n_threads_batch = CORES
            self.contexts[sequences] = self.library.llama_init_from_model(self.model, parameters)
        self.context = self.contexts[sequences]
        memory = self.library.llama_get_memory(self.context)
        self.library.llama_memory_clear(memory, True)

    def _feed(self, entries: list[tuple[int, int, int, bool]]) -> dict[int, int]:
        """Compute entries of (token, position, sequence, whether its next token is wanted).

        Returns the most likely next token of each sequence that wants one.
        """
        batch, wanted = self.batch, {}
        batch.n_tokens = len(entries)
        for i, (token, position, sequence, wants) in enumerate(entries):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wants
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            if wants:
                wanted[sequence] = i
        if self.library.llama_decode(self.context, batch):
            raise RuntimeError("it refuses to decode")
        return {sequence: self._most_likely(i) for sequence, i in wanted.items()}

    def _most_likely(self, row: int) -> int:
        logits = self.library.llama_get_logits_ith(self.context, row)
        return int(np.ctypeslib.as_array(logits, (self.vocab,)).argmax())


if __name__ == "__main__":
    sys.exit(main())
