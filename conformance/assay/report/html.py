"""Results as one HTML file that needs nothing else: template, style and code from templates/, data compressed in it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from assay.report.payload import encoded, payload
from assay.report.results import STANDINGS, Run

#: One scope, in this order.
_CODE = ("base.js", "state.js", "model.js", "matrix.js", "panel.js", "main.js")


def html(runs: Sequence[Run]) -> str:
    """The page; the first run is the one reported. Same results, same text. Raises ValueError without any run."""
    if not runs:
        raise ValueError("a report needs at least one run")
    first, data = runs[0], payload(runs)
    environment = Environment(autoescape=True, loader=FunctionLoader(_source), undefined=StrictUndefined)
    return environment.get_template("report.html.j2").render(
        run=data["runs"][0],
        runs=len(runs),
        operations=len({op for op, _ in first.cells}),
        counts=[(s, first.standings[s]) for s in STANDINGS if first.standings[s]],
        style=Markup(_source("report.css")),
        code=Markup("\n".join(_source(name) for name in _CODE)),
        data=Markup(encoded(data)),
    )


def _source(name: str) -> str:
    return files("assay.report").joinpath("templates", name).read_text(encoding="utf-8")
