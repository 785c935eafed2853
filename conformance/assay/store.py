"""Where runs are kept: .assay/runs/<id>/, one folder a run.

    plan.json            what was asked for, written first: `assay run --resume` goes by it
    verdicts.jsonl       one record (`assay.record`) a line, on the disk as soon as it is found; packed as
                         verdicts.jsonl.gz when the run ends
    ahead.jsonl          records that an executor found before their turn; they move up when it comes
    result.json          the result (`assay.report.result_json`); a folder that has it is that of a finished run
    failures/*.py        a script for every kind of deviation that fails the run

The folders are all there is; `.assay/assay.sqlite` (`assay.database`) is made of them, for questions across runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.case import Case
from assay.plain import decode, encode
from assay.plan import Plan
from assay.record import Place, Record
from assay.report.result_json import as_json, dumps, versions
from assay.result import Group, Result

ROOT = Path(".assay")
SCHEMA = 1
_LINES, _PACKED, _PLAN, _RESULT = "verdicts.jsonl", "verdicts.jsonl.gz", "plan.json", "result.json"
_AHEAD = "ahead.jsonl"


_STAMP = str.maketrans("T", "-", "-:")


class StoreError(Exception):
    """What is kept cannot be read or written. The text says which file, why, and how to go on."""


@contextmanager
def telling(what: str, path: Path, then: str = "") -> Iterator[None]:
    """Turn an OSError into a StoreError that says what could not be done to `path`, and what to do then."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {what} {path}: {error.strerror or error}{f'; {then}' if then else ''}") from error


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run is asked for, whole: enough to go on with it, or to count it anew.

    ops: the operations in the order of the run. cases: those given instead of drawn ones. ledger, ledger_path: the
    text of the known deviations at the start, and the file it came from. parts: the runs this one was merged of.
    """

    plan: Plan
    ops: tuple[str, ...]
    cases: tuple[Case, ...] | None = None
    ledger: str = ""
    ledger_path: str = ""
    shrink: bool = True
    parts: tuple[str, ...] = ()
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    versions: dict[str, str | None] = field(default_factory=dict)

    @staticmethod
    def of(plan: Plan, ops: tuple[str, ...], **rest: Any) -> Setup:
        """With the versions of now."""
        return Setup(plan, ops, versions=versions(plan), **rest)

    def as_json(self) -> dict[str, Any]:
        """What plan.json holds."""
        return {
            "schema": SCHEMA,
            "plan": self.plan.as_json(),
            "ops": list(self.ops),
            "cases": None if self.cases is None else [encode(c) for c in self.cases],
            "ledger": self.ledger,
            "ledger_path": self.ledger_path,
            "shrink": self.shrink,
            "parts": list(self.parts),
            "started": self.started.isoformat(),
            "versions": self.versions,
        }

    @staticmethod
    def read(folder: Path) -> Setup:
        """The plan.json of a run's folder. Raises StoreError."""
        path = folder / _PLAN
        try:
            data = json.loads(path.read_text())
            if data["schema"] != SCHEMA:
                raise StoreError(f"{path} has schema {data['schema']}; this assay reads {SCHEMA}")
            cases = None if data["cases"] is None else tuple(decode(c) for c in data["cases"])
            return Setup(
                Plan.from_json(data["plan"]),
                tuple(data["ops"]),
                cases,
                data["ledger"],
                data["ledger_path"],
                data["shrink"],
                tuple(data["parts"]),
                datetime.fromisoformat(data["started"]),
                data["versions"],
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{path} is not the plan of a run: {type(error).__name__}: {error}") from error


class Store:
    """A run's folder while the run writes to it; no other process can."""

    def __init__(self, path: Path, setup: Setup) -> None:
        self.path, self.setup, self.written = path, setup, 0
        self.last: Record | None = None
        self.ahead: dict[Place, Record] = {}
        with telling("open", path / _LINES):
            self._file = os.open(path / _LINES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreError(f"{path.name} is still running") from error

    @staticmethod
    def create(setup: Setup, root: Path = ROOT) -> Store:
        """A folder of its own, named by time to the millisecond, subject, profile and seed. Raises StoreError."""
        plan, runs = setup.plan, root / "runs"
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", plan.subject.name)[:80]
        shard = f"-{plan.shard[0]}of{plan.shard[1]}" if plan.shard[1] > 1 else ""
        stamp = datetime.now().isoformat(timespec="milliseconds").translate(_STAMP)
        name = f"{stamp}-{safe}-{plan.profile}-{plan.seed}{shard}"
        path = runs / name
        with telling("make", path):
            for n in range(2, 1000):
                try:
                    path.mkdir(parents=True)
                    break
                except FileExistsError:
                    path = runs / f"{name}-{n}"
        with telling("write", path / _PLAN):
            _replace(path / _PLAN, json.dumps(setup.as_json(), indent=1) + "\n")
        return Store(path, setup)

    @staticmethod
    def resume(path: Path) -> Store:
        """An unfinished run's folder. A line that was being written when the run ended is cut off. Raises
        StoreError."""
        store = Store(path, Setup.read(path))
        with telling("read", path / _LINES):
            text = (path / _LINES).read_bytes()
            end = text.rfind(b"\n") + 1
            if end < len(text):
                os.truncate(path / _LINES, end)
        store.written = text.count(b"\n", 0, end)
        for record in records(path, text[:end].rfind(b"\n", 0, max(end - 1, 0)) + 1):
            store.last = record
        store.ahead = _ahead(path)
        if store.ahead:
            for row in rows(path):  # what has moved up stays in the file
                store.ahead.pop((row["op"], *row["at"]), None)
        return store

    @property
    def go_on(self) -> str:
        """How to go on with this run, in words."""
        return f"{self.written + len(self.ahead)} cases are kept; go on with `assay run --resume {self.path.name}`"

    def write(self, record: Record) -> None:
        """Append one case; it outlives this process at once. Raises StoreError."""
        data = record.to_line().encode()
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            with telling("write", self.path / _LINES, self.go_on):
                raise
        self.written += 1
        self.ahead.pop(record.place, None)

    def hold(self, records: Sequence[Record]) -> None:
        """Keep what was found before its turn; it outlives this process at once. Raises StoreError."""
        path = self.path / _AHEAD
        with telling("write", path, self.go_on):
            end = path.stat().st_size if path.exists() else 0
            try:
                with path.open("ab") as file:
                    file.write("".join(record.to_line() for record in records).encode())
            except OSError:
                with contextlib.suppress(OSError):
                    os.truncate(path, end)
                raise
        self.ahead.update((record.place, record) for record in records)

    def script(self, number: int, group: Group) -> None:
        """Keep the script of a failure. Raises StoreError."""
        folder = self.path / "failures"
        path = folder / f"{number:03d}_{re.sub(r'[^A-Za-z0-9]+', '_', group.op)}_{group.aspect}.py"
        group.file = str(path.relative_to(self.path))
        with telling("write", path, self.go_on):
            folder.mkdir(exist_ok=True)
            path.write_text(group.script)

    def finish(self, result: Result) -> None:
        """Write result.json, pack the records. Raises StoreError."""
        data = as_json(result) | {
            "run": self.path.name,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": self.setup.versions,
        }
        lines, packed = self.path / _LINES, self.path / _PACKED
        with telling("write", self.path / _RESULT, self.go_on):
            _replace(self.path / _RESULT, dumps(data))
        with telling("write", packed, "the run is whole all the same"):
            part = packed.with_suffix(".part")
            with lines.open("rb") as source, gzip.open(part, "wb", 4) as target:
                shutil.copyfileobj(source, target, 1 << 20)
            os.replace(part, packed)
            lines.unlink()
            (self.path / _AHEAD).unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the folder of a run that found no case."""
        shutil.rmtree(self.path)

    def close(self) -> None:
        """Let others at it."""
        os.close(self._file)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def is_finished(folder: Path) -> bool:
    """Whether the run came to its end."""
    return (folder / _RESULT).exists()


def is_running(folder: Path) -> bool:
    """Whether some process writes to the folder."""
    try:
        with (folder / _LINES).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def read_result(folder: Path) -> dict[str, Any]:
    """The result.json of a finished run. Raises StoreError."""
    path = folder / _RESULT
    try:
        data = json.loads(path.read_text())
        if data["schema"] != 1:
            raise StoreError(f"{path} has schema {data['schema']}; this assay reads 1")
        return dict(data)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} is not the result of a run: {type(error).__name__}: {error}") from error


def _ahead(folder: Path) -> dict[Place, Record]:
    """The records that wait for their turn. Raises StoreError."""
    path = folder / _AHEAD
    if not path.exists():
        return {}
    try:
        lines = path.read_bytes().splitlines(keepends=True)
        whole = [Record.from_line(line) for line in lines if line.endswith(b"\n")]
        if lines and not lines[-1].endswith(b"\n"):  # it was being written when the run ended
            os.truncate(path, sum(map(len, lines[:-1])))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} holds what is no record: {type(error).__name__}: {error}") from error
    return {record.place: record for record in whole}


def rows(folder: Path, start: int = 0) -> Iterator[dict[str, Any]]:
    """The lines of a run's records as JSON gives them, from byte `start` on; the start of one at the end is left out.
    Raises StoreError."""
    path = folder / _LINES
    if not path.exists() and (folder / _PACKED).exists():
        path = folder / _PACKED
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            lines.seek(start)
            for number, line in enumerate(lines, 1):  # noqa: B007  told when a line is broken
                if line.endswith(b"\n"):
                    yield json.loads(line)
    except FileNotFoundError:
        return
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise StoreError(f"{path}, line {number}, is not a record: {type(error).__name__}: {error}") from error


def records(folder: Path, start: int = 0) -> Iterator[Record]:
    """The records of a run in the order they were found. Raises StoreError."""
    for number, row in enumerate(rows(folder, start), 1):
        try:
            yield Record.from_row(row)
        except (ValueError, TypeError, KeyError) as error:
            where = f"{folder / _LINES}, line {number}"
            raise StoreError(f"{where}, is not a record: {type(error).__name__}: {error}") from error
