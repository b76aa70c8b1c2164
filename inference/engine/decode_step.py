"""A step that draws one token after each row, in buffers that stay where they are.

On a GPU it is captured as CUDA graphs, from the embedding to the drawn token: a step is then one
upload, one launch and one read. Elsewhere the same functions run one by one.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from numpy.typing import NDArray

from inference.engine.draws import DrawParams, draw_all, draw_top, draw_whole, penalise_
from inference.engine.sampler import Kind, kind_of, uniform
from inference.engine.scheduler import Planned
from inference.engine.seen_tokens import SeenTokens
from inference.engine.step_plan import Chunk, StepPlan
from inference.kernels.layer_kernels import QueryChunk, StepRows
from inference.kernels.paged_cache import KVCache
from inference.model.model_shard import ModelShard
from inference.model.row_sizes import DECODE_ROWS

# Graphs are captured for texts of at most so many tokens, and of as many as the model takes.
LENGTH_CLASSES: tuple[int, ...] = (2048, 8192, 32768)
WHOLE_NUMBERS = ("tokens", "positions", "slots", "top_k", "seen")
FRACTIONS = ("temperature", "top_p", "penalty", "uniform")
# Of rows that only fill up a step: they take the likeliest token.
NEUTRAL = {"top_k": 1, "top_p": 1.0, "penalty": 1.0}
Arrays = tuple[dict[str, NDArray[Any]], NDArray[Any]]


class StepBuffers:
    """The inputs of a step of `rows` rows, whose texts have at most `pages` pages.

    values: by name, [rows] each; tables: [rows, pages] int32. All lie in one block of bytes, so
    that one copy uploads them. Two blocks of the host take turns: one may still be read by the
    device while the other is filled.
    """

    def __init__(self, rows: int, pages: int, device: torch.device) -> None:
        self.rows, self.pages = rows, pages
        numbers = len(WHOLE_NUMBERS) + len(FRACTIONS)
        size, on_card = rows * (numbers * 8 + pages * 4), device.type == "cuda"
        self.block = torch.zeros(size, dtype=torch.uint8, device=device)
        self.values, self.tables = self._views(self.block)
        self.hosts = [torch.zeros(size, dtype=torch.uint8, pin_memory=on_card) for _ in range(2)]
        # numpy takes a list in a fraction of the time of a tensor.
        self.arrays = [
            ({name: view.numpy() for name, view in values.items()}, tables.numpy())
            for values, tables in map(self._views, self.hosts)
        ]
        self.uploaded = [torch.Event("cuda") for _ in range(2 * on_card)]
        self.turn = 0
        # A graph holds their addresses: they live as long as it does.
        self.row_numbers = torch.arange(rows, dtype=torch.int32, device=device)
        self.tiles = torch.stack([self.row_numbers, torch.ones_like(self.row_numbers)], dim=1)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.logits: torch.Tensor | None = None

    def next_arrays(self) -> Arrays:
        """Return what to fill, when the device has read what was there before."""
        self.turn = 1 - self.turn
        if self.uploaded:
            self.uploaded[self.turn].synchronize()
        return self.arrays[self.turn]

    def upload(self) -> None:
        self.block.copy_(self.hosts[self.turn], non_blocking=True)
        if self.uploaded:
            self.uploaded[self.turn].record()

    def _views(self, block: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        row, found = self.rows * 8, {}
        for index, name in enumerate(WHOLE_NUMBERS + FRACTIONS):
            kind = torch.int64 if name in WHOLE_NUMBERS else torch.float64
            found[name] = block[index * row : (index + 1) * row].view(kind)
        return found, block[len(found) * row :].view(torch.int32).view(self.rows, self.pages)


@dataclass(frozen=True, slots=True)
class DrawnTokens:
    """Tokens that the device draws, on their way to the host: the one thing that it waits for."""

    host: torch.Tensor
    arrived: torch.Event | None

    def read(self) -> list[int]:
        """Return them, when the step is done. Raises AssertionError if logits were no numbers."""
        if self.arrived is not None:
            self.arrived.synchronize()
        tokens: list[int] = self.host.tolist()
        assert min(tokens) >= 0, "logits that are no numbers"
        return tokens


class DecodeStep:
    """The decode steps of a rank. Every rank must call `launch` with the same plans."""

    def __init__(self, model: ModelShard, cache: KVCache, max_rows: int) -> None:
        """cache: its last page belongs to rows that only fill up a step."""
        self.model, self.cache = model, cache
        self.dummy_page = cache.page_count - 1
        sizes = [rows for rows in DECODE_ROWS if rows < max_rows]
        # The numbers of rows that products may have are decided where the weights are.
        self.sizes = sorted({model.row_sizes.padded(rows) for rows in [*sizes, max_rows]})
        limit = min(model.config.context, self.dummy_page * cache.page_size)
        self.lengths = [*(length for length in LENGTH_CLASSES if length < limit), limit]
        self.seen = SeenTokens(self.sizes[-1], model.config.vocab, model.device)
        # What the last step drew: the next one may begin before the host has read it.
        self.drawn = torch.zeros(self.sizes[-1], dtype=torch.int64, device=model.device)
        self.buffers: dict[tuple[int, int], StepBuffers] = {}

    @property
    def max_rows(self) -> int:
        return self.sizes[-1]

    @torch.inference_mode()
    def capture(self) -> None:
        """Capture all graphs, the largest first, whose memory the others use again. All ranks must
        call it: they talk.
        """
        pool = torch.cuda.graph_pool_handle()
        for length in reversed(self.lengths):
            for rows in reversed(self.sizes):
                buffers = self._buffers(rows, length)
                self._fill(buffers, [], ())
                buffers.upload()
                # First uses compile kernels and make plans, which a capture must not.
                self._compute(buffers, self._step(buffers, []))
                torch.cuda.synchronize()
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, pool=pool):
                    buffers.logits = self._compute(buffers, self._step(buffers, []))
                buffers.graph = graph

    @torch.inference_mode()
    def launch(self, plan: StepPlan, planned: Planned = ()) -> DrawnTokens:
        """Begin a step; return its tokens, one for each row, before they are there.

        planned: the sequence of each chunk. Rank 0 has them, and draws for all ranks.
        """
        self.cache.copy(plan.copies)
        # Adapters of the step before: a static step has none.
        self.model.active.clear()
        rows = plan.rows
        longest = max(chunk.start + len(chunk.tokens) for chunk in plan.chunks)
        size = self.sizes[bisect_left(self.sizes, rows)]
        buffers = self._buffers(size, self.lengths[bisect_left(self.lengths, longest)])
        self._fill(buffers, plan.chunks, planned)
        buffers.upload()
        if buffers.graph is None:
            buffers.logits = self._compute(buffers, self._step(buffers, plan.chunks))
        else:
            buffers.graph.replay()
        if wide := {kind_of(s.params) for s, _ in planned} - {"greedy", "top"}:
            self._draw_wide(buffers, wide)
        if self.model.tp > 1:
            dist.broadcast(self.drawn, src=0, group=self.model.group)
        return self._read(rows)

    def _buffers(self, rows: int, length: int) -> StepBuffers:
        if (rows, length) not in self.buffers:
            pages = -(-length // self.cache.page_size)
            self.buffers[rows, length] = StepBuffers(rows, pages, self.model.device)
        return self.buffers[rows, length]

    def _fill(self, buffers: StepBuffers, chunks: list[Chunk], planned: Planned) -> None:
        """Write the inputs of a step. Rows that only fill it up have a page of their own."""
        size = self.cache.page_size
        values, tables = buffers.next_arrays()
        places = [(c, p) for c in chunks for p in range(c.start, c.start + len(c.tokens))]
        for name, array in values.items():
            array[:] = NEUTRAL.get(name, 0)
        values["slots"][:] = self.dummy_page * size
        values["seen"][:] = self.max_rows
        tables[:] = self.dummy_page
        _write(values, "tokens", [token for chunk in chunks for token in chunk.tokens])
        _write(values, "positions", [position for _, position in places])
        _write(values, "slots", [c.block_table[p // size] * size + p % size for c, p in places])
        for row, (chunk, _) in enumerate(places):
            # Pages of guesses that were wrong may be in the table too.
            pages = chunk.block_table[: buffers.pages]
            tables[row, : len(pages)] = pages
        if planned:
            self._fill_params(values, planned)

    def _fill_params(self, values: dict[str, NDArray[Any]], planned: Planned) -> None:
        """Write how each row is drawn."""
        texts = [(s, c.start + i) for s, c in planned for i in range(len(c.tokens))]
        params = [sequence.params for sequence, _ in texts]
        _write(values, "seen", self.seen.rows_for(texts))
        _write(values, "top_k", [one.top_k for one in params])
        _write(values, "temperature", [one.temperature for one in params])
        _write(values, "top_p", [one.top_p for one in params])
        _write(values, "penalty", [one.repetition_penalty for one in params])
        numbers = [uniform(s.params, position + 1 - s.prompt_len) for s, position in texts]
        _write(values, "uniform", numbers)

    def _step(self, buffers: StepBuffers, chunks: list[Chunk]) -> StepRows:
        """Return the rows of a step; each has a block table, and is a tile, of its own."""
        queries = [
            QueryChunk(1, chunk.start + i, chunk.block_table)
            for chunk in chunks
            for i in range(len(chunk.tokens))
        ]
        return StepRows(
            self.cache,
            buffers.values["positions"],
            buffers.values["slots"],
            buffers.tables,
            buffers.row_numbers,
            buffers.tiles,
            buffers.pages * self.cache.page_size,
            queries,
        )

    def _params(self, buffers: StepBuffers) -> DrawParams:
        values = buffers.values
        return DrawParams(
            values["temperature"],
            values["top_k"],
            values["top_p"],
            values["penalty"].float(),
            values["uniform"],
        )

    def _compute(self, buffers: StepBuffers, step: StepRows) -> torch.Tensor:
        """Compute and draw; return the logits, penalties included. Nothing here waits."""
        values = buffers.values
        given, params = values["tokens"], self._params(buffers)
        unread = self.drawn[(-1 - given).clamp_(min=0)].clamp(min=0)
        tokens = torch.where(given < 0, unread, given)
        logits = self.model.forward(tokens, step, None)
        self.seen.add(values["seen"], tokens)
        penalise_(logits, self.seen.at(values["seen"]), params.penalty)
        self.drawn[: buffers.rows] = draw_top(logits, params)
        return logits

    def _draw_wide(self, buffers: StepBuffers, wide: set[Kind]) -> None:
        """Draw again for rows that `draw_top` cannot draw. The others keep their tokens: these are
        the same by any of the functions.
        """
        assert buffers.logits is not None
        logits, params, drawn = buffers.logits, self._params(buffers), self.drawn[: buffers.rows]
        if wide == {"whole"}:
            # Nothing has to be sorted, which would take longer than the step itself.
            whole = ~params.greedy & (params.top_k == 0)
            drawn.copy_(draw_whole(logits, params).where(whole, drawn))
        else:
            drawn.copy_(draw_all(logits, params))

    def _read(self, rows: int) -> DrawnTokens:
        if self.model.device.type != "cuda":
            return DrawnTokens(self.drawn[:rows].clone(), None)
        host = torch.empty(rows, dtype=torch.int64, pin_memory=True)
        host.copy_(self.drawn[:rows], non_blocking=True)
        arrived = torch.Event("cuda")
        arrived.record()
        return DrawnTokens(host, arrived)


def _write(values: dict[str, NDArray[Any]], name: str, numbers: list[int] | list[float]) -> None:
    values[name][: len(numbers)] = numbers
