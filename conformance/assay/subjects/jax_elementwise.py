"""JAX's elementwise operations, casts and reductions by PyTorch's names and parameters: arguments are translated,
nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import jax.scipy.special as jsp

from assay.subjects.tables import Conventions, record, spread

_PLACES = {"nn": jax.nn, "lax": jax.lax, "special": jsp, "linalg": jnp.linalg, "fft": jnp.fft, "scipy": jsl}


def find(name: str) -> Callable[..., Any]:
    """jnp's function of that name; "lax.rsqrt" is jax.lax's, "special.ndtr" jax.scipy.special's and so on."""
    place, _, own = name.rpartition(".")
    found: Callable[..., Any] = getattr(_PLACES[place] if place else jnp, own)
    return found


LIKE = Conventions(find, keepdim="keepdims", correction="ddof")


def _cast(input: Any, dtype: Any) -> Any:
    return input.astype(dtype)


# -- elementwise


def _div(input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode == "floor":
        return jnp.floor_divide(input, other)
    if rounding_mode is not None:
        raise NotImplementedError(f"rounding_mode={rounding_mode!r}")
    return jnp.true_divide(input, other)


def _polygamma(n: Any, input: Any) -> Any:
    if not isinstance(n, int):  # the method's tensor comes first
        n, input = input, n
    return jsp.polygamma(n, input)


def _logit(input: Any, eps: Any = None) -> Any:
    if eps is not None:
        raise NotImplementedError("eps=")
    return jsp.logit(input)


def _where(condition: Any, input: Any, other: Any) -> Any:
    return jnp.where(condition, input, other)


def _gelu(input: Any, *, approximate: str = "none") -> Any:
    return jax.nn.gelu(input, approximate=approximate == "tanh")


def _leaky_relu(input: Any, negative_slope: Any = 0.01, inplace: bool = False) -> Any:
    if inplace:
        raise NotImplementedError("inplace=True")
    return jax.nn.leaky_relu(input, negative_slope)


def _softplus(input: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    if (beta, threshold) != (1, 20):
        raise NotImplementedError("beta=, threshold=")
    return jax.nn.softplus(input)


def _hardtanh(input: Any, min_val: Any = -1.0, max_val: Any = 1.0, inplace: bool = False) -> Any:
    if inplace or (min_val, max_val) != (-1.0, 1.0):
        raise NotImplementedError("min_val=, max_val=, inplace=")
    return jax.nn.hard_tanh(input)


# -- reductions, order


def _quantile(own: str) -> Callable[..., Any]:
    def quantile(input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
        return find(own)(input, q, axis=dim, keepdims=keepdim, method=interpolation)

    return quantile


_Sort = record("sort", "values", "indices")
_TopK = record("topk", "values", "indices")


def _sort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = True) -> Any:
    ordered = jnp.sort(input, axis=dim, descending=descending, stable=stable)
    return _Sort(ordered, _argsort(input, dim, descending, stable=stable))


def _argsort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = True) -> Any:
    return jnp.argsort(input, axis=dim, descending=descending, stable=stable)


def _topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    if not largest:
        raise NotImplementedError("largest=False")
    return _TopK(*jax.lax.top_k(input, k, axis=dim))


def _unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    asked = {"return_inverse": return_inverse, "return_counts": return_counts}
    return jnp.unique(input, axis=dim, equal_nan=False, **asked)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **spread(
        "exp exp2 expm1 log log2 log10 log1p sin cos tan asin arcsin acos arccos atan arctan sinh cosh tanh asinh "
        "arcsinh acosh arccosh atanh arctanh sqrt rsqrt=lax.rsqrt abs absolute neg=negative negative positive sign "
        "sgn=sign square reciprocal floor ceil trunc fix=trunc isnan isinf isfinite isposinf isneginf isreal signbit "
        "logical_not bitwise_not deg2rad rad2deg angle real imag conj_physical=conj conj sinc i0 "
        "erf=special.erf erfc=special.erfc erfinv=special.erfinv sigmoid=nn.sigmoid relu=nn.relu "
        "digamma=special.digamma lgamma=special.gammaln special.digamma special.psi=special.digamma special.erf "
        "special.erfc special.erfinv special.exp2=exp2 special.expm1=expm1 special.log1p=log1p special.sinc=sinc "
        "special.i0 special.i0e special.i1 special.i1e special.gammaln special.expit special.entr special.erfcx "
        "special.ndtr special.log_ndtr special.ndtri clone=copy ravel argwhere fliplr flipud",
        LIKE.unary,
    ),
    **spread(
        "mul=multiply multiply pow=power maximum minimum fmax fmin eq=equal ne=not_equal not_equal lt=less less "
        "le=less_equal less_equal gt=greater greater ge=greater_equal greater_equal logical_and logical_or "
        "logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift true_divide "
        "atan2=arctan2 arctan2 hypot fmod remainder floor_divide copysign nextafter heaviside logaddexp logaddexp2 "
        "gcd lcm float_power ldexp clamp_min=maximum clamp_max=minimum matmul linalg.matmul mm=matmul bmm=matmul "
        "mv=matmul dot vdot inner kron xlogy=special.xlogy special.xlogy special.xlog1py special.zeta "
        "igamma=special.gammainc igammac=special.gammaincc special.gammainc special.gammaincc",
        LIKE.binary,
    ),
    **spread("add sub=subtract subtract", LIKE.scaled),
    **spread(
        "nn.functional.relu=nn.relu nn.functional.relu6=nn.relu6 nn.functional.silu=nn.silu "
        "nn.functional.mish=nn.mish nn.functional.selu=nn.selu selu=nn.selu nn.functional.hardswish=nn.hard_swish "
        "nn.functional.hardsigmoid=nn.hard_sigmoid",
        LIKE.activation,
    ),
    **spread(
        "nn.functional.sigmoid=nn.sigmoid nn.functional.tanh=tanh nn.functional.logsigmoid=nn.log_sigmoid "
        "nn.functional.softsign=nn.soft_sign",
        LIKE.unary,
    ),
    **spread("nn.functional.elu=nn.elu nn.functional.celu=nn.celu celu=nn.celu", lambda own: LIKE.bent(own, 1.0)),
    "nn.functional.leaky_relu": _leaky_relu,
    "nn.functional.gelu": _gelu,
    "nn.functional.softplus": _softplus,
    "nn.functional.hardtanh": _hardtanh,
    "nn.functional.glu": lambda input, dim=-1: jax.nn.glu(input, axis=dim),
    "div": _div,
    "divide": _div,
    "rsub": lambda input, other, alpha=1: jnp.subtract(other, input if alpha == 1 else input * alpha),
    "complex": lambda real, imag: jax.lax.complex(real, imag),
    "round": lambda input, *, decimals=0: jnp.round(input, decimals),
    "special.round": lambda input, *, decimals=0: jnp.round(input, decimals),
    "logit": _logit,
    "special.logit": _logit,
    "polygamma": _polygamma,
    "special.polygamma": _polygamma,
    "mvlgamma": lambda input, p: jsp.multigammaln(input, p),
    "special.multigammaln": lambda input, p: jsp.multigammaln(input, p),
    "nan_to_num": lambda input, nan=0.0, posinf=None, neginf=None: jnp.nan_to_num(
        input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf
    ),
    **spread("clamp clip", lambda _: lambda input, min=None, max=None: jnp.clip(input, min, max)),
    "where": _where,
    "masked_fill": lambda input, mask, value: jnp.where(mask, value, input),
    "isclose": lambda input, other, rtol=1e-05, atol=1e-08, equal_nan=False: jnp.isclose(
        input, other, rtol, atol, equal_nan
    ),
    "allclose": lambda input, other, rtol=1e-05, atol=1e-08, equal_nan=False: bool(
        jnp.allclose(input, other, rtol, atol, equal_nan)
    ),
    "equal": lambda input, other: bool(jnp.array_equal(input, other)),
    "isin": lambda elements, test_elements, *, assume_unique=False, invert=False: jnp.isin(
        elements, test_elements, assume_unique=assume_unique, invert=invert
    ),
    # casts
    **spread(
        "bool=bool_ byte=uint8 char=int8 short=int16 int=int32 long=int64 half=float16 bfloat16 float=float32 "
        "double=float64 cfloat=complex64 cdouble=complex128",
        lambda own: lambda input: input.astype(getattr(jnp, own)),
    ),
    # reductions
    **spread("sum nansum mean nanmean prod", LIKE.typed_reduction),
    **spread("amax=max amin=min count_nonzero logsumexp=nn.logsumexp special.logsumexp=nn.logsumexp", LIKE.reduction),
    **spread("all any", LIKE.truth),
    **spread("var std", LIKE.deviation),
    "max": LIKE.extreme("max", "maximum"),
    "min": LIKE.extreme("min", "minimum"),
    **spread("argmax argmin", LIKE.place),
    **spread("quantile nanquantile", _quantile),
    **spread("cumsum cumprod", lambda own: lambda input, dim, *, dtype=None: find(own)(input, axis=dim, dtype=dtype)),
    "logcumsumexp": lambda input, dim: jax.lax.cumlogsumexp(input, dim % max(input.ndim, 1)),
    "sort": _sort,
    "argsort": _argsort,
    "msort": lambda input: jnp.sort(input, axis=0),
    "topk": _topk,
    "unique": _unique,
    **spread(
        "softmax=nn.softmax log_softmax=nn.log_softmax nn.functional.softmax=nn.softmax "
        "nn.functional.log_softmax=nn.log_softmax special.softmax=nn.softmax special.log_softmax=nn.log_softmax",
        lambda own: LIKE.softmax(own, _cast),
    ),
    "cov": lambda input, *, correction=1, fweights=None, aweights=None: jnp.cov(
        input, ddof=correction, fweights=fweights, aweights=aweights
    ),
    "corrcoef": lambda input: jnp.corrcoef(input),
    "diff": lambda input, n=1, dim=-1, prepend=None, append=None: jnp.diff(input, n, dim, prepend, append),
    **spread("trapezoid trapz", lambda _: lambda y, x=None, *, dx=1, dim=-1: jnp.trapezoid(y, x, dx, dim)),
    "bincount": lambda input, weights=None, minlength=0: jnp.bincount(input, weights, minlength),
}
