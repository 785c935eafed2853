"""Moves that write into memory that is there, or change a tensor's form in place."""

from __future__ import annotations

from assay.programs.drawing import Drawing
from assay.programs.model import (
    Operand,
    Shape,
    Value,
    arithmetic,
    bounded,
    broadcast,
    constant,
    promoted,
    range_of,
    unary,
)
from assay.programs.moves import FACTORS, TERMS, move, number
from assay.programs.pointwise import SAVES, function_of
from assay.programs.views import indexed

_IN_PLACE = {"add": "operator.iadd", "sub": "operator.isub", "mul": "operator.imul", "div": "operator.itruediv"}


def _target(d: Drawing, least: int = 1) -> Value | None:
    """What may be written to; as a rule what PyTorch does not refuse."""

    def risks(v: Value) -> set[str]:
        found = {
            "other": v.repeated,
            "several": v.several and v.grad and not d.no_grad,
            "saved": v.memory.saved,
            "leaf": v.memory.leaf and not (d.no_grad or v.detached),
        }
        return {name for name, there in found.items() if there}

    def fits(v: Value) -> bool:
        return (
            v.kind >= least
            and v.size > 0
            and (not risks(v) or risks(v) == {d.risk} or (d.risk in risks(v) and d.risk != "saved"))
        )

    daring = d.value(lambda v: fits(v) and bool(risks(v))) if d.risk and d.pick.chance(0.4) else None
    return daring or d.value(fits)


@move("write", 7)
def update(d: Drawing) -> bool:
    target = _target(d)
    if target is None:
        return False
    name = d.pick.weighted({"add": 4, "mul": 4, "sub": 2, "div": 1})
    b: Operand | None = None
    if d.pick.chance(0.6):
        b = d.value(
            lambda v: (
                v.memory is not target.memory
                and v.kind > 0
                and (broadcast(target.shape, v.shape) == target.shape or d.risk == "other")
                and arithmetic(name, target.range, v.range) is not None
            )
        )
    if b is None:
        b = number(d, target.kind, FACTORS if name in ("mul", "div") else TERMS)
    bounds = arithmetic(name, target.range, range_of(b))
    call = d.spelled(f"Tensor.{name}_", f"Tensor.{name}_", _IN_PLACE[name])
    dtype = promoted(target, b)
    if name == "div" and dtype in ("int64", "int32"):
        dtype = "float32"
    if call is None or bounds is None or d.grows(target.shape, target.dtype, bounds):
        return False
    saves = "in" if name in ("mul", "div") else ""
    # The graph of a product keeps the factor, and for the factor's gradient what was there before.
    if saves and isinstance(b, Value) and b.grad and not d.no_grad:
        saves = "both"
    done = d.update(call, target, (b,), bounds, dtype=dtype, saves="in" if saves else "")
    return done


@move("write", 3)
def function(d: Drawing) -> bool:
    found = function_of(d)
    if found is None:
        return False
    name, target = found
    call, bounds = d.spelled(f"Tensor.{name}_"), unary(name, target.range)
    if call is None or bounds is None or name in ("square",) or d.grows(target.shape, target.dtype, bounds):
        return False
    return d.update(call, target, (), bounds, saves="out" if SAVES[name] == "out" else "")


@move("write", 5)
def setitem(d: Drawing) -> bool:
    target, call = _target(d, 0), d.spelled("operator.setitem")
    if target is None or call is None or target.rank == 0:
        return False
    index, region = indexed(d, target.shape)
    value: Operand | None = None
    if d.pick.chance(0.7):
        value = d.value(
            lambda v: (
                v.memory is not target.memory
                and broadcast(region, v.shape) == region
                and (v.dtype == target.dtype or v.kind < target.kind)
            )
        )
    if value is None:
        value = number(d, target.kind, TERMS) if target.kind else d.pick.chance(0.5)
    return d.update(call, target, (index, value), range_of(value), region=region)


@move("write", 3)
def copy(d: Drawing) -> bool:
    target, call = _target(d), d.spelled("Tensor.copy_")
    if target is None or call is None:
        return False
    value = d.value(
        lambda v: (
            v.memory is not target.memory
            and broadcast(target.shape, v.shape) == target.shape
            and (v.dtype == target.dtype or v.kind < target.kind)
        )
    )
    return value is not None and d.update(call, target, (value,), value.range)


@move("write", 1)
def fill(d: Drawing) -> bool:
    target, call = _target(d), d.spelled("Tensor.fill_", "Tensor.zero_")
    if target is None or call is None:
        return False
    if call == "Tensor.zero_":
        return d.update(call, target, (), constant(0.0))
    value = number(d, target.kind, TERMS)
    return d.update(call, target, (value,), constant(float(value)))


@move("write", 1)
def clamp(d: Drawing) -> bool:
    """Bounds beyond or between whole numbers: which side an element is on is certain."""
    target, call = _target(d), d.spelled("Tensor.clamp_")
    if target is None or call is None or not (target.range.whole or not target.half) or target.kind != 2:
        return False
    bounds = bounded(max(target.range.low, -2.5), max(min(target.range.high, 2.5), -2.5))
    return d.update(call, target, (-2.5, 2.5), bounds)


@move("write", 2)
def masked_fill(d: Drawing) -> bool:
    target, call = _target(d), d.spelled("Tensor.masked_fill_")
    if target is None or call is None:
        return False
    mask = d.value(lambda v: v.dtype == "bool" and broadcast(target.shape, v.shape) == target.shape)
    if mask is None:
        return False
    value = number(d, target.kind, TERMS)
    return d.update(call, target, (mask, value), constant(float(value)))


@move("write", 1)
def addcmul(d: Drawing) -> bool:
    target, call = _target(d, 2), d.spelled("Tensor.addcmul_")
    if target is None or call is None:
        return False
    a, b = (
        d.value(
            lambda v: (
                v.dtype == target.dtype
                and v.memory is not target.memory
                and broadcast(target.shape, v.shape) == target.shape
            )
        )
        for _ in range(2)
    )
    product = None if a is None or b is None else arithmetic("mul", a.range, b.range)
    bounds = None if product is None else arithmetic("add", target.range, product)
    if bounds is None or d.grows(target.shape, target.dtype, bounds):
        return False
    return d.update(call, target, (a, b), bounds, saves="in")


@move("write", 1)
def reform(d: Drawing) -> bool:
    """transpose_, unsqueeze_ and the like: the tensor itself gets another form."""
    target = _target(d)
    if target is None:
        return False
    options: dict[str, tuple[tuple[int, ...], Shape]] = {"Tensor.unsqueeze_": ((0,), (1, *target.shape))}
    if target.rank == 2:
        options["Tensor.t_"] = ((), target.shape[::-1])
    if target.rank >= 2:
        turned = (target.shape[-1], *target.shape[1:-1], target.shape[0])
        options["Tensor.transpose_"] = ((0, -1), turned)
    if 1 in target.shape:
        options["Tensor.squeeze_"] = ((), tuple(n for n in target.shape if n != 1))
    call = d.spelled(*options)
    if call is None or d.guard is not None or d.no_grad:
        return False
    args, form = options[call]
    return d.update(call, target, args, target.range, form=form)
