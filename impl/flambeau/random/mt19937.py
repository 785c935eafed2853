"""The CPU generator's engine: mt19937 with PyTorch's cached normals and byte layout of the state."""

from __future__ import annotations

import secrets
import struct
import threading

import numpy as np
from numpy.typing import NDArray

DEFAULT_SEED = 67280421310721
STATE_BYTES = 5056

_BLOCK = 624
_HEADER = struct.Struct("<QiiQ")  # seed, left, seeded, next
_KEY_END = _HEADER.size + 8 * _BLOCK
# normal_x, normal_y, normal_rho, normal_is_valid, padding, next_float_normal, its validity, padding
_TRAILER = struct.Struct("<dddi4xf?3x")
_MASK24 = np.uint32(2**24 - 1)
_MASK53 = np.uint64(2**53 - 1)
_SCALE24 = np.float32(2.0**-24)
_EMPTY = np.zeros(_BLOCK, np.uint32)
_EMPTY.flags.writeable = False


class Engine:
    """One mt19937 stream with the second value of the last Box-Muller pair, as PyTorch's CPU generator keeps them.

    ``lock`` is re-entrant; every function of :mod:`flambeau.random.distributions` holds it while it draws.
    """

    __slots__ = ("_block", "_next_skew", "_position", "_seed", "_twister", "lock", "next_double_normal",
                 "next_float_normal")  # fmt: skip

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self.lock = threading.RLock()
        self._twister = np.random.RandomState(0)
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Engine:
        """Restart the stream; only the low 32 of the 64 bits choose it. Raises ValueError outside [-2**63, 2**64)."""
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        with self.lock:
            self._seed = seed % 2**64
            self._twister.seed(self._seed & 0xFFFFFFFF)
            self._block: NDArray[np.uint32] = _EMPTY
            self._position = _BLOCK
            self._next_skew = -_BLOCK  # PyTorch's read index is 0, not 624, before the first draw
            self.next_double_normal: float | None = None
            self.next_float_normal: float | None = None
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy and return that seed."""
        seed = secrets.randbits(64)
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed last set, in [0, 2**64)."""
        return self._seed

    def words(self, n: int) -> NDArray[np.uint32]:
        """The next ``n`` raw 32-bit outputs; read-only when they fit in the current block."""
        start = self._position
        end = start + n
        if end <= _BLOCK:
            self._position = end
            return self._block[start:end]
        need = end - _BLOCK
        drawn = -(-need // _BLOCK) * _BLOCK  # whole blocks: the twister always rests on a block boundary
        fresh = self._twister.randint(0, 2**32, drawn, dtype=np.uint32)
        rest = self._block[start:]
        self._block = fresh[drawn - _BLOCK :].copy()
        self._block.flags.writeable = False
        self._position = need - (drawn - _BLOCK)
        self._next_skew = 0
        return np.concatenate((rest, fresh[:need])) if rest.size else fresh[:need]

    def words64(self, n: int) -> NDArray[np.uint64]:
        """``n`` 64-bit outputs of two words each, the first word the high half."""
        w = self.words(2 * n)
        out = w[0::2].astype(np.uint64)
        out <<= np.uint64(32)
        out |= w[1::2]
        return out

    def uniform24(self, n: int) -> NDArray[np.float32]:
        """``n`` float32 uniforms in [0, 1) of 24 bits, one word each."""
        out = (self.words(n) & _MASK24).astype(np.float32)
        out *= _SCALE24
        return out

    def uniform53(self, n: int) -> NDArray[np.float64]:
        """``n`` float64 uniforms in [0, 1) of 53 bits, two words each."""
        w = self.words64(n)
        w &= _MASK53
        out = w.view(np.int64).astype(np.float64)
        out *= 2.0**-53
        return out

    def uniform53_list(self, n: int) -> list[float]:
        """As :meth:`uniform53`, in Python floats: faster for a handful."""
        w = self.words(2 * n).tolist()
        return [((w[i] & 0x1FFFFF) << 32 | w[i + 1]) * 2.0**-53 for i in range(0, 2 * n, 2)]

    def get_state(self) -> bytes:
        """The 5056 bytes that ``torch.get_rng_state()`` would hold."""
        with self.lock:
            key = self._twister.get_state(legacy=False)["state"]["key"]
            double, single = self.next_double_normal, self.next_float_normal
            header = _HEADER.pack(self._seed, _BLOCK + 1 - self._position, 1, self._position + self._next_skew)
            trailer = _TRAILER.pack(
                0.0, double or 0.0, 0.0, double is not None, 0.0 if single is None else single, single is not None
            )
            return header + np.asarray(key).astype("<u8").tobytes() + trailer

    def set_state(self, state: bytes) -> None:
        """Continue from a state of ``torch.get_rng_state()``. Raises RuntimeError for a wrong size or content."""
        if len(state) != STATE_BYTES:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG state size to be "
                f"{len(state)}"
            )
        seed, left, seeded, following = _HEADER.unpack_from(state)
        # PyTorch would read past its array where left and next together point beyond the block.
        if not seeded or not 0 < left <= _BLOCK or following + left - 1 > _BLOCK:
            raise RuntimeError("Invalid mt19937 state")
        _, double, _, double_valid, single, single_valid = _TRAILER.unpack_from(state, _KEY_END)
        key = np.frombuffer(state, "<u8", _BLOCK, _HEADER.size).astype(np.uint32)
        with self.lock:
            self._seed = seed
            self._twister.set_state(("MT19937", key, 0, 0, 0.0))
            tempered = self._twister.randint(0, 2**32, _BLOCK, dtype=np.uint32)
            self._position = _BLOCK + 1 - left
            self._next_skew = following - self._position
            self._block = np.roll(tempered, -self._next_skew) if 0 > self._next_skew > -_BLOCK else tempered
            self.next_double_normal = double if double_valid else None
            self.next_float_normal = single if single_valid else None

    def clone(self) -> Engine:
        """An independent engine at the same point of the same stream."""
        with self.lock:
            other = Engine.__new__(Engine)
            other.lock = threading.RLock()
            other._twister = np.random.RandomState(0)
            other._twister.set_state(self._twister.get_state(legacy=True))
            for name in ("_seed", "_block", "_position", "_next_skew", "next_double_normal", "next_float_normal"):
                setattr(other, name, getattr(self, name))
            return other
