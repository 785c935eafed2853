"""CUDA C++ source of elementwise operations, made from their declarations' bodies and ``kernels/elementwise.cu``.

A body is one C++ expression over the operation's tensor and scalar names, for instance ``"x + alpha * y"``. ``T`` names
the compute type inside it (write ``T(0.5) * x``: a bare ``0.5`` is a double), and every function of
``kernels/math.cuh`` may be called. Kernels are templates over storage, compute and index type; a *name expression*
asks for one instance, so that only what is used is ever compiled.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Literal

from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL, COMPLEX_OF, CPP_TYPES, EXACT, REAL, REAL_PART

KERNELS = Path(__file__).parent / "kernels"
VECTOR_BYTES = 16

Result = Literal["same", "int_to_float", "bool", "real", "complex", "any"]
RESULTS = ("same", "int_to_float", "bool", "real", "complex", "any")

# Words that are no C++ identifier, or that the functor itself uses.
_RESERVED = frozenset(
    "T auto bool break case char class const constexpr continue default delete do double else enum extern false float "  # noqa: SIM905
    "for if inline int long namespace new nullptr operator private public register requires return short signed sizeof "
    "static struct switch template this true typename union unsigned using void volatile while and or not xor".split()
)


@dataclass(frozen=True)
class ElementwiseKernel:
    """One elementwise operation as the CUDA backend sees it.

    ``body`` is a C++ expression over ``inputs`` (tensors) and ``params`` (scalars). ``result`` says which dtype it has:
    the operands' ("same"), theirs with integers made the default float ("int_to_float"), "bool", a complex operand's
    real dtype ("real"), the complex dtype of two real parts ("complex"), or whichever is asked for ("any", of
    conversions). Inputs named in ``masks`` are bool tensors whatever the dtype; scalars are of dtype ``scalars`` if
    given, else of the compute type. With ``moves`` that type is the stored one: half stays half. ``dtypes`` are those
    of the operands, after promotion, for which the body has a meaning.
    """

    name: str
    body: str
    inputs: tuple[str, ...]
    params: tuple[str, ...] = ()
    result: Result = "same"
    dtypes: tuple[str, ...] = REAL
    masks: tuple[str, ...] = ()
    scalars: str | None = None
    moves: bool = False

    def __post_init__(self) -> None:
        if self.result not in RESULTS:
            raise ValueError(f"{self.name}: result must be one of {', '.join(RESULTS)}, not {self.result!r}")
        names = (*self.inputs, *self.params)
        for name in names:
            if not name.isidentifier() or name in _RESERVED:
                raise ValueError(f"{self.name}: {name!r} cannot name an argument of a CUDA body")
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: an argument name occurs twice in {', '.join(names)}")
        if not set(self.masks) <= set(self.inputs):
            raise ValueError(f"{self.name}: masks must be among the inputs")
        if self.moves and self.params and self.scalars is None:
            raise ValueError(f"{self.name}: scalars beside elements that are only moved need a dtype")
        if unknown := {*self.dtypes, *([self.scalars] if self.scalars else [])} - set(CPP_TYPES):
            raise ValueError(f"{self.name}: unknown dtypes {', '.join(sorted(unknown))}")
        if not self.body.strip() or ";" in self.body or "\n" in self.body:
            raise ValueError(f"{self.name}: the CUDA body must be one expression on one line, got {self.body!r}")

    @property
    def functor(self) -> str:
        """Name of the C++ functor; prefixed, since a type named ``exp`` would hide the function."""
        return "op_" + re.sub(r"\W", "_", self.name)


@dataclass(frozen=True)
class Instance:
    """One instance of an operation's kernels: the dtypes it reads, computes in and writes, and its index width."""

    kernel: ElementwiseKernel
    operands: tuple[str, ...]
    compute: str
    result: str
    index: Literal["i32", "i64"] = "i32"

    @property
    def width(self) -> int:
        """Elements in 16 bytes of the widest dtype: what one thread moves at once when all is aligned."""
        return VECTOR_BYTES // max(CPP_TYPES[dtype].itemsize for dtype in (self.result, *self.operands))

    @property
    def scalars(self) -> str:
        """The dtype whose compute type the scalars have."""
        return self.kernel.scalars or ("bool" if self.kernel.moves else self.compute)

    def strided(self) -> str:
        """Name expression of the kernel over collapsed geometry."""
        return f"flambeau::elementwise_strided<{self._types()}>"

    def contiguous(self, width: int) -> str:
        """Name expression of the kernel over contiguous operands, ``width`` elements at once."""
        functor, rest = self._types().split(", ", 1)
        return f"flambeau::elementwise_contiguous<{functor}, {width}, {rest}>"

    def _types(self) -> str:
        stored = [CPP_TYPES[dtype].stored for dtype in (self.result, *self.operands)]
        cpp = CPP_TYPES[self.compute]
        compute = cpp.stored if self.kernel.moves else cpp.computed
        return ", ".join((f"flambeau::ops::{self.kernel.functor}", f"flambeau::{self.index}", compute, *stored))


