"""From a filled-in execution to a Case: positions and keywords, `out=`, aliasing, and deliberate mistakes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from assay.case import Case, Layout, Make, Same, TensorSpec, Values, specs_of
from assay.catalog.form import ABSENT, Entry, Execution, Kind, Param, is_reflected
from assay.catalog.kinds import Tensor, broadcasting, either, hidden, number
from assay.catalog.overlap import overlapping
from assay.catalog.results import broadcast_shape
from assay.dtypes import ALL, category
from assay.strategies.arguments import layout
from assay.strategies.shapes import Shape, broadcast


def fill(ex: Execution) -> None:
    """Give every argument of the form a value, in order."""
    form = ex.structure.form
    if ex.in_place:
        name = form.params[0].name
        ex.shapes[name] = _widest(ex)
    for at, param in enumerate(form.params):
        dropped = (ex.operator not in ("", "setitem") and at > 1) or (param.optional and ex.pick.chance(param.optional))
        if dropped:
            ex.values[param.name] = ABSENT
        else:
            ex.values[param.name] = param.kind.realise(ex.structure.drawn[param.name], param.name, ex)
    if ex.order:
        _require_grad(ex)
    if ex.variant == "out":
        ex.out, ex.refused = _out(ex)


def _widest(ex: Execution) -> Shape:
    """The common shape of everything that broadcasts with the first argument, which is written to."""
    params = ex.structure.form.params
    found = [ex.structure.shape(params[0].name)]
    for param in params[1:]:
        kinds = param.kind.kinds if isinstance(param.kind, either) else (param.kind,)
        if any(isinstance(k, Tensor) and isinstance(k.shape, broadcasting) for k in kinds):
            found.append(ex.structure.shape(param.name))
    return broadcast(*found)


def _require_grad(ex: Execution) -> None:
    """At least one tensor requires a gradient, if any can; otherwise there is no derivative to ask for."""
    specs = [(n, v) for n, v in ex.values.items() if isinstance(v, TensorSpec)]
    if any(v.requires_grad for v in ex.values.values() for v in specs_of(v)):
        return
    grads = {p.name: p.kind.grad for p in ex.structure.form.params if isinstance(p.kind, Tensor)}
    for name, spec in specs:
        if category(spec.dtype) >= 2 and grads.get(name, True):
            ex.values[name] = replace(spec, requires_grad=True)
            return
    ex.order = 0


def spell(entry: Entry, ex: Execution) -> Case:
    """The case of a filled-in execution; now and then two of its tensors lie in one memory."""
    case = _spelled(entry, ex)
    if (ex.in_place or ex.variant == "out") and not case.invalid and ex.pick.chance(0.15):
        return overlapping(entry, ex, case, partly=False) or case
    return case


def _spelled(entry: Entry, ex: Execution) -> Case:
    params = [p for p in ex.structure.form.params if ex.values[p.name] is not ABSENT]
    args, kwargs = _positions(params, ex)
    if ex.variant == "out":
        kwargs["out"] = ex.out
    if entry.alias and ex.pick.chance(entry.alias):
        args = _alias(args)
    labels = [*ex.labels, "number"] if any(_is_number(p.kind, ex.values[p.name]) for p in params) else ex.labels
    return Case(
        entry.op, ex.variant, entry.call(ex.variant, ex.operator), args, kwargs, order=ex.order, seed=ex.pick.seed(),
        default_dtype=ex.default_dtype, invalid=ex.refused, labels=tuple(dict.fromkeys(labels)),
    )  # fmt: skip


def _is_number(kind: Kind, value: Any) -> bool:
    """Whether it is a Python number that is computed with, and no dim or size."""
    kinds = kind.kinds if isinstance(kind, either) else (kind,)
    return any(isinstance(k, number) for k in kinds) and isinstance(value, bool | int | float | complex)


def _positions(params: list[Param], ex: Execution) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Spread the arguments over positions and keywords."""
    if ex.operator:
        pair = [ex.values[p.name] for p in params]
        return tuple(reversed(pair) if is_reflected(ex.operator) else pair), {}
    declared = [p for p in ex.structure.form.params if p.place != "keyword"]
    reach = next((i for i, p in enumerate(declared) if ex.values[p.name] is ABSENT), len(declared))
    least = max((i + 1 for i, p in enumerate(declared[:reach]) if p.place == "positional"), default=0)
    if ex.variant == "method" or ex.in_place:
        least = max(least, 1)
    count = reach if ex.pick.chance(0.65) else ex.pick.integer(min(least, reach), reach)
    front = declared[:count]
    args = [ex.values[p.name] for p in front]
    kwargs = {p.name: ex.values[p.name] for p in params if p not in front}
    if front and isinstance(args[-1], tuple | list) and _spread(front[-1], args[-1], ex):
        args[-1:] = args[-1]
    return tuple(args), kwargs


