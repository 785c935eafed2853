"""JAX (https://docs.jax.dev) as a subject: `assay run jax`; needs `pip install "jax[cpu]"`.

Arrays are immutable and have no strides; derivatives are those of functions, so that a call is differentiated as it is
made. 64-bit types are switched on, as PyTorch has them.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import ml_dtypes
import numpy as np

from assay.subjects.adapter import Claims
from assay.subjects.tables import TableAdapter, spread, substituted

jax.config.update("jax_enable_x64", True)

_DTYPES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"


def _unary(own: str) -> Callable[..., Any]:
    def unary(input: Any) -> Any:
        return _found(own)(input)

    return unary


def _binary(own: str) -> Callable[..., Any]:
    def binary(input: Any, other: Any) -> Any:
        return _found(own)(input, other)

    return binary


def _activation(own: str) -> Callable[..., Any]:
    def activation(input: Any, inplace: bool = False) -> Any:
        if inplace:
            raise NotImplementedError("inplace=True")
        return _found(own)(input)

    return activation


def _reduction(own: str) -> Callable[..., Any]:
    def reduction(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        options = {} if dtype is None else {"dtype": dtype}
        return _found(own)(input, axis=tuple(dim) if isinstance(dim, list) else dim, keepdims=keepdim, **options)

    return reduction


def _running(own: str) -> Callable[..., Any]:
    def running(input: Any, dim: int, *, dtype: Any = None) -> Any:
        return _found(own)(input, axis=dim, dtype=dtype)

    return running


def _along(own: str) -> Callable[..., Any]:
    def along(input: Any, dim: int) -> Any:
        return _found(own)(input, axis=dim)

    return along


def _found(name: str) -> Callable[..., Any]:
    for place in (jnp, jax.nn, jsp, jax.lax, jnp.linalg, jnp.fft):
        if hasattr(place, name):
            found: Callable[..., Any] = getattr(place, name)
            return found
    raise AttributeError(name)


def _add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return jnp.add(input, other if alpha == 1 else jnp.multiply(other, alpha))


def _sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return jnp.subtract(input, other if alpha == 1 else jnp.multiply(other, alpha))


def _div(input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode == "floor":
        return jnp.floor_divide(input, other)
    if rounding_mode is not None:
        raise NotImplementedError(f"rounding_mode={rounding_mode!r}")
    return jnp.true_divide(input, other)


def _spread(own: Callable[..., Any]) -> Callable[..., Any]:
    def spread(input: Any, dim: Any = None, *, correction: Any = 1, keepdim: bool = False) -> Any:
        return own(input, axis=tuple(dim) if isinstance(dim, list) else dim, ddof=correction, keepdims=keepdim)

    return spread


Max = namedtuple("Max", ("values", "indices"))
Min = namedtuple("Min", ("values", "indices"))
# as PyTorch calls them
Max.__name__, Min.__name__ = "max", "min"


def _extreme(pair: Callable[..., Any], whole: Callable[..., Any], place: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is None:
            return whole(input)
        if not isinstance(dim, int):
            return (jnp.maximum if whole is jnp.max else jnp.minimum)(input, dim)
        return pair(whole(input, axis=dim, keepdims=keepdim), place(input, axis=dim, keepdims=keepdim))

    return extreme


def _clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    return jnp.clip(input, min, max)


def _transpose(input: Any, dim0: int, dim1: int) -> Any:
    return jnp.swapaxes(input, dim0, dim1)


def _softmax(own: Callable[..., Any]) -> Callable[..., Any]:
    def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
        return own(input if dtype is None else input.astype(dtype), axis=dim)

    return softmax


def _sizes(*sizes: Any) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else tuple(sizes)


def _full(size: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    return jnp.full(tuple(size), fill_value, dtype)


def _filled(own: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *size, dtype=jnp.float32: own(_sizes(*size), dtype)


def _take(input: Any, index: Any, dim: int) -> Any:
    return jnp.take(input, index, axis=dim)


OPERATIONS: dict[str, Callable[..., Any]] = {
    **spread(
        "exp exp2 expm1 log log2 log10 log1p sin cos tan asin=arcsin acos=arccos atan=arctan sinh cosh tanh "
        "asinh=arcsinh acosh=arccosh atanh=arctanh sqrt rsqrt abs neg=negative negative positive sign square "
        "reciprocal floor ceil trunc erf erfc erfinv=erf_inv sigmoid isnan isinf isfinite logical_not "
        "bitwise_not=invert deg2rad rad2deg digamma lgamma=gammaln conj_physical=conj angle real imag "
        "isneginf isposinf signbit relu sinc special.i0=i0 special.i0e=i0e special.i1=i1 special.i1e=i1e "
        "special.entr=entr special.ndtr=ndtr",
        _unary,
    ),
    **spread(
        "mul=multiply multiply pow=power maximum minimum fmax fmin eq=equal ne=not_equal lt=less le=less_equal "
        "gt=greater ge=greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor "
        "atan2=arctan2 hypot fmod remainder floor_divide copysign nextafter heaviside logaddexp logaddexp2 gcd lcm "
        "bitwise_left_shift=left_shift bitwise_right_shift=right_shift matmul mm=matmul bmm=matmul mv=matmul dot vdot "
        "outer inner kron xlogy special.xlog1py=xlog1py",
        _binary,
    ),
    **spread("nn.functional.relu=relu nn.functional.relu6=relu6 nn.functional.silu=silu", _activation),
    **spread("nn.functional.mish=mish nn.functional.selu=selu nn.functional.hardswish=hard_swish", _activation),
    **spread("nn.functional.sigmoid=sigmoid nn.functional.tanh=tanh nn.functional.logsigmoid=log_sigmoid", _unary),
    **spread("nn.functional.softsign=soft_sign", _unary),
    **spread("sum mean nansum nanmean amax=max amin=min all any prod", _reduction),
    **spread("cumsum cumprod", _running),
    **spread("argmax argmin argsort flip squeeze unsqueeze=expand_dims", _along),
    **spread("fft.fft=fft fft.ifft=ifft fft.fftn=fftn fft.ifftn=ifftn", _unary),
    **spread("linalg.det=det linalg.inv=inv linalg.slogdet=slogdet linalg.cholesky=cholesky trace tril triu", _unary),
    "add": _add,
    "sub": _sub,
    "div": _div,
    "var": _spread(jnp.var),
    "std": _spread(jnp.std),
    "max": _extreme(Max, jnp.max, jnp.argmax),
    "min": _extreme(Min, jnp.min, jnp.argmin),
    "clamp": _clamp,
    "transpose": _transpose,
    "softmax": _softmax(jax.nn.softmax),
    "log_softmax": _softmax(jax.nn.log_softmax),
    "nn.functional.softmax": _softmax(jax.nn.softmax),
    "nn.functional.log_softmax": _softmax(jax.nn.log_softmax),
    "logsumexp": lambda input, dim, keepdim=False: jax.nn.logsumexp(input, axis=dim, keepdims=keepdim),
    "where": lambda condition, input, other: jnp.where(condition, input, other),
    "reshape": lambda input, *shape: jnp.reshape(input, _sizes(*shape)),
    "permute": lambda input, *dims: jnp.transpose(input, _sizes(*dims)),
    "movedim": lambda input, source, destination: jnp.moveaxis(input, source, destination),
    "flatten": lambda input: jnp.ravel(input),
    "ravel": lambda input: jnp.ravel(input),
    "t": lambda input: jnp.transpose(input),
    "cat": lambda tensors, dim=0: jnp.concatenate(tensors, axis=dim),
    "stack": lambda tensors, dim=0: jnp.stack(tensors, axis=dim),
    "roll": lambda input, shifts, dims=None: jnp.roll(input, shifts, axis=dims),
    "tile": lambda input, dims: jnp.tile(input, dims),
    "broadcast_to": lambda input, size: jnp.broadcast_to(input, size),
    "index_select": lambda input, dim, index: _take(input, index, dim),
    "diagonal": lambda input, offset=0, dim1=0, dim2=1: jnp.diagonal(input, offset, dim1, dim2),
    "full": _full,
    "zeros": _filled(jnp.zeros),
    "ones": _filled(jnp.ones),
    "eye": lambda n, m=None, *, dtype=jnp.float32: jnp.eye(n, m, dtype=dtype),
    "zeros_like": lambda input, *, dtype=None: jnp.zeros_like(input, dtype),
    "ones_like": lambda input, *, dtype=None: jnp.ones_like(input, dtype),
}


class Jax(TableAdapter):
    """JAX behind PyTorch's names: values, shapes, dtypes and first derivatives."""

    claims = Claims(aspects=("structure", "dtype", "shape", "values", "gradients"), operations=tuple(OPERATIONS))
    operations = OPERATIONS
    dtypes: ClassVar[dict[str, Any]] = {name: getattr(jnp, name) for name in _DTYPES.split() if name != "bool"}
    dtypes["bool"] = jnp.bool_

    def __init__(self) -> None:
        super().__init__(jax)
        self._leaves: list[Any] = []
        self._results: list[Any] = []
        self._outputs: Any = None
        self._pull: Callable[..., Any] | None = None

    def start(self) -> None:
        """Nothing to switch on."""

    def reset(self, seed: int, default_dtype: str) -> None:
        super().reset(seed, default_dtype)
        self._leaves, self._results, self._pull = [], [], None

    def tensor(self, array: np.ndarray, dtype: str) -> Any:
        if dtype not in self.dtypes:
            raise NotImplementedError(dtype)
        return jnp.asarray(array.view(ml_dtypes.bfloat16) if dtype == "bfloat16" else array.copy())

    def differentiable(self, tensor: Any) -> Any:
        made = jnp.array(tensor)
        self._leaves.append(made)
        return made

    def detached(self, tensor: Any) -> Any:
        return tensor

    def copy(self, tensor: Any) -> Any:
        return jnp.array(tensor)

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any]
    ) -> Any:
        if not leaves:
            return function(*args, **kwargs)

        def of_leaves(*given: Any) -> Any:
            replaced = {k: substituted(v, leaves, given) for k, v in kwargs.items()}
            return function(*substituted(args, leaves, given), **replaced)

        self._outputs, self._pull = jax.vjp(of_leaves, *leaves)
        flat = jax.tree_util.tree_leaves(self._outputs)
        self._results = [r for r in flat if jnp.issubdtype(r.dtype, jnp.inexact)]
        return self._outputs

    def requires_grad(self, tensor: Any) -> bool:
        return any(tensor is one for one in (*self._results, *self._leaves))

    def grad(
        self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], create_graph: bool
    ) -> Sequence[Any]:
        given = {id(output): cotangent for output, cotangent in zip(outputs, cotangents, strict=True)}

        def cotangent(output: Any) -> Any:
            if jnp.issubdtype(output.dtype, jnp.inexact):
                found = given.get(id(output), jnp.zeros_like(output))
                # JAX's complex derivatives are the conjugates of PyTorch's
                return jnp.conj(found) if jnp.iscomplexobj(found) else found
            return np.zeros(output.shape, jax.dtypes.float0)

        assert self._pull is not None
        found = self._pull(jax.tree_util.tree_map(cotangent, self._outputs))
        return [jnp.conj(g) if jnp.iscomplexobj(g) else g for g in found]

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, jax.Array)

    def dtype(self, tensor: Any) -> str:
        return str(tensor.dtype)

    def data(self, tensor: Any, dtype: str) -> bytes | None:
        return np.asarray(tensor).tobytes()