def instance(
    kernel: ElementwiseKernel,
    dtype: str,
    index: Literal["i32", "i64"] = "i32",
    default_float: str = "float32",
    to: str | None = None,
) -> Instance:
    """The instance for operands that have all been promoted to ``dtype``.

    Integers of an "int_to_float" operation are converted to ``default_float`` as they are loaded. ``to`` is the
    dtype of the result where the operation does not decide it.
    """
    if dtype not in kernel.dtypes:
        raise NotImplementedError(f'"{kernel.name}_cuda" not implemented for {dtype}')
    compute = default_float if kernel.result == "int_to_float" and dtype in EXACT else dtype
    if (to is not None) != (kernel.result == "any"):
        raise ValueError(f"{kernel.name}: a dtype for the result is {'missing' if to is None else 'not asked for'}")
    result = {
        "bool": "bool",
        "real": REAL_PART.get(compute, compute),
        "complex": COMPLEX_OF.get(compute, compute),
        "any": to or compute,
    }.get(kernel.result, compute)
    operands = tuple("bool" if name in kernel.masks else dtype for name in kernel.inputs)
    return Instance(kernel, operands, compute, result, index)


def module_source(kernels: Iterable[ElementwiseKernel]) -> str:
    """CUDA C++ of one module that can instantiate every kernel given; errors in a body say ``name.cuda``, line 1."""
    template = (KERNELS / "elementwise.cu").read_text()
    head, functor, tail = re.split(r"^//[{}] functor\n", template, flags=re.MULTILINE)
    functors = []
    for kernel in kernels:
        scalar = CPP_TYPES[kernel.scalars].computed if kernel.scalars else "bool" if kernel.moves else "T"
        types = ["bool" if name in kernel.masks else "T" for name in kernel.inputs] + [scalar] * len(kernel.params)
        names = zip(types, (*kernel.inputs, *kernel.params), strict=True)
        arguments = ", ".join(f"[[maybe_unused]] {kind} {name}" for kind, name in names)
        functors.append(
            string.Template(functor).substitute(
                name=kernel.name,
                functor=kernel.functor,
                arguments=arguments,
                body=kernel.body,
                parameter_count=len(kernel.params),
                masks=sum((name in kernel.masks) << i for i, name in enumerate(kernel.inputs)),
                parameter=scalar,
            )
        )
    return head + "\n".join(functors) + tail


def without_body(operations: Iterable[object]) -> list[str]:
    """Names of the operations declared elementwise that carry no CUDA body: there should be none.

    A primitive is one if its results are laid out as elementwise ones are (`iterated`).
    """
    return [
        operation.name  # type: ignore[attr-defined]
        for operation in operations
        if (getattr(operation, "form", None) == "elementwise" or getattr(operation, "iterated", False))
        and not getattr(operation, "cuda", None)
    ]


