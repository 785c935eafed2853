"""Putting a case to a module: inputs, call, and everything that can be observed afterwards, as an Outcome.

The order matters: what the call returned is read first, then what it did to its inputs, gradients, the generator, and
at last aliasing, because finding it out writes into the results.
"""

from __future__ import annotations

import contextlib
import hashlib
import operator
import traceback
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.case import Case
from assay.inputs import Adapt, Builder, Built, Inputs, attribute, to_module, works_in_place
from assay.outcome import Error, Outcome, TensorData
from assay.policy import Policy
from assay.reading import is_tensor, read, read_bytes, read_tensor, short_name, tensors_of
from assay.rounding import Rounding

_MAX_ALIASED = 16
_FRAMES = 6
#: Reseeded for each use: making a RandomState costs two hundred times as much.
_STREAM = np.random.RandomState(0)


@dataclass(frozen=True, slots=True)
class Want:
    """What to observe beside the always cheap: values (data), printed text, gradients, the generator's state,
    aliasing."""

    data: bool = True
    text: bool = False
    gradients: bool = True
    random: bool = False
    aliases: bool = True

    @staticmethod
    def of(policy: Policy, aspects: Collection[str] | None = None) -> Want:
        """What the judge needs under `policy` for `aspects` (None: all). Printing alone is a third of the time."""

        def asked(*names: str) -> bool:
            return aspects is None or any(name in aspects for name in names)

        return Want(
            data=policy.values != "metadata",
            text=policy.text and asked("text"),
            gradients=asked("gradients", "gradients2", "error", "error_text"),
            random=policy.random and asked("random"),
            aliases=asked("aliasing"),
        )


def describe(error: BaseException, stage: str) -> Error:
    """An exception as plain data."""
    types = tuple(c.__name__ for c in type(error).__mro__ if c is not object)
    try:
        text = str(error)
    except Exception as broken:  # an exception whose own text raises is still an answer
        text = f"<unprintable: {type(broken).__name__}>"
    return Error(types, text, stage, "".join(traceback.format_tb(error.__traceback__)[-_FRAMES:]))


def reset(module: Any, case: Case) -> None:
    """Bring the module's global state to what `case` says; what a module does not have is left out."""
    reset_printing(module)
    for name, argument in (
        ("set_grad_enabled", True),
        ("set_default_dtype", getattr(module, case.default_dtype, None)),
    ):
        if hasattr(module, name):
            getattr(module, name)(argument)
    # torch.manual_seed also queues a seed, with a formatted stack, for every device there might be: 0.3 ms.
    seeded = getattr(module, "default_generator", module)
    if hasattr(seeded, "manual_seed"):
        seeded.manual_seed(case.seed)


def reset_printing(module: Any) -> None:
    """PyTorch's default print options."""
    if hasattr(module, "set_printoptions"):
        module.set_printoptions(profile="default")


class Missing(Exception):
    """The name that the case calls is absent."""


