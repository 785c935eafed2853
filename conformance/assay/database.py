"""All finished runs in one SQLite file, .assay/assay.sqlite, for questions that one run's folder cannot answer.

It is made of the folders and can be made anew: opening it takes in every finished run that it lacks. A case is one row
of some thirty bytes: its id as a number, its operation, and its verdicts, which few cases do not share with many.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.ledger import Ledger
from assay.record import Record
from assay.store import ROOT, Setup, StoreError, is_finished, read_result, rows

FILE = "assay.sqlite"
SCHEMA = 1
#: "assa" in ASCII, at a fixed place of the file's head.
_APPLICATION = 0x61737361
_TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, profile TEXT NOT NULL,
    seed INTEGER NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL, cases INTEGER NOT NULL,
    failing INTEGER NOT NULL, drawn INTEGER NOT NULL, about TEXT NOT NULL  -- result.json without cells and failures
);
-- operations, variants, aspects, statuses
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE cells (
    run INTEGER NOT NULL, op INTEGER NOT NULL, variant INTEGER NOT NULL, aspect INTEGER NOT NULL,
    status INTEGER NOT NULL, cases INTEGER NOT NULL, counts TEXT, detail TEXT,  -- NULL: all conform
    PRIMARY KEY (op, run, variant, aspect)
) WITHOUT ROWID;
CREATE INDEX cells_by_run ON cells (run);
CREATE TABLE failures (
    run INTEGER NOT NULL, op INTEGER NOT NULL, aspect INTEGER NOT NULL, status INTEGER NOT NULL,
    fails INTEGER NOT NULL, cases INTEGER NOT NULL, detail TEXT NOT NULL, data TEXT NOT NULL  -- as in result.json
);
CREATE INDEX failures_by_run ON failures (run);
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY, variant TEXT NOT NULL, statuses TEXT NOT NULL, UNIQUE (variant, statuses)
);
CREATE TABLE cases (
    run INTEGER NOT NULL, id INTEGER NOT NULL, op INTEGER NOT NULL, verdicts INTEGER NOT NULL,
    PRIMARY KEY (run, id)
) WITHOUT ROWID;
"""


