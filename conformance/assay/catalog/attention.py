"""Attention: scaled dot products, and many heads of them with their projections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.form import Form, Kind, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import Tensor, aside, choice, either, flag, made, tensor
from assay.dtypes import FLOATING
from assay.policy import Policy
from assay.strategies.shapes import Shape

ATTENTION = Policy(values="sampled", overflow=True)
UNIT = Values("uniform", low=-2, high=2)
DROPOUT = choice((0.0, 0.0, 0.0, 0.5, 0.25, 1.0), ("no", -0.5, 1.5))


@dataclass(frozen=True, slots=True)
class Sizes:
    """batch dims, queries, keys, features of both, features of values; heads of keys where they are fewer."""

    batch: Shape
    queries: int
    keys: int
    features: int
    values: int
    shared: int = 1

    def query(self) -> Shape:
        return (*self.batch, self.queries, self.features)

    def key(self) -> Shape:
        return (*self._batch(), self.keys, self.features)

    def value(self) -> Shape:
        return (*self._batch(), self.keys, self.values)

    def _batch(self) -> Shape:
        return (*self.batch[:-1], self.batch[-1] // self.shared) if self.shared > 1 else self.batch


def sizes(draw: st.DrawFn, env: Structure) -> Sizes:
    rank = draw(st.sampled_from((2, 0, 1, 2, 3)))
    batch = tuple(draw(st.sampled_from((2, 1, 3))) for _ in range(rank))
    queries, keys = draw(st.sampled_from((3, 2, 1, 4, 7))), draw(st.sampled_from((3, 2, 1, 4, 9)))
    if env.stratum == "empty":
        queries = 0
    features = draw(st.sampled_from((2, 3, 1, 4, 8)))
    return Sizes(batch, queries, keys, features, features if draw(st.booleans()) else draw(st.sampled_from((2, 3, 5))))


def grouped(draw: st.DrawFn, env: Structure) -> Sizes:
    """Four dims, where several heads of queries share one of keys and values."""
    one = sizes(draw, env)
    shared = draw(st.sampled_from((2, 1, 3)))
    return Sizes((2, 2 * shared), one.queries, one.keys, one.features, one.features, shared)


def of(env: Structure) -> Sizes:
    found: Sizes = env.drawn["sizes"]
    return found


def masked(draw: st.DrawFn, env: Structure) -> Shape:
    """What broadcasts to a weight for each query and key; at least two dims."""
    one = of(env)
    whole = (*one.batch, one.queries, one.keys)
    front = whole[:-2] if draw(st.booleans()) else ()
    return tuple(1 if s > 1 and draw(st.integers(0, 4)) == 0 else s for s in (*front, *whole[-2:]))


MASK = either((tensor((), masked, prefer=UNIT), tensor(("bool",), masked, own=True)), (1, 1))
SCALE = kw("scale", choice((None, 0.5, 1.0, 2.0, -1.0, 1), ("big",)))


def operands(rule: Any) -> tuple[Param, ...]:
    return (
        aside("sizes", rule),
        arg("query", tensor(FLOATING, lambda draw, env: of(env).query(), prefer=UNIT)),
        arg("key", tensor((), lambda draw, env: of(env).key(), prefer=UNIT)),
        arg("value", tensor((), lambda draw, env: of(env).value(), prefer=UNIT)),
    )


NO_MASK, CAUSAL = opt("attn_mask", choice((None,)), 0.4), opt("is_causal", flag(), 0.4)
entry(
    "nn.functional.scaled_dot_product_attention",
    form(*operands(sizes), NO_MASK, opt("dropout_p", DROPOUT, 0.5), CAUSAL, SCALE, variants="function", order=2),
    form(
        *operands(sizes),
        arg("attn_mask", MASK),
        opt("dropout_p", DROPOUT, 0.5),
        opt("is_causal", choice((False,)), 0.5),
        SCALE,
        variants="function",
        order=2,
    ),
    form(*operands(grouped), SCALE, kw("enable_gqa", choice((True,), ("yes",)), 0), variants="function", order=2),
    policy=ATTENTION,
)


# -- many heads
@dataclass(frozen=True, slots=True)
class Heads:
    """Queries, keys, sequences (0: one, unbatched), embedding, heads."""

    queries: int
    keys: int
    batch: int
    embedding: int
    heads: int

    def sequence(self, count: int) -> Shape:
        return (count, self.batch, self.embedding) if self.batch else (count, self.embedding)


def heads(draw: st.DrawFn, env: Structure) -> Heads:
    small = st.sampled_from((2, 3, 1))
    count = draw(st.sampled_from((1, 2)))
    return Heads(draw(small), draw(small), draw(st.sampled_from((2, 1, 0))), count * draw(small), count)


def about(env: Structure) -> Heads:
    found: Heads = env.drawn["heads"]
    return found


def sized(rule: Any, dtypes: tuple[str, ...] = (), own: bool = False) -> Tensor:
    return tensor(dtypes, lambda draw, env: rule(about(env)), prefer=UNIT, own=own)


def maybe(kind: Kind, weights: tuple[int, int] = (2, 1)) -> either:
    return either((kind, choice((None,))), weights)


NONE = choice((None,))
EMBEDDING = made(lambda drawn, ex: about(ex.structure).embedding, None, (99, "three"))
HEADS = made(lambda drawn, ex: about(ex.structure).heads, None, (5, 0))
EXTRA = sized(lambda h: (1, 1, h.embedding))


def attended(h: Heads) -> Shape:
    return (h.queries, h.keys)


PADDING = sized(lambda h: (h.batch, h.keys) if h.batch else (h.keys,), ("bool",), own=True)


ATTENDED = either((sized(attended), sized(attended, ("bool",), own=True), NONE), (2, 2, 1))
SQUARE = sized(lambda h: (h.embedding, h.embedding))
APART = (
    kw("use_separate_proj_weight", choice((True,)), 0),
    *(kw(f"{name}_proj_weight", SQUARE, 0) for name in "qkv"),
)


def many(rule: Any, weight: Kind, extra: Kind, *more: Param, order: int = 1) -> Form:
    """All arguments: how sizes are drawn, the matrix of all projections, and what is put before keys and values."""
    return form(
        aside("heads", rule),
        arg("query", sized(lambda h: h.sequence(h.queries), FLOATING)),
        arg("key", sized(lambda h: h.sequence(h.keys))),
        arg("value", sized(lambda h: h.sequence(h.keys))),
        arg("embed_dim_to_check", EMBEDDING),
        arg("num_heads", HEADS),
        arg("in_proj_weight", weight),
        arg("in_proj_bias", maybe(sized(lambda h: (3 * h.embedding,)))),
        arg("bias_k", extra),
        arg("bias_v", extra),
        arg("add_zero_attn", choice((False, False, True))),
        arg("dropout_p", DROPOUT),
        arg("out_proj_weight", SQUARE),
        arg("out_proj_bias", maybe(sized(lambda h: (h.embedding,)))),
        opt("training", flag(), 0.4),
        opt("key_padding_mask", maybe(PADDING), 0.5),
        opt("need_weights", flag(), 0.4),
        opt("attn_mask", ATTENDED, 0.5),
        *more,
        kw("average_attn_weights", flag()),
        variants="function",
        order=order,
        weight=3 - order,
    )


def batched(draw: st.DrawFn, env: Structure) -> Heads:
    one = heads(draw, env)
    return replace(one, batch=one.batch or 2)


TOGETHER = sized(lambda h: (3 * h.embedding, h.embedding))
entry(
    "nn.functional.multi_head_attention_forward",
    many(heads, TOGETHER, NONE),
    many(heads, NONE, NONE, *APART),
    many(batched, TOGETHER, EXTRA),
    many(heads, TOGETHER, NONE, order=2),
    policy=ATTENTION,
)
