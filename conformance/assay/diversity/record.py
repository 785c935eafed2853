"""What PyTorch answered when `assay.diversity.ask` asked about kinds of input that no entry draws by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

VERSION = "2.13"


@dataclass(frozen=True, slots=True)
class Record:
    """refused: operation -> kind -> the first line of PyTorch's error, which it raised every time. taken: operation ->
    kinds that it took at least once; of mistakes, those that it refused."""

    torch: str
    refused: dict[str, dict[str, str]]
    taken: dict[str, tuple[str, ...]]

    def to_json(self) -> str:
        """Sorted, an operation a line."""
        rows = {"torch": json.dumps(self.torch)}
        for name, table in (("refused", self.refused), ("taken", self.taken)):
            lines = [f" {json.dumps(op)}: {json.dumps(told)}" for op, told in sorted(table.items()) if told]
            rows[name] = "{\n" + ",\n".join(lines) + "\n}"
        return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in rows.items()) + "\n}\n"

    @staticmethod
    def from_json(text: str) -> Record:
        """Inverse of `to_json`."""
        data = json.loads(text)
        return Record(data["torch"], data["refused"], {op: tuple(kinds) for op, kinds in data["taken"].items()})


@cache
def record() -> Record:
    """What is recorded of PyTorch."""
    return Record.from_json((files("assay") / "reference" / f"inputs-{VERSION}.json").read_text(encoding="utf-8"))
