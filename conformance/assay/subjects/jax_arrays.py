"""JAX's shapes, indexing, creation, products, decompositions, transforms and convolutions by PyTorch's names and
parameters: arguments are translated, nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl

from assay.subjects.jax_elementwise import LIKE, find
from assay.subjects.tables import gathered, listed, positional, record, reduced, spread

# -- shapes


def _flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    rank = max(input.ndim, 1)
    return jax.lax.collapse(input, start_dim % rank, end_dim % rank + 1) if input.ndim else jnp.ravel(input)


def _squeeze(input: Any, dim: Any = None) -> Any:
    return jnp.squeeze(input, axis=listed(dim))


def _split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    size = split_size_or_sections
    if not isinstance(size, int):
        starts = [sum(size[: i + 1]) for i in range(len(size) - 1)]
    else:
        starts = list(range(size, tensor.shape[dim], size)) if size else []
    return tuple(jnp.split(tensor, starts, axis=dim))


def _tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    return tuple(jnp.array_split(input, indices_or_sections, axis=dim))


def _parts(own: str) -> Callable[..., Any]:
    return lambda input, indices_or_sections: tuple(find(own)(input, listed(indices_or_sections)))


def _broadcast_to(input: Any, size: Any) -> Any:
    return jnp.broadcast_to(input, _expanded(input, size))


def _expanded(input: Any, size: Any) -> tuple[int, ...]:
    """The sizes, of which −1 leaves one as it is."""
    missing = len(size) - input.ndim
    return tuple(input.shape[i - missing] if n == -1 and i >= missing else n for i, n in enumerate(size))


def _expand(input: Any, *size: Any, **named: Any) -> Any:
    return _broadcast_to(input, positional("size", size, named))


def _sized(own: str, name: str) -> Callable[..., Any]:
    """f(input, *sizes)"""
    return lambda input, *given, **named: find(own)(input, positional(name, given, named))


def _flip(input: Any, *dims: Any, **named: Any) -> Any:
    return jnp.flip(input, axis=positional("dims", dims, named))


def _repeat_interleave(input: Any, repeats: Any, dim: Any = None, *, output_size: Any = None) -> Any:
    return jnp.repeat(input, repeats, axis=dim, total_repeat_length=output_size)


def _meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    return tuple(jnp.meshgrid(*gathered(*tensors), indexing=indexing))


def _several(own: str) -> Callable[..., Any]:
    """f(*tensors), of one tensor a tensor, of several a tuple"""

    def several(*tensors: Any) -> Any:
        found = find(own)(*gathered(*tensors))
        return tuple(found) if isinstance(found, list) else found

    return several


def _pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    widths = [(0, 0)] * (input.ndim - len(pad) // 2) + [tuple(pad[i : i + 2]) for i in range(len(pad) - 2, -1, -2)]
    if any(n < 0 for pair in widths for n in pair):
        raise NotImplementedError("negative padding")
    if mode == "constant":
        return jnp.pad(input, widths, constant_values=0 if value is None else value)
    return jnp.pad(input, widths, mode={"replicate": "edge", "circular": "wrap"}.get(mode, mode))


# -- indexing


def _index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    source = source if alpha == 1 else source * alpha
    return input.at[(slice(None),) * (dim % max(input.ndim, 1)) + (index,)].add(source)


def _at_set(input: Any, dim: int, index: Any, value: Any) -> Any:
    return input.at[(slice(None),) * (dim % max(input.ndim, 1)) + (index,)].set(value)


def _one_hot(input: Any, num_classes: int = -1) -> Any:
    if num_classes == -1:
        raise NotImplementedError("num_classes=-1")
    return jax.nn.one_hot(input, num_classes, dtype=jnp.int64)


# -- products, linalg


def _tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    return jnp.tensordot(a, b, axes=dims)


def _einsum(equation: str, *operands: Any) -> Any:
    return jnp.einsum(equation, *gathered(*operands))


def _vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    x = x if dtype is None else x.astype(dtype)
    return jnp.linalg.vector_norm(x, axis=reduced(dim), keepdims=keepdim, ord=ord)


def _pair(own: str, name: str, *fields: str) -> Callable[..., Any]:
    made = record(name, *fields)
    return lambda A: made(*find(own)(A))


_Svd = record("linalg_svd", "U", "S", "Vh")
_Qr = record("linalg_qr", "Q", "R")
_Eigh = record("linalg_eigh", "eigenvalues", "eigenvectors")


def _svd(A: Any, full_matrices: bool = True) -> Any:
    return _Svd(*jnp.linalg.svd(A, full_matrices=full_matrices))


def _qr(A: Any, mode: str = "reduced") -> Any:
    if mode == "r":
        raise NotImplementedError("mode='r'")
    return _Qr(*jnp.linalg.qr(A, mode=mode))


def _eigh(A: Any, UPLO: str = "L") -> Any:
    return _Eigh(*jnp.linalg.eigh(A, UPLO=UPLO))


def _solve(A: Any, B: Any, *, left: bool = True) -> Any:
    if not left:
        raise NotImplementedError("left=False")
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and A.shape[:-1] == B.shape)
    return jnp.linalg.solve(A, B[..., None])[..., 0] if vector else jnp.linalg.solve(A, B)


def _solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    if not left:
        raise NotImplementedError("left=False")
    return jsl.solve_triangular(A, B, lower=not upper, unit_diagonal=unitriangular)


# -- Fourier


def _fft1(own: str) -> Callable[..., Any]:
    return lambda input, n=None, dim=-1, norm=None: find(own)(input, n=n, axis=dim, norm=norm)


def _fft_sizes(s: Any) -> Any:
    if s is not None and -1 in s:
        raise NotImplementedError("-1 among the sizes")
    return listed(s)


def _fft2(own: str) -> Callable[..., Any]:
    return lambda input, s=None, dim=(-2, -1), norm=None: find(own)(input, s=_fft_sizes(s), axes=listed(dim), norm=norm)


def _fftn(own: str) -> Callable[..., Any]:
    def fftn(input: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Any:
        if s is not None and dim is None:
            dim = tuple(range(-len(s), 0))
        return find(own)(input, s=_fft_sizes(s), axes=listed(dim), norm=norm)

    return fftn


def _frequencies(own: str) -> Callable[..., Any]:
    return lambda n, d=1.0, *, dtype=jnp.float32: find(own)(n, d, dtype=dtype)


# -- convolution


def _conv(rank: int) -> Callable[..., Any]:
    def each(given: Any) -> tuple[int, ...]:
        return tuple(given) * (rank if len(given) == 1 else 1) if isinstance(given, tuple | list) else (given,) * rank

    def conv(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        if bias is not None:
            raise NotImplementedError("bias=")
        if input.ndim != rank + 2:
            raise NotImplementedError("no batch")
        around = padding.upper() if isinstance(padding, str) else [(n, n) for n in each(padding)]
        return jax.lax.conv_general_dilated(
            input, weight, each(stride), around, rhs_dilation=each(dilation), feature_group_count=groups
        )

    return conv


def _window(own: str) -> Callable[..., Any]:
    def window(window_length: int, periodic: bool = True, *, dtype: Any = None) -> Any:
        if periodic or dtype is not None:
            raise NotImplementedError("periodic=True, dtype=")
        return find(own)(window_length)

    return window


ARRAYS: dict[str, Callable[..., Any]] = {
    # shapes
    **spread("transpose swapdims swapaxes", lambda _: lambda input, dim0, dim1: jnp.swapaxes(input, dim0, dim1)),
    "t": lambda input: jnp.transpose(input),
    "mT": lambda input: jnp.matrix_transpose(input),
    "permute": _sized("transpose", "dims"),
    "reshape": _sized("reshape", "shape"),
    "tile": _sized("tile", "dims"),
    "reshape_as": lambda input, other: jnp.reshape(input, other.shape),
    **spread(
        "movedim moveaxis",
        lambda _: lambda input, source, destination: jnp.moveaxis(input, listed(source), listed(destination)),
    ),
    "flatten": _flatten,
    "squeeze": _squeeze,
    "unsqueeze": lambda input, dim: jnp.expand_dims(input, dim),
    "broadcast_to": _broadcast_to,
    "expand": _expand,
    "expand_as": lambda input, other: jnp.broadcast_to(input, other.shape),
    "select": lambda input, dim, index: jax.lax.index_in_dim(input, index, dim, keepdims=False),
    "unbind": lambda input, dim=0: tuple(jnp.unstack(input, axis=dim)),
    "split": _split,
    "tensor_split": _tensor_split,
    **spread("hsplit vsplit dsplit", _parts),
    "flip": _flip,
    "roll": lambda input, shifts, dims=None: jnp.roll(input, listed(shifts), axis=listed(dims)),
    "rot90": lambda input, k=1, dims=(0, 1): jnp.rot90(input, k, tuple(dims)),
    "repeat_interleave": _repeat_interleave,
    **spread("tril triu", lambda own: lambda input, diagonal=0: find(own)(input, diagonal)),
    "diag": lambda input, diagonal=0: jnp.diag(input, diagonal),
    "diagflat": lambda input, offset=0: jnp.diagflat(input, offset),
    "diagonal": lambda input, offset=0, dim1=0, dim2=1: jnp.diagonal(input, offset, dim1, dim2),
    "linalg.diagonal": lambda A, *, offset=0, dim1=-2, dim2=-1: jnp.diagonal(A, offset, dim1, dim2),
    "trace": lambda input: jnp.trace(input),
    **spread("cat=concatenate concat concatenate", lambda _: lambda tensors, dim=0: jnp.concatenate(tensors, dim)),
    "stack": lambda tensors, dim=0: jnp.stack(tensors, axis=dim),
    **spread(
        "hstack vstack row_stack=vstack dstack column_stack",
        lambda own: lambda tensors: find(own)(tensors),
    ),
    **spread("atleast_1d atleast_2d atleast_3d broadcast_tensors=broadcast_arrays", _several),
    "meshgrid": _meshgrid,
    "block_diag": lambda *tensors: jsl.block_diag(*tensors),
    "vander": lambda x, N=None, increasing=False: jnp.vander(x, N, increasing),
    "nn.functional.pad": _pad,
    # indexing
    "index_select": lambda input, dim, index: jnp.take(input, index, axis=dim),
    "take": lambda input, index: jnp.take(input, index),
    "take_along_dim": lambda input, indices, dim=None: jnp.take_along_axis(input, indices, axis=dim),
    "masked_select": lambda input, mask: input[mask],
    "index_add": _index_add,
    "index_copy": _at_set,
    "index_fill": _at_set,
    "nonzero": lambda input, *, as_tuple=False: jnp.nonzero(input) if as_tuple else jnp.argwhere(input),
    "__getitem__": lambda input, index: input[index],
    "searchsorted": lambda sorted_sequence, input, *, right=False: jnp.searchsorted(
        sorted_sequence, input, side="right" if right else "left"
    ),
    "bucketize": lambda input, boundaries, *, right=False: jnp.searchsorted(
        boundaries, input, side="right" if right else "left"
    ),
    "nn.functional.one_hot": _one_hot,
    # creation
    **spread("zeros ones", lambda own: LIKE.created(own, jnp.float32)),
    **spread("zeros_like ones_like", lambda own: lambda input, *, dtype=None: find(own)(input, dtype)),
    "full_like": lambda input, fill_value, *, dtype=None: jnp.full_like(input, fill_value, dtype),
    "full": lambda size, fill_value, *, dtype=None: jnp.full(tuple(size), fill_value, dtype),
    "eye": lambda n, m=None, *, dtype=jnp.float32: jnp.eye(n, m, dtype=dtype),
    "linspace": lambda start, end, steps, *, dtype=jnp.float32: jnp.linspace(start, end, steps, dtype=dtype),
    "logspace": lambda start, end, steps, base=10.0, *, dtype=jnp.float32: jnp.logspace(
        start, end, steps, base=base, dtype=dtype
    ),
    # products
    **spread("outer ger=outer", lambda own: lambda input, vec2: find(own)(input, vec2)),
    "tensordot": _tensordot,
    "einsum": _einsum,
    "linalg.cross": lambda input, other, *, dim=-1: jnp.linalg.cross(input, other, axis=dim),
    "linalg.vecdot": lambda x, y, *, dim=-1: jnp.linalg.vecdot(x, y, axis=dim),
    "linalg.multi_dot": lambda tensors: jnp.linalg.multi_dot(tensors),
    # linalg
    **spread(
        "det=linalg.det linalg.det inverse=linalg.inv linalg.inv matrix_exp=scipy.expm linalg.matrix_exp=scipy.expm "
        "linalg.svdvals linalg.eigvals",
        lambda own: lambda A: find(own)(A),
    ),
    "slogdet": _pair("linalg.slogdet", "slogdet", "sign", "logabsdet"),
    "linalg.slogdet": _pair("linalg.slogdet", "linalg_slogdet", "sign", "logabsdet"),
    "linalg.eig": _pair("linalg.eig", "linalg_eig", "eigenvalues", "eigenvectors"),
    "linalg.svd": _svd,
    "linalg.qr": _qr,
    "linalg.eigh": _eigh,
    "linalg.eigvalsh": lambda A, UPLO="L": jnp.linalg.eigvalsh(A, UPLO=UPLO),
    "linalg.cholesky": lambda A, *, upper=False: jnp.linalg.cholesky(A, upper=upper),
    "linalg.solve": _solve,
    "linalg.solve_triangular": _solve_triangular,
    **spread("matrix_power linalg.matrix_power", lambda _: lambda A, n: jnp.linalg.matrix_power(A, n)),
    "linalg.vector_norm": _vector_norm,
    "linalg.tensorinv": lambda A, ind=2: jnp.linalg.tensorinv(A, ind),
    "linalg.tensorsolve": lambda A, B, dims=None: jnp.linalg.tensorsolve(A, B, listed(dims)),
    # Fourier
    **spread("fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft", _fft1),
    **spread("fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2", _fft2),
    **spread("fft.fftn fft.ifftn fft.rfftn fft.irfftn", _fftn),
    **spread("fft.fftshift fft.ifftshift", lambda own: lambda input, dim=None: find(own)(input, listed(dim))),
    **spread(
        "fft.fftfreq fft.rfftfreq", lambda own: lambda n, d=1.0, *, dtype=jnp.float32: find(own)(n, d, dtype=dtype)
    ),
    # convolution, windows
    **spread("conv1d nn.functional.conv1d", lambda _: _conv(1)),
    **spread("conv2d nn.functional.conv2d", lambda _: _conv(2)),
    **spread("conv3d nn.functional.conv3d", lambda _: _conv(3)),
    **spread("bartlett_window=bartlett blackman_window=blackman hann_window=hanning hamming_window=hamming", _window),
}
