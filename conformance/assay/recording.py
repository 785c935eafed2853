"""A recording: cases and what PyTorch answered to them, in one file, so that a machine without PyTorch can judge by it.

    assay recording 1       the format, a line
    {...}                   the header, a line: versions, profile, seed, the policy that each operation was recorded by
    chunks                  cases of some operations each: lines of JSON, then the bytes of all arrays; both xz
    index                   where the cases of each operation are; xz
    place and size of the index, SHA-256 of all that stands before it

A case has two lines: itself, and [place of its arrays, `ReferenceAnswer`]. Answers are complete:
nothing that is judged bit by bit is reduced to a digest, because xz leaves little enough of it, and a deviation can
then be shown element by element. They are those of the second look that `assay.doubt` takes, whose scale is never the
smaller one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import lzma
import os
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from assay.case import Case
from assay.outcome import Error
from assay.parts import tensors
from assay.plain import decode, encode
from assay.policy import Policy
from assay.subjects import SubjectError
from assay.tolerance import FLOATING, wide_array
from assay.truth import ReferenceAnswer, Truth

MAGIC, FORMAT = b"assay recording ", b"1"
#: Counted up whenever truth or scale come to mean something else, so that older answers must not be judged by.
ANSWERS = 1
Filters = list[dict[str, int]]
_TAIL = struct.Struct(">QQ")
_DIGEST = 32
#: A chunk ends with the operation that brings it to so many cases: more compress better, fewer are quicker to read.
_CHUNK = 400
_LINES: Filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
#: Places modulo 8 tell a number's bytes apart; what stood before one tells nothing.
_ARRAYS: Filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 3, "pb": 3}]
#: What of a policy decides how the reference answers; the rest only how that is judged.
_ANSWERING = ("values", "scale", "gradient_scale", "canonical", "text", "overflow", "integers", "gauge")
#: A line of the traceback's own machine says nothing elsewhere.
_LOCAL = ("traceback", "printed")


class RecordingError(SubjectError):
    """The file is no recording, is damaged, or does not fit this assay. The text says which file, and why."""


def fingerprint(policy: Policy) -> str:
    """What an answer depends on of its operation's policy."""
    default = Policy()
    chosen = {name: getattr(policy, name) for name in _ANSWERING}
    told = sorted((name, repr(value)) for name, value in chosen.items() if value != getattr(default, name))
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording was made of. torch, numpy, python: versions; capability: `ATEN_CPU_CAPABILITY` as PyTorch names
    it; only: globs, empty for the whole catalogue; policies: by operation, `fingerprint` of how it was recorded."""

    torch: str
    capability: str
    numpy: str
    python: str
    platform: str
    profile: str
    seed: int
    only: tuple[str, ...]
    policies: dict[str, str] = field(default_factory=dict)
    answers: int = ANSWERS


class Writer:
    """Writes a recording, operation by operation, under another name; it gets its own when it is whole.

    Use as a context: what is left early leaves no file. Raises OSError.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path, self._part, self._header = path, path.with_name(path.name + ".part"), header
        self._hash = hashlib.sha256()
        self._places: dict[str, tuple[int, int, int]] = {}
        self._chunks: list[tuple[int, int, int]] = []
        self._lines: list[str] = []
        self._arrays = bytearray()
        self._op = ""
        self.cases = self.size = 0

    def add(self, case: Case, answer: ReferenceAnswer) -> None:
        """The next case; those of one operation follow each other."""
        if case.op != self._op:
            if len(self._lines) >= 2 * _CHUNK:
                self._close_chunk()
            if case.op in self._places:
                raise ValueError(f"the cases of {case.op} do not follow each other")
            self._op = case.op
        chunk, first, count = self._places.get(case.op, (len(self._chunks), len(self._lines) // 2, 0))
        self._places[case.op] = chunk, first, count + 1
        told = [len(self._arrays), encode(_folded(portable(answer)), self._keep)]
        self._lines += [case.to_json(), json.dumps(told, separators=(",", ":"), allow_nan=False)]
        self.cases += 1

    def _keep(self, data: bytes) -> int:
        self._arrays += data
        return len(data)

    def _close_chunk(self) -> None:
        lines, arrays = _packed("\n".join(self._lines).encode()), _packed(bytes(self._arrays), _ARRAYS)
        self._chunks.append((self.size, len(lines), len(arrays)))
        self._put(lines + arrays)
        self._lines, self._arrays = [], bytearray()

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def finish(self) -> None:
        """Write what is left, and give the file its name."""
        self._close_chunk()
        index = _packed(json.dumps({"chunks": self._chunks, "ops": self._places}).encode())
        self._put(index + _TAIL.pack(self.size, len(index)))
        self._file.write(self._hash.digest())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._part, self._path)

    def __enter__(self) -> Writer:
        self._file: BinaryIO = self._part.open("wb")
        try:
            about = json.dumps(asdict(self._header), sort_keys=True).encode()
            self._put(MAGIC + FORMAT + b"\n" + about + b"\n")
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._discard()

    def _discard(self) -> None:
        with contextlib.suppress(OSError):  # of a full disk, told already
            self._file.close()
        with contextlib.suppress(FileNotFoundError):  # it has its own name by now
            self._part.unlink()


def _packed(data: bytes, filters: Filters = _LINES) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=filters)