class Database:
    """The open file. Every method raises StoreError where the file is broken, foreign or cannot be written."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root, self.path = root, root / FILE
        with self._telling():
            root.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        try:
            self._check()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            wrong = getattr(error, "sqlite_errorname", "") in ("SQLITE_NOTADB", "SQLITE_CORRUPT")
            then = "move it away: it is made anew of" if wrong else "nothing is lost, all is kept in"
            raise StoreError(f"{self.path}: {error}; {then} {self.root / 'runs'}") from error

    def _check(self) -> None:
        """Whose file it is; makes the tables in an empty one."""
        with self._telling(), self._transaction():
            application = self._one("PRAGMA application_id")
            version = self._one("PRAGMA user_version")
            tables = self._one("SELECT count(*) FROM sqlite_master")
            if not tables and not application:
                for statement in _TABLES.split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version = {SCHEMA}")
                return
        if application != _APPLICATION:
            raise StoreError(f"{self.path} is a database of something else; move it away")
        if version != SCHEMA:
            raise StoreError(
                f"{self.path} has schema {version}, this assay reads {SCHEMA}; move it away: it is made anew of "
                f"{self.root / 'runs'}"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself rolls back when the disk is full
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _one(self, query: str, *values: Any) -> Any:
        row = self._connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._telling():
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Taking runs in

    def take_in(self) -> list[str]:
        """Take in every finished run that is lacking; their names."""
        known = {name for (name,) in self.rows("SELECT name FROM runs")}
        runs = self.root / "runs"
        folders = sorted(runs.iterdir()) if runs.is_dir() else []
        lacking = [f for f in folders if f.name not in known and is_finished(f) and (f / "plan.json").exists()]
        for folder in lacking:
            self.add(folder)
        return [folder.name for folder in lacking]

    def add(self, folder: Path) -> None:
        """Take in one finished run, unless it is there."""
        try:
            self._add(folder)
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{folder} is broken, move it away: {type(error).__name__}: {error}") from error

    def _add(self, folder: Path) -> None:
        data, setup = read_result(folder), Setup.read(folder)
        cells, failures = data.pop("cells"), data.pop("failures")
        with self._telling(), self._transaction():
            if self._one("SELECT id FROM runs WHERE name = ?", folder.name) is not None:
                return  # another process was faster
            values = (
                *(folder.name, data["subject"], data["profile"], data["seed"], data["started"]),
                *(data["finished"], data["cases"], sum(f["fails"] for f in failures), setup.plan.drawn),
                json.dumps(data),
            )
            places = ", ".join("?" * len(values))
            run = self._connection.execute(f"INSERT INTO runs VALUES (NULL, {places})", values).lastrowid
            words = _Words(self._connection)
            self._connection.executemany(
                "INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(run, words[c["op"]], words[c["variant"]], words[c["aspect"]], words[c["status"]], c["cases"]),
                        None if c["status"] == "conforms" else json.dumps(c["counts"]),
                        c["detail"] or None,
                    )
                    for c in cells
                ),
            )
            self._connection.executemany(
                "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        *(run, words[f["op"]], words[f["aspect"]], words[f["status"]], f["fails"], f["cases"]),
                        *(f["detail"], json.dumps(f)),
                    )
                    for f in failures
                ),
            )
            # In the order of the key: pages fill up, and nothing is moved. A case that was given twice is one row.
            found = sorted(_compact(folder, setup, _Verdicts(self._connection), words))
            self._connection.executemany(
                f"INSERT OR REPLACE INTO cases VALUES ({run}, ?, ?, ?)", ((i, op, v) for i, op, v in found)
            )


class _Words:
    """Ids of words, made as they are met."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {word: i for i, word in connection.execute("SELECT id, word FROM words")}

    def __getitem__(self, word: str) -> int:
        found = self._ids.get(word)
        if found is None:
            made = self._connection.execute("INSERT INTO words VALUES (NULL, ?)", (word,)).lastrowid
            assert made is not None
            found = self._ids[word] = made
        return found


class _Verdicts:
    """Ids of a variant with its verdicts by aspect, made as they are met."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        rows = connection.execute("SELECT id, variant, statuses FROM verdicts")
        self._ids: dict[tuple[str, str], int] = {(variant, statuses): i for i, variant, statuses in rows}

    def of(self, variant: str, verdicts: Iterable[tuple[str, str]]) -> int:
        """verdicts: (aspect, status)."""
        key = variant, " ".join(dict.fromkeys(f"{aspect}={status}" for aspect, status in verdicts))
        found = self._ids.get(key)
        if found is None:
            made = self._connection.execute("INSERT INTO verdicts VALUES (NULL, ?, ?)", key).lastrowid
            assert made is not None
            found = self._ids[key] = made
        return found


def number(case: str) -> int:
    """A case's id as SQLite's signed number of 64 bits."""
    return int.from_bytes(bytes.fromhex(case), "big", signed=True)


def _compact(folder: Path, setup: Setup, verdicts: _Verdicts, words: _Words) -> Iterator[tuple[int, int, int]]:
    ledger = Ledger.parse(setup.ledger, setup.ledger_path)
    for row in rows(folder):
        found = [(aspect, status) for aspect, status, *_ in row["verdicts"]]
        if "case" in row:  # not everything conforms: some of it may be known
            found = [(v.aspect, v.status) for v in Record.from_row(row).map(ledger.apply).verdicts]
        yield number(row["id"]), words[row["op"]], verdicts.of(row["variant"], found)


@contextmanager
def database(root: Path = ROOT) -> Iterator[Database]:
    """The database with every finished run taken in. Raises StoreError."""
    with Database(root) as opened:
        opened.take_in()
        yield opened
