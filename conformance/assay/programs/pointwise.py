"""Moves that compute: elementwise, reductions and products."""

from __future__ import annotations

from assay.programs.drawing import Drawing
from assay.programs.model import Operand, Value, arithmetic, bounded, broadcast, promoted, range_of, summed, unary
from assay.programs.moves import FACTORS, TERMS, move, number

#: What the graph keeps of an elementwise function.
SAVES = {"exp": "out", "tanh": "out", "sigmoid": "out", "sqrt": "out", "reciprocal": "out", "relu": "out"}
SAVES |= {"sin": "in", "cos": "in", "log": "in", "abs": "in", "square": "in", "neg": ""}
_FUNCTIONS = tuple(SAVES)
#: Functions with a kink, where rounding would decide the derivative.
KINKED = ("relu", "abs")
_OPERATORS = {"add": "operator.add", "sub": "operator.sub", "mul": "operator.mul", "div": "operator.truediv"}


def kinks(v: Value) -> bool:
    """Whether the derivative of a function with a kink can be judged there: not of halves that were rounded."""
    return v.range.gap > 0 or v.range.whole or not v.half


def function_of(d: Drawing) -> tuple[str, Value] | None:
    """An elementwise function and a floating value it may be taken of."""
    name = d.pick.choice(_FUNCTIONS)
    least = 2 if name != "neg" else 1
    v = d.value(lambda v: least <= v.kind < 3 and unary(name, v.range) is not None and (name not in KINKED or kinks(v)))
    return None if v is None else (name, v)


@move("elementwise", 5)
def function(d: Drawing) -> bool:
    found = function_of(d)
    if found is None:
        return False
    name, v = found
    call, bounds = d.spelled(f"torch.{name}", f"Tensor.{name}"), unary(name, v.range)
    if call is None or bounds is None or d.grows(v.shape, v.dtype, bounds):
        return False
    return d.result(call, (v,), v.shape, v.dtype, bounds, saves=SAVES[name])


@move("elementwise", 9)
def combination(d: Drawing) -> bool:
    a = d.value(lambda v: v.kind > 0)
    if a is None:
        return False
    name = d.pick.weighted({"mul": 5, "add": 4, "sub": 3, "div": 2})
    b: Operand | None = None
    if d.pick.chance(0.7):
        b = d.value(
            lambda v: (
                broadcast(a.shape, v.shape) is not None
                and v.kind > 0
                and arithmetic(name, a.range, v.range) is not None
            )
        )
    if b is None:
        b = number(d, a.kind, FACTORS if name in ("mul", "div") else TERMS)
    operands: tuple[Operand, ...] = (a, b)
    if d.pick.chance(0.15) and name in ("sub", "div") and isinstance(b, Value):
        operands = (b, a)
    shape = broadcast(a.shape, b.shape if isinstance(b, Value) else ())
    bounds = arithmetic(name, *map(range_of, operands))
    call = d.spelled(f"torch.{name}", f"Tensor.{name}", _OPERATORS[name], _OPERATORS[name])
    dtype = promoted(*operands)
    if name == "div" and dtype in ("int64", "int32", "bool"):
        dtype = "float32"
    if call is None or shape is None or d.grows(shape, dtype, bounds):
        return False
    kwargs = {}
    if name in ("add", "sub") and not call.startswith("operator") and d.pick.chance(0.2):
        kwargs["alpha"] = 2
        bounds = arithmetic(
            name, range_of(operands[0]), arithmetic("mul", range_of(operands[1]), bounded(2, 2)) or bounded(0, 0)
        )
        if d.grows(shape, dtype, bounds):
            return False
    assert bounds is not None
    return d.result(call, operands, shape, dtype, bounds, kwargs, saves="in" if name in ("mul", "div") else "")


@move("elementwise", 1)
def extremum(d: Drawing) -> bool:
    a = d.value(lambda v: v.kind == 2 and not v.half and not v.range.whole)
    name = d.pick.choice(("maximum", "minimum"))
    call = d.spelled(f"torch.{name}", f"Tensor.{name}")
    if a is None or call is None:
        return False
    b = d.value(
        lambda v: v.kind == 2 and not v.half and v.memory is not a.memory and broadcast(a.shape, v.shape) is not None
    )
    if b is None:
        return False
    shape, bounds = broadcast(a.shape, b.shape), arithmetic(name, a.range, b.range)
    if shape is None or bounds is None or d.grows(shape, promoted(a, b), bounds):
        return False
    return d.result(call, (a, b), shape, promoted(a, b), bounds, saves="in")


@move("elementwise", 1)
def addcmul(d: Drawing) -> bool:
    a, call = d.value(lambda v: v.kind >= 2), d.spelled("torch.addcmul", "Tensor.addcmul")
    if a is None or call is None:
        return False
    b = d.value(lambda v: v.dtype == a.dtype and broadcast(a.shape, v.shape) is not None)
    assert b is not None
    c = d.value(lambda v: v.dtype == a.dtype and broadcast(a.shape, b.shape, v.shape) is not None)
    assert c is not None
    shape, product = broadcast(a.shape, b.shape, c.shape), arithmetic("mul", b.range, c.range)
    assert shape is not None
    assert product is not None
    bounds = arithmetic("add", a.range, product)
    if bounds is None or d.grows(shape, a.dtype, bounds):
        return False
    return d.result(call, (a, b, c), shape, a.dtype, bounds, saves="in")


