"""Which tokens a text has already: a bitmap on the device, for penalties that nobody waits for."""

from dataclasses import dataclass

import torch

from inference.engine.sequence import Sequence


@dataclass(slots=True)
class Place:
    """A row of the bitmap, and how many tokens of its text are in it."""

    row: int
    marked: int = 0


class SeenTokens:
    """Rows of a bitmap for texts with a penalty; the last row is for all that have none."""

    def __init__(self, rows: int, vocab: int, device: torch.device) -> None:
        self.bits = torch.zeros(rows + 1, vocab, dtype=torch.bool, device=device)
        self.places: dict[Sequence, Place] = {}

    def rows_for(self, texts: list[tuple[Sequence, int]]) -> list[int]:
        """Return the row of each text, with all tokens in it that come before `position`, which the
        step itself computes and adds.

        texts: sequences and positions, at most as many as there are rows.
        """
        penalised = {sequence for sequence, _ in texts if _is_penalised(sequence)}
        for gone in [known for known in self.places if known not in penalised]:
            del self.places[gone]
        return [self._row(sequence, position) for sequence, position in texts]

    def add(self, rows: torch.Tensor, tokens: torch.Tensor) -> None:
        """Mark a token in each row, [rows] int64 both, on the device."""
        self.bits.index_put_((rows, tokens), torch.ones_like(rows, dtype=torch.bool))

    def at(self, rows: torch.Tensor) -> torch.Tensor:
        """Return [rows, vocab] bool."""
        return self.bits[rows]

    def _row(self, sequence: Sequence, position: int) -> int:
        if not _is_penalised(sequence):
            return len(self.bits) - 1
        place = self.places.get(sequence)
        if place is None:
            taken = {place.row for place in self.places.values()}
            free = next(row for row in range(len(self.bits) - 1) if row not in taken)
            place = self.places[sequence] = Place(free)
            self.bits[free] = False
        if place.marked < position:
            new = sequence.token_ids[place.marked : position]
            self.bits[place.row, torch.frombuffer(new, dtype=torch.int64).to(self.bits.device)] = (
                True
            )
        place.marked = position + 1
        return place.row


def _is_penalised(sequence: Sequence) -> bool:
    return sequence.params.repetition_penalty != 1.0
