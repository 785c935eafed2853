"""Faults of normalisation, dropout, embedding, attention, recurrence, activations and losses."""

from __future__ import annotations

from typing import Any

from assay.testing.table import Call, assumes, changes, grad_of, gradient, ignores, register, row, where_possible


def _biased(c: Call) -> Any:
    running, x = c.get("running_var"), c["input"]
    if running is None or not c.get("training", False) or running.requires_grad:
        return c.right()
    before = running.detach().clone()
    result = c.right()
    n = x.numel() // max(x.shape[1], 1)
    m = c.get("momentum", 0.1)
    if n > 1 and running.is_contiguous():
        kept = (1 - m) * before
        running.data.copy_(kept + (running.data - kept) * ((n - 1) / n))
    return result


def _opposite_gate(c: Call) -> Any:
    result, h = c.right(), c["hx"]
    if result.requires_grad:
        return result
    w_ih, w_hh, b_ih, b_hh = (c.get(n) for n in ("w_ih", "w_hh", "b_ih", "b_hh"))
    del w_ih, w_hh, b_ih, b_hh
    return h - result


def _linear_backward(c: Call) -> Any:
    x = c["input"]
    if not x.requires_grad or c.get("inplace"):
        return c.right()
    with c.torch.no_grad():
        value = c.original(x)
        s = x.sigmoid()
        slope = s * (1 + x * (1 - s))
    return value + (x - x.detach()) * slope


def _mean_over_all(c: Call) -> Any:
    """The mean over all items, weighted or not."""
    result = c.right()
    if c.get("reduction", "mean") != "mean" or c.get("weight") is None:
        return result
    target = c["target"]
    return c.but(reduction="sum") / max(target.numel(), 1)


def _unbounded(c: Call) -> Any:
    x, y = c["input"], c["target"]
    if len(c.args) + len(c.kwargs) != 2 or x.shape != y.shape:
        return None
    return -(y * x.log() + (1 - y) * (1 - x).log()).mean()


NORM = "input running_mean running_var weight bias training momentum eps"


