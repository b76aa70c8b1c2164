"""The functions of a layer on this device, held against the same in double precision.

Each is told as the largest difference over the largest number, and beside it what rounding to the
number format of the model makes alone.
"""

import random
from collections.abc import Iterator

import torch

from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import PAGE_SIZE
from inference.gpu_check.report import Row
from inference.kernels.choose import choose_kernels
from inference.kernels.layer_kernels import (
    HeadNorm,
    LayerAttention,
    LayerKernels,
    Norm,
    QueryChunk,
    step_rows,
)
from inference.kernels.paged_cache import KVCache
from inference.kernels.rotary import RotaryTable
from inference.model.config import ModelConfig

# Above this much of the rounding, or in fp32 of the largest number, something is wrong.
TOLERATED, LEAST = 2.0, 1e-5
# Chunks as (tokens, the position of the first): prompts, decodes, and both in one step.
STEPS = {
    "prefill": [(150, 0)],
    "decode": [(1, 300), (1, 17), (1, 0), (1, 1023)],
    "both": [(70, 200), (1, 511), (33, 0)],
}


def kernel_errors(lab: Lab) -> Iterator[Row]:
    """Give a row for each function, attention with and without windows and caps."""
    config, device = lab.sizes.shape, lab.device
    for window, cap in ((None, None), (64, None), (None, 5.0)):
        kernels = choose_kernels(
            torch.device(device.name),
            device.dtype,
            config.heads // config.kv_heads,
            config.head_dim,
            frozenset({window}),
            capped=cap is not None,
        )
        if window is None and cap is None:
            yield from _rows_alone(lab, kernels)
        for name in STEPS:
            yield from _attention(lab, kernels, name, window, cap)


def _rows_alone(lab: Lab, kernels: LayerKernels) -> Iterator[Row]:
    config, name, dtype = lab.sizes.shape, lab.device.name, lab.device.dtype
    source = torch.Generator(name).manual_seed(1)

    def numbers(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=source, device=name)

    rows = 37
    hidden, added = numbers(rows, config.hidden), numbers(rows, config.hidden).to(dtype)
    norm, post = (Norm(1 + 0.1 * numbers(config.hidden), None, 1e-6) for _ in range(2))
    for kind, after in (("", None), (", normalised before", post)):
        total = hidden.double()
        total = total + (added.double() if after is None else _rms(added.double(), after))
        wanted, ours = _rms(total, norm), hidden.clone()
        found = kernels.add_norm(ours, added, after, norm)
        yield _row(lab, f"add_norm{kind}", found, wanted)
        yield _row(lab, f"add_norm{kind}: the sum", ours, total)
    both = numbers(rows, 2 * config.ffn).to(dtype)
    gate, up = both.double().chunk(2, dim=-1)
    found = kernels.activate(both.clone(), "silu", gated=True)
    yield _row(lab, "activate (SwiGLU)", found, torch.nn.functional.silu(gate) * up)


def _attention(
    lab: Lab, kernels: LayerKernels, name: str, window: int | None, cap: float | None
) -> Iterator[Row]:
    """Compute a step after a cache of random numbers, and compare what is stored and attended."""
    config, device = lab.sizes.shape, torch.device(lab.device.name)
    dtype, chunks = lab.device.dtype, _chunks(STEPS[name])
    pages = 1 + max(page for chunk in chunks for page in chunk.pages)
    cache = KVCache((1, pages, PAGE_SIZE, config.kv_heads, config.head_dim), dtype, device)
    source = torch.Generator(device).manual_seed(2)
    cache.data.normal_(generator=source)
    layer = _layer(config, lab, window, cap)
    step = step_rows(chunks, cache, kernels.tile_rows, 0)
    rows, group = sum(chunk.count for chunk in chunks), config.heads // config.kv_heads
    qkv = torch.empty(rows, config.kv_heads, group + 2, config.head_dim, device=device, dtype=dtype)
    qkv.normal_(generator=source)
    exact = _turned(qkv.double(), layer, step.positions)
    kernels.store(qkv, layer, step)
    label = (
        f"{name}{'' if window is None else f', window {window}'}{'' if cap is None else ', cap'}"
    )
    stored = cache.by_slot[0][step.slots]
    yield _row(lab, f"store, {label}", stored, exact[:, :, -2:])
    # From here on from what is in the cache, which is rounded.
    wanted = _attended(qkv.double(), cache, chunks, layer)
    yield _row(lab, f"attend, {label}", kernels.attend(qkv, layer, step), wanted)


