"""Random tensors, drawn from PyTorch's CPU streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import flambeau.random.distributions as draw
from flambeau import dtypes
from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of
from flambeau.cpu.copying import empty as empty_array
from flambeau.declare import composite, export, internal, python_function
from flambeau.dtypes import BAREBONES, FLOATING, dtype
from flambeau.errors import check, not_implemented_for, refuse, too_late
from flambeau.geometry import Shape, broadcast, contiguous_strides
from flambeau.inplace import check_inplace, check_overlap, set_history
from flambeau.operation import Launch
from flambeau.ops.arithmetic import NO_DERIVATIVE
from flambeau.ops.copying import strides_for
from flambeau.ops.creation import (
    LIKE_OPTIONS,
    OPTIONS,
    TensorOptions,
    created,
    new_tensor_of,
    options_of,
    out_dtype,
)
from flambeau.ops.rules import no_derivative
from flambeau.random.generator import Generator, default_generator
from flambeau.signatures import register
from flambeau.tensor import Tensor, bump, fresh, shape_of

register(generator=Generator)
export("Generator", Generator)
export("default_generator", default_generator)


def engine(generator: Generator | None) -> Any:
    """The stream to draw from."""
    return (generator or default_generator).engine


# ------------------------------------------------------------------------------------------ new tensors


class _Filler:
    """What fills new tensors of one function; refuses dtypes on meta tensors as on real ones."""

    def __init__(self, name: str, draw_into: Callable[..., Any], refusal: str) -> None:
        self.name, self.draw_into, self.refusal = name, draw_into, refusal

    def new(
        self,
        size: Shape,
        generator: Any = None,
        out: Tensor | None = None,
        **options: Unpack[TensorOptions],
    ) -> Tensor:
        d = out_dtype(out, options.get("dtype"), dtypes.get_default_dtype())
        self.check(d, size)
        return created(self.name, size, lambda a: self.draw_into(a, engine(generator)), d, out, options)

    def like(
        self,
        input: Tensor,
        generator: Any = None,
        memory_format: Any = None,
        **options: Unpack[TensorOptions],
    ) -> Tensor:
        shape = shape_of(input)
        d, options = options_of(input, options)
        self.check(d, shape)
        strides = strides_for(input, memory_format)
        return created(self.name, shape, lambda a: self.draw_into(a, engine(generator)), d, None, options, strides)

    def check(self, d: dtype, size: Shape) -> None:
        # sizes are looked at first, and the normal kernel is not asked to fill nothing
        if d.category < FLOATING and min(size, default=1) >= (1 if self.name == "randn" else 0):
            not_implemented_for(self.refusal, d)


def _declare(filler: _Filler, doc: str) -> None:
    def body(**arguments: Any) -> Tensor:
        return filler.new(**arguments)

    def like(**arguments: Any) -> Tensor:
        return filler.like(**arguments)

    name = filler.name
    body.__doc__ = f"{doc} (https://docs.pytorch.org/docs/stable/generated/torch.{name}.html)."
    like.__doc__ = f"{doc}, with the shape, dtype and device of another tensor."
    composite(
        f"{name}(tuple of ints size, *, torch.Generator? generator, {OPTIONS})",
        f"{name}(tuple of ints size, *, {OPTIONS})",
        method=False,
        takes_out=True,
    )(body)
    composite(
        f"{name}_like(Tensor input, *, torch.Generator? generator, {LIKE_OPTIONS})",
        f"{name}_like(Tensor input, *, {LIKE_OPTIONS})",
        method=False,
    )(like)


_declare(
    _Filler("rand", lambda a, e: draw.uniform(a, 0.0, 1.0, e), "check_uniform_bounds"),
    "Uniform numbers from [0, 1)",
)
_declare(_Filler("randn", lambda a, e: draw.normal(a, 0.0, 1.0, e), "normal_kernel_cpu"), "Standard normal numbers")


@composite(
    f"randint(index high, tuple of ints size, *, torch.Generator? generator, {OPTIONS})",
    f"randint(index high, tuple of ints size, *, {OPTIONS})",
    f"randint(index low, index high, tuple of ints size, *, torch.Generator? generator, {OPTIONS})",
    f"randint(index low, index high, tuple of ints size, *, {OPTIONS})",
    method=False,
    takes_out=True,
)
def randint(
    high: int,
    size: Shape,
    low: int = 0,
    generator: Any = None,
    out: Tensor | None = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """Integers from [low, high)."""
    d = out_dtype(out, options.get("dtype"), dtypes.int64)
    return created("randint", size, lambda a: draw.random_integers(a, low, high, engine(generator)), d, out, options)


@composite(
    *[
        f"randint_like(Tensor input, {ends}, *, {generator}{LIKE_OPTIONS})"
        for ends in ("index low, index high", "Tensor high", "index high")
        for generator in ("torch.Generator? generator, ", "")
    ],
    method=False,
)
def randint_like(
    input: Tensor,
    high: Any,
    low: int = 0,
    generator: Any = None,
    memory_format: Any = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """Integers from [low, high) with the shape, dtype and device of another tensor."""
    top = high.item() if isinstance(high, Tensor) else high
    d, options = options_of(input, options)

    def fill(a: Any) -> None:
        draw.random_integers(a, low, top, engine(generator))

    return created("randint_like", shape_of(input), fill, d, None, options, strides_for(input, memory_format))


@composite(
    f"randperm(index n, *, torch.Generator? generator, {OPTIONS})", f"randperm(index n, *, {OPTIONS})", method=False,
    takes_out=True,
)  # fmt: skip
def randperm(
    n: int,
    generator: Any = None,
    out: Tensor | None = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """The integers from 0 to n - 1 in random order."""
    refused = f"Trying to create tensor with negative dimension {n}: [{n}]"
    check(n >= 0, refused if out is None else f"n must be non-negative, got{n}")
    d = out_dtype(out, options.get("dtype"), dtypes.int64)

    def fill(a: Any) -> None:
        a[...] = draw.randperm(n, d.numpy, engine(generator))

    return created("randperm", (n,), fill, d, out, options)


# ------------------------------------------------------------------------------------------ in place


@internal(cpu=lambda x: x, tensors=("input",), grad=lambda g: g * 0, name="_random_history")
def _history(input: Tensor, node: str) -> Launch:
    """Carries the name of the node of a random in-place update."""
    return Launch((input,), shape_of(input), input.dtype, node=node)


def fill_in_place(this: Tensor, fill: Callable[[Any], Any], node: str) -> Tensor:
    """Overwrite a tensor with drawn numbers; no gradient passes."""
    check_inplace(this)
    check_overlap(this)
    edge = node_of(this)
    if this._array is not None:
        fill(this._array)
    bump(this)
    if edge is not None and state.enabled:
        plan = _history.__wrapped__(this, node)
        set_history(this, _history.op.history([this], [edge], this, plan=plan))
    return this


@composite("uniform_(Tensor input, float from=0, float to=1, *, torch.Generator? generator=None)", function=False)
def uniform_(input: Tensor, generator: Any = None, **bounds: float) -> Tensor:
    """Fill with uniform numbers from [from, to)."""
    if input.dtype.category < FLOATING:
        not_implemented_for("check_uniform_bounds", input.dtype)
    low, high = bounds["from"], bounds["to"]
    return fill_in_place(input, lambda a: draw.uniform(a, low, high, engine(generator)), "UniformBackward0")


@composite("normal_(Tensor input, float mean=0, float std=1, *, torch.Generator? generator=None)", function=False)
def normal_(input: Tensor, mean: float = 0, std: float = 1, generator: Any = None) -> Tensor:
    """Fill with normal numbers."""
    return fill_in_place(input, lambda a: draw.normal(a, mean, std, engine(generator)), "NormalBackward0")


@composite(
    "random_(Tensor input, *, torch.Generator? generator=None)",
    "random_(Tensor input, int from, int? to, *, torch.Generator? generator=None)",
    "random_(Tensor input, int to, *, torch.Generator? generator=None)",
    function=False,
)
def random_(input: Tensor, generator: Any = None, **bounds: Any) -> Tensor:
    """Fill with integers: the dtype's full range, or [from, to)."""
    if not bounds:
        return fill_in_place(input, lambda a: draw.random_default(a, engine(generator)), "RandomBackward2")
    low, high = bounds.get("from", 0), bounds["to"]
    node = "RandomBackward0" if "from" in bounds else "RandomBackward1"
    return fill_in_place(input, lambda a: draw.random_integers(a, low, high, engine(generator)), node)


