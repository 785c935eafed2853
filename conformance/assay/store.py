"""Where runs are kept: .assay/runs/<id>/ with verdicts.jsonl (while running), result.json and failures/*.py."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TextIO

from assay.plain import encode
from assay.report.result_json import as_json, dumps
from assay.result import Group, Judged, Result


class Store:
    """One run's folder. A line of verdicts.jsonl is one case: {"id", "op", "variant", "verdicts": [[aspect, status,
    detail, measure]]}, and "case" where not everything conforms."""

    def __init__(self, subject: str, profile: str, seed: int, root: Path = Path(".assay")) -> None:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{re.sub(r'[^A-Za-z0-9._-]', '_', subject)}-{profile}-{seed}"
        runs = root / "runs"
        self.path = runs / name
        for n in range(2, 1000):
            try:
                self.path.mkdir(parents=True)
                break
            except FileExistsError:
                self.path = runs / f"{name}-{n}"
        self._lines: TextIO = (self.path / "verdicts.jsonl").open("w")

    def write(self, judged: Judged) -> None:
        """Append one case."""
        case = judged.case
        line = {
            "id": case.id,
            "op": case.op,
            "variant": case.variant,
            "verdicts": [[v.aspect, v.status, v.detail, encode(v.measure)] for v in judged.verdicts],
        }
        if any(v.status != "conforms" for v in judged.verdicts):
            line["case"] = encode(case)
        self._lines.write(json.dumps(line, separators=(",", ":")) + "\n")

    def script(self, number: int, group: Group) -> Path:
        """Keep the script of a failure."""
        folder = self.path / "failures"
        folder.mkdir(exist_ok=True)
        path = folder / f"{number:03d}_{re.sub(r'[^A-Za-z0-9]+', '_', group.op)}_{group.aspect}.py"
        path.write_text(group.script)
        return path

    def finish(self, result: Result) -> None:
        """Write result.json and close."""
        self._lines.close()
        (self.path / "result.json").write_text(dumps(as_json(result)))