def _chunks(wanted: list[tuple[int, int]]) -> list[QueryChunk]:
    """Return chunks of texts over pages in no order, decodes first as in a step."""
    counts = [-(-(count + position) // PAGE_SIZE) for count, position in wanted]
    pages = list(range(sum(counts) + 5))
    random.Random(3).shuffle(pages)  # noqa: S311
    made = []
    for (count, position), size in zip(wanted, counts, strict=True):
        made.append(QueryChunk(count, position, pages[:size]))
        del pages[:size]
    return sorted(made, key=lambda chunk: chunk.kind)


def _layer(config: ModelConfig, lab: Lab, window: int | None, cap: float | None) -> LayerAttention:
    rope = config.patterns[0].rope
    assert rope is not None
    device = torch.device(lab.device.name)
    rotary = RotaryTable(rope, 2048, lab.device.dtype, device)
    group = config.heads // config.kv_heads
    source = torch.Generator(device).manual_seed(4)
    weight = 1 + 0.1 * torch.randn(group + 1, config.head_dim, generator=source, device=device)
    return LayerAttention(0, config.scale, cap, window, rotary, HeadNorm(weight, 1e-6))


def _rms(rows: torch.Tensor, norm: Norm) -> torch.Tensor:
    scale = (rows.square().mean(-1, keepdim=True) + norm.eps).rsqrt()
    return rows * scale * norm.weight.double()


def _turned(qkv: torch.Tensor, layer: LayerAttention, positions: torch.Tensor) -> torch.Tensor:
    """Normalise and turn queries and keys by the book."""
    assert layer.head_norm is not None
    assert layer.rotary is not None
    both = qkv[:, :, :-1]
    scale = (both.square().mean(-1, keepdim=True) + layer.head_norm.eps).rsqrt()
    both = both * scale * layer.head_norm.weight.double()
    cos, sin = (
        part[positions].double()[:, None, None] for part in (layer.rotary.cos, layer.rotary.sin)
    )
    both = both * cos + both.roll(both.shape[-1] // 2, -1) * sin
    return torch.cat([both, qkv[:, :, -1:]], dim=2)


def _attended(
    qkv: torch.Tensor, cache: KVCache, chunks: list[QueryChunk], layer: LayerAttention
) -> torch.Tensor:
    """Return softmax attention by the book, [rows, heads * head_dim]."""
    outs, first = [], 0
    for chunk in chunks:
        past = cache.by_page[0][list(chunk.pages)].double()
        kv_heads, dim = qkv.shape[1], qkv.shape[3]
        past = past.view(-1, kv_heads, 2, dim)[: chunk.length]
        query = qkv[first : first + chunk.count, :, :-2]
        scores = torch.einsum("qhgd,khd->hgqk", query, past[:, :, 0]) * layer.scale
        if layer.cap is not None:
            scores = layer.cap * (scores / layer.cap).tanh()
        seen = torch.arange(chunk.length, device=qkv.device)
        own = torch.arange(chunk.position, chunk.length, device=qkv.device)[:, None]
        hidden = seen > own
        if layer.window is not None:
            hidden |= seen <= own - layer.window
        weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        outs.append(torch.einsum("hgqk,khd->qhgd", weights, past[:, :, 1]).flatten(1))
        first += chunk.count
    return torch.cat(outs)


def _row(lab: Lab, what: str, found: torch.Tensor, wanted: torch.Tensor) -> Row:
    size = float(wanted.abs().max())
    error = float((found.double().view_as(wanted) - wanted).abs().max()) / size
    rounding = torch.finfo(lab.device.dtype).eps
    return {"function": what, "error": error, "ok": error <= max(TOLERATED * rounding, LEAST)}