def _simple(name: str, schema: str, parameters: tuple[str, ...], function: Callable[..., Any], doc: str) -> None:
    node = f"{name.title().replace('_', '')}Backward0"

    def body(input: Tensor, generator: Any = None, **values: float) -> Tensor:
        return fill_in_place(input, lambda a: function(a, *[values[p] for p in parameters], engine(generator)), node)

    body.__doc__ = doc
    composite(f"{name}_(Tensor input, {schema}, *, torch.Generator? generator=None)", function=False)(body)


_simple("exponential", "float lambd=1", ("lambd",), draw.exponential, "Fill with exponential numbers of rate lambd.")
_simple("cauchy", "float median=0, float sigma=1", ("median", "sigma"), draw.cauchy, "Fill with Cauchy numbers.")
_simple("geometric", "float p", ("p",), draw.geometric, "Fill with numbers of trials up to the first success.")
_simple("log_normal", "float mean=1, float std=2", ("mean", "std"), draw.log_normal, "Fill with exp of normal numbers.")


@composite(
    "bernoulli_(Tensor input, Tensor p, *, torch.Generator? generator=None)",
    "bernoulli_(Tensor input, float p=0.5, *, torch.Generator? generator=None)",
    function=False,
)
def bernoulli_(input: Tensor, p: Any = 0.5, generator: Any = None) -> Tensor:
    """Fill with 0 or 1, 1 with probability p."""
    node = "BernoulliBackward1" if isinstance(p, Tensor) else "BernoulliBackward2"
    if isinstance(p, Tensor):
        shape = broadcast(shape_of(input), shape_of(p))
        check(
            shape == shape_of(input),
            f"output with shape {list(shape_of(input))} doesn't match the broadcast shape {list(shape)}",
        )
        chance = p._array
    else:
        chance = p
    return fill_in_place(input, lambda a: draw.bernoulli(a, chance, engine(generator)), node)