def kernels_of(operations: Iterable[object]) -> list[ElementwiseKernel]:
    """Kernels of the declared operations that carry a CUDA body.

    An operation has ``name`` and ``cuda``. Where that is a `Body`, it says the rest itself. Else there are
    ``cuda_inputs``, ``cuda_params`` and ``promote`` (a string or an enum with such a value). Optional: ``accept`` (a
    mask of ``flambeau.dtypes``' bits) and ``check`` (raises on what the operation refuses), ``cuda_dtypes`` (names,
    which overrule both), ``cuda_masks``. Operations whose ``cuda`` is empty or absent, those composed of others, are
    left out.
    """
    kernels = []
    for operation in operations:
        body = getattr(operation, "cuda", None)
        if not body:
            continue
        if isinstance(body, Body):
            kernels.append(
                ElementwiseKernel(
                    name=operation.name,  # type: ignore[attr-defined]
                    body=body.expression,
                    inputs=body.inputs,
                    params=body.params,
                    result=body.result,  # type: ignore[arg-type]
                    dtypes=tuple(body.dtypes),
                    masks=body.masks,
                    scalars=body.scalars,
                    moves=body.moves,
                )
            )
            continue
        promote = operation.promote  # type: ignore[attr-defined]
        kernels.append(
            ElementwiseKernel(
                name=operation.name,  # type: ignore[attr-defined]
                body=body,
                inputs=tuple(operation.cuda_inputs),  # type: ignore[attr-defined]
                params=tuple(operation.cuda_params),  # type: ignore[attr-defined]
                result=str(getattr(promote, "value", promote)).lower(),  # type: ignore[arg-type]
                dtypes=_dtypes_of(operation),
                masks=tuple(getattr(operation, "cuda_masks", ())),
            )
        )
    return kernels


def _dtypes_of(operation: object) -> tuple[str, ...]:
    """Dtypes a declaration names, else those of ``ALL`` that its mask and its check of the arguments let pass."""
    if named := getattr(operation, "cuda_dtypes", None):
        return tuple(named)
    mask = getattr(operation, "accept", None)
    if mask is None:
        return REAL
    from flambeau.dtypes import DTYPES

    known = {str(dtype).rpartition(".")[2]: dtype for dtype in DTYPES}
    # Integers of an operation that computes in floats are converted before the mask is asked.
    converted = EXACT if getattr(operation, "promote", None) == "int_to_float" else frozenset()
    accepted = [name for name in ALL if name in converted or known[name].bit & mask]
    return tuple(name for name in accepted if not _refuses(operation, known[name]))


def _refuses(operation: object, dtype: object) -> bool:
    """Whether the operation's own check raises on tensors of the dtype, as PyTorch's does on bool - bool."""
    check = getattr(operation, "check", None)
    if check is None:
        return False
    from flambeau import zeros

    numbers = dict.fromkeys(operation.cuda_params, 1) | getattr(operation, "defaults", {})  # type: ignore[attr-defined]
    tensors = [zeros((1,), dtype=dtype) for _ in operation.cuda_inputs]  # type: ignore[attr-defined]
    keywords = list(inspect.signature(check).parameters)[len(tensors) :]
    try:
        check(*tensors, **{name: numbers.get(name) for name in keywords})
    except RuntimeError:  # NotImplementedError is one
        return True
    return False


@cache
def headers_digest() -> str:
    """SHA-256 of every kernel header: compiled code is stale when one changes."""
    digest = hashlib.sha256()
    for path in sorted(KERNELS.glob("*.cuh")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def results_of(kernel: ElementwiseKernel) -> tuple[str | None, ...]:
    """The dtypes a conversion may be asked for; None where the operation itself decides."""
    return tuple(kernel.dtypes) if kernel.result == "any" else (None,)


def instances(kernel: ElementwiseKernel, full: bool = False) -> list[str]:
    """Name expressions that cover an operation: every dtype it has, strided and contiguous.

    64-bit indices are asked for on the first dtype alone unless ``full``.
    """
    expressions = []
    for position, dtype in enumerate(kernel.dtypes):
        widths: tuple[Literal["i32", "i64"], ...] = ("i32", "i64") if full or position == 0 else ("i32",)
        for index, to in product(widths, results_of(kernel)):
            wanted = instance(kernel, dtype, index, to=to)
            expressions.append(wanted.strided())
            expressions += [wanted.contiguous(width) for width in sorted({1, wanted.width})]
    return expressions
