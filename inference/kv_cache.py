"""The paged key/value cache: pages for the scheduler to hand out, and the tensors that they name.

A page holds `page_size` tokens of every layer. The pool is allocated once, so that a worker that
has started cannot run out of memory later.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class PagePool:
    """Which pages are free. Pure bookkeeping: rank 0 alone has one."""

    page_count: int
    page_size: int
    free: list[int] = field(init=False)

    def __post_init__(self) -> None:
        assert self.page_count > 0
        assert self.page_size > 0
        self.free = list(range(self.page_count))

    @property
    def capacity(self) -> int:
        """Tokens that the whole pool can hold."""
        return self.page_count * self.page_size

    def pages_for(self, tokens: int) -> int:
        return -(-tokens // self.page_size)

    def can_take(self, tokens: int) -> bool:
        return self.pages_for(tokens) <= len(self.free)

    def take(self, tokens: int) -> list[int]:
        """Pages for `tokens` tokens; the caller gives them back."""
        assert self.can_take(tokens)
        count = self.pages_for(tokens)
        taken, self.free = self.free[:count], self.free[count:]
        return taken

    def give_back(self, pages: list[int]) -> None:
        assert not set(pages) & set(self.free)
        self.free.extend(pages)
        pages.clear()