def resolve(case: Case, module: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """(callable, its arguments). Raises Missing."""
    owner, _, name = case.call.rpartition(".")
    if owner == "operator":
        return getattr(operator, name), args
    if owner == "Tensor":
        on_self = bool(args) and is_tensor(module, args[0])
        holder = args[0] if on_self else getattr(module, "Tensor", None)
        try:
            found = getattr(holder, name)
        except AttributeError as error:
            raise Missing(case.call) from error
        if not callable(found):
            return lambda: found, ()
        return found, args[1:] if on_self else args
    try:
        return attribute(module, case.call), args
    except AttributeError as error:
        raise Missing(case.call) from error


def cotangent(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    """Random cotangents in ±(0.5, 2), never ±1, of at most seven bits, so that every floating dtype holds them exactly
    and a wider evaluation gets the very same. complex32 as pairs of halves."""
    stream = _STREAM
    stream.seed(seed & 0xFFFFFFFF)
    pair = dtype.startswith("complex")
    whole = (*shape, 2) if pair else shape
    magnitude = (stream.randint(16, 64, whole) * 2 + 1) / 64
    drawn = np.asarray(np.where(stream.randint(0, 2, whole) == 1, magnitude, -magnitude))
    if dtype == "complex32":
        return drawn.astype(np.float16)
    if pair:
        return (drawn[..., 0] + 1j * drawn[..., 1]).astype(dtype)
    if dtype == "bfloat16":
        return np.asarray((drawn.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.int16))
    return drawn.astype(dtype)


def _differentiable(module: Any, tensors: list[Any]) -> list[Any]:
    return [t for t in tensors if t is not None and t.requires_grad]


def _read_gradient(module: Any, gradient: Any) -> TensorData | None:
    """Without its graph: how a derivative was put together is nobody's promise."""
    return None if gradient is None else read_tensor(module, gradient.detach())


class Run:
    """One execution of one case in one module."""

    def __init__(
        self,
        case: Case,
        module: Any,
        want: Want,
        adapt: Adapt | None = None,
        adapt_cotangent: Callable[[np.ndarray], np.ndarray] | None = None,
        rounding: Rounding | None = None,
    ) -> None:
        self.case = case
        self.module = module
        self.want = want
        self.adapt = adapt
        self.adapt_cotangent = adapt_cotangent
        self.rounding = rounding
        self.inputs = Inputs()
        self.result: Any = None
        self.stage = "build"
        self.warned: list[warnings.WarningMessage] = []

    def outcome(self) -> Outcome:
        """Run the case. Every exception of the module becomes part of the outcome."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                reset(self.module, self.case)
                self.inputs = Builder(self.case, self.module, self.adapt).build()
                self.stage = "call"
                function, args = resolve(self.case, self.module, self.inputs.args)
                if self.rounding is not None:
                    self.rounding.exact(b.leaf for b in self.inputs.tensors)
                with warnings.catch_warnings(record=True) as self.warned, self._saving():
                    warnings.simplefilter("always")
                    self.result = function(*args, **self.inputs.kwargs)
            except Missing as error:
                return Outcome("missing", extra={"name": str(error)})
            except (Exception, SystemExit) as error:
                return self._raised(error)
            try:
                return self._observe()
            except (Exception, SystemExit) as error:
                return self._raised(error)
            finally:
                if self.rounding is not None:
                    self.rounding.forget()

    def _saving(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.rounding is None else self.rounding.saving()

    def _cotangents(self, outputs: list[Any], seed: int, requires_grad: bool) -> list[Any]:
        made = []
        for i, output in enumerate(outputs):
            dtype = short_name(output.dtype)
            drawn = cotangent(tuple(output.shape), dtype, seed + 7919 * (i + 1))
            if self.adapt_cotangent is not None:
                drawn = self.adapt_cotangent(drawn)
            one = to_module(self.module, drawn, dtype)
            made.append(one.requires_grad_(True) if requires_grad else one)
        if self.rounding is not None:
            self.rounding.exact(made)
            self.rounding.between(outputs)
        return made

    def _raised(self, error: BaseException) -> Outcome:
        mutated: tuple[bool, ...] = ()
        described = describe(error, self.stage)
        if self.stage == "call":
            try:
                mutated = self._mutations()[0]
            except Exception as unreadable:  # a refused call may leave its inputs unreadable; that is not the answer
                return Outcome(
                    "raised", error=described, extra={"unreadable": str(unreadable)}, warnings=self._warnings()
                )
        return Outcome("raised", error=described, mutated=mutated, warnings=self._warnings())

    def _warnings(self) -> tuple[tuple[str, str], ...]:
        return tuple((w.category.__name__, str(w.message)) for w in self.warned)

    def _observe(self) -> Outcome:
        module, want, inputs = self.module, self.want, self.inputs
        self.stage = "read"
        if want.text:
            reset_printing(module)
        result = read(module, self.result, data=want.data, text=want.text)
        same = tuple(
            (path, str(i))
            for path, t in tensors_of(module, self.result)
            for i, built in enumerate(inputs.tensors)
            if t is built.tensor
        )
        mutated, after = self._mutations()
        gradients = gradients2 = problem = None
        if want.gradients and self.case.order >= 1:
            gradients, gradients2, problem = self._gradients()
        self.stage = "read"
        random = self._random() if want.random else None
        aliases = self._aliases() if want.aliases and want.data else ()
        return Outcome(
            "returned",
            result=result,
            inputs=after,
            mutated=mutated,
            aliases=aliases,
            gradients=gradients,
            gradients2=gradients2,
            gradient_error=problem,
            random=random,
            warnings=self._warnings(),
            extra={"same": same} if same else {},
        )

    def _mutations(self) -> tuple[tuple[bool, ...], tuple[TensorData, ...]]:
        """Per tensor argument: whether its elements changed, and what it is now (data only where they did)."""
        mutated, after = [], []
        for built in self.inputs.tensors:
            now = read_tensor(self.module, built.tensor)
            changed = now.data != built.raw
            if not changed:
                now = TensorData(
                    now.dtype, now.shape, None, now.stride, now.offset, now.requires_grad, now.is_leaf, now.grad_fn
                )
            mutated.append(changed)
            after.append(now)
        return tuple(mutated), tuple(after)

    def _outputs(self) -> list[Any]:
        outputs = [t for _, t in tensors_of(self.module, self.result)]
        if works_in_place(self.case):
            target = self.inputs.args[0]
            if is_tensor(self.module, target) and not any(o is target for o in outputs):
                outputs.append(target)
        return _differentiable(self.module, outputs)

    def _gradients(self) -> tuple[Any, Any, Error | None]:
        """(first, second, error): gradients by the inputs that require one; second also by the cotangents."""
        module, order, seed = self.module, self.case.order, self.case.seed
        wanted: list[Built] = [b for b in self.inputs.tensors if b.spec.requires_grad]
        leaves = [b.leaf for b in wanted]
        outputs = self._outputs()
        if not leaves:
            return None, None, None
        if not outputs:
            return (None,) * len(leaves), None, None
        first = None
        try:
            self.stage = "backward"
            cotangents = self._cotangents(outputs, seed, order >= 2)
            with self._saving():
                raw = module.autograd.grad(outputs, leaves, cotangents, create_graph=order >= 2, allow_unused=True)
            raw = [None if g is None else b.regain(g) for b, g in zip(wanted, raw, strict=True)]
            first = tuple(_read_gradient(module, g) for g in raw)
            if order < 2:
                return first, None, None
            self.stage = "double_backward"
            outputs2 = _differentiable(module, raw)
            sources = leaves + cotangents
            if not outputs2:
                return first, (None,) * len(sources), None
            cotangents2 = self._cotangents(outputs2, seed + 1, False)
            raw2 = list(module.autograd.grad(outputs2, sources, cotangents2, allow_unused=True))
            raw2[: len(wanted)] = [None if g is None else b.regain(g) for b, g in zip(wanted, raw2, strict=False)]
            return first, tuple(_read_gradient(module, g) for g in raw2), None
        except (Exception, SystemExit) as error:
            return first, None, describe(error, self.stage)

    def _random(self) -> str:
        """A digest of what the generators draw next: equal states draw equally, however a module stores them."""
        module, digest = self.module, hashlib.sha256()
        for keywords in [{"generator": g} for g in self.inputs.generators] + [{}]:
            for draw, dtype in (("randn", "float32"), ("randn", "float64"), ("rand", "float64")):
                drawn = getattr(module, draw)((1,), dtype=getattr(module, dtype), **keywords)
                digest.update(read_bytes(module, drawn, dtype))
        return digest.hexdigest()[:16]

    def _aliases(self) -> tuple[tuple[str, str], ...]:
        """(path of a result, index of an input or path of another result) for each pair that shares memory.

        One element of each result is overwritten; whatever else changes with it shares its memory.
        """
        module = self.module
        results = list(tensors_of(module, self.result))[:_MAX_ALIASED]
        if not results or not (self.inputs.tensors or len(results) > 1):
            return ()
        watched: list[tuple[str, Any]] = [(str(i), b.tensor) for i, b in enumerate(self.inputs.tensors)]
        watched += [(f"result {path}", t) for path, t in results]
        plain = [(name, t.detach() if getattr(t, "requires_grad", False) else t) for name, t in watched]
        state = [read_bytes(module, t, short_name(t.dtype)) for _, t in plain]
        found = []
        for i, (path, _) in enumerate(results):
            at = len(self.inputs.tensors) + i
            target = plain[at][1]
            if 0 in tuple(target.shape) or not state[at]:
                continue
            self._disturb(target)
            now = [read_bytes(module, t, short_name(t.dtype)) for _, t in plain]
            found += [(path, plain[j][0]) for j in range(len(plain)) if j != at and now[j] != state[j]]
            state = now
        return tuple(found)

    def _disturb(self, target: Any) -> None:
        index = (0,) * len(target.shape)
        old = target[index].item()
        new = (not old) if isinstance(old, bool) else (2 if old == 1 else 1)
        target[index] = new


def answer(
    case: Case,
    module: Any,
    *,
    want: Want | None = None,
    adapt: Adapt | None = None,
    adapt_cotangent: Callable[[np.ndarray], np.ndarray] | None = None,
    rounding: Rounding | None = None,
) -> Outcome:
    """What `module` answers to `case`; never raises for what the module does.

    want says what to observe beside the cheap (everything but text and the generator by default). adapt, for the
    reference's wider evaluations, is called with each TensorSpec and its array and gives (dtype name, array) to build
    instead; adapt_cotangent does the same for the arrays of cotangents, whose dtype stays; rounding moves what lies
    between.
    """
    return Run(case, module, want or Want(), adapt, adapt_cotangent, rounding).outcome()
