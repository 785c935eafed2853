"""The steps of C++'s std::sort, whose result they alone decide where NaN makes an order inconsistent."""

from __future__ import annotations

from collections.abc import Callable

Before = Callable[[int, int], bool]

# ranges no longer than this are left to insertion
_FEW = 16


def introsorted(n: int, before: Before) -> list[int]:
    """The numbers below n as libstdc++'s std::sort leaves them, given what comes before what."""
    a = list(range(n))
    _split(a, 0, n, 2 * (n.bit_length() - 1), before)
    _insert(a, 0, min(n, _FEW), before)
    for i in range(_FEW, n):
        _insert_one(a, i, before)
    return a


def _split(a: list[int], first: int, last: int, depth: int, before: Before) -> None:
    """Partition around medians of three until few are left in each part; too deep, sort by a heap."""
    while last - first > _FEW:
        if not depth:
            _heap_sort(a, first, last, before)
            return
        depth -= 1
        _median_to_front(a, first, first + 1, first + (last - first) // 2, last - 1, before)
        cut = _cut(a, first, last, before)
        _split(a, cut, last, depth, before)
        last = cut


def _median_to_front(a: list[int], front: int, i: int, j: int, k: int, before: Before) -> None:
    if before(a[i], a[j]):
        median = j if before(a[j], a[k]) else k if before(a[i], a[k]) else i
    else:
        median = i if before(a[i], a[k]) else k if before(a[j], a[k]) else j
    a[front], a[median] = a[median], a[front]


def _cut(a: list[int], first: int, last: int, before: Before) -> int:
    """Where the part that comes after the pivot, the first element, begins once both are apart."""
    pivot, low, high = a[first], first + 1, last
    while True:
        # C++ has no bounds here: they hold off what it would read beyond its range
        while low < len(a) - 1 and before(a[low], pivot):
            low += 1
        high -= 1
        while high > 0 and before(pivot, a[high]):
            high -= 1
        if low >= high:
            return low
        a[low], a[high] = a[high], a[low]
        low += 1


def _insert(a: list[int], first: int, last: int, before: Before) -> None:
    for i in range(first + 1, last):
        if before(a[i], a[first]):
            a[first : i + 1] = [a[i], *a[first:i]]
        else:
            _insert_one(a, i, before)


def _insert_one(a: list[int], i: int, before: Before) -> None:
    value = a[i]
    while i and before(value, a[i - 1]):
        a[i] = a[i - 1]
        i -= 1
    a[i] = value


def _heap_sort(a: list[int], first: int, last: int, before: Before) -> None:
    n = last - first
    for hole in range((n - 2) // 2, -1, -1):
        _sift(a, first, hole, n, a[first + hole], before)
    for end in range(n - 1, 0, -1):
        value, a[first + end] = a[first + end], a[first]
        _sift(a, first, 0, end, value, before)


def _sift(a: list[int], first: int, hole: int, n: int, value: int, before: Before) -> None:
    """Put value into the heap of n elements from a hole: down to the bottom, and up again to its place."""
    top, child = hole, hole
    while child < (n - 1) // 2:
        child = 2 * (child + 1)
        if before(a[first + child], a[first + child - 1]):
            child -= 1
        a[first + hole] = a[first + child]
        hole = child
    if n % 2 == 0 and child == (n - 2) // 2:
        child = 2 * child + 1
        a[first + hole] = a[first + child]
        hole = child
    while hole > top and before(a[first + (hole - 1) // 2], value):
        a[first + hole] = a[first + (hole - 1) // 2]
        hole = (hole - 1) // 2
    a[first + hole] = value
