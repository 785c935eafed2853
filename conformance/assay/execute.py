"""Putting a case to a module: inputs, call, and everything that can be observed afterwards, as an Outcome.

The order matters: what the call returned is read first, then what it did to its inputs, gradients, the generator, and
at last aliasing, because finding it out writes into the results.
"""

from __future__ import annotations

import contextlib
import functools
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.case import Case, Make
from assay.gauge import covariant
from assay.inputs import Adapt, Builder, Built, Inputs, works_in_place
from assay.outcome import Error, Outcome, TensorData
from assay.parts import leaves
from assay.policy import Policy
from assay.program import CALL
from assay.programs.interpret import Interpreter
from assay.reading import exposed, read, read_tensor, tensors_of
from assay.rounding import Rounding
from assay.subjects.adapter import Adapter, Missing, adapted
from assay.tolerance import numpy_dtype, wide_array

_MAX_ALIASED = 16
_FRAMES = 6
#: Reseeded for each use: making a RandomState costs two hundred times as much.
_STREAM = np.random.RandomState(0)


@dataclass(frozen=True, slots=True)
class Want:
    """What to observe beside the always cheap: values (data), printed text, gradients, the generator's state,
    aliasing; gauge: of the cotangents, as the policy says."""

    data: bool = True
    text: bool = False
    gradients: bool = True
    random: bool = False
    aliases: bool = True
    gauge: tuple[str, ...] = ()

    @staticmethod
    def of(policy: Policy, aspects: Collection[str] | None = None) -> Want:
        """What the judge needs under `policy` for `aspects` (None: all). Printing alone is a third of the time."""

        def asked(*names: str) -> bool:
            return aspects is None or any(name in aspects for name in names)

        return Want(
            data=policy.values != "metadata",
            text=policy.text and asked("text"),
            gradients=asked("gradients", "gradients2", "error", "error_text"),
            random=policy.values == "sampled" or (policy.random and asked("random")),
            aliases=asked("aliasing"),
            gauge=policy.gauge,
        )