def _unpacked(data: bytes, filters: Filters = _LINES) -> bytes:
    return lzma.decompress(data, lzma.FORMAT_RAW, filters=filters)


def _folded(answer: ReferenceAnswer) -> ReferenceAnswer:
    """Truth as the bits in which it differs from the answer, few of which are set; of that again the truth itself."""
    own = {path: leaf for path, leaf in tensors(answer.outcome) if leaf.dtype in FLOATING}

    def fold(path: str, truth: Truth) -> Truth:
        if truth.value is None or path not in own:
            return truth
        bits = [np.frombuffer(data, np.uint8) for data in (truth.value, wide_array(own[path]).tobytes())]
        return replace(truth, value=(bits[0] ^ bits[1]).tobytes()) if bits[0].size == bits[1].size else truth

    return replace(answer, truths={path: fold(path, truth) for path, truth in answer.truths.items()})


def portable(answer: ReferenceAnswer) -> ReferenceAnswer:
    """Without what only says where on this machine it happened."""

    def bare(error: Error | None) -> Error | None:
        return None if error is None else replace(error, traceback="")

    outcome = answer.outcome
    extra = {k: v for k, v in outcome.extra.items() if k not in _LOCAL}
    outcome = replace(outcome, error=bare(outcome.error), gradient_error=bare(outcome.gradient_error), extra=extra)
    return replace(answer, outcome=outcome)


class _Chunk:
    """The cases and answers of a chunk, made of its lines where they are asked for."""

    def __init__(self, lines: bytes, arrays: bytes) -> None:
        self._lines, self._arrays = _unpacked(lines).split(b"\n"), _unpacked(arrays, _ARRAYS)

    def case(self, row: int) -> Case:
        return Case.from_json(self._lines[2 * row].decode())

    def answer(self, row: int) -> ReferenceAnswer:
        at, data = json.loads(self._lines[2 * row + 1])

        def take(size: int) -> bytes:
            nonlocal at
            at += size
            return self._arrays[at - size : at]

        found = decode(data, take)
        assert isinstance(found, ReferenceAnswer)
        return _folded(found)


