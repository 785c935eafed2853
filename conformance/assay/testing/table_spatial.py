"""Faults of convolution, pooling, resampling and padding."""

from __future__ import annotations

from typing import Any

from assay.testing.table import Call, accepts, changes, ignores, register, row, where_possible


def _zero_padded(c: Call) -> Any:
    if c["input"].dim() < 3 or c.get("ceil_mode") or not c["input"].is_floating_point():
        return None
    padding = c.get("padding", 0)
    h, w = padding if isinstance(padding, tuple | list) and len(padding) == 2 else (padding, padding)
    if not (isinstance(h, int) and isinstance(w, int) and h + w):
        return None
    return c.but(input=c.torch.nn.functional.pad(c["input"], (w, w, h, h)), padding=0)


def _short_windows(c: Call) -> Any:
    n, size = c["input"].shape[-1], c["output_size"]
    m = size[0] if isinstance(size, tuple | list) else size
    if not (isinstance(m, int) and 0 < m < n) or n % m == 0:
        return None
    return c.torch.nn.functional.avg_pool1d(c["input"], n // m, n // m)[..., :m]


def _without_size(c: Call) -> Any:
    try:
        return c.but(output_size=None) if c.get("output_size") is not None else c.right()
    except RuntimeError:  # the default size is too small for the indices
        return c.right()


CONV = "input weight bias stride padding dilation groups"
POOL = "input kernel_size stride padding"


SPATIAL = (
    row(
        "nn.functional.conv2d",
        "turns the kernel round",
        "values",
        CONV,
        lambda c: c.but(weight=c["weight"].flip(-1, -2)),
    ),
    row("nn.functional.conv1d", "ignores dilation", "shape values", CONV, ignores(dilation=1)),
    row("conv1d", "forgets its bias", "values", CONV, ignores(bias=None)),
    row(
        "nn.functional.conv2d",
        "forgets the gradient of its bias",
        "gradients",
        CONV,
        lambda c: c.but(bias=c["bias"].detach()) if c.get("bias") is not None else c.right(),
    ),
    row(
        "nn.functional.conv_transpose2d",
        "ignores output_padding",
        "shape",
        "input weight bias stride padding output_padding groups dilation",
        ignores(output_padding=0),
    ),
    row(
        "nn.functional.avg_pool2d",
        "takes count_include_pad the other way",
        "values",
        f"{POOL} ceil_mode count_include_pad",
        lambda c: c.but(count_include_pad=not c.get("count_include_pad", True)),
    ),
    row(
        "nn.functional.avg_pool2d",
        "ignores divisor_override",
        "values",
        f"{POOL} ceil_mode count_include_pad divisor_override",
        ignores(divisor_override=None),
    ),
    row(
        "nn.functional.max_pool1d", "ignores ceil_mode", "shape", f"{POOL} dilation ceil_mode", ignores(ceil_mode=False)
    ),
    row(
        "nn.functional.max_pool2d",
        "pads with zeros",
        "values",
        f"{POOL} dilation ceil_mode return_indices",
        where_possible(lambda c: _zero_padded(c)),
    ),
    row(
        "nn.functional.max_pool2d_with_indices",
        "counts indices in each row",
        "values",
        POOL,
        where_possible(lambda c: (c.right()[0], c.right()[1] % c["input"].shape[-1])),
    ),
    row(
        "nn.functional.adaptive_avg_pool1d",
        "cuts windows short",
        "values",
        "input output_size",
        where_possible(lambda c: _short_windows(c)),
    ),
    row(
        "nn.functional.lp_pool1d",
        "forgets the root",
        "values",
        "input norm_type",
        changes(lambda c, r: r ** float(c["norm_type"])),
    ),
    row(
        "nn.functional.max_unpool1d",
        "ignores output_size",
        "shape",
        "input indices kernel_size stride padding output_size",
        lambda c: _without_size(c),
    ),
    row(
        "nn.functional.interpolate",
        "takes align_corners the other way",
        "values",
        "input size scale_factor mode align_corners",
        lambda c: (
            c.but(align_corners=not c.get("align_corners"))
            if c.get("mode", "nearest") in ("linear", "bilinear", "bicubic", "trilinear")
            else c.right()
        ),
    ),
    row(
        "nn.functional.interpolate",
        "ignores antialias",
        "values",
        "input size scale_factor mode align_corners",
        ignores(antialias=False),
    ),
    row(
        "nn.functional.grid_sample",
        "ignores padding_mode",
        "values",
        "input grid mode padding_mode align_corners",
        ignores(padding_mode="zeros"),
    ),
    row(
        "nn.functional.affine_grid",
        "ignores align_corners",
        "values",
        "theta size align_corners",
        ignores(align_corners=False),
    ),
    row(
        "nn.functional.pad",
        "reflects with the edge twice",
        "values",
        "input pad mode",
        lambda c: c.but(mode="replicate") if c.get("mode") == "reflect" else c.right(),
    ),
    row("nn.functional.pad", "ignores value", "values", "input pad mode value", ignores(value=0.0)),
    row(
        "pixel_shuffle",
        "takes the channels in the other order",
        "values",
        "input upscale_factor",
        where_possible(lambda c: c.original(c["input"].flip(-3), c["upscale_factor"])),
    ),
    row(
        "nn.functional.fold",
        "ignores dilation",
        "error",
        "input output_size kernel_size dilation padding stride",
        accepts(RuntimeError, lambda c: c["input"]),
    ),
    row(
        "nn.functional.unfold",
        "ignores padding",
        "shape",
        "input kernel_size dilation padding stride",
        ignores(padding=0),
    ),
)


register(SPATIAL)
