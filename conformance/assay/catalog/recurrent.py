"""Recurrent cells, and whole recurrent networks over padded and packed sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, TensorSpec, Values
from assay.catalog.form import Execution, Form, Kind, Param, Structure, arg, entry, form, opt
from assay.catalog.kinds import Tensor, aside, choice, either, made, tensor
from assay.dtypes import COMPLEX, FLOATING
from assay.policy import Policy
from assay.strategies.arguments import stranger
from assay.strategies.shapes import Shape

#: Of random numbers there is dropout between layers, while training.
RECURRENT = Policy(values="sampled", overflow=True)
CELL = Policy(strides=True, overflow=True, signed_zeros=False)
UNIT = Values("uniform", low=-1, high=1)
# cell: how many gates it has
GATES = {"rnn_relu": 1, "rnn_tanh": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class several(Kind):
    """A tuple of tensors, of the shapes that `rule` tells. checked: whether PyTorch looks at the shape of the last."""

    rule: Callable[[Structure], tuple[Shape, ...]]
    one: Tensor
    checked: bool = True

    def structure(self, draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
        return self.rule(env)

    def realise(self, drawn: tuple[Shape, ...], name: str, ex: Execution) -> tuple[TensorSpec, ...]:
        made = []
        for i, shape in enumerate(drawn):
            ex.shapes[f"{name}.{i}"] = shape
            made.append(self.one.realise(shape, f"{name}.{i}", ex))
        return tuple(made) if ex.pick.chance(0.7) else list(made)  # type: ignore[return-value]

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield stranger(ex.pick, (list,))
        if good:
            yield good[:-1]
        if good and self.checked:
            yield (*good[:-1], replace(good[-1], shape=(*good[-1].shape, 2), values=Values("ones"), layout=Layout()))


@dataclass(frozen=True, slots=True)
class Net:
    """Sizes of a network: what goes in, what is hidden, layers, directions; the steps' and sequences' numbers."""

    inputs: int
    hidden: int
    steps: int
    batch: int
    layers: int = 1
    ways: int = 1
    biased: bool = True
    projected: int = 0

    def parameters(self, gates: int) -> tuple[Shape, ...]:
        """The shapes of all weights and biases, layer by layer, way by way."""
        out = self.projected or self.hidden
        found: list[Shape] = []
        for layer in range(self.layers):
            into = self.inputs if layer == 0 else out * self.ways
            one: list[Shape] = [(gates * self.hidden, into), (gates * self.hidden, out)]
            if self.biased:
                one += [(gates * self.hidden,)] * 2
            if self.projected:
                one.append((self.projected, self.hidden))
            found += one * self.ways
        return tuple(found)


def net(draw: st.DrawFn, env: Structure) -> Net:
    """Few steps: every evaluation of every step and layer counts, with second derivatives a hundredfold."""
    small = st.sampled_from((2, 3, 1))
    batch = 0 if env.stratum == "empty" else draw(small)
    steps, layers, ways = draw(st.sampled_from(((1, 1, 1), (2, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 2, 2))))
    return Net(draw(small), draw(small), steps, batch, layers, ways, draw(st.booleans()))


def one_layer(draw: st.DrawFn, env: Structure) -> Net:
    """Of a network whose second derivatives are asked for."""
    one = net(draw, env)
    return replace(one, layers=1, ways=1)


def projected(draw: st.DrawFn, env: Structure) -> Net:
    """A network whose hidden state is projected to something smaller, now and then."""
    one = net(draw, env)
    return replace(one, projected=one.hidden - 1) if draw(st.integers(0, 3)) == 0 else one


def of(env: Structure) -> Net:
    found: Net = env.drawn["net"]
    return found


def sized(rule: Callable[[Net], Shape]) -> Tensor:
    """A tensor of a shape that the network's sizes tell."""
    return tensor((), lambda draw, env: rule(of(env)), prefer=UNIT)


def told(rule: Callable[[Net], Any], *refused: Any) -> made:
    """A number that the network's sizes tell."""
    return made(lambda drawn, ex: rule(of(ex.structure)), None, refused)