class Recording:
    """A recording that was read and found whole. header: what it was made of; digest: of the file; ops: in order."""

    def __init__(self, path: Path) -> None:
        """Raises RecordingError."""
        self.path = path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise RecordingError(f"cannot read the recording {path}: {error.strerror or error}") from error
        first, _, rest = data.partition(b"\n")
        if not first.startswith(MAGIC):
            raise RecordingError(f"{path} is not a recording")
        if first != MAGIC + FORMAT:
            told = first.removeprefix(MAGIC)[:20].decode(errors="replace")
            raise RecordingError(f"{path} has format {told!r}; this assay reads {FORMAT.decode()!r}")
        whole, seal = data[:-_DIGEST], data[-_DIGEST:]
        if hashlib.sha256(whole).digest() != seal:
            raise RecordingError(f"{path} is damaged or not whole: its checksum is another; record it anew")
        self.digest = seal.hex()[:12]
        self._data = data
        try:
            told = json.loads(rest.partition(b"\n")[0])
            if told["answers"] != ANSWERS:
                raise RecordingError(f"{path} holds answers of kind {told['answers']}; this assay judges by {ANSWERS}")
            self.header = Header(**told | {"only": tuple(told["only"])})
            place, size = _TAIL.unpack(whole[-_TAIL.size :])
            index = json.loads(_unpacked(whole[place : place + size]))
            self._chunks: list[tuple[int, int, int]] = index["chunks"]
            self._places: dict[str, tuple[int, int, int]] = index["ops"]
        except (ValueError, TypeError, KeyError, struct.error, lzma.LZMAError) as error:
            raise RecordingError(f"{path} was written by another assay: {type(error).__name__}: {error}") from error
        self._chunk = functools.lru_cache(maxsize=4)(self._read)
        self.cases = functools.lru_cache(maxsize=16)(self._cases)
        self._rows = functools.lru_cache(maxsize=16)(self._rows_of)

    @property
    def ops(self) -> tuple[str, ...]:
        """The operations, in the order of their cases."""
        return tuple(self._places)

    def __len__(self) -> int:
        """How many cases."""
        return sum(count for _, _, count in self._places.values())

    def _read(self, number: int) -> _Chunk:
        at, lines, arrays = self._chunks[number]
        return _Chunk(self._data[at : at + lines], self._data[at + lines : at + lines + arrays])

    def _cases(self, op: str) -> tuple[Case, ...]:
        """The cases of an operation, in their order; none where it was not recorded."""
        chunk, first, count = self._places.get(op, (0, 0, 0))
        return tuple(self._chunk(chunk).case(row) for row in range(first, first + count))

    def _rows_of(self, op: str) -> dict[str, int]:
        first = self._places[op][1] if op in self._places else 0
        return {case.id: row for row, case in enumerate(self.cases(op), first)}

    def __contains__(self, case: Case) -> bool:
        return case.id in self._rows(case.op)

    def answer(self, case: Case) -> ReferenceAnswer:
        """What PyTorch answered. Raises KeyError where the case was not recorded."""
        row = self._rows(case.op).get(case.id)
        if row is None:
            raise KeyError(f"the case {case.id} of {case.op} is not in {self.path}")
        return self._chunk(self._places[case.op][0]).answer(row)

    def check(self, policies: Iterable[tuple[str, Policy]]) -> None:
        """Whether these operations are recorded as they would be now. Raises RecordingError."""
        recorded = self.header.policies
        other = [op for op, policy in policies if op in recorded and recorded[op] != fingerprint(policy)]
        if other:
            more = f" and {len(other) - 5} more" if len(other) > 5 else ""
            raise RecordingError(
                f"{self.path} was recorded with another catalogue, which evaluates {', '.join(other[:5])}{more} "
                "otherwise; record it anew with `assay record`, or leave these operations out"
            )


@functools.lru_cache(maxsize=4)
def _opened(path: Path, size: int, changed: int) -> Recording:
    return Recording(path)


def opened(path: str | Path) -> Recording:
    """The recording in a file, read once as long as it stays the same. Raises RecordingError."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise RecordingError(f"cannot read the recording {path}: {error.strerror or error}") from error
    return _opened(Path(path), found.st_size, found.st_mtime_ns)