def describe(error: BaseException, stage: str) -> Error:
    """An exception as plain data."""
    types = tuple(c.__name__ for c in type(error).__mro__ if c is not object)
    try:
        text = str(error)
    except Exception as broken:  # an exception whose own text raises is still an answer
        text = f"<unprintable: {type(broken).__name__}>"
    # Without the lines of source: reading and formatting them costs as much as a small case.
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)][-_FRAMES:]
    told = [f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' for code, line in frames]
    return Error(types, text, stage, "".join(told))


def cotangent(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    """Random cotangents in ±(0.5, 2), never ±1, of at most seven bits, so that every floating dtype holds them exactly
    and a wider evaluation gets the very same. complex32 as pairs of halves."""
    return _cotangent(shape, dtype, seed).copy()


@functools.lru_cache(16)
def _cotangent(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
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


def untouched(case: Case, module: Any) -> str:
    """`Outcome.random` of a case that draws nothing."""
    side = adapted(module)
    side.reset(case.seed, case.default_dtype)
    builder = Builder(case, side)
    for value in (*case.args, *case.kwargs.values()):
        if isinstance(value, Make) and value.what == "Generator":
            builder.make(value)
    return side.random_digest(builder.inputs.generators)


class Run:
    """One execution of one case in one library."""

    def __init__(
        self,
        case: Case,
        side: Adapter,
        want: Want,
        adapt: Adapt | None = None,
        adapt_cotangent: Callable[[np.ndarray], np.ndarray] | None = None,
        rounding: Rounding | None = None,
    ) -> None:
        self.case = case
        self.side = side
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
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                self.side.reset(self.case.seed, self.case.default_dtype)
                self.inputs = Builder(self.case, self.side, self.adapt).build()
                self.stage = "call"
                function, args = self._called()
                if self.rounding is not None:
                    self.rounding.exact(b.leaf for b in self.inputs.tensors)
                with self._saving(), self._warning(warned):
                    self.result = exposed(self.side.call(function, args, self.inputs.kwargs, self._leaves()))
            except (Exception, SystemExit) as error:
                if self.stage == "build" and self._is_absent():
                    return Outcome("missing", extra={"name": self.case.call})
                if isinstance(error, Missing):
                    return Outcome("missing", extra={"name": str(error)})
                return self._raised(error)
            try:
                return self._observe()
            except Missing as error:
                return Outcome("missing", extra={"name": str(error)})
            except (Exception, SystemExit) as error:
                return self._raised(error)
            finally:
                if self.rounding is not None:
                    self.rounding.forget()

    @contextlib.contextmanager
    def _warning(self, warned: list[warnings.WarningMessage]) -> Iterator[None]:
        """Keep the warnings of the call itself, of all that are given."""
        warned.clear()
        try:
            yield
        finally:
            self.warned = warned.copy()

    def _called(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if self.case.call == CALL:
            return Interpreter(self.side, self.rounding), self.inputs.args
        return self.side.resolve(self.case.call, self.inputs.args)

    def _is_absent(self) -> bool:
        """Whether the library lacks what is called. Asked where the inputs could not be built, so a method of a plain
        tensor."""
        if self.case.call == CALL:
            return False
        try:
            self.side.resolve(self.case.call, (self.side.tensor(np.ones((1, 1), np.float32), "float32"),))
        except Missing:
            return True
        except (Exception, SystemExit):  # the tensor cannot be made, or a property refuses it: the name may be there
            return False
        return False

    def _leaves(self) -> list[Any]:
        if not (self.want.gradients and self.case.order):
            return []
        return [b.leaf for b in self.inputs.tensors if b.spec.requires_grad]

    def _saving(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.rounding is None else self.rounding.saving()

    def _cotangents(self, outputs: list[Any], seed: int, requires_grad: bool) -> list[Any]:
        made = []
        for i, output in enumerate(outputs):
            dtype = self.side.dtype(output)

            def draw(shape: tuple[int, ...], dtype: str = dtype, seed: int = seed + 7919 * (i + 1)) -> np.ndarray:
                drawn = cotangent(shape, dtype, seed)
                return drawn if self.adapt_cotangent is None else self.adapt_cotangent(drawn)

            kind = self._gauge(output)
            if kind:
                found = wide_array(read_tensor(self.side, output))
                drawn = covariant(found, kind, draw).astype(numpy_dtype(dtype))
            else:
                drawn = draw(self.side.shape(output))
            one = self.side.tensor(drawn, dtype)
            made.append(self.side.differentiable(one) if requires_grad else one)
        if self.rounding is not None:
            self.rounding.exact(made)
            self.rounding.between(outputs)
        return made

    def _gauge(self, output: Any) -> str:
        """Which choice the cotangent of a result must follow, if any."""
        if self.want.gauge:
            for kind, (_, result) in zip(self.want.gauge, tensors_of(self.side, self.result), strict=False):
                if result is output:
                    return kind
        return ""

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
        side, want, inputs = self.side, self.want, self.inputs
        self.stage = "read"
        if want.text:
            side.reset_printing()
        result = read(side, self.result, data=want.data, text=want.text)
        same = tuple(
            (path, str(i))
            for path, t in tensors_of(side, self.result)
            for i, built in enumerate(inputs.tensors)
            if t is built.tensor
        )
        mutated, after = self._mutations()
        gradients = gradients2 = problem = None
        if want.gradients and self.case.order >= 1:
            gradients, gradients2, problem = self._gradients()
        self.stage = "read"
        random = side.random_digest(inputs.generators) if want.random else None
        aliases: tuple[tuple[str, str], ...] = ()
        extra: dict[str, Any] = {"same": same} if same else {}
        if want.aliases and want.data and side.writable:
            try:
                aliases = self._aliases(after, result)
            except (AttributeError, TypeError, NotImplementedError) as error:
                extra["unwritable"] = f"{type(error).__name__}: {error}"
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
            extra=extra,
        )

    def _mutations(self) -> tuple[tuple[bool, ...], tuple[TensorData, ...]]:
        """Per tensor argument: whether its elements changed, and what it is now (data only where they did)."""
        mutated, after = [], []
        for built in self.inputs.tensors:
            now = read_tensor(self.side, built.tensor, unless=built.raw)
            mutated.append(now.data is not None)
            after.append(now)
        return tuple(mutated), tuple(after)

    def _outputs(self) -> list[Any]:
        outputs = [t for _, t in tensors_of(self.side, self.result)]
        if works_in_place(self.case):
            target = self.inputs.args[0]
            if self.side.is_tensor(target) and not any(o is target for o in outputs):
                outputs.append(target)
        return self._differentiable(outputs)

    def _gradients(self) -> tuple[Any, Any, Error | None]:
        """(first, second, error): gradients by the inputs that require one; second also by the cotangents."""
        side, order, seed = self.side, self.case.order, self.case.seed
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
                raw = list(side.grad(outputs, leaves, cotangents, order >= 2))
            raw = [None if g is None else b.regain(g) for b, g in zip(wanted, raw, strict=True)]
            first = tuple(self._gradient(g) for g in raw)
            if order < 2:
                return first, None, None
            self.stage = "double_backward"
            outputs2 = self._differentiable(raw)
            sources = leaves + cotangents
            if not outputs2:
                return first, (None,) * len(sources), None
            cotangents2 = self._cotangents(outputs2, seed + 1, False)
            raw2 = list(side.grad(outputs2, sources, cotangents2, False))
            raw2[: len(wanted)] = [None if g is None else b.regain(g) for b, g in zip(wanted, raw2, strict=False)]
            return first, tuple(self._gradient(g) for g in raw2), None
        except (Exception, SystemExit) as error:
            return first, None, describe(error, self.stage)

    def _differentiable(self, tensors: list[Any]) -> list[Any]:
        return [t for t in tensors if t is not None and self.side.requires_grad(t)]

    def _gradient(self, gradient: Any) -> TensorData | None:
        """Without its graph: how a derivative was put together is nobody's promise."""
        return None if gradient is None else read_tensor(self.side, self.side.detached(gradient))

    def _aliases(self, after: tuple[TensorData, ...], result: Any) -> tuple[tuple[str, str], ...]:
        """(path of a result, index of an input or path of another result) for each pair that shares memory.

        One element of each result is overwritten; whatever else changes with it shares its memory.
        """
        side = self.side
        results = list(tensors_of(side, self.result))[:_MAX_ALIASED]
        if not results or not (self.inputs.tensors or len(results) > 1):
            return ()
        watched: list[tuple[str, Any]] = [(str(i), b.tensor) for i, b in enumerate(self.inputs.tensors)]
        watched += [(f"result {path}", t) for path, t in results]
        plain = [(name, side.detached(t) if side.requires_grad(t) else t) for name, t in watched]
        if self.case.order:  # a backward pass may have written somewhere
            state = [side.data(t, side.dtype(t)) for _, t in plain]
        else:
            read = [leaf for _, leaf in leaves(result) if isinstance(leaf, TensorData) and leaf.kind != "ndarray"]
            state = [now.data or built.raw for now, built in zip(after, self.inputs.tensors, strict=True)]
            state += [leaf.data for leaf in read[:_MAX_ALIASED]]
        found = []
        for i, (path, _) in enumerate(results):
            at = len(self.inputs.tensors) + i
            target = plain[at][1]
            if 0 in side.shape(target) or not state[at]:
                continue
            side.disturb(target)
            now = [side.data(t, side.dtype(t)) for _, t in plain]
            found += [(path, plain[j][0]) for j in range(len(plain)) if j != at and now[j] != state[j]]
            state = now
        return tuple(found)


def answer(
    case: Case,
    module: Any,
    *,
    want: Want | None = None,
    adapt: Adapt | None = None,
    adapt_cotangent: Callable[[np.ndarray], np.ndarray] | None = None,
    rounding: Rounding | None = None,
) -> Outcome:
    """What `module` (what looks like torch, or an adapter) answers to `case`; never raises for what it does.

    want says what to observe beside the cheap (everything but text and the generator by default). adapt, for the
    reference's wider evaluations, is called with each TensorSpec and its array and gives (dtype name, array) to build
    instead; adapt_cotangent does the same for the arrays of cotangents, whose dtype stays; rounding moves what lies
    between.
    """
    return Run(case, adapted(module), want or Want(), adapt, adapt_cotangent, rounding).outcome()
