"""How assay speaks with a library: what it asks of one, in one documented class.

`Adapter` speaks with whatever looks like torch, by its public names alone. For a library whose names differ, derive
from it and override what differs; the class is then a subject by its path, or by a short name through the entry point
group `assay.subjects`:

    assay run my_package.conformance:MyAdapter

A path of a call is PyTorch's ("torch.sum", "Tensor.add_", "operator.add"); a dtype's name is PyTorch's without
"torch." ("float32"). AttributeError and NotImplementedError, from any method, mean that the library lacks something:
"missing", never "wrong". See `assay.subjects.tinygrad` and `assay.subjects.jax` for two that ship.
"""

from __future__ import annotations

import functools
import hashlib
import operator
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assay.dtypes import ALL
from assay.values import numpy_dtype

#: How an input comes to require a gradient.
REQUIRE = "requires_grad_"
#: The comparisons that Python asks of the second operand where the first has no answer.
_SWAPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
#: Dtypes that numpy's own conversions do not know, by an integer carrier of the same width.
CARRIERS = {"bfloat16": "int16", "complex32": "int32"}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a library promises; an empty field promises everything. And what it was found to be without.

    levels, operations (globs), dtypes (of the first tensor argument): asked unless the command line asks for others.
    aspects: all that the library can show, so that nothing else is ever asked. source: the file that says it.
    absent: names of dtypes, and "requires_grad_", that the library does not have: told once as missing, and asked only
    where the command line asks for them.
    """

    levels: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    source: str = ""
    absent: tuple[str, ...] = ()

    def shown(self, aspects: Collection[str]) -> tuple[str, ...]:
        """Those of `aspects` that the library can show."""
        return tuple(a for a in aspects if not self.aspects or a in self.aspects)


class Missing(Exception):
    """The library has nothing of that name."""


def attribute(module: Any, path: str) -> Any:
    """`module.a.b.c` for "a.b.c" or "torch.a.b.c". Raises AttributeError."""
    return functools.reduce(getattr, path.removeprefix("torch.").split("."), module)


def short_name(value: Any) -> str:
    """ "float32" for `torch.float32`, whatever the module is called."""
    return str(value).rsplit(".", 1)[-1]


#: Dtypes are few, and asked for several times a case.
_dtype_name = functools.lru_cache(256)(short_name)


def paired(array: np.ndarray) -> np.ndarray:
    """complex64 of a complex32 array, which comes as pairs of halves; infinities stay in their own part."""
    return np.ascontiguousarray(array.astype(np.float32)).view(np.complex64)[..., 0]


def _defines(cls: type, name: str) -> bool:
    """Whether a class itself, or a base other than `object`, has a special method. Its metaclass may too: `type` has
    `__or__`."""
    return any(name in vars(base) for base in cls.__mro__ if base is not object)


class Adapter:
    """A torch-like module as assay sees it; the base of every other adapter.

    claims: what the library promises. views: whether tensors have layouts, made by permute, slicing, view and expand;
    without, every input is dense. writable: whether `tensor[index] = number` writes, so that shared memory shows.
    """

    claims = Claims()
    views = True
    writable = True

    def __init__(self, module: Any = None) -> None:
        """module: what looks like torch; None where every method that needs it is overridden."""
        self.module = module

    # -- before a case

    def start(self) -> None:
        """Once in each process, before the first case."""
        if hasattr(self.module, "set_warn_always"):
            self.module.set_warn_always(True)
        # Where opt_einsum happens to be installed, PyTorch contracts in another order.
        contractions: Any = getattr(getattr(self.module, "backends", None), "opt_einsum", None)
        if getattr(contractions, "enabled", False):
            contractions.enabled = False

    def found(self) -> Claims:
        """The claims, with what is absent beside what they call so: by names alone, nothing is called. Where no dtype
        has its name, all are taken to be there."""
        absent = [name for name in ALL if not self._names(name)]
        if len(absent) == len(ALL):
            absent = []
        cls = getattr(self.module, "Tensor", None)
        if isinstance(cls, type) and not hasattr(cls, REQUIRE):
            absent.append(REQUIRE)
        return replace(self.claims, absent=tuple(dict.fromkeys((*self.claims.absent, *absent))))

    def _names(self, dtype: str) -> bool:
        try:
            return self.named(dtype) is not None
        except (AttributeError, NotImplementedError):
            return False

    def reset(self, seed: int, default_dtype: str) -> None:
        """Bring global state to what a case says; what a library does not have is left out. Raises Missing where it
        cannot have the default dtype."""
        module = self.module
        self.reset_printing()
        if hasattr(module, "set_grad_enabled"):
            module.set_grad_enabled(True)
        if default_dtype != "float32":
            for name in ("set_default_dtype", default_dtype):
                if not hasattr(module, name):
                    raise Missing(f"torch.{name}")
        if hasattr(module, "set_default_dtype"):
            module.set_default_dtype(getattr(module, default_dtype, None))
        # torch.manual_seed also queues a seed, with a formatted stack, for every device there might be: 0.3 ms.
        seeded = getattr(module, "default_generator", module)
        if hasattr(seeded, "manual_seed"):
            seeded.manual_seed(seed)

    def reset_printing(self) -> None:
        """PyTorch's default print options."""
        if hasattr(self.module, "set_printoptions"):
            self.module.set_printoptions(profile="default")

    # -- inputs

    def named(self, path: str) -> Any:
        """A constant of the library: a dtype, a memory format, a type. Raises AttributeError."""
        return attribute(self.module, path)

    def tensor(self, array: np.ndarray, dtype: str) -> Any:
        """A contiguous tensor of `dtype` that owns a copy of `array`.

        bfloat16 arrives as int16, complex32 as float16 with a last dimension of 2. Uses `from_numpy`, then
        `frombuffer`, then `tensor(nested list)`, whichever the module has; `zeros` where there are no elements.
        Raises Missing where the module does not name the dtype, even if numpy's would do.
        """
        module = self.module
        target = getattr(module, dtype, None)
        if target is None:
            raise Missing(f"torch.{dtype}")
        array = np.asarray(array, order="C")  # ascontiguousarray would make a 0-dim array 1-dim
        carrier = CARRIERS.get(dtype)
        shape = array.shape[:-1] if dtype == "complex32" else array.shape
        if not array.size and hasattr(module, "zeros"):
            # numpy gives an empty array strides of 0, which `from_numpy` would take over
            return module.zeros(shape, dtype=target)
        if hasattr(module, "from_numpy"):
            if carrier is None:
                # the copy is writable, and its dims of size 1 have the usual strides
                return module.from_numpy(array.copy()).clone()
            return module.from_numpy(array.view(carrier).reshape(shape).copy()).view(target).clone()
        if hasattr(module, "frombuffer") and array.size:
            return module.frombuffer(bytearray(array.tobytes()), dtype=target).reshape(shape).clone()
        if dtype == "complex32":
            array = paired(array)
        elif dtype == "bfloat16":
            array = array.astype(np.float32)
        return module.tensor(array.tolist(), dtype=target).reshape(shape)

    def differentiable(self, tensor: Any) -> Any:
        """The tensor as one whose gradient will be asked for."""
        return tensor.requires_grad_(True)

    def detached(self, tensor: Any) -> Any:
        """The tensor without its graph."""
        return tensor.detach()

    def copy(self, tensor: Any) -> Any:
        """A copy that the graph knows of."""
        return tensor.clone()

    def generator(self, *seed: int) -> Any:
        """A random generator, seeded."""
        made = self.module.Generator()
        made.manual_seed(*seed)
        return made

    # -- the call

    def function(self, path: str) -> Callable[..., Any]:
        """What a path stands for, which begins with "torch." ("torch.nn.functional.relu"). Raises AttributeError."""
        found: Callable[..., Any] = attribute(self.module, path)
        return found

    def operator(self, name: str) -> Callable[..., Any]:
        """What `operator.<name>` stands for; the path's last word. Raises AttributeError."""
        found: Callable[..., Any] = getattr(operator, name)
        return found

    def method(self, name: str, args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """(callable, its arguments) of `Tensor.<name>` called with args, the first of which is the tensor; the path's
        last word.

        A property is called as a function of no arguments. Raises AttributeError.
        """
        on_self = bool(args) and self.is_tensor(args[0])
        # object's own: only `str` of it is right for any class, for it goes by `repr`
        if on_self and hasattr(object, name) and name != "__str__" and not _defines(type(args[0]), name):
            raise AttributeError(name)
        found = getattr(args[0] if on_self else getattr(self.module, "Tensor", None), name)
        if not callable(found):
            return lambda: found, ()
        return found, args[1:] if on_self else args

    def resolve(self, path: str, args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """(callable, its arguments) of a call. Raises Missing."""
        owner, _, name = path.rpartition(".")
        try:
            if owner == "operator":
                if lacking := self._lacking(name, args):
                    raise Missing(lacking)
                return self.operator(name), args
            return self.method(name, args) if owner == "Tensor" else (self.function(path), args)
        except AttributeError as error:
            raise Missing(path) from error

    def _lacking(self, name: str, args: tuple[Any, ...]) -> str:
        """The method that is missing for an operator, where no tensor among the first two operands has one; or "".

        Python's own refusal, or `object`'s `==`, is not the library's answer, nor is `x = x + y` one to `x += y`.
        """
        plain = name.strip("_")
        known = vars(operator)
        updated = plain[1:] if plain[0] == "i" and (plain[1:] in known or f"{plain[1:]}_" in known) else ""
        if updated and args and self.is_tensor(args[0]):
            names = [f"__{plain}__"]
        else:
            plain = updated or plain
            names = [f"__{plain}__", f"__{_SWAPPED.get(plain, f'r{plain}')}__"]
        asked = [(type(a), n) for a, n in zip(args, names, strict=False) if self.is_tensor(a)]
        return "" if any(_defines(cls, n) for cls, n in asked) or not asked else f"Tensor.{asked[0][1]}"

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any]
    ) -> Any:
        """The result of one call. leaves: the tensors whose gradients will be asked for, for libraries that
        differentiate functions and keep no graph."""
        return function(*args, **kwargs)

    def step(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of one call of a program; all of the program is itself one `call`."""
        return function(*args, **kwargs)

    def requires_grad(self, tensor: Any) -> bool:
        """Whether a gradient can be asked of this result."""
        return bool(getattr(tensor, "requires_grad", False))

    def grad(
        self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], create_graph: bool
    ) -> Sequence[Any]:
        """Gradients of outputs by inputs, weighted by cotangents; None where none reaches an input."""
        found: Sequence[Any] = self.module.autograd.grad(
            outputs, inputs, cotangents, create_graph=create_graph, allow_unused=True
        )
        return found

    # -- reading

    def is_tensor(self, value: Any) -> bool:
        """Whether `value` is one of the library's tensors."""
        cls = getattr(self.module, "Tensor", None)
        if isinstance(cls, type):
            return isinstance(value, cls)
        return hasattr(value, "dtype") and hasattr(value, "shape") and not isinstance(value, np.ndarray | np.generic)

    def dtype(self, tensor: Any) -> str:
        """The name of a tensor's dtype."""
        return _dtype_name(tensor.dtype)

    def shape(self, tensor: Any) -> tuple[int, ...]:
        """The sizes of a tensor."""
        return tuple(map(int, tensor.shape))

    def data(self, tensor: Any, dtype: str) -> bytes | None:
        """The elements in row-major order, little-endian, complex as pairs; None where the library keeps none. By
        `numpy` or `tolist`; raises Missing where there is neither."""
        tensor = tensor.detach() if getattr(tensor, "requires_grad", False) else tensor
        if hasattr(tensor, "resolve_conj"):
            tensor = tensor.resolve_conj()
        if hasattr(tensor, "resolve_neg"):
            tensor = tensor.resolve_neg()
        if hasattr(tensor, "numpy"):
            if dtype in CARRIERS:
                tensor = tensor.contiguous().view(attribute(self.module, CARRIERS[dtype]))
            try:
                array: np.ndarray = tensor.numpy()
            except RuntimeError:
                # PyTorch's undefined gradients may be zeros without memory, which only `force` turns into an array.
                array = tensor.numpy(force=True)
            return array.tobytes()
        if not hasattr(tensor, "tolist"):
            raise Missing("Tensor.numpy (or tolist)")
        flat = np.array(tensor.tolist())
        if dtype == "complex32":
            return np.stack([flat.real, flat.imag], -1).astype(np.float16).tobytes()
        return flat.astype(numpy_dtype(dtype)).tobytes()

    def stride(self, tensor: Any) -> tuple[int, ...] | None:
        """Strides in elements; None where the library has none."""
        stride = getattr(tensor, "stride", None)
        return None if stride is None else tuple(map(int, stride()))

    def offset(self, tensor: Any) -> int | None:
        """The offset into the storage in elements; None where the library has none."""
        offset = getattr(tensor, "storage_offset", None)
        return None if offset is None else int(offset())

    def kind(self, tensor: Any) -> str:
        """The name of the tensor's class, as PyTorch would call it."""
        return type(tensor).__name__

    def told(self, value: Any) -> str:
        """How a dtype, layout, memory format or device of the library is called in PyTorch."""
        return short_name(value)

    def random_digest(self, generators: Sequence[Any]) -> str:
        """A digest of what the generators draw next: equal states draw equally, however a library stores them."""
        module, digest = self.module, hashlib.sha256()
        for keywords in [{"generator": g} for g in generators] + [{}]:
            for draw, dtype in (("randn", "float32"), ("randn", "float64"), ("rand", "float64")):
                drawn = getattr(module, draw)((1,), dtype=getattr(module, dtype), **keywords)
                digest.update(self.data(drawn, dtype) or b"")
        return digest.hexdigest()[:16]

    def disturb(self, tensor: Any) -> None:
        """Change the first element."""
        index = (0,) * len(tensor.shape)
        old = tensor[index].item()
        tensor[index] = (not old) if isinstance(old, bool) else (2 if old == 1 else 1)


def adapted(module: Any) -> Adapter:
    """The adapter of a module; an adapter is its own."""
    return module if isinstance(module, Adapter) else Adapter(module)


__all__ = ["CARRIERS", "Adapter", "Claims", "Missing", "adapted", "attribute", "paired", "short_name"]
