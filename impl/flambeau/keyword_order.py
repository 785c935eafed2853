"""The order in which PyTorch's errors list keyword arguments: that of libstdc++'s `std::unordered_map`."""

from __future__ import annotations

from collections.abc import Iterable

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_MULTIPLIER = 0xC6A4_A793_5BD1_E995
_SEED = 0xC70F_6907
# bucket counts that the map grows through; it is rehashed when it holds as many elements
_BUCKETS = (13, 29, 59, 127, 257)


def string_hash(text: str) -> int:
    """`std::hash<std::string>` of libstdc++ on 64-bit machines: MurmurHash64A with a fixed seed."""
    data = text.encode()
    whole = len(data) & ~7
    h = _SEED ^ (len(data) * _MULTIPLIER & _MASK)
    for i in range(0, whole, 8):
        h = (h ^ _mixed(int.from_bytes(data[i : i + 8], "little") * _MULTIPLIER & _MASK)) * _MULTIPLIER & _MASK
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    return _shifted(_shifted(h) * _MULTIPLIER & _MASK)


def _shifted(h: int) -> int:
    return h ^ (h >> 47)


def _mixed(k: int) -> int:
    return _shifted(k) * _MULTIPLIER & _MASK


def map_order(keys: Iterable[str]) -> list[str]:
    """The keys, distinct and inserted one after another, as the map walks over them."""
    walk: list[str] = []
    sizes = iter(_BUCKETS)
    buckets = next(sizes)
    for key in keys:
        if len(walk) == buckets:
            buckets = next(sizes)
            # rehashing reinserts from the first to the last
            walk, old = [], walk
            for k in old:
                _insert(walk, k, buckets)
        _insert(walk, key, buckets)
    return walk


def _insert(walk: list[str], key: str, buckets: int) -> None:
    """A bucket's elements lie together: a new one comes first in its bucket, and a new bucket first of all."""
    bucket = string_hash(key) % buckets
    at = next((i for i, k in enumerate(walk) if string_hash(k) % buckets == bucket), 0)
    walk.insert(at, key)