# ------------------------------------------------------------------------------------------ from tensors


@internal(cpu=lambda x, drawn: drawn, tensors=("input",), grad=lambda g: g * 0, moves=True, name="_drawn")
def _drawn(input: Tensor, shape: Shape, d: dtype, drawn: Any, node: str) -> Launch:
    """A drawn array as a tensor whose gradient is zero."""
    return Launch((input,), shape, d, node=node, drawn=drawn)


@internal(
    cpu=lambda mean, std, drawn: drawn,
    tensors=("mean", "std"),
    grad=(lambda g: g * 0, lambda g, std_dtype: (g * 0).to(std_dtype)),
    moves=True,
    name="_drawn_by_two",
)
def _drawn_by_two(mean: Tensor, std: Tensor, shape: Shape, d: dtype, drawn: Any) -> Launch:
    """The same, drawn by the elements of two tensors."""
    return Launch((mean, std), shape, d, node="NormalBackward3", drawn=drawn)


@internal(
    cpu=lambda x, drawn: drawn, tensors=("input",), node=NO_DERIVATIVE, grad=no_derivative("bernoulli"), moves=True,
    name="_drawn_by_number",
)  # fmt: skip
def _drawn_by_number(input: Tensor, shape: Shape, d: dtype, drawn: Any) -> Launch:
    """The same, drawn by a number instead of the tensor's elements: PyTorch has no derivative of that."""
    return Launch((input,), shape, d, drawn=drawn)


def _sample(input: Tensor, shape: Shape, d: dtype, node: str, make: Callable[[], Any]) -> Tensor:
    drawn = make() if input._array is not None else None
    return _drawn(input, shape, d, drawn, node)


@composite(
    "bernoulli(Tensor input, *, torch.Generator? generator=None, Tensor out=None)",
    "bernoulli(Tensor input, float p, *, torch.Generator? generator=None)",
    takes_out=True,
)
def bernoulli(input: Tensor, p: float | None = None, generator: Any = None, out: Tensor | None = None) -> Tensor:
    """0 or 1 for each element, 1 with the probability it holds (or p)."""

    def fill(array: Any) -> Any:
        return draw.bernoulli(array, input._array if p is None else p, engine(generator))

    if out is not None:
        if state.enabled and any(node_of(t) is not None for t in (input, out)):
            raise RuntimeError(
                "bernoulli(): functions with out=... arguments don't support automatic differentiation, but one of the "
                "arguments requires grad."
            )
        return created("bernoulli", shape_of(input), fill, out.dtype, out, {})

    def make() -> Any:
        shape = shape_of(input)
        try:
            return fill(empty_array(shape, contiguous_strides(shape), input.dtype.numpy))
        except NotImplementedError as error:
            raise too_late(error, input.dtype) from None

    if p is None:
        return _sample(input, shape_of(input), input.dtype, "BernoulliBackward0", make)
    return _drawn_by_number(input, shape_of(input), input.dtype, make() if input._array is not None else None)


