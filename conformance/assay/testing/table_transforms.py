"""Faults of linear algebra, Fourier transforms and windows."""

from __future__ import annotations

from typing import Any

from assay.testing.table import accepts, assumes, changes, gradient, ignores, register, row, where_possible


def _taylor(a: Any) -> Any:
    eye = a.new_zeros(a.shape) + a.new_ones(a.shape[-1:]).diag()
    return eye + a + a @ a / 2 + a @ a @ a / 6


def _hooked(result: Any, change: Any) -> Any:
    last = result[-1]
    if last.requires_grad and not last.is_leaf:
        last.register_hook(change)
    return result


LINALG = (
    row(
        "matmul",
        "of a vector keeps a dimension",
        "shape",
        "input other",
        where_possible(
            lambda c: (
                c.right().unsqueeze(0)
                if c["input"].dim() == 1 and c["other"].dim() == 2 and "out" not in c.kwargs
                else None
            )
        ),
    ),
    row("addmm", "ignores beta", "values", "input mat1 mat2", ignores(beta=1)),
    row(
        "baddbmm",
        "keeps the NaN of what beta leaves out",
        "values",
        "input batch1 batch2",
        where_possible(lambda c: c.put(c.right() + 0 * c["input"]) if c.kwargs.get("beta") == 0 else None),
    ),
    row("vdot", "forgets the conjugate", "values", "input other", lambda c: c.put(c.torch.dot(c["input"], c["other"]))),
    row(
        "einsum",
        "gives the transpose",
        "values shape",
        "equation",
        where_possible(lambda c: c.right().mT.contiguous() if c.right().dim() >= 2 else None),
    ),
    row(
        "linalg.solve",
        "ignores left",
        "values shape",
        "A B",
        lambda c: c.but(left=True) if c["A"].shape[-1:] == c["B"].shape[-2:-1] else c.right(),
    ),
    row("linalg.cholesky", "ignores upper", "values", "input", ignores(upper=False)),
    row("linalg.det", "loses its sign", "values", "A", changes(lambda c, r: r.abs() if r.is_floating_point() else r)),
    row(
        "linalg.inv",
        "accepts singular matrices",
        "error",
        "A",
        accepts(RuntimeError, lambda c: c.torch.full_like(c["A"], float("inf"))),
    ),
    row("linalg.vector_norm", "ignores ord", "values", "x ord dim keepdim", ignores(ord=2)),
    row("linalg.matrix_norm", "takes two for its default", "values", "A ord", assumes(ord=2)),
    row(
        "linalg.eigh",
        "descends",
        "values",
        "A UPLO",
        where_possible(
            lambda c: type(c.right())((c.right()[0].flip(-1), c.right()[1].flip(-1))) if "out" not in c.kwargs else None
        ),
    ),
    row("linalg.qr", "ignores mode", "shape", "A mode", ignores(mode="reduced")),
    row("linalg.svd", "ignores full_matrices", "shape", "A full_matrices", ignores(full_matrices=True)),
    row("linalg.solve_triangular", "ignores unitriangular", "values", "A B", ignores(unitriangular=False)),
    row("matrix_exp", "stops after four terms", "values", "A", changes(lambda c, r: _taylor(c["A"]))),
    row("matrix_power", "ignores the sign of n", "values", "input n", lambda c: c.but(n=abs(c["n"]))),
    row("linalg.cross", "gives the opposite", "values", "input other", changes(lambda c, r: -r)),
    row(
        "tensordot",
        "takes the dims of the other",
        "values shape",
        "a b dims",
        where_possible(
            lambda c: (
                c.original(
                    c["b"], c["a"], **{k: v for k, v in c.kwargs.items() if k not in ("a", "b", "dims")}, dims=c["dims"]
                )
                if c.get("dims") == 0
                else None
            )
        ),
    ),
    row(
        "outer",
        "forgets the gradient of its second operand",
        "gradients",
        "input vec2",
        lambda c: c.original(c["input"], c["vec2"].detach()) if "out" not in c.kwargs else c.right(),
    ),
    row(
        "linalg.slogdet",
        "has the gradient of the logarithm to base two",
        "gradients",
        "A",
        where_possible(lambda c: _hooked(c.right(), lambda g: g / 0.6931471805599453)),
    ),
    row(
        "trace",
        "sums the other diagonal",
        "values",
        "input",
        where_possible(lambda c: c["input"].flip(1).diagonal().sum()),
    ),
    row("linalg.pinv", "gives the transpose", "values shape", "A", where_possible(lambda c: c.put(c.right().mT))),
)


FOURIER = (
    row("fft.ifft", "forgets to divide", "values", "input n dim norm", assumes(norm="forward")),
    row("fft.fft", "ignores norm", "values", "input n dim norm", ignores(norm=None)),
    row(
        "fft.irfft",
        "assumes an odd length",
        "shape",
        "input n dim",
        lambda c: (
            c.but(n=2 * c["input"].shape[c.get("dim", -1)] - 1)
            if c.get("n") is None and c.right().numel()
            else c.right()
        ),
    ),
    row(
        "fft.fftshift",
        "shifts odd sizes the other way",
        "values",
        "input dim",
        lambda c: c.torch.fft.ifftshift(c["input"], c.get("dim")),
    ),
    row("fft.fftfreq", "ignores d", "values", "n d", ignores(d=1.0)),
    row(
        "fft.rfft",
        "keeps the negative frequencies",
        "shape",
        "input n dim norm",
        where_possible(lambda c: c.torch.fft.fft(*c.args, **c.kwargs) if "out" not in c.kwargs else None),
    ),
    row(
        "fft.fft2",
        "has a gradient that is not normalised",
        "gradients",
        "input s dim norm",
        gradient(lambda c, g: g / max(g.shape[-1], 2)),
    ),
    row(
        "stft",
        "ignores normalized",
        "values",
        "input n_fft hop_length win_length window center pad_mode normalized",
        ignores(normalized=False),
    ),
    row(
        "stft",
        "pads with zeros",
        "values",
        "input n_fft hop_length win_length window center pad_mode",
        assumes(pad_mode="constant"),
    ),
    row("hann_window", "ignores periodic", "values", "window_length periodic", ignores(periodic=True)),
    row("kaiser_window", "ignores beta", "values", "window_length periodic beta", ignores(beta=12.0)),
    row("signal.windows.gaussian", "ignores std", "values", "M", ignores(std=1.0)),
    row(
        "signal.windows.general_hamming",
        "takes alpha for its complement",
        "values",
        "M",
        lambda c: c.but(alpha=1 - c.kwargs.get("alpha", 0.54)),
    ),
    row("bartlett_window", "is never symmetric", "values", "window_length periodic", ignores(periodic=True)),
)


register((*LINALG, *FOURIER))
