"""The text of a tensor, character for character as PyTorch writes it.

Everything here works on plain data (arrays, dtype names, shapes), so that any device and any tensor class can use it:
a tensor's ``__repr__`` collects its own facts and calls :func:`tensor_repr`.
The options follow https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

__all__ = [
    "PRINT_OPTS",
    "PrintOptions",
    "finfo_repr",
    "get_printoptions",
    "iinfo_repr",
    "parameter_repr",
    "printoptions",
    "set_printoptions",
    "size_repr",
    "summarized_axes",
    "tensor_repr",
]


@dataclasses.dataclass
class PrintOptions:
    """How tensors are written.

    ``precision``: digits after the point; ``threshold``: number of elements above which a summary is written;
    ``edgeitems``: elements a summary keeps at each end of a dimension; ``linewidth``: columns;
    ``sci_mode``: scientific notation always, never, or (None) where the values ask for it.
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


# One set of options for the whole process, shared by all threads, as in PyTorch.
PRINT_OPTS = PrintOptions()

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set the process-wide print options; None keeps an option, except ``sci_mode``, which every call sets anew.

    ``profile`` is 'default', 'short' or 'full' and is applied first; other names change nothing, as in PyTorch.
    Values are not checked here: an unusable one raises where a tensor is next written.
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes = dict(_PROFILES.get(profile, {})) if profile is not None else {}
    changes.update((name, value) for name, value in given.items() if value is not None)
    for name, value in changes.items():
        setattr(PRINT_OPTS, name, value)
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keyword arguments for :func:`set_printoptions`."""
    return dataclasses.asdict(PRINT_OPTS)


@contextlib.contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Change the options of :func:`set_printoptions` for the length of a ``with`` block or a decorated call."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


def summarized_axes(shape: Sequence[int], options: PrintOptions | None = None) -> list[int]:
    """The axes that a summary of this shape cuts down to their first and last ``edgeitems`` elements.

    Empty when the tensor is written whole. A device tensor can cut these axes (first k joined to last k) before it
    copies to the host, and hand the small array to :func:`tensor_repr` together with its true shape.
    """
    options = options or PRINT_OPTS
    if not math.prod(shape) > options.threshold:
        return []
    return [axis for axis, n in enumerate(shape) if n > 2 * options.edgeitems]


def _cut(values: np.ndarray, axes: list[int], k: int) -> np.ndarray:
    """The elements a summary shows, still in the order of writing. Touches nothing but the edges."""
    for axis in axes:
        lead = (slice(None),) * axis
        values = np.concatenate((values[(*lead, slice(None, k))], values[(*lead, slice(-k, None))]), axis=axis)
    return values


def _integer_cells(values: np.ndarray) -> tuple[list[str], int]:
    cells = [str(v) for v in values.tolist()]
    return cells, max(map(len, cells), default=1)


def _floating_cells(values: np.ndarray, dtype: str, options: PrintOptions) -> tuple[list[str], int]:
    """One text an element, and the width they are set to.

    The finite nonzero elements alone choose notation and width, so ``inf`` or ``-0.0`` may stick out.
    """
    with np.errstate(invalid="ignore"):
        values = values.astype(np.float64)
    counted = np.isfinite(values) & (values != 0)
    if dtype == "float8_e8m0fnu":
        # PyTorch takes its NaN for finite, and its smallest value for the zero that this dtype lacks.
        counted = values != 2.0**-127
    telling = values[counted]
    whole, scientific = True, False
    if telling.size:
        whole = bool((telling == np.ceil(telling)).all())
        scientific = _wants_scientific(np.abs(telling)) if options.sci_mode is None else bool(options.sci_mode)
    if scientific:
        spec = f".{options.precision}e"
    elif whole:
        spec = ".0f"
    else:
        spec = f".{options.precision}f"
    cells = [format(v, spec) for v in values.tolist()]
    if whole and not scientific:
        cells = [c + "." if finite else c for c, finite in zip(cells, np.isfinite(values).tolist(), strict=True)]
    width = max((len(cells[i]) for i in np.flatnonzero(counted).tolist()), default=1)
    return cells, width


def _wants_scientific(magnitudes: np.ndarray) -> bool:
    largest, smallest = magnitudes.max(), magnitudes.min()
    with np.errstate(over="ignore"):
        return bool(largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4)


def _complex_cells(values: np.ndarray, options: PrintOptions) -> tuple[list[str], int]:
    """Real and imaginary parts choose notation and width apart; only the real part is padded."""
    if values.dtype.names:
        real, imag = values["re"], values["im"]
    else:
        real, imag = values.real, values.imag
    real_cells, real_width = _floating_cells(real, "real", options)
    imag_cells, imag_width = _floating_cells(imag, "imag", options)
    cells = [
        f"{re.rjust(real_width)}{'' if im.startswith('-') else '+'}{im}j"
        for re, im in zip(real_cells, imag_cells, strict=True)
    ]
    return cells, real_width + imag_width + 1


def _cells(values: np.ndarray, dtype: str, options: PrintOptions) -> tuple[list[str], int]:
    """Padded texts of the elements of a flat array, and the width that line breaking reckons with."""
    if dtype.startswith("complex"):
        return _complex_cells(values, options)
    if dtype.startswith(("float", "bfloat")):
        cells, width = _floating_cells(values, dtype, options)
    else:
        cells, width = _integer_cells(values)
    return [c.rjust(width) for c in cells], width


class _Layout:
    """Brackets, separators and line breaks around cells that come in the order of writing."""

    def __init__(self, cells: list[str], width: int, cut_axes: list[int], options: PrintOptions) -> None:
        self.cells = iter(cells)
        self.width = width
        self.cut_axes = cut_axes
        self.options = options

    def write(self, shape: tuple[int, ...], indent: int, axis: int = 0) -> str:
        if not shape:
            return next(self.cells)
        n, *rest = shape
        cut = axis in self.cut_axes
        head = len(range(n)[: self.options.edgeitems]) if cut else n
        inner = indent + 1
        if rest:
            rows = [self.write(tuple(rest), inner, axis + 1) for _ in range(head)]
            if cut:
                rows += ["...", *(self.write(tuple(rest), inner, axis + 1) for _ in range(head))]
            separator = "," + "\n" * len(rest) + " " * inner
        else:
            items = list(islice(self.cells, head))
            if cut:
                items += [" ...", *islice(self.cells, head)]
            per_row = max(1, math.floor((self.options.linewidth - indent) / (self.width + 2)))
            rows = [", ".join(items[i : i + per_row]) for i in range(0, len(items), per_row)]
            separator = ",\n" + " " * inner
        return "[" + separator.join(rows) + "]"


def _contents(values: np.ndarray, dtype: str, shape: tuple[int, ...], indent: int, options: PrintOptions) -> str:
    if 0 in shape:
        return "[]"
    cut_axes = summarized_axes(shape, options)
    k = options.edgeitems
    if cut_axes and not k:
        return "[...]"
    if cut_axes and k < 0 and len(shape) > 1:
        raise RuntimeError("stack expects a non-empty TensorList")  # what PyTorch's own summary runs into
    if values.shape == shape:
        values = _cut(values, cut_axes, k)
    elif values.shape != tuple(2 * k if axis in cut_axes else n for axis, n in enumerate(shape)):
        raise ValueError(f"values of shape {values.shape} are neither a tensor of shape {shape} nor its summary")
    cells, width = _cells(values.reshape(-1), dtype, options)
    return _Layout(cells, width, cut_axes, options).write(shape, indent)


def _with_suffixes(text: str, suffixes: list[str], indent: int, linewidth: float) -> str:
    # The first line counts one column more than it has, as in PyTorch.
    column = len(text) - text.rfind("\n") + 1
    parts = [text]
    for suffix in suffixes:
        if column + len(suffix) + 2 > linewidth:
            parts.append(",\n" + " " * indent + suffix)
            column = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            column += len(suffix) + 2
    return "".join(parts) + ")"


def tensor_repr(
    values: np.ndarray | None,
    *,
    dtype: str,
    shape: Sequence[int],
    default_dtype: str = "float32",
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    device: str = "cpu",
    default_device: str = "cpu",
    prefix: str = "tensor(",
    tangent: str | None = None,
    tensor_contents: str | None = None,
    is_parameter_subclass: bool = False,
    options: PrintOptions | None = None,
) -> str:
    """The text of a strided tensor.

    Args:
        values: its elements, an array of ``shape`` in any memory order, or of the summary's shape (see
            :func:`summarized_axes`); None on the meta device, where a tensor is empty, or with ``tensor_contents``.
            complex32 comes as a structured array with fields 're' and 'im' or as any complex array.
        dtype: the tensor's dtype by name, such as 'bfloat16'; it, not ``values.dtype``, chooses how elements look.
        shape: the tensor's shape.
        default_dtype: the name of the default floating dtype, which is left out of the text.
        requires_grad: whether to add ``requires_grad=True``; ``grad_fn_name`` takes its place.
        grad_fn_name: name of the node that made the tensor, such as 'AddBackward0'.
        device: the device, with its index where it has one; written where it differs from ``default_device``.
        default_device: what the default tensor type lives on ('cpu', or the current device, such as 'cuda:0').
        prefix: what opens the text: ``tensor(``, or a subclass's name and a bracket.
        tangent: text of the forward-mode tangent.
        tensor_contents: written in place of the elements.
        is_parameter_subclass: wrap the text in ``Parameter(...)``, as for a parameter that is not a plain Parameter.
        options: print options; those of :func:`set_printoptions` by default.

    Raises:
        ValueError: ``values`` are missing or fit neither ``shape`` nor its summary.
    """
    options = options or PRINT_OPTS
    shape = tuple(int(n) for n in shape)
    indent = len(prefix)
    default_complex = "complex128" if default_dtype == "float64" else "complex64"
    size_text = f"size={shape}"
    dtype_text = f"dtype=torch.{dtype}"

    suffixes = []
    if device != default_device:
        suffixes.append(f"device='{device}'")
    if device == "meta":
        contents = "..."
        suffixes.append(size_text)
        implied_dtypes = {default_dtype}
    elif 0 in shape:
        contents = "[]"
        if len(shape) != 1:
            suffixes.append(size_text)
        implied_dtypes = {default_dtype}
    else:
        contents = None
        if not options.edgeitems:
            suffixes.append(size_text)
        implied_dtypes = {default_dtype, default_complex, "int64", "bool"}
    if dtype not in implied_dtypes:
        suffixes.append(dtype_text)
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")

    if tensor_contents is not None:
        contents = tensor_contents
    elif contents is None:
        if values is None:
            raise ValueError(f"a tensor of shape {shape} on {device} cannot be written without its values")
        contents = _contents(values, dtype, shape, indent, options)
    text = _with_suffixes(prefix + contents, suffixes, indent, options.linewidth)
    return f"Parameter({text})" if is_parameter_subclass else text


def parameter_repr(tensor_text: str) -> str:
    """What ``repr`` of a Parameter puts around the text of its tensor."""
    return "Parameter containing:\n" + tensor_text


def size_repr(shape: Sequence[int]) -> str:
    """The text of a ``torch.Size``."""
    return f"torch.Size([{', '.join(map(str, shape))}])"


def finfo_repr(dtype: str, *, resolution: float, min: float, max: float, eps: float, tiny: float) -> str:
    """The text of a ``torch.finfo``: six significant digits, ``tiny`` under both its names."""
    facts = {"resolution": resolution, "min": min, "max": max, "eps": eps, "smallest_normal": tiny, "tiny": tiny}
    return f"finfo({', '.join(f'{name}={value:g}' for name, value in facts.items())}, dtype={dtype})"


def iinfo_repr(dtype: str, *, min: int, max: int) -> str:
    """The text of a ``torch.iinfo``: its borders, too, have six significant digits."""
    return f"iinfo(min={min:g}, max={max:g}, dtype={dtype})"