def _spread(param: Param, items: tuple[Any, ...] | list[Any], ex: Execution) -> bool:
    return param.variadic or (param.splat and isinstance(items, tuple) and bool(items) and ex.pick.chance(0.5))


def _alias(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let the second tensor be the first one, where that changes neither shape nor dtype."""
    if len(args) < 2 or not isinstance(args[0], TensorSpec) or not isinstance(args[1], TensorSpec):
        return args
    if args[0].shape != args[1].shape or args[0].dtype != args[1].dtype:
        return args
    if args[1].requires_grad and not args[0].requires_grad:
        return args
    return (args[0], Same(0), *args[2:])


def _out(ex: Execution) -> tuple[Any, bool]:
    """Tensors for `out=`, and whether PyTorch must refuse them."""
    form = ex.structure.form
    assert form.out is not None
    fitting = form.out(ex)
    if isinstance(fitting, list):
        return _several_out(fitting, ex)
    specs, refused = [], False
    for rule in form.result:
        shape, dtype = fitting, rule(ex)
        if shape is None or ex.pick.chance(0.35):
            shape = (0,)
            if fitting is not None and shape != fitting:
                ex.labels.append("out-resized")
        elif ex.pick.chance(0.12):
            shape = (*shape, 2)
            ex.labels.append("out-resized")
        if ex.pick.chance(0.2):
            dtype_ = ex.pick.choice(ALL[:13])
            casts = form.out is broadcast_shape and ex.get("dtype") is None
            wrong = category(dtype_) < category(dtype) or (dtype_ != dtype and not casts)
            refused |= wrong
            if dtype_ != dtype:
                ex.labels.append("bad-out" if wrong else "out-cast")
            dtype = dtype_
        lies = layout(ex.pick, shape, expanded=False) if ex.pick.chance(0.4) else Layout()
        specs.append(TensorSpec(shape, dtype, Values("zeros"), lies))
    return (specs[0] if len(specs) == 1 else tuple(specs)), refused


def _several_out(fitting: list[Shape], ex: Execution) -> tuple[Any, bool]:
    """A list of tensors for `out=`, now and then one too many, which PyTorch must refuse."""
    dtype = ex.structure.form.result[0](ex)
    refused = ex.pick.chance(0.12)
    if refused:
        ex.labels.append("bad-out")
    specs = []
    for shape in (*fitting, (2,)) if refused else fitting:
        lies = layout(ex.pick, shape, expanded=False) if ex.pick.chance(0.4) else Layout()
        specs.append(TensorSpec(shape, dtype, Values("zeros"), lies))
    return (tuple(specs) if ex.pick.chance(0.5) else specs), refused


def mistaken(ex: Execution, params: list[Param]) -> list[tuple[str, str, Any]]:
    """Every mistake that may be made in one of these arguments: its kind, the argument's name and the wrong value."""
    found = [m for p in params for m in _wrong(p, ex.values[p.name], ex)]
    if ex.variant in ("method", "inplace"):
        # a method is looked up on its first argument, which must stay a tensor
        found = [(kind, n, v) for kind, n, v in found if n != params[0].name or isinstance(v, TensorSpec)]
    return found


def _wrong(param: Param, good: Any, ex: Execution) -> list[tuple[str, str, Any]]:
    bad = (value for value in param.kind.bad(good, param.name, ex) if value is not None or good is not None)
    return [(_mistake(good, value), param.name, value) for value in bad]


def mistakes_of(ex: Execution) -> set[str]:
    """The kinds of these mistakes, as labels name them."""
    params = [p for p in ex.structure.form.params if ex.values[p.name] is not ABSENT]
    return {kind for kind, _, _ in mistaken(ex, params)}


def corrupt(entry: Entry, ex: Execution, lacking: Collection[str] = ()) -> Case:
    """A case of `ex` with one mistake in it: one of those `lacking` that can be made in an argument, or any."""
    params = [p for p in ex.structure.form.params if ex.values[p.name] is not ABSENT]
    sought = _sought(ex, params, lacking) if lacking else []
    if sought:
        return _with_value(entry, ex, *ex.pick.choice(sought))
    if entry.bad is not None and ex.pick.chance(0.5):
        own = list(entry.bad(ex))
        if own:
            args, kwargs = ex.pick.choice(own)
            return Case(entry.op, ex.variant, entry.call(ex.variant, ex.operator), args, kwargs,
                        seed=ex.pick.seed(), invalid=True, labels=("bad-own",))  # fmt: skip
    written = ex.values[params[0].name] if ex.in_place else None
    if isinstance(written, TensorSpec) and any(s > 1 for s in written.shape) and ex.pick.chance(0.2):
        longest = max(range(len(written.shape)), key=written.shape.__getitem__)
        ex.values[params[0].name] = replace(written, layout=Layout("expanded", (longest,)), requires_grad=False)
        return replace(_spelled(entry, ex), invalid=True, labels=("bad-overlap",))
    often = 0.8 if ex.in_place else 0.5
    if (ex.in_place or ex.variant == "out") and not ex.refused and (ex.pick.chance(often) or "bad-overlap" in lacking):
        found = overlapping(entry, ex, _spelled(entry, ex), partly=True)
        if found is not None:
            return replace(found, labels=("bad-overlap",))
    bad = mistaken(ex, params)
    unexpected = 8 if "bad-keyword" in lacking else 1
    how = ex.pick.weighted({"value": 8, "missing": 1, "extra": 1, "unexpected": unexpected})
    if how == "value" and bad:
        return _with_value(entry, ex, *ex.pick.choice(bad))
    case = _spelled(entry, ex)
    label = ""
    args, kwargs = case.args, dict(case.kwargs)
    if how == "missing" and (len(args) > 1 or (args and ex.variant == "function")):
        args, label = args[:-1], "bad-count"
    elif how == "extra" or how == "missing":
        args = (*args, *ex.pick.choice(((Make("object"),), (1, "x"), (None, None, None, None, 0.5))))
        label = "bad-count"
    elif how == "unexpected" or not bad:
        kwargs[ex.pick.choice(("bogus", "dims", "axes", "inplace", "input_"))] = ex.pick.choice((1, None, True))
        label = "bad-keyword"
    if ex.operator:
        args, kwargs, label = args[: 3 if ex.operator == "setitem" else 2], {}, ""
    return replace(case, args=args, kwargs=kwargs, invalid=True, labels=(*case.labels, *([label] if label else [])))


def _sought(ex: Execution, params: list[Param], lacking: Collection[str]) -> list[tuple[str, str, Any]]:
    """The mistakes of these kinds that may be made in one of the arguments or, where there are none, in one that was
    left out."""
    found = [mistake for mistake in mistaken(ex, params) if mistake[0] in lacking]
    if found or ex.operator:
        return found
    absent = [p for p in ex.structure.form.params if ex.values[p.name] is ABSENT and not isinstance(p.kind, hidden)]
    goods = [(p, p.kind.realise(ex.structure.drawn[p.name], p.name, ex)) for p in absent]
    return [mistake for p, good in goods for mistake in _wrong(p, good, ex) if mistake[0] in lacking]


def _with_value(entry: Entry, ex: Execution, kind: str, name: str, value: Any) -> Case:
    """The case with a wrong value of one argument."""
    ex.labels.append(kind)
    ex.values[name] = value
    case = _spelled(entry, ex)
    args = case.args[: 3 if ex.operator == "setitem" else 2] if ex.operator else case.args
    return replace(case, args=args, kwargs={} if ex.operator else case.kwargs, invalid=True)


def _mistake(good: Any, bad: Any) -> str:
    """What is wrong with an argument."""
    if isinstance(good, TensorSpec) and isinstance(bad, TensorSpec):
        return "bad-dtype" if good.dtype != bad.dtype else "bad-shape"
    listed = isinstance(good, tuple | list) and isinstance(bad, tuple | list)
    if listed and any(isinstance(v, TensorSpec) for v in (*good, *bad)):
        return next((_mistake(a, b) for a, b in zip(good, bad, strict=False) if a != b), "bad-count")
    if listed or type(good) is type(bad) or (_is_places(good) and _is_places(bad)):
        return "bad-value"
    return "bad-type"


def _is_places(value: Any) -> bool:
    """A dim or several."""
    listed = isinstance(value, tuple | list)
    return (not listed or bool(value)) and all(type(v) is int for v in (value if listed else (value,)))
