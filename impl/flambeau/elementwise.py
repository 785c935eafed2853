"""Elementwise operations: promotion and broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flambeau import dtypes
from flambeau.cpu.casting import cast, rounded, scalar
from flambeau.cpu.copying import relaid
from flambeau.dtypes import (
    FLOATING,
    NATIVE_FLOAT,
    NATIVE_INTEXACT,
    combine,
    dtype,
    of_scalar,
    promote_types,
)
from flambeau.errors import cannot_cast, check_fits, no_case_for
from flambeau.geometry import broadcast, contiguous_strides
from flambeau.inplace import can_store, warn_of_resize
from flambeau.operation import Launch, Operation
from flambeau.size import device
from flambeau.tensor import Tensor, shape_of, warn_of_complex_half, warn_of_lost_parts

SAME, INT_TO_FLOAT, TO_BOOL, TO_REAL = "same", "int_to_float", "bool", "real"


def result_type(*operands: Any) -> dtype:
    """The dtype of an operation on these tensors and Python numbers."""
    dimensioned = zero_dim = number = None
    for x in operands:
        if isinstance(x, Tensor):
            d = x._dtype
            if shape_of(x):
                dimensioned = d if dimensioned is None or d is dimensioned else promote_types(dimensioned, d)
            else:
                zero_dim = d if zero_dim is None else promote_types(zero_dim, d)
        elif x is not None:
            d = of_scalar(x)
            number = d if number is None else promote_types(number, d)
    if zero_dim is None is number and dimensioned is not None:
        return dimensioned
    found = combine(dimensioned, combine(zero_dim, number))
    if found is None:
        raise ValueError("at least one operand is needed")
    return found


class Elementwise(Operation):
    """An operation that answers each element from the elements at the same place."""

    form = "elementwise"
    iterated = True
    # whether the result is laid out by the last operand first
    reversed_layout = False
    # whether a second operand's layout counts where the first is a Python number
    lays_out_numbers = True
    # whether the result of complex numbers is row-major whatever their layout
    complex_contiguous = False
    # whether Python numbers become tensors of the common dtype
    converts_numbers = True
    # three tensors, none optional
    ternary = False

    def __init__(
        self,
        name: str,
        schemas: Sequence[str],
        body: Callable[..., Any],
        *,
        numpy: Callable[..., Any],
        fast: Callable[..., Any] | None,
        cuda: str,
        promote: str,
        accept: int,
        refusal: str | None,
        native: int | None,
        check: Callable[..., Any] | None,
        opmath: bool,
        node: str | tuple[str, ...] | None,
        **rest: Any,
    ) -> None:
        self.numpy = numpy
        self.fast = fast or numpy
        self.cuda: str = cuda
        self.promote = promote
        self.tells = promote == TO_BOOL
        self.accept = accept
        self.refusal = refusal
        self.check = check
        self.opmath = opmath
        names = node if isinstance(node, tuple) else (node,)
        super().__init__(name, schemas, body, kernels={"cpu": numpy}, node=names[0], **rest)
        self.sees_out = True
        # the node's name where an input is a Python number: the second, the first
        self.number_nodes = (names[1:] + names[1:])[:2] if len(names) > 1 else (None, None)
        self.takes_numbers = any(
            p.name != "out" and (p.numbers or p.type_name == "Number")
            for s in (self.parser.signatures if self.parser else ())
            for p in s.parameters
            if p.name in self.tensors[1:]
        )
        first = self.parser.signatures[0] if self.parser else None
        self.params = tuple(p.name for p in (first.parameters if first else ()) if p.name not in (*self.tensors, "out"))
        self.defaults: dict[str, Any] = {}
        # parameters that must fit the dtype that is computed in, or that of the elements
        self.checked = tuple(n for n in ("value", "eps") if n in self.params)
        self.cuda_inputs, self.cuda_params = ("x", "y", "z")[: len(self.tensors)], self.params
        if native is None:
            native = NATIVE_FLOAT if promote == INT_TO_FLOAT else NATIVE_FLOAT | NATIVE_INTEXACT
        self.native = native & accept
        self.body = self.plan

    def _order_saved(self, names: Sequence[str]) -> tuple[str, ...]:
        # the fast fronts save in the order inputs, result, parameters
        used = set(names)
        order = [*self.tensors, "out"]
        return (*(n for n in order if n in used), *dict.fromkeys(n for n in names if n not in order))

    def plan(self, **bound: Any) -> Launch:
        """Promote and broadcast."""
        out = bound.pop("out", None)
        inputs = [bound.pop(n) for n in self.tensors]
        params = {**self.defaults, **bound}
        own = (self.check(*inputs, **params) if self.check is not None else None) or {}
        promote = own.get("promote", self.promote)
        shape = broadcast(*[shape_of(t) if isinstance(t, Tensor) else () for t in inputs])
        common = own.get("common") or result_type(*inputs)
        if promote == INT_TO_FLOAT and common.category < FLOATING:
            common = dtypes.get_default_dtype()
        refused = not common.bit & own.get("accept", self.accept)
        answer = common
        if promote == TO_BOOL:
            answer = dtypes.bool_
        elif promote == TO_REAL:
            answer = common.to_real()
        node = own.get("node")
        if node is None and self.number_nodes[0] is not None:
            if not isinstance(inputs[0], Tensor):
                node = self.number_nodes[1]
            elif not any(isinstance(t, Tensor) for t in inputs[1:]):
                node = self.number_nodes[0]
        plan = Launch(inputs, shape, answer, compute=common, node=node, **params)
        if refused:
            plan.refusal = own.get("refusal") or self.refusal or f"{self.name}_cpu"
        plan.c_names = own.get("c_names", False)
        if isinstance(out, Tensor):
            text = own.get("out_text", self.out_text)
            message = text(answer, out._dtype) if text is not None and out._dtype is not answer else None
            if message is not None:
                raise RuntimeError(message)
            if not can_store(answer, out._dtype):
                cannot_cast(answer, out._dtype)
            plan.target = out._dtype
            if refused:
                warn_of_resize(shape_of(out), shape)
        return plan

    def laid_out(self, result: Any, inputs: Sequence[Any], common: dtype | None = None) -> Any:
        """The result with the strides that PyTorch gives it."""
        if self.complex_contiguous and inputs[0]._dtype.is_complex:
            return relaid(result, contiguous_strides(result.shape))
        if not self.lays_out_numbers and not isinstance(inputs[0], Tensor):
            return relaid(result, contiguous_strides(result.shape))
        return super().laid_out(result, inputs[::-1] if self.reversed_layout else inputs, common)

    def compute(self, plan: Launch, where: device) -> list[Any]:
        """Run the kernel. Raises NotImplementedError for a dtype that PyTorch's has no case for."""
        common = plan.compute
        assert common is not None
        if common.is_complex:
            self._warn_of_complex(plan, common)
        if plan.refusal is not None:
            raise no_case_for(plan.refusal, common)
        return super().compute(plan, where)

    def _warn_of_complex(self, plan: Launch, common: dtype) -> None:
        """Warn as PyTorch does where it makes complex tensors on the way: operands and results of the common dtype."""
        target, is_test = plan.target, self.promote == TO_BOOL
        if is_test and len(self.tensors) == 1:
            return
        converted = target is not None and target is not common and not (is_test and target is dtypes.bool_)
        if common is dtypes.complex32 and (
            converted
            or (target is None and not is_test)
            or any(
                x._dtype is not common if isinstance(x, Tensor) else x is not None and self.converts_numbers
                for x in plan.inputs
            )
        ):
            warn_of_complex_half()
        if converted and is_test and plan.refusal is None:
            warn_of_lost_parts(common, target, plan.shape)  # type: ignore[arg-type]

    def _operands(self, plan: Launch) -> list[Any]:
        common = plan.compute
        assert common is not None
        arrays = [self._operand(t, common) for t in plan.inputs]
        if self.opmath and common.compute.category == FLOATING and common.compute is not common:
            # PyTorch's half products and quotients take a single second operand in float32, unrounded, lerp a number
            for i, other in enumerate(plan.inputs[1:], 1):
                if not isinstance(other, Tensor):
                    arrays[i] = scalar(other, common.compute)
                elif len(arrays) == 2 and other._array.size == 1:
                    arrays[i] = cast(other._array, other._dtype, common.compute)
        return arrays

    def _parameters(self, plan: Launch) -> dict[str, Any]:
        """The parameters; alpha of halves as an array of their dtype, of complex ones as two parts."""
        params, common = plan.params, plan.compute
        for name in self.checked:
            if common is not None and params[name] is not None:
                check_fits(params[name], common if common.is_complex or name == "eps" else common.compute)
        alpha = params.get("alpha", 1)
        if alpha == 1 or common is None:
            return params
        subtracts = self.name != "add"
        factor = -alpha if subtracts else alpha  # PyTorch subtracts by adding, and an integer zero has no sign
        check_fits(factor, common)
        if common.compute is common:
            return params
        return {**params, "alpha": rounded(factor, common, negated=subtracts)}

    def _operand(self, t: Any, compute: dtype | None) -> Any:
        assert compute is not None
        if t is None:
            return None
        # half and bfloat16: operands round to the common dtype, arithmetic is done in float32
        wide = compute.compute
        if isinstance(t, Tensor):
            return cast(cast(t._array, t._dtype, compute), compute, wide)
        return scalar(t, wide) if wide is compute else cast(cast(scalar(t, wide), wide, compute), compute, wide)