# -- reductions --------------------------------------------------------------------------------------------------------
@move("reduction", 4)
def reduction(d: Drawing) -> bool:
    name = d.pick.choice(("sum", "mean", "sum"))
    v, call = (
        d.value(lambda v: v.size > 0 and (name == "sum" or v.kind >= 2)),
        d.spelled(f"torch.{name}", f"Tensor.{name}"),
    )
    if v is None or call is None:
        return False
    dtype = "int64" if v.kind < 2 else v.dtype
    if v.rank == 0 or d.pick.chance(0.4):
        args: tuple[object, ...] = (v,)
        kwargs: dict[str, object] = {}
        shape, count = (), v.size
    else:
        dim, keep = d.pick.integer(0, v.rank - 1), d.pick.chance(0.4)
        args, kwargs, count = (v, dim), ({"keepdim": True} if keep else {}), v.shape[dim]
        shape = (*v.shape[:dim], *((1,) if keep else ()), *v.shape[dim + 1 :])
    bounds = summed(v.range, count)
    if name == "mean":
        bounds = bounded(v.range.low, v.range.high)
    # Half sums are taken in float32: what is added up may be larger than the sum.
    if d.grows(v.shape, dtype, summed(v.range, count)):
        return False
    return d.result(call, args, shape, dtype, bounds, kwargs, elementwise=False)


@move("reduction", 1)
def cumsum(d: Drawing) -> bool:
    v, call = d.value(lambda v: v.rank > 0 and v.kind > 0 and v.size > 0), d.spelled("torch.cumsum", "Tensor.cumsum")
    if v is None or call is None:
        return False
    dim = d.pick.integer(0, v.rank - 1)
    low, high = min(v.range.low, v.range.low * v.shape[dim]), max(v.range.high, v.range.high * v.shape[dim])
    bounds, dtype = bounded(low, high, 0.0, v.range.whole), "int64" if v.kind < 2 else v.dtype
    return not d.grows(v.shape, dtype, bounds) and d.result(call, (v, dim), v.shape, dtype, bounds, elementwise=False)


@move("reduction", 1)
def softmax(d: Drawing) -> bool:
    v, call = d.value(lambda v: v.rank > 0 and v.kind == 2), d.spelled("torch.softmax", "Tensor.softmax")
    if v is None or call is None or v.range.size > 8:
        return False
    return d.result(call, (v, -1), v.shape, v.dtype, bounded(0.0, 1.0), saves="out", elementwise=False)


@move("reduction", 1)
def logsumexp(d: Drawing) -> bool:
    v, call = (
        d.value(lambda v: v.rank > 0 and v.kind == 2 and v.size > 0),
        d.spelled("torch.logsumexp", "Tensor.logsumexp"),
    )
    if v is None or call is None or v.range.size > 16:
        return False
    v.memory.saved |= v.grad and not d.no_grad
    bounds = bounded(v.range.low, v.range.high + 4)
    return d.result(call, (v, 0), v.shape[1:], v.dtype, bounds, saves="out", elementwise=False)


@move("reduction", 1)
def amax(d: Drawing) -> bool:
    v = d.value(
        lambda v: v.rank > 0 and v.kind == 2 and not v.half and not v.range.whole and not v.repeated and v.size > 0
    )
    call = d.spelled("torch.amax", "Tensor.amax")
    if v is None or call is None:
        return False
    bounds = bounded(v.range.low, v.range.high, v.range.gap)
    return d.result(call, (v, 0), v.shape[1:], v.dtype, bounds, saves="in", elementwise=False)


# -- products ----------------------------------------------------------------------------------------------------------
@move("product", 5)
def matmul(d: Drawing) -> bool:
    a = d.value(lambda v: v.rank in (1, 2) and v.kind > 0 and v.size > 0)
    if a is None:
        return False
    b = d.value(lambda v: v.rank in (1, 2) and v.dtype == a.dtype and v.shape[0] == a.shape[-1] and v.size > 0)
    if b is None:
        return False
    names = {(2, 2): ("torch.mm", "Tensor.mm"), (2, 1): ("torch.mv", "Tensor.mv"), (1, 1): ("torch.dot", "Tensor.dot")}
    own = names.get((a.rank, b.rank), ())
    call = d.spelled("torch.matmul", "Tensor.matmul", "operator.matmul", "operator.matmul", *own)
    product = arithmetic("mul", a.range, b.range)
    assert product is not None
    shape, bounds = (*a.shape[:-1], *b.shape[1:]), summed(product, a.shape[-1])
    if call is None or d.grows(shape, a.dtype, bounds):
        return False
    return d.result(call, (a, b), shape, a.dtype, bounds, saves="in", elementwise=False)


@move("product", 1)
def linear(d: Drawing) -> bool:
    a, call = d.value(lambda v: v.rank >= 1 and v.kind == 2 and v.size > 0), d.spelled("torch.nn.functional.linear")
    if a is None or call is None:
        return False
    b = d.value(lambda v: v.rank == 2 and v.dtype == a.dtype and v.shape[-1] == a.shape[-1] and v.size > 0)
    if b is None:
        return False
    product = arithmetic("mul", a.range, b.range)
    assert product is not None
    shape, bounds = (*a.shape[:-1], b.shape[0]), summed(product, a.shape[-1])
    return not d.grows(shape, a.dtype, bounds) and d.result(
        call, (a, b), shape, a.dtype, bounds, saves="in", elementwise=False
    )


@move("product", 1)
def outer(d: Drawing) -> bool:
    a, call = d.value(lambda v: v.rank == 1 and v.kind > 0), d.spelled("torch.outer", "Tensor.outer")
    if a is None or call is None:
        return False
    b = d.value(lambda v: v.rank == 1 and v.dtype == a.dtype)
    assert b is not None
    bounds, shape = arithmetic("mul", a.range, b.range), (*a.shape, *b.shape)
    if bounds is None or d.grows(shape, a.dtype, bounds):
        return False
    return d.result(call, (a, b), shape, a.dtype, bounds, saves="in", elementwise=False)
