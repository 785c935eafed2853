"""Run a script statement by statement, as a person types it, and record what is shown.

Each top-level statement gives one record: what it printed, the text of its value if it is an expression, its error's
type and text, its warnings. `import torch` and `from torch.x import y` in the script are answered by the module under
test. Comments steer the comparison: a statement whose line ends in `# uninitialised` is compared by type, shape and
dtype alone.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import re
import subprocess
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

UNINITIALISED = "# uninitialised"
NUMBER = re.compile(r"[-+]?(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+|\binf\b|\bnan\b)")
ADDRESS = re.compile(r"0x[0-9a-f]+")
RELATIVE, ABSOLUTE = 1e-6, 1e-6


@dataclass(frozen=True)
class Record:
    """What one statement showed."""

    line: int
    source: str
    printed: str = ""
    value: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()


def answer_import(module: ModuleType) -> None:
    """Let `import torch` and `import torch.x` give the module under test and its submodules."""
    if module.__name__ == "torch":
        return
    sys.modules["torch"] = module
    prefix = module.__name__
    for name, found in list(sys.modules.items()):
        if name.startswith(prefix + "."):
            sys.modules["torch" + name[len(prefix) :]] = found


def _describe(value: Any) -> str:
    """Type, shape and dtype: all that uninitialised memory promises."""
    return f"{type(value).__name__} {tuple(value.shape)} {value.dtype}"


def run(source: str, module: ModuleType) -> list[Record]:
    """Execute a script's statements one after the other; an error ends its statement, not the session."""
    answer_import(module)
    space: dict[str, Any] = {"__name__": "__main__"}
    lines = source.splitlines()
    records = []
    for statement in ast.parse(source).body:
        text = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        printed = io.StringIO()
        value = error = None
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
            warnings.simplefilter("always")
            try:
                if isinstance(statement, ast.Expr):
                    result = eval(compile(ast.Expression(statement.value), "<session>", "eval"), space)
                    if result is not None:
                        value = _describe(result) if UNINITIALISED in text else repr(result)
                else:
                    exec(compile(ast.Module([statement], []), "<session>", "exec"), space)
            except Exception as e:  # the session goes on, as an interpreter does
                error = f"{type(e).__name__}: {e}"
        shown = tuple(f"{w.category.__name__}: {w.message}" for w in caught)
        records.append(Record(statement.lineno, text, printed.getvalue(), value, error, shown))
    return records


def run_apart(path: Path, subject: str) -> list[Record]:
    """The same in a process of its own. Raises RuntimeError if that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "assay.session", subject, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the session of {subject} ended with {done.returncode}:\n{done.stderr}")
    return [Record(**{**r, "warnings": tuple(r["warnings"])}) for r in json.loads(done.stdout)]


def difference(reference: Record, subject: Record) -> str | None:
    """One line that says how two records differ, None if they agree.

    Text must be the same; numbers with a point or exponent may differ by 1e-6, relative or absolute.
    """
    for field in ("printed", "value", "error"):
        a, b = (v and ADDRESS.sub("0x", v) for v in (getattr(reference, field), getattr(subject, field)))
        if a == b:
            continue
        if a is None or b is None or not _same_numbers(a, b):
            return f"{field}: PyTorch shows {a!r}, the subject {b!r}"
    first = [w.split(" (Triggered internally")[0] for w in reference.warnings]
    second = [w.split(" (Triggered internally")[0] for w in subject.warnings]
    return None if first == second else f"warnings: PyTorch gives {first}, the subject {second}"


def _same_numbers(a: str, b: str) -> bool:
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return False
    for x, y in zip(NUMBER.findall(a), NUMBER.findall(b), strict=True):
        p, q = float(x), float(y)
        if p != q and not (p != p and q != q) and abs(p - q) > max(ABSOLUTE, RELATIVE * abs(p)):
            return False
    return True


def main() -> None:
    """`python -m assay.session SUBJECT FILE`: the records as JSON."""
    subject, path = sys.argv[1:]
    records = run(Path(path).read_text(encoding="utf-8"), importlib.import_module(subject))
    json.dump([asdict(r) for r in records], sys.stdout)


if __name__ == "__main__":
    main()
