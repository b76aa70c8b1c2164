"""The pages of the key/value cache: who holds them, and what is in them.

Pure bookkeeping on integers; rank 0 alone has it. A page holds `page_size` tokens of every layer.
Pages with known content are found again by it: full ones by their tokens and all tokens before
(vLLM calls this automatic prefix caching), others by as many tokens as agree.
"""

from array import array
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from operator import itemgetter

ROOT = 0


@dataclass(slots=True)
class KVPage:
    """A page. refs: how many block tables have it.

    If its content is known, it is `tokens` after the page with the name `parent`; `name` is never
    used again, so that it outlives the page.
    """

    refs: int = 0
    parent: int | None = None
    tokens: tuple[int, ...] = ()
    name: int = -1


@dataclass(frozen=True, slots=True)
class PrefixMatch:
    """The longest prefix of a text that is in the cache: whole pages, and perhaps the first `part`
    tokens of one more, `source`. name: of the last whole page.
    """

    pages: list[int]
    name: int
    source: int | None
    part: int

    def tokens(self, page_size: int) -> int:
        return len(self.pages) * page_size + self.part


@dataclass(slots=True)
class PagePool:
    """All pages. Each is in one of three places: in block tables (refs > 0), free and empty, or
    `unused`: free with content that somebody may ask for; the one that was released first is taken
    first.
    """

    page_count: int
    page_size: int
    pages: list[KVPage] = field(init=False)
    empty: deque[int] = field(init=False)
    unused: OrderedDict[int, None] = field(default_factory=OrderedDict)
    children: dict[int, dict[tuple[int, ...], int]] = field(default_factory=dict)
    names: int = ROOT
    roots: dict[str, int] = field(default_factory=lambda: {"": ROOT})

    def __post_init__(self) -> None:
        assert self.page_count > 0
        assert self.page_size > 0
        self.pages = [KVPage() for _ in range(self.page_count)]
        self.empty = deque(range(self.page_count))

    @property
    def capacity(self) -> int:
        """Tokens that the whole pool can hold."""
        return self.page_count * self.page_size

    @property
    def available(self) -> int:
        """How many pages can be taken now."""
        return len(self.empty) + len(self.unused)

    def pages_for(self, tokens: int) -> int:
        return -(-tokens // self.page_size)

    def root(self, adapter: str) -> int:
        """Return the name before the first page; adapters share no pages, so each has its own."""
        if adapter not in self.roots:
            self.names += 1
            self.roots[adapter] = self.names
        return self.roots[adapter]

    def match(self, tokens: "array[int]", adapter: str = "") -> PrefixMatch:
        """Return what the cache has of `tokens`. Nothing is held yet."""
        pages: list[int] = []
        name, size = self.root(adapter), self.page_size
        while True:
            rest = tuple(tokens[len(pages) * size : (len(pages) + 1) * size])
            followers = self.children.get(name, {})
            page = followers.get(rest) if len(rest) == size else None
            if page is None:
                alike = ((_common_prefix(text, rest), page) for text, page in followers.items())
                part, source = max(alike, key=itemgetter(0), default=(0, None))
                return PrefixMatch(pages, name, source if part else None, part)
            pages.append(page)
            name = self.pages[page].name

    def hold(self, pages: list[int]) -> None:
        """Count one more block table that has these pages."""
        for page in pages:
            self.unused.pop(page, None)
            self.pages[page].refs += 1

    def take(self) -> int:
        """Return a page to write to; its content is forgotten."""
        assert self.available
        page = self.empty.popleft() if self.empty else self.unused.popitem(last=False)[0]
        self._forget(page)
        self.pages[page].refs = 1
        return page

    def release(self, pages: list[int]) -> None:
        """Give back the pages of a block table; the end of a text is taken before its beginning."""
        for page in reversed(pages):
            self.pages[page].refs -= 1
            assert self.pages[page].refs >= 0
            if self.pages[page].refs:
                continue
            if self.pages[page].parent is None:
                self.empty.append(page)
            else:
                self.unused[page] = None
        pages.clear()

    def remember(self, page: int, parent: int, tokens: tuple[int, ...]) -> int:
        """Let others find the page by its content, if they cannot find the same in another page
        that is held. Returns the name under which pages that follow it are found.
        """
        assert 0 < len(tokens) <= self.page_size
        known = self.children.get(parent, {}).get(tokens)
        if known is not None and (known == page or self.pages[known].refs):
            return self.pages[known].name
        if known is None:
            self.names += 1
            name = self.names
        else:
            # Nobody holds that page: the name goes to the page that will last longer.
            name = self.pages[known].name
            del self.unused[known]
            self._forget(known)
            self.empty.append(known)
        self._forget(page)
        self.children.setdefault(parent, {})[tokens] = page
        it = self.pages[page]
        it.parent, it.tokens, it.name = parent, tokens, name
        return name

    def _forget(self, page: int) -> None:
        it = self.pages[page]
        if it.parent is None:
            return
        siblings = self.children[it.parent]
        del siblings[it.tokens]
        if not siblings:
            del self.children[it.parent]
        it.parent, it.tokens, it.name = None, (), -1


def _common_prefix(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """Return how many tokens two texts have in common from the beginning."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (left, right) in pairs if left != right), min(len(a), len(b)))
