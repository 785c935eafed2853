"""Reasons that a person gives: where neither the entry nor PyTorch's answers tell why a kind is not drawn."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Reason:
    """Why none of `kinds` is drawn for the operations that match one of the globs `ops`."""

    ops: tuple[str, ...]
    kinds: tuple[str, ...]
    text: str

    def explains(self, op: str, kind: str) -> bool:
        """Whether it is about this kind of input for this operation."""
        return kind in self.kinds and any(fnmatchcase(op, glob) for glob in self.ops)


def by_hand(op: str, kind: str) -> str:
    """What a person says; "" where nobody does."""
    return next((reason.text for reason in BY_HAND if reason.explains(op, kind)), "")


_SPECIAL = ("nan", "inf", "-0.0", "subnormal", "huge")
_UNDEFINED_CAST = "its result may be an integer, and a floating number that an integer cannot hold has no defined cast"
_CONDITIONED = (
    "its matrices are drawn by plans of their own, well or badly conditioned: of others pivots, LAPACK's checks and "
    "rounding decide, which nobody promises"
)
BY_HAND: tuple[Reason, ...] = (
    Reason(
        ("conv*", "nn.functional.conv*"),
        ("mixed-dtype",),
        "whether PyTorch takes a bias of another dtype is left to the backend, which it chooses by sizes and threads",
    ),
    Reason(
        ("embedding_bag",),
        ("long",),
        "its offsets say how many indices there are: of more, PyTorch 2.13 makes a derivative of whatever lies there",
    ),
    Reason(
        ("segment_reduce",),
        ("bad-shape",),
        "PyTorch 2.13 does not check all segments against the data, and dies where it reads beyond them",
    ),
    Reason(
        ("svd_lowrank", "pca_lowrank"),
        ("gradients", "gradients2"),
        "random projections leave the signs of the factors open, on which the derivatives of a sum of them depend; and "
        "less its mean, a matrix may have singular values that are 0 or alike, where there are none",
    ),
    Reason(
        (
            "det",
            "slogdet",
            "logdet",
            "inverse",
            "*solve*",
            "lu*",
            "linalg.lu*",
            "*cholesky*",
            "geqrf",
            "orgqr",
            "ormqr",
            "matrix_exp",
            "matrix_power",
            "pinverse",
            "svd*",
            "pca_lowrank",
            "qr",
            "nuclear_norm",
            "linalg.det",
            "linalg.slogdet",
            "linalg.inv*",
            "linalg.ldl*",
            "linalg.householder_product",
            "linalg.matrix_*",
            "linalg.svd*",
            "linalg.eig*",
            "linalg.pinv",
            "linalg.cond",
            "linalg.lstsq",
            "linalg.qr",
            "linalg.tensorinv",
        ),
        (*_SPECIAL, "border", "ties"),
        _CONDITIONED,
    ),
    Reason(
        ("byte", "char", "short", "int", "long", "__int__"),
        (*_SPECIAL, "border"),
        _UNDEFINED_CAST,
    ),
    Reason(
        ("fft.irfft*", "fft.hfft*", "istft"),
        ("nan", "inf", "-0.0"),
        "MKL and pocketfft leave out what is zero in exact arithmetic, and so answer NaN in different places",
    ),
    Reason(
        ("*grid_sample*",),
        ("nan", "inf", "-0.0"),
        "a position that is no number, or far outside, becomes an integer, which is not defined",
    ),
    Reason(
        ("multinomial", "poisson", "binomial", "normal"),
        (*_SPECIAL, "ties"),
        "its tensors are parameters of a distribution, which have bounds",
    ),
    Reason(
        ("mvlgamma", "special.multigammaln"),
        (*_SPECIAL, "border"),
        "defined above (p - 1) / 2 alone, and refused below",
    ),
    Reason(("nn.functional.ctc_loss", "ctc_loss"), _SPECIAL, "its numbers are logarithms of probabilities"),
    Reason(("histogramdd",), (*_SPECIAL, "ties"), "its bins have limits, which are finite"),
    Reason(
        ("unravel_index", "*embedding*", "*ctc_loss", "rnn_*"),
        ("border",),
        "its integers are indices, lengths or sizes",
    ),
    Reason(
        ("lcm",), ("border",), "the least integer has no absolute value, and large multiples wrap: undefined in C++"
    ),
    Reason(
        ("item", "__bool__", "__float__", "__complex__", "is_nonzero"),
        ("permuted", "stepped", "expanded", "ties", "long"),
        "takes tensors of one element",
    ),
    Reason(("real", "imag"), ("method",), "an attribute of tensors, no method"),
    Reason(("__*__",), ("operator",), "Python's own syntax calls the method of this name, which is what is drawn"),
    Reason(("nn.functional.relu",), ("inplace",), "nn.functional.relu_ is torch.relu_, which relu draws"),
    Reason(
        ("segment_reduce",),
        ("empty", "permuted", "stepped", "expanded", "offset"),
        "PyTorch 2.13 reads beyond data that lies in memory otherwise than the segments do, and dies",
    ),
    Reason(
        ("nn.functional.multi_margin_loss", "nn.functional.multilabel_margin_loss"),
        ("empty",),
        "PyTorch 2.13 answers an empty batch with memory that it has not written to",
    ),
    Reason(
        ("lstm",),
        ("long",),
        "PyTorch 2.13 does not look at the shapes of all states and weights, and reads beyond them; all are small",
    ),
    Reason(
        ("lu_unpack",),
        ("bad-shape",),
        "PyTorch 2.13 does not look at the shape of the pivots, and writes beyond its memory",
    ),
    Reason(
        ("cross", "linalg.cross"),
        ("aliased",),
        "a vector's product with itself is what rounding leaves of 0, which fused multiplications decide",
    ),
)
