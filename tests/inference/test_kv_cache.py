"""Pages: who holds them, and what is known of them."""

import pytest

from inference.engine.kv_cache import ROOT, PagePool, PrefixMatch
from inference.engine.sequence import tokens_of
from tests.inference.integrity import check_pool

SIZE = 4


def keep(pool: PagePool, text: list[int]) -> list[int]:
    """Return the pages of a text that is computed and remembered, still held."""
    pages, name = [], ROOT
    for start in range(0, len(text), SIZE):
        pages.append(pool.take())
        name = pool.remember(pages[-1], name, tuple(text[start : start + SIZE]))
    return pages


def found(pool: PagePool, text: list[int]) -> PrefixMatch:
    return pool.match(tokens_of(text))


@pytest.fixture
def pool() -> PagePool:
    return PagePool(page_count=6, page_size=SIZE)


def test_a_text_is_found_by_whole_pages_and_the_beginning_of_one_more(pool: PagePool) -> None:
    pages = keep(pool, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    match = found(pool, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
    assert match == PrefixMatch(pages[:2], pool.pages[pages[1]].name, pages[2], 1)
    assert match.tokens(SIZE) == 9
    check_pool(pool, [pages])


def test_a_full_page_is_used_in_part_where_two_texts_part_inside_it(pool: PagePool) -> None:
    pages = keep(pool, [1, 2, 3, 4, 5, 6, 7, 8])
    match = found(pool, [1, 2, 3, 4, 5, 6, 0, 8])
    assert (match.pages, match.source, match.part) == (pages[:1], pages[1], 2)


def test_of_pages_that_begin_alike_the_one_with_most_is_found(pool: PagePool) -> None:
    tables = [keep(pool, [1, 2]), keep(pool, [1, 2, 3]), keep(pool, [1])]
    match = found(pool, [1, 2, 3, 4])
    assert (match.source, match.part) == (tables[1][0], 3)


def test_the_same_tokens_after_another_beginning_are_not_the_same(pool: PagePool) -> None:
    keep(pool, [1, 2, 3, 4, 5, 6, 7, 8])
    assert found(pool, [5, 6, 7, 8]) == PrefixMatch([], ROOT, None, 0)
    keep(pool, [9, 9, 9, 9])
    assert found(pool, [9, 9, 9, 9, 5, 6, 7, 8]).tokens(SIZE) == 4


def test_what_is_known_already_is_not_remembered_twice(pool: PagePool) -> None:
    first, second = keep(pool, [1, 2, 3, 4]), keep(pool, [1, 2, 3, 4, 5])
    assert found(pool, [1, 2, 3, 4, 5]).pages == first
    assert found(pool, [1, 2, 3, 4, 5]).source == second[1]
    check_pool(pool, [first, second])
    pool.release(second)
    check_pool(pool, [first])
    assert (len(pool.unused), len(pool.empty)) == (1, 4)


@pytest.mark.parametrize("others", [[], [[1, 9]]])
def test_a_page_that_fills_up_is_known_by_all_its_tokens(
    pool: PagePool, others: list[list[int]]
) -> None:
    tables = [keep(pool, text) for text in others]
    (page,) = keep(pool, [1, 2])
    pool.remember(page, ROOT, (1, 2, 3, 4))
    check_pool(pool, [*tables, [page]])
    assert found(pool, [1, 2, 3, 4]).pages == [page]


def test_the_page_that_was_let_go_first_is_taken_first_and_the_end_of_a_text_before_its_beginning(
    pool: PagePool,
) -> None:
    old, new = keep(pool, [1, 2, 3, 4, 5, 6, 7, 8]), keep(pool, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    expected = [5, *reversed(old), *reversed(new)]
    pool.release(old)
    pool.release(new)
    assert (old, new) == ([], [])
    assert [pool.take() for _ in range(6)] == expected


def test_a_text_that_is_asked_for_again_outlives_one_that_is_not(pool: PagePool) -> None:
    asked, other = keep(pool, [1, 2, 3, 4]), keep(pool, [5, 6, 7, 8])
    pool.release(list(asked))
    pool.release(other)
    pool.hold(asked)
    pool.release(asked)
    taken = [pool.take() for _ in range(5)]
    assert found(pool, [1, 2, 3, 4]).tokens(SIZE) == 4
    assert found(pool, [5, 6, 7, 8]).tokens(SIZE) == 0
    check_pool(pool, [taken])


def test_a_page_that_two_tables_have_is_free_when_both_have_let_it_go(pool: PagePool) -> None:
    table = keep(pool, [1, 2, 3, 4])
    pool.hold(table)
    check_pool(pool, [table, table])
    pool.release(list(table))
    check_pool(pool, [table])
    assert pool.available == 5
    pool.release(table)
    assert pool.available == 6


def test_what_follows_a_page_that_is_gone_is_not_found_even_if_the_page_comes_back(
    pool: PagePool,
) -> None:
    table = keep(pool, [1, 2, 3, 4, 5, 6, 7, 8])
    pool.hold(table[1:])
    pool.release(list(table))
    empty = [pool.take() for _ in range(4)]
    assert pool.take() == table[0]
    assert found(pool, [1, 2, 3, 4, 5, 6, 7, 8]).tokens(SIZE) == 0
    pool.remember(table[0], ROOT, (1, 2, 3, 4))
    assert found(pool, [1, 2, 3, 4, 5, 6, 7, 8]).tokens(SIZE) == 4
    check_pool(pool, [empty, table])


def test_what_one_adapter_has_computed_is_nothing_to_another(pool: PagePool) -> None:
    page = pool.take()
    pool.remember(page, pool.root("formal"), (1, 2, 3, 4))
    text = tokens_of([1, 2, 3, 4, 5])
    assert pool.match(text, "formal").pages == [page]
    assert pool.match(text).pages == pool.match(text, "terse").pages == []
    check_pool(pool, [[page]])
