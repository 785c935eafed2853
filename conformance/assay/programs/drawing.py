"""A program while it is drawn: the values there are, and the steps taken so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from assay.case import TensorSpec
from assay.dtypes import HALVES, category
from assay.pick import Pick
from assay.program import MadeOf, Program, Ref, Step
from assay.programs.model import Memory, Range, Shape, Value, broadcast

#: Elements may grow to this, of halves to that; a tensor may have so many.
_LARGE, _LARGE_HALF, _MANY = 4096.0, 256.0, 96
#: How often a step that PyTorch will refuse is taken where one offers itself, in a program that dares to.
_DARING = 0.85
#: How often an operand is one of the last three values that fit, so that steps build on steps.
_LATE = 0.7


class Drawing:
    """Chooses operands and keeps the model. made_of: what steps may be; risk: which sort of refusal by PyTorch one step
    may meet ("leaf", "saved", "several", "other"; "" for none)."""

    def __init__(self, pick: Pick, made_of: MadeOf, risk: str = "") -> None:
        self.pick = pick
        self.made_of = made_of
        self.writes = made_of.writes
        self.risk = risk
        self.specs: list[TensorSpec] = []
        self.values: list[Value] = []
        self.steps: list[Step] = []
        self.no_grad = False
        self.guard: Value | None = None
        self.over = False
        self._count = 0

    # -- choosing

    def spelled(self, *calls: str) -> str | None:
        """One of the calls that may be made."""
        offered = [c for c in calls if self.made_of.claimed(c)]
        return self.pick.choice(offered) if offered else None

    def value(self, fits: Callable[[Value], bool] = lambda v: True) -> Value | None:
        """A value that fits, a late one rather than an early one."""
        found = [v for v in self.values if fits(v)]
        if not found:
            return None
        return (
            found[-1 - self.pick.integer(0, min(2, len(found) - 1))]
            if self.pick.chance(_LATE)
            else self.pick.choice(found)
        )

    def grows(self, shape: Shape, dtype: str, bounds: Range | None) -> bool:
        """Whether a result would be too large, in number or in size."""
        if bounds is None:
            return True
        size = 1
        for n in shape:
            size *= n
        halves = dtype in HALVES or any(v.half for v in self.values)
        return size > _MANY or bounds.size > (_LARGE_HALF if halves else _LARGE)

    def dares(self, *risks: str) -> bool:
        """Whether a step that will be refused for these reasons is taken all the same."""
        # What backward alone refuses shows only where the call itself is not refused.
        alone = set(risks) == {"saved"}
        if self.risk in risks and (alone or self.risk != "saved") and self.pick.chance(_DARING):
            self.risk = ""
            return True
        return False

    # -- taking steps

    def leaf(self, spec: TensorSpec, bounds: Range) -> Value:
        """A tensor of the case."""
        self.specs.append(spec)
        memory = Memory(bounds, spec.requires_grad, spec.requires_grad)
        dense = spec.layout.kind in ("contiguous", "offset")
        made = Value(Ref(self._count), spec.shape, spec.dtype, memory, dense, repeated=spec.layout.kind == "expanded")
        self._count += 1
        self.values.append(made)
        return made

    def _step(self, call: str, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None) -> Ref:
        named = {k: _referred(v) for k, v in (kwargs or {}).items()}
        guard = None if self.guard is None else self.guard.ref
        self.steps.append(Step(call, tuple(_referred(a) for a in args), named, guard, self.no_grad))
        self._count += 1
        return Ref(self._count - 1)

    def result(
        self,
        call: str,
        args: tuple[Any, ...],
        shape: Shape,
        dtype: str,
        bounds: Range,
        kwargs: Mapping[str, Any] | None = None,
        saves: str = "",
        elementwise: bool = True,
    ) -> bool:
        """A step whose result has memory of its own. saves: "in" or "out", what the graph keeps. elementwise: its
        strides follow those of its operands by rule."""
        operands = list(_values((args, kwargs)))
        recorded = self._recorded(operands) and category(dtype) >= 2
        dense = all(v.dense for v in operands)
        promised = all(v.promised for v in operands) and (elementwise or dense)
        made = Value(
            self._step(call, args, kwargs), shape, dtype, Memory(bounds, recorded), dense or not elementwise, promised
        )
        if recorded:
            made.memory.saved = saves == "out"
            for v in operands:
                v.memory.saved |= saves == "in"
        self._taken(operands, made)
        return True

    def view(
        self, call: str, of: Value, args: tuple[Any, ...], shape: Shape, part: int | None = None, **known: Any
    ) -> bool:
        """A step that looks at the memory of `of`. known: flags of the new value."""
        ref = self._step(call, (of, *args))
        made = Value(ref if part is None else Ref(ref.index, part), shape, of.dtype, of.memory)
        made.dense, made.promised = known.get("dense", of.dense), of.promised
        made.repeated = of.repeated or known.get("repeated", False)
        made.several = part is not None
        made.detached = of.detached or known.get("detached", False)
        self._taken([of], made)
        return True

    def update(
        self,
        call: str,
        target: Value,
        args: tuple[Any, ...],
        bounds: Range,
        kwargs: Mapping[str, Any] | None = None,
        dtype: str = "",
        saves: str = "",
        form: Shape | None = None,
        region: Shape | None = None,
    ) -> bool:
        """A step that writes into `target`; False where it will be refused and that is not wanted.

        dtype: what is written has this one. form: the target's new shape, where that is what changes. region: the
        shape of the part that is written.
        """
        operands = list(_values((args, kwargs)))
        if not self.writes or any(
            o.memory is target.memory and (o is not target or region is not None) for o in operands
        ):
            return False
        shape = broadcast(
            region if region is not None else target.shape, *(o.shape for o in operands if o.kind or o.rank)
        )
        recorded = self._recorded([target, *operands]) and target.kind >= 2
        risks = []
        if (
            (target.repeated and form is None)
            or (dtype != "" and category(dtype) > target.kind)
            or (form is None and shape != (region if region is not None else target.shape))
        ):
            risks.append("other")
        if recorded and target.several:
            risks.append("several")
        if recorded and target.memory.leaf and not target.detached:
            risks.append("leaf")
        if target.memory.saved and form is None:
            risks.append("saved")
        if risks and not self.dares(*risks):
            return False
        self._step(call, (target, *args), kwargs)
        for v in operands:
            v.used = True
            v.memory.saved |= recorded and saves == "in"
        target.memory.range = target.memory.range.joined(bounds)
        target.memory.grad |= recorded
        target.memory.saved |= recorded and saves == "out"
        target.used = False
        if form is not None:
            turned = len(form) > 1 and len(form) == len(target.shape)
            target.shape, target.dense = form, target.dense and not turned
        self.over = bool(set(risks) - {"saved"})
        return True

    def choice(self, call: str, condition: Value, then: Value, otherwise: Value) -> bool:
        """One of two values of equal shape and dtype; from now on they count as one memory."""
        ref = self._step(call, (condition, then, otherwise))
        kept, lost = then.memory, otherwise.memory
        kept.range = kept.range.joined(lost.range)
        kept.grad, kept.leaf, kept.saved = kept.grad or lost.grad, kept.leaf or lost.leaf, kept.saved or lost.saved
        for v in self.values:
            if v.memory is lost:
                v.memory = kept
        made = Value(ref, then.shape, then.dtype, kept, then.dense and otherwise.dense)
        made.promised = then.promised and otherwise.promised
        made.repeated = then.repeated or otherwise.repeated
        made.several = then.several or otherwise.several
        made.detached = then.detached and otherwise.detached
        self._taken([condition, then, otherwise], made)
        return True

    def _recorded(self, operands: Iterable[Value]) -> bool:
        return not self.no_grad and any(v.grad for v in operands)

    def _taken(self, operands: Iterable[Value], made: Value) -> None:
        for v in operands:
            v.used = True
        self.values.append(made)

    # -- the end

    def program(self) -> Program | None:
        """The steps, and as the answer what no other step has used, with some more; None where there is none."""
        made = self.values[len(self.specs) :]
        if not self.writes and any(s.requires_grad for s in self.specs):
            # Libraries that differentiate functions keep no word on which results depend on what: all do.
            made = [v for v in made if v.grad or v.kind < 2]
        ends = [v.ref for v in made if not v.used]
        more = [v.ref for v in made if v.used and self.pick.chance(0.15)]
        returns = (ends + more)[-4:] or [v.ref for v in (made if not self.writes else self.values)[-1:]]
        if not returns:
            return None
        return Program(tuple(self.steps), tuple(sorted(returns, key=lambda r: (r.index, r.part or 0))))


def _referred(value: Any) -> Any:
    if isinstance(value, Value):
        return value.ref
    if type(value) in (tuple, list):
        return type(value)(_referred(v) for v in value)
    return value


def _values(value: Any) -> Iterable[Value]:
    if isinstance(value, Value):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _values(item)
    elif isinstance(value, dict):
        yield from _values(tuple(value.values()))


__all__ = ["Drawing"]
