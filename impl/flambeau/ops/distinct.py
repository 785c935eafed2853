"""Distinct elements, binary search, membership and histograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NoReturn

from flambeau import dtypes
from flambeau.cpu import sorting as cpu
from flambeau.declare import composite, primitive, python_function
from flambeau.dtypes import BAREBONES_UNSIGNED, FLOATING, dtype, mask
from flambeau.elementwise import result_type
from flambeau.errors import check, cpp_name, no_case_for, not_implemented_for, structured_out
from flambeau.geometry import wrap_dim
from flambeau.methods import on_tensor
from flambeau.operation import Launch
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn_once

INT64 = dtypes.int64


def _underivable(name: str) -> Any:
    def rule(g: Any) -> NoReturn:
        raise NotImplementedError(f"the derivative for '{name}' is not implemented.")

    return rule


_PARTS: dict[str, Any] = {"tensors": ("input",), "outputs": ("out", "inverse", "counts"), "differentiable": 1}
_HIDDEN: dict[str, Any] = {"function": False, "method": False}


def _refuse_complex(kernel: str, d: dtype) -> None:
    if d.is_complex:
        raise no_case_for(kernel, d)


def _distinct(input: Tensor, kernel: str, **params: Any) -> Launch:
    _refuse_complex(kernel, input.dtype)
    return Launch((input,), None, [input.dtype, INT64, INT64], **params)


@primitive(
    "_unique2(Tensor input, bool sorted=True, bool return_inverse=False, bool return_counts=False)",
    cpu=cpu.unique, grad=_underivable("_unique2"), **_PARTS, **_HIDDEN,
)  # fmt: skip
def _unique2(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Launch:  # fmt: skip
    return _distinct(input, "unique", inverse=bool(return_inverse), counts=bool(return_counts))


@primitive(
    "unique_dim(Tensor input, int dim, bool sorted=True, bool return_inverse=False, bool return_counts=False)",
    cpu=cpu.unique_slices, grad=_underivable("unique_dim"), **_PARTS, **_HIDDEN,
)  # fmt: skip
def _unique_dim(
    input: Tensor, dim: int, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Launch:  # fmt: skip
    _refuse_complex("unique_dim", input.dtype)
    return _distinct(
        input, "unique_dim", dim=_slices(input, dim), consecutive=False, inverse=return_inverse, counts=return_counts
    )


@primitive(
    "unique_consecutive(Tensor input, bool return_inverse=False, bool return_counts=False)",
    cpu=cpu.unique_consecutive, grad=_underivable("unique_consecutive"), **_PARTS, **_HIDDEN,
)  # fmt: skip
def _unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False) -> Launch:
    return _distinct(input, "unique", inverse=bool(return_inverse), counts=bool(return_counts))


@primitive(
    "unique_consecutive(Tensor input, bool return_inverse=False, bool return_counts=False, *, int dim)",
    full_name="unique_dim_consecutive",
    cpu=cpu.unique_slices, grad=_underivable("unique_consecutive"), node="UniqueConsecutiveBackward0", **_PARTS,
    **_HIDDEN,
)  # fmt: skip
def _unique_dim_consecutive(
    input: Tensor, dim: int, return_inverse: bool = False, return_counts: bool = False
) -> Launch:  # fmt: skip
    # PyTorch computes both, asked for or not, except of a vector whose dim is called 0
    vector = dim == 0 and len(shape_of(input)) == 1
    kernel = "unique" if vector else "unique_dim"
    _refuse_complex(kernel, input.dtype)
    inverse, counts = (return_inverse, return_counts) if vector else (True, True)
    return _distinct(input, kernel, dim=_slices(input, dim), consecutive=True, inverse=inverse, counts=counts)


def _slices(input: Tensor, dim: int) -> int:
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape), wrap_scalar=False)
    check(
        0 not in (*shape[:dim], *shape[dim + 1 :]),
        "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied",
    )
    return dim


def _chosen(found: tuple[Tensor, ...], inverse: bool, counts: bool) -> Any:
    values, where, how_often = found
    if inverse:
        return (values, where, how_often) if counts else (values, where)
    return (values, how_often) if counts else values


def _unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    flags = {"sorted": sorted, "return_inverse": return_inverse, "return_counts": return_counts}
    return _unique2(input, **flags) if dim is None else _unique_dim(input, dim, **flags)


def _runs(input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    flags = {"return_inverse": return_inverse, "return_counts": return_counts}
    if dim is None:
        return _unique_consecutive(input, **flags)
    return _unique_dim_consecutive(input, **flags, dim=dim)


def _by_flags(body: FunctionType, prefix: str) -> dict[tuple[bool, bool], FunctionType]:
    """The body under the names of PyTorch's functions for (inverse, counts), which Python's errors tell."""
    names = {
        (False, False): "output",
        (True, False): "inverse",
        (False, True): "counts",
        (True, True): "inverse_and_counts",
    }
    found = {}
    for flags, name in names.items():
        named = FunctionType(body.__code__, body.__globals__, f"{prefix}_return_{name}", body.__defaults__)
        named.__qualname__ = named.__name__
        found[flags] = named
    return found


def _chosen_by(
    variants: Mapping[tuple[bool, bool], Callable[..., tuple[Tensor, ...]]], inverse_at: int, counts_at: int, args: Any,
    kwargs: Any,
) -> Any:  # fmt: skip
    """Call the variant that the flags ask for, looked for by name and at these positions."""
    inverse = kwargs.get("return_inverse", args[inverse_at] if len(args) > inverse_at else False)
    counts = kwargs.get("return_counts", args[counts_at] if len(args) > counts_at else False)
    return _chosen(variants[bool(inverse), bool(counts)](*args, **kwargs), inverse, counts)


_UNIQUE, _RUNS = _by_flags(_unique, ""), _by_flags(_runs, "_consecutive")  # type: ignore[arg-type]


@python_function
def unique(*args: Any, **kwargs: Any) -> Any:
    """Distinct elements, or slices along dim, in ascending order; with inverse indices and counts where asked for.

    Called as (input, sorted=True, return_inverse=False, return_counts=False, dim=None).
    """
    return _chosen_by(_UNIQUE, 2, 3, args, kwargs)


@python_function
def unique_consecutive(*args: Any, **kwargs: Any) -> Any:
    """The first element, or slice along dim, of every run of equal ones; with inverse indices and counts on demand.

    Called as (input, return_inverse=False, return_counts=False, dim=None).
    """
    # PyTorch looks for these flags at the wrong positions when it chooses what to return
    return _chosen_by(_RUNS, 2, 1, args, kwargs)


def _unique_method(
    self: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """See `torch.unique`."""
    return unique(self, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts, dim=dim)


def _unique_consecutive_method(
    self: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """See `torch.unique_consecutive`."""
    return unique_consecutive(self, return_inverse=return_inverse, return_counts=return_counts, dim=dim)


for _method in (_unique_method, _unique_consecutive_method):
    _method.__name__ = _method.__name__[1:].removesuffix("_method")
    on_tensor(_method)


# ------------------------------------------------------------------------------------------ search

_UNSEARCHED = mask(dtypes.bool_, *BAREBONES_UNSIGNED, *dtypes.COMPLEXES)


def _numel(t: Any) -> int:
    return t.numel() if isinstance(t, Tensor) else 1


def _index_out(result: dtype, out: dtype) -> str:
    return (
        "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on "
        f"whether out_int32 flag is True, but we got output tensor's dtype {out.type_name} and out_int32 flag is "
        f"{result is dtypes.int32}"
    )


@primitive(
    "searchsorted(Tensor sorted_sequence, Tensor input, *, bool out_int32=False, bool right=False, str? side=None, "
    "Tensor? sorter=None, Tensor out=None)",
    "searchsorted(Tensor sorted_sequence, Number self, *, bool out_int32=False, bool right=False, str? side=None, "
    "Tensor? sorter=None, Tensor out=None)",
    cpu=cpu.searchsorted,
    tensors=("sorted_sequence", "input"),
    out_text=_index_out,
    method=False,
)
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Launch:
    """Where values would be inserted into the ascending last dim of sorted_sequence to keep it ascending.

    right (or side="right"): after equal elements. sorter: indices that sort the sequence.
    """
    name, boundaries = "torch.searchsorted(): ", shape_of(sorted_sequence)
    values = shape_of(input) if isinstance(input, Tensor) else ()
    if side is not None:
        check(side in ("left", "right"), f"{name}side can only be 'left' or 'right' but got {side}")
        check(
            side == "right" or not right,
            f"{name}side and right can't be set to opposites, got side of left while right was True",
        )
        right = side == "right"
    if sorter is not None:
        own = shape_of(sorter)
        check(
            own == boundaries,
            f"{name}boundary and sorter must have the same size, but got boundary tensor {list(boundaries)}and got "
            f"sorter tensor {list(own)}",
        )
        check(
            sorter.dtype is INT64,
            f"{name}sorter must be a tensor of long dtype but got dtype {sorter.dtype.type_name}",
        )
        if _numel(sorter) and sorter._array is not None:
            low, high = int(sorter.min().item()), int(sorter.max().item())
            check(low >= 0 and high < boundaries[-1], f"{name}sorter index out of range")
    check(
        values or len(boundaries) <= 1,
        f"{name}input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor "
        f"dim({len(boundaries)}) and input value's dim(0) numel(1)",
    )
    check(boundaries, f"{name}boundaries tensor should have positive dimension, but got 0 dimension")
    check(
        len(boundaries) == 1 or boundaries[:-1] == values[:-1],
        f"{name}boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
        f"value tensor must match, but we got boundaries tensor {list(boundaries)} and input value tensor "
        f"{list(values)}",
    )
    for t, what, line in ((input, "input value", 32), (sorted_sequence, "boundary", 38), (sorter, "sorter", 44)):
        if isinstance(t, Tensor) and not t.is_contiguous():
            warn_once(
                f"{name}{what} tensor is non-contiguous, this will lower the performance due to extra data copy when "
                f"converting non-contiguous tensor to contiguous, please use contiguous {what} tensor if possible. "
                "This message will only appear once per program.",
                f"aten/src/ATen/native/BucketizationUtils.h:{line}",
                stacklevel=4,
            )
    common = result_type(sorted_sequence, input)
    if common.bit & _UNSEARCHED and _numel(input):
        not_implemented_for("searchsorted_out_cpu", common)
    where = dtypes.int32 if out_int32 else INT64
    if sorter is not None:
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    return Launch((sorted_sequence, _as_tensor(input, common)), values, where, compute=common, right=bool(right))


def _as_tensor(value: Any, d: dtype) -> Any:
    if isinstance(value, Tensor):
        return value
    from flambeau.ops.creation import full

    return full((), value, dtype=d)


@composite(
    "bucketize(Tensor input, Tensor boundaries, *, bool out_int32=False, bool right=False, Tensor out=None)",
    "bucketize(Number self, Tensor boundaries, *, bool out_int32=False, bool right=False)",
    out_text=_index_out,
    method=False,
)
def bucketize(input: Any, boundaries: Tensor, out_int32: bool = False, right: bool = False) -> Tensor:
    """Index of the bucket, between two ascending boundaries, that each value belongs to."""
    n = len(shape_of(boundaries))
    check(n == 1, f"boundaries tensor must be 1 dimension, but got dim({n})")
    return searchsorted.run({"sorted_sequence": boundaries, "input": input, "out_int32": out_int32, "right": right})


@primitive(
    "isin(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool invert=False, Tensor out=None)",
    "isin(Number element, Tensor test_elements, *, bool assume_unique=False, bool invert=False, Tensor out=None)",
    "isin(Tensor elements, Number test_element, *, bool assume_unique=False, bool invert=False, Tensor out=None)",
    cpu=cpu.isin,
    tensors=("elements", "test_elements"),
    out_text=structured_out,
    method=False,
)
def isin(
    elements: Any = None,
    test_elements: Any = None,
    element: Any = None,
    test_element: Any = None,
    assume_unique: bool = False,
    invert: bool = False,
) -> Launch:
    """Whether each element is among the test elements; NaN is among none."""
    first = elements if elements is not None else element
    second = test_elements if test_elements is not None else test_element
    common = result_type(first, second)
    for t in (first, second):
        d = t.dtype if isinstance(t, Tensor) else common
        check(
            d not in (dtypes.bool_, dtypes.complex64, dtypes.complex128),
            f"Unsupported input type encountered for isin(): {d.type_name}",
        )
    if common in (*BAREBONES_UNSIGNED, dtypes.complex32):
        not_implemented_for("isin_default_cpu", common)
    shape = shape_of(first) if isinstance(first, Tensor) else ()
    inputs = (_as_tensor(first, common), _as_tensor(second, common))
    return Launch(inputs, shape, dtypes.bool_, compute=common, invert=bool(invert))


# ------------------------------------------------------------------------------------------ counting


@primitive(
    "histc(Tensor input, int bins=100, Number min=0, Number max=0, *, Tensor out=None)",
    cpu=cpu.histc,
    tensors=("input",),
    out_text=lambda result, out: (
        f"torch.histogram: input tensor and hist tensor should have the same dtype, but got input {cpp_name(result)} "
        f"and hist {cpp_name(out)}"
    ),
)
def histc(input: Tensor, bins: int = 100, min: Any = 0, max: Any = 0) -> Launch:
    """How many elements fall into each of equal bins from min to max; both 0: from the least to the largest element."""
    d = input.dtype
    if d.category != FLOATING:
        kernel = {"bool": "linspace_cpu"}.get(d.name, "histogram_cpu")
        if d.is_complex or d in BAREBONES_UNSIGNED:
            kernel = "aminmax_cpu"
        not_implemented_for(kernel, d)
    for value in (min, max):
        check(not isinstance(value, complex), "value cannot be converted to type double without overflow")
    check(bins > 0, f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    return Launch((input,), (bins,), d, bins=bins, low=float(min), high=float(max))