STATE = sized(lambda n: (n.batch, n.hidden))


def cell(gates: int, dtypes: tuple[str, ...], order: int) -> Form:
    bias = opt("b_ih", either((sized(lambda n: (gates * n.hidden,)), choice((None,))), (4, 1)), 0.3)
    states = arg("hx", several(lambda env: ((of(env).batch, of(env).hidden),) * 2, STATE) if gates == 4 else STATE)
    return form(
        aside("net", net),
        arg("input", replace(sized(lambda n: (n.batch, n.inputs)), dtypes=dtypes)),
        states,
        arg("w_ih", sized(lambda n: (gates * n.hidden, n.inputs))),
        arg("w_hh", sized(lambda n: (gates * n.hidden, n.hidden))),
        bias,
        replace(bias, name="b_hh"),
        variants="function",
        order=order,
        weight=4 - order,
        dtypes=dtypes,
    )


def states(net: Net, lstm: bool) -> tuple[Shape, ...]:
    """Of every layer and way the output, and for an LSTM what is remembered."""
    first = net.layers * net.ways
    out = (first, net.batch, net.projected or net.hidden)
    return (out, (first, net.batch, net.hidden)) if lstm else (out,)


def hidden(lstm: bool) -> Param:
    if lstm:
        return arg("hx", several(lambda env: states(of(env), True), tensor((), prefer=UNIT), checked=False))
    return arg("hx", sized(lambda n: states(n, False)[0]))


def rest(*more: Param) -> tuple[Param, ...]:
    """What stands behind the parameters."""
    return (
        arg("has_biases", told(lambda n: n.biased)),
        arg("num_layers", told(lambda n: n.layers, 0, -1)),
        arg("dropout", choice((0.0, 0.5, 1.0, 0.25), ("no", -1.0))),
        arg("train", choice((True, False))),
        arg("bidirectional", told(lambda n: n.ways == 2)),
        *more,
    )


def counted(drawn: Any, ex: Execution) -> TensorSpec:
    """How many of the sequences are still going on at each step."""
    going = ex.structure.drawn["going"]
    return TensorSpec((len(going),), "int64", Values("literal", literal=going))


def falling(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
    sizes = of(env)
    found = [sizes.batch]
    while len(found) < sizes.steps:
        found.append(draw(st.integers(1, found[-1])))
    return tuple(found)


def packed(draw: st.DrawFn, env: Structure) -> Shape:
    return sum(env.drawn["going"]), of(env).inputs


def busy(draw: st.DrawFn, env: Structure) -> Net:
    """Packed sequences are at least one."""
    one = net(draw, env)
    return replace(one, batch=one.batch or 2)


def networks(gates: int, dtypes: tuple[str, ...]) -> Iterator[Form]:
    lstm = gates == 4
    params = arg("params", several(lambda env: of(env).parameters(gates), tensor((), prefer=UNIT), checked=not lstm))
    for first, order in ((True, 1), (False, 1), (False, 2)):
        shape = (lambda n: (n.batch, n.steps, n.inputs)) if first else (lambda n: (n.steps, n.batch, n.inputs))
        yield form(
            aside("net", one_layer if order == 2 else projected if lstm else net),
            arg("input", replace(sized(shape), dtypes=dtypes, resized=not lstm)),
            hidden(lstm),
            params,
            *rest(arg("batch_first", choice((first,)))),
            variants="function",
            order=order,
            weight=4 - order,
            dtypes=dtypes,
        )
    yield form(
        aside("net", busy),
        aside("going", falling),
        arg("data", replace(tensor(dtypes, packed, prefer=UNIT), resized=not lstm)),
        arg("batch_sizes", made(counted)),
        hidden(lstm),
        params,
        *rest(),
        variants="function",
        order=1,
        weight=3,
        dtypes=dtypes,
    )


for name, gates in GATES.items():
    dtypes = FLOATING if name == "rnn_relu" else (*FLOATING, *COMPLEX)
    entry(f"{name}_cell", cell(gates, dtypes, 1), cell(gates, dtypes, 2), policy=CELL)
    entry(name, *networks(gates, dtypes), policy=RECURRENT)
