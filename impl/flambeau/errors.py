"""PyTorch's own exceptions and the texts that many operations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from flambeau.dtypes import INTEGRAL, complex32, dtype


class LinAlgError(RuntimeError):
    """A matrix that a factorisation or inverse cannot take (`torch.linalg.LinAlgError`)."""

    __module__ = "torch._C"
    __qualname__ = "_LinAlgError"


class OutOfMemoryError(RuntimeError):
    """Memory of a device is used up (`torch.OutOfMemoryError`)."""

    __module__ = "torch"


LEAF_IN_PLACE = "a leaf Variable that requires grad is being used in an in-place operation."
VIEW_OF_LEAF_IN_PLACE = "a view of a leaf Variable that requires grad is being used in an in-place operation."
SELF_OVERLAP = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
    "Please clone() the tensor before performing the operation."
)
PARTIAL_OVERLAP = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
    "location. Please clone() the tensor before performing the operation."
)
INFERENCE_SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
    "computation "
    "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or "
    "use `torch.no_grad()` instead of `torch.inference_mode()`."
)
INFERENCE_UPDATED = (
    "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal "
    "tensor "
    "before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
)
FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)
NO_CUDA = (
    "flambeau does not run on CUDA devices yet: its kernels compile (see `python -m flambeau.cuda.check`), "
    "device='cuda' is not implemented"
)


def no_case_for(kernel: str, d: dtype) -> NotImplementedError:
    """PyTorch's error where a kernel has no case for a dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{d.type_name}'")


def not_implemented_for(kernel: str, d: dtype) -> NoReturn:
    """Raise as PyTorch does where a kernel has no case for a dtype, which is after it has made a result of it."""
    raise too_late(no_case_for(kernel, d), d)


def refuse_complex(d: dtype, text: str, made: dtype | None = None) -> None:
    """Raise RuntimeError for a complex dtype, as PyTorch does after it has made a result of it (or of `made`)."""
    if d.is_complex:
        raise too_late(RuntimeError(text), made or d)


def too_late(error: Exception, made: dtype) -> Exception:
    """An error that PyTorch raises after it has made a result of that dtype."""
    error.__dict__["made"] = made
    return error


def warn_of_refused(error: Exception, bound: Mapping[str, Any]) -> None:
    """Give the warning of PyTorch for what it had made before the error: a result, or for out= a cast input."""
    if error.__dict__.pop("made", None) is not complex32:
        return
    input = bound.get("input")
    if bound.get("out") is None or (input is not None and input.dtype is not complex32):
        from flambeau.tensor import warn_of_complex_half

        warn_of_complex_half()


_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "uint16": "short unsigned int", "uint32": "unsigned int", "uint64": "long unsigned int",
    "float32": "float", "float64": "double",
}  # fmt: skip


def refuse(kernel: str, d: dtype, mask: int, when: Any = True) -> None:
    """Raise NotImplementedError for the dtypes of a mask that a kernel has no case for."""
    if d.bit & mask and when:
        not_implemented_for(kernel, d)


def cannot_cast(result: dtype, target: dtype, c_names: bool = False) -> NoReturn:
    """Raise as PyTorch does when a result may not be written into its target."""
    name = _C_NAMES.get(target.name, target.type_name) if c_names else target.type_name
    raise RuntimeError(f"result type {result.type_name} can't be cast to the desired output type {name}")


def check_out_dtype(out: dtype, asked: dtype) -> None:
    """Raise RuntimeError where a creation is asked for another dtype than that of its out=."""
    if asked is not out:
        raise RuntimeError(f"dtype {asked.type_name} does not match dtype of out parameter ({out.type_name})")


def check(condition: Any, text: str, kind: type[Exception] = RuntimeError) -> None:
    """Raise `kind(text)` unless condition holds."""
    if not condition:
        raise kind(text)


_CPP_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "uint16": "short unsigned int", "uint32": "unsigned int", "uint64": "long unsigned int",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex32": "c10::complex<c10::Half>", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def cpp_name(d: dtype) -> str:
    """The C++ type of a dtype's elements, as PyTorch's older error texts name it."""
    return _CPP_NAMES[d.name]


_LEGACY = frozenset(("Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double"))


def legacy_type(d: dtype) -> str:
    """The type of a CPU tensor as PyTorch's older error texts name it."""
    return f"torch.{d.type_name}Tensor" if d.type_name in _LEGACY else f"CPU{d.type_name}Type"


def structured_out(result: dtype, out: dtype) -> str:
    """The error of an operation that writes to out= unconverted."""
    return f"Expected out tensor to have dtype {cpp_name(result)}, but got {cpp_name(out)} instead"


def found_out(result: dtype, out: dtype) -> str:
    """The error of an elementwise operation whose operands must all have one dtype, out= included."""
    return f"Found dtype {out.type_name} but expected {result.type_name}"


_LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38}
_FIT_NAMES = {
    "bool": "bool", "int32": "int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
    "float64": "double", "complex32": "c10::complex<c10::Half>", "complex64": "c10::complex<float>",
}  # fmt: skip


def check_fits(value: Any, d: dtype) -> None:
    """Raise as PyTorch does where a Python number is no value of a dtype; negative ones wrap in unsigned dtypes."""
    largest = _LARGEST.get(d.to_real().name) if d.is_complex else None
    if largest is not None:
        fits = not any(largest < abs(part) < float("inf") for part in (value.real, value.imag))
    elif isinstance(value, complex):
        fits = d.is_complex or not value.imag
    elif isinstance(value, int) and d.category == INTEGRAL:
        top = 1 << 8 * d.itemsize - d.is_signed
        fits = -top <= value < top
    elif isinstance(value, float) and d.category == INTEGRAL:
        # a NaN is within no bounds
        fits = -(d.is_signed << 8 * d.itemsize - 1) <= value <= (1 << 8 * d.itemsize - d.is_signed) - 1
    elif isinstance(value, int | float) and d.name in _LARGEST:
        fits = abs(value) <= _LARGEST[d.name] or value in (float("inf"), -float("inf")) or value != value
    else:
        return
    if not fits:
        name = _FIT_NAMES.get(d.name, f"{d.name}_t")
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")


def expect_out(out: Any, *expected: dtype, shape: Any = None) -> None:
    """Raise RuntimeError unless each tensor given as out= (if any) has the dtype expected of it.

    shape: that of the results, to which PyTorch has resized those before the one that it refuses.
    """
    if out is not None:
        given = tuple(out) if isinstance(out, tuple | list) else (out,)
        for i, (t, d) in enumerate(zip(given, expected, strict=True)):
            if t.dtype is not d:
                from flambeau.inplace import warn_of_resize

                for before in given[:i] if shape is not None else ():
                    warn_of_resize(tuple(before.shape), shape)
                raise RuntimeError(structured_out(d, t.dtype))
