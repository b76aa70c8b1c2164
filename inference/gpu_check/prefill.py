"""How fast prompts are read, by their length and by how many tokens a step has."""

from collections.abc import Iterator

import torch

from inference.gpu_check.lab import H200_FLOPS, Lab
from inference.gpu_check.local_engine import matrix_numbers
from inference.gpu_check.report import Row
from inference.model.config import ModelConfig


def prefill(lab: Lab) -> Iterator[Row]:
    """Give the time to the first token of a prompt alone, and the share of the arithmetic that it
    uses.
    """
    engine, config = lab.engine(), lab.sizes.shape
    for step_tokens in lab.sizes.step_tokens:
        for length in lab.sizes.prefills:
            point: Row = {"tokens a step": step_tokens, "prompt": length}
            if length < step_tokens and step_tokens != lab.sizes.step_tokens[0]:
                continue
            try:
                took = min(
                    engine.write(
                        [(0.0, engine.texts(1, length, seed)[0])], 1, step_tokens=step_tokens
                    )[0].ttft
                    for seed in range(2)
                )
            except torch.OutOfMemoryError:
                yield point | {"failed": "out of memory"}
                continue
            rate = flops(config, length) / took
            yield point | {
                "ms": took * 1e3,
                "tokens/s": length / took,
                "MFU of measured": rate / lab.flops,
                "MFU of 989 TFLOP/s": rate / H200_FLOPS,
            }


def flops(config: ModelConfig, length: int) -> float:
    """Return the operations that a prompt needs at least: products, causal attention, one row of
    logits.
    """
    products = 2 * matrix_numbers(config, output=False) * length
    attention = 2 * config.layers * config.heads * config.head_dim * length * length
    return products + attention + 2 * config.vocab * config.hidden