@composite(
    "normal(Tensor mean, Tensor std, *, torch.Generator? generator=None, Tensor out=None)",
    "normal(Tensor mean, float std=1, *, torch.Generator? generator=None, Tensor out=None)",
    "normal(float mean, Tensor std, *, torch.Generator? generator=None, Tensor out=None)",
    f"normal(float mean, float std, tuple of ints size, *, torch.Generator? generator=None, {OPTIONS})",
    method=False,
    takes_out=True,
)
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Shape | None = None,
    generator: Any = None,
    out: Tensor | None = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """Normal numbers of the given means and standard deviations."""
    e = engine(generator)
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        d = out_dtype(out, options.get("dtype"), dtypes.get_default_dtype())
        if d.category < FLOATING and min(size or (), default=1) > 0:
            not_implemented_for("normal_kernel_cpu", d)
        return created("normal", size or (), lambda a: draw.normal(a, mean, std, e), d, out, options)
    first = mean if isinstance(mean, Tensor) else std
    shape = broadcast(*[shape_of(t) for t in (mean, std) if isinstance(t, Tensor)])
    if out is not None:
        broadcast(shape, shape_of(out))
    d = first.dtype if out is None else out.dtype

    def fill(array: Any) -> Any:
        arrays = [t._array if isinstance(t, Tensor) else t for t in (mean, std)]
        return draw.normal_tensor(arrays[0], arrays[1], e, array, lambda: _check_combination(d, mean, std))

    if out is not None:
        return created("normal", shape, fill, d, out, {})
    if isinstance(mean, Tensor) and isinstance(std, Tensor):
        return _drawn_by_two(mean, std, shape, d, fill(None) if mean._array is not None else None)
    return _sample(first, shape, d, "NormalBackward1" if first is mean else "NormalBackward2", lambda: fill(None))


def _check_combination(d: dtype, mean: Any, std: Any) -> None:
    """Refuse what PyTorch's kernels do: it multiplies the numbers by std and adds the mean in place, even if none."""
    if d.category >= FLOATING and all(t.dtype is d for t in (mean, std) if isinstance(t, Tensor)):
        return
    drawn = new_tensor_of((0,), None, d)
    if isinstance(std, Tensor):
        drawn.mul_(std.new_empty((0,) if shape_of(std) else ()))
    if isinstance(mean, Tensor):
        drawn.add_(mean.new_empty((0,) if shape_of(mean) else ()))
    else:
        refuse("add_stub", d, BAREBONES)


@composite(
    "multinomial(Tensor input, index num_samples, bool replacement=False, *, torch.Generator? generator=None, Tensor "
    "out=None)",
)
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, generator: Any = None) -> Tensor:
    """Indices drawn from the weights in each row."""
    shape = (*shape_of(input)[:-1], num_samples)
    if input._array is None:
        return new_tensor_of(shape, None, dtypes.int64, input.device)
    return fresh(draw.multinomial(input._array, num_samples, replacement, engine(generator)), dtypes.int64)


@composite("poisson(Tensor input, torch.Generator? generator=None)", method=False)
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Poisson numbers with the rates that the elements hold."""
    return _sample(
        input, shape_of(input), input.dtype, "PoissonBackward0", lambda: draw.poisson(input._array, engine(generator))
    )


# ------------------------------------------------------------------------------------------ the default generator


@python_function
def manual_seed(seed: Any) -> Generator:
    """Restart the default stream from a seed; returns its generator."""
    return default_generator.manual_seed(int(seed))


@python_function
def seed() -> int:
    """Restart the default stream from the operating system's entropy; returns the seed."""
    return default_generator.seed()


@python_function
def initial_seed() -> int:
    """The seed last set."""
    return default_generator.initial_seed()


@python_function
def get_rng_state() -> Tensor:
    """The state of the default stream as a uint8 tensor."""
    return default_generator.get_state()  # type: ignore[no-any-return]


@python_function
def set_rng_state(new_state: Tensor) -> None:
    """Continue the default stream from a state."""
    default_generator.set_state(new_state)


for _f in (manual_seed, seed, initial_seed, get_rng_state, set_rng_state):
    export(_f.__name__, _f, "random")