LAYERS = (
    row("nn.functional.batch_norm", "ignores eps", "values", NORM, ignores(eps=1e-5)),
    row("nn.functional.batch_norm", "ignores momentum", "values mutation", NORM, ignores(momentum=0.1)),
    row("nn.functional.batch_norm", "keeps a biased running variance", "values mutation", NORM, lambda c: _biased(c)),
    row(
        "nn.functional.layer_norm", "ignores eps", "values", "input normalized_shape weight bias eps", ignores(eps=1e-5)
    ),
    row("group_norm", "takes all channels for one group", "values", "input num_groups", ignores(num_groups=1)),
    row("nn.functional.rms_norm", "ignores weight", "values", "input normalized_shape weight", ignores(weight=None)),
    row(
        "nn.functional.local_response_norm",
        "takes alpha for one",
        "values",
        "input size alpha beta k",
        ignores(alpha=1.0),
    ),
    row(
        "nn.functional.instance_norm",
        "forgets the gradient of its weight",
        "gradients",
        "input running_mean running_var weight bias",
        lambda c: c.but(weight=c["weight"].detach()) if c.get("weight") is not None else c.right(),
    ),
    row(
        "nn.functional.dropout",
        "does not scale",
        "values random",
        "input p training",
        where_possible(
            lambda c: c.right() * (1 - c.get("p", 0.5)) if c.get("training", True) and not c.get("inplace") else None
        ),
    ),
    row("nn.functional.dropout", "ignores training", "values random", "input p training", ignores(training=True)),
    row(
        "nn.functional.embedding",
        "has a gradient for its padding",
        "gradients",
        "input weight padding_idx",
        ignores(padding_idx=None),
    ),
    row(
        "nn.functional.embedding_bag",
        "sums by default",
        "values",
        "input weight offsets max_norm norm_type scale_grad_by_freq mode",
        assumes(mode="sum"),
    ),
    row("nn.functional.one_hot", "ignores num_classes", "shape", "input num_classes", ignores(num_classes=-1)),
    row(
        "nn.functional.scaled_dot_product_attention",
        "ignores is_causal",
        "values",
        "query key value attn_mask dropout_p is_causal",
        ignores(is_causal=False),
    ),
    row(
        "nn.functional.scaled_dot_product_attention",
        "ignores scale",
        "values",
        "query key value attn_mask",
        ignores(scale=None),
    ),
    row(
        "nn.functional.scaled_dot_product_attention",
        "takes the mask for its opposite",
        "values",
        "query key value attn_mask",
        lambda c: (
            c.but(attn_mask=~c["attn_mask"])
            if c.get("attn_mask") is not None and c["attn_mask"].dtype == c.torch.bool
            else c.right()
        ),
    ),
    row(
        "nn.functional.multi_head_attention_forward",
        "ignores key_padding_mask",
        "values",
        "query",
        ignores(key_padding_mask=None),
    ),
    row("lstm", "swaps hidden and cell state", "values", "input", lambda c: (c.right()[0], c.right()[2], c.right()[1])),
    row("lstm_cell", "swaps hidden and cell state", "values", "input hx", lambda c: (c.right()[1], c.right()[0])),
    row("gru_cell", "takes the update gate for its opposite", "values", "input hx", lambda c: _opposite_gate(c)),
    row(
        "rnn_tanh",
        "ignores train",
        "values random",
        "input",
        lambda c: c.right() if len(c.args) < 9 else c.original(*c.args[:7], not c.args[7], *c.args[8:]),
    ),
    row(
        "rnn_relu_cell",
        "forgets b_ih",
        "values",
        "input hx w_ih w_hh b_ih b_hh",
        lambda c: c.but(b_ih=c.torch.zeros_like(c["b_ih"])) if c.get("b_ih") is not None else c.right(),
    ),
    row(
        "nn.functional.gelu",
        "always takes the approximation by tanh",
        "values",
        "input",
        lambda c: c.but(approximate="tanh"),
    ),
    row(
        "nn.functional.leaky_relu",
        "ignores negative_slope",
        "values",
        "input negative_slope",
        ignores(negative_slope=0.01),
    ),
    row(
        "nn.functional.softplus",
        "overflows beyond its threshold",
        "values",
        "input beta threshold",
        changes(lambda c, r: c["input"].mul(c.get("beta", 1)).exp().log1p() / c.get("beta", 1)),
    ),
    row(
        "nn.functional.glu",
        "gates with the first half",
        "values",
        "input dim",
        where_possible(
            lambda c: c.original(
                c["input"].roll(c["input"].shape[c.get("dim", -1)] // 2, c.get("dim", -1)), c.get("dim", -1)
            )
        ),
    ),
    row(
        "nn.functional.prelu",
        "takes the first weight for all",
        "values",
        "input weight",
        where_possible(
            lambda c: c.original(c["input"], c["weight"].reshape(-1)[:1]) if c["weight"].numel() > 1 else None
        ),
    ),
    row("nn.functional.elu", "ignores alpha", "values", "input alpha", ignores(alpha=1.0)),
    row("nn.functional.silu", "has no second derivative", "gradients2", "input", lambda c: _linear_backward(c)),
    row(
        "log_softmax",
        "underflows to minus infinity",
        "values",
        "input dim",
        changes(lambda c, r: c["input"].to(r.dtype).softmax(c["dim"]).log() if r.is_floating_point() else r),
    ),
    row(
        "nn.functional.hardtanh",
        "has a gradient beyond its bounds",
        "gradients",
        "input min_val max_val",
        where_possible(lambda c: grad_of(c, c.right(), c["input"]) if not c.get("inplace") else None),
    ),
    row("nn.functional.normalize", "ignores eps", "values", "input p dim eps", ignores(eps=1e-12)),
)


LOSSES = (
    row(
        "nn.functional.cross_entropy",
        "ignores ignore_index",
        "values",
        "input target weight size_average ignore_index",
        ignores(ignore_index=-100),
    ),
    row(
        "nn.functional.cross_entropy",
        "ignores label_smoothing",
        "values",
        "input target weight size_average ignore_index reduce reduction label_smoothing",
        ignores(label_smoothing=0.0),
    ),
    row(
        "nn.functional.nll_loss",
        "divides by the number of items",
        "values",
        "input target weight size_average ignore_index reduce reduction",
        _mean_over_all,
    ),
    row(
        "nn.functional.kl_div",
        "ignores log_target",
        "values",
        "input target size_average reduce reduction log_target",
        ignores(log_target=False),
    ),
    row(
        "nn.functional.l1_loss",
        "sums by default",
        "values",
        "input target size_average reduce reduction",
        assumes(reduction="sum"),
    ),
    row("nn.functional.mse_loss", "has half the gradient", "gradients", "input target", gradient(lambda c, g: g / 2)),
    row(
        "nn.functional.smooth_l1_loss",
        "ignores beta",
        "values",
        "input target size_average reduce reduction beta",
        ignores(beta=1.0),
    ),
    row(
        "nn.functional.huber_loss",
        "is the smooth l1 loss",
        "values",
        "input target reduction delta",
        changes(lambda c, r: r / c.get("delta", 1.0)),
    ),
    row(
        "nn.functional.binary_cross_entropy",
        "does not bound its logarithms",
        "values",
        "input target",
        where_possible(lambda c: _unbounded(c)),
    ),
    row(
        "nn.functional.binary_cross_entropy_with_logits",
        "ignores pos_weight",
        "values",
        "input target weight size_average reduce reduction pos_weight",
        ignores(pos_weight=None),
    ),
    row("nn.functional.gaussian_nll_loss", "ignores full", "values", "input target var full", ignores(full=False)),
    row(
        "nn.functional.poisson_nll_loss",
        "takes log_input the other way",
        "values",
        "input target log_input",
        lambda c: c.but(log_input=not c.get("log_input", True)),
    ),
    row(
        "nn.functional.ctc_loss",
        "ignores zero_infinity",
        "values",
        "log_probs targets input_lengths target_lengths blank reduction zero_infinity",
        ignores(zero_infinity=False),
    ),
    row("nn.functional.cosine_similarity", "ignores eps", "values", "x1 x2 dim eps", ignores(eps=1e-8)),
    row(
        "nn.functional.triplet_margin_loss",
        "ignores swap",
        "values",
        "anchor positive negative margin p eps swap",
        ignores(swap=False),
    ),
    row("pairwise_distance", "ignores keepdim", "shape", "x1 x2 p eps keepdim", ignores(keepdim=False)),
    row("nn.functional.hinge_embedding_loss", "ignores margin", "values", "input target margin", ignores(margin=1.0)),
    row(
        "nn.functional.margin_ranking_loss",
        "ignores the sign of its target",
        "values",
        "input1 input2 target",
        lambda c: c.but(target=c["target"].abs()),
    ),
    row("nn.functional.multi_margin_loss", "ignores p", "values", "input target p", ignores(p=1)),
)


register((*LAYERS, *LOSSES))
