"""Running: a body's answer, `Launch`, put to the kernel of the device at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from flambeau.autograd.modes import state
from flambeau.cpu.casting import cast
from flambeau.cpu.copying import relaid
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import OF_NUMPY, complex32, dtype
from flambeau.geometry import Shape, contiguous_strides, copied_strides, elementwise_strides
from flambeau.recording import Recorder
from flambeau.size import CPU, META, device
from flambeau.tensor import Tensor, fresh, memory, row_major, shape_of, warn_of_complex_half, without_data


class Launch:
    """What a body answers: kernel inputs (Tensors, numbers, None, or a list of Tensors), result shape and dtype.

    shape None says that it depends on the data. For several results shape and dtype are lists. node: the name of the
    autograd node where it is not the operation's own.
    """

    __slots__ = ("c_names", "compute", "device", "dtype", "inputs", "node", "params", "refusal", "shape", "target")

    def __init__(
        self,
        inputs: Sequence[Any],
        shape: Any,
        dtype: Any,
        /,
        *,
        node: str | None = None,
        device: device | None = None,
        compute: dtype | None = None,
        **params: Any,
    ) -> None:
        self.inputs = inputs
        self.shape = shape
        self.dtype = dtype
        self.node = node
        self.device = device
        self.compute = compute
        self.params = params
        # kernel in whose name the dtype is refused, once shapes and casts have been checked
        self.refusal: str | None = None
        # whether PyTorch calls dtypes by their C names where the result cannot be stored
        self.c_names = False
        # dtype of the tensor that the result is written to, where that is given
        self.target: dtype | None = None


class Runner(Recorder):
    """The part of an operation that runs it. moves: kernels only move elements, in whatever dtype they are stored."""

    kernels: dict[str, Callable[..., Any]]
    moves: bool
    results: type | None
    # whether results are laid out as elementwise ones are
    iterated = False

    def compute(self, plan: Launch, where: device) -> list[Any]:
        """Run the kernel: arrays in the results' storage dtypes."""
        kernel = self.kernels.get(where.type)
        if kernel is None:
            raise NotImplementedError(f"flambeau has no {where.type} kernel for {self.name}")
        token = enter(QUIET)
        try:
            arrays = self._operands(plan)
            results = kernel(*arrays, **self._parameters(plan))
            several = len(self.outputs) > 1 or type(plan.dtype) is list
            if not several:
                result = self._store(results, plan.dtype)
                return [self.laid_out(result, plan.inputs, plan.compute) if self.iterated else result]
            return [self._store(r, d) for r, d in zip(results, plan.dtype, strict=True)]
        finally:
            leave(token)

    def laid_out(self, result: Any, inputs: Sequence[Any], common: dtype | None = None) -> Any:
        """The result of an elementwise operation with the strides that PyTorch gives it.

        common: the dtype that the inputs are converted to; a converted expanded input counts as a dense one.
        """
        if result.ndim < 2:
            return result
        tensors = [t for t in inputs if isinstance(t, Tensor)]
        if result.flags.c_contiguous and all(row_major(t) for t in tensors):
            return result
        return relaid(result, self._strides(result.shape, tensors, common))

    @staticmethod
    def _strides(shape: Shape, inputs: Sequence[Any], common: dtype | None = None) -> Shape:
        operands = []
        for t in inputs:
            if isinstance(t, Tensor):
                own = memory(t)
                converted = common is not None and t._dtype is not common
                operands.append((own.shape, copied_strides(own.shape, own.strides) if converted else own.strides))
        return elementwise_strides(shape, tuple(operands)) if operands else contiguous_strides(shape)

    def _operands(self, plan: Launch) -> list[Any]:
        """What the kernel is given."""
        return [self._operand(t, plan.compute) for t in plan.inputs]

    def _parameters(self, plan: Launch) -> dict[str, Any]:
        """What the kernel is given by name."""
        return plan.params

    def _operand(self, t: Any, compute: dtype | None) -> Any:
        if isinstance(t, Tensor):
            d = t._dtype
            if self.moves or d is compute is d.compute:
                return t._array
            if compute is None:
                return cast(t._array, d, d.compute)
            return cast(cast(t._array, d, compute), compute, compute.compute)
        if type(t) in (list, tuple):
            return [self._operand(x, compute) for x in t]
        return t

    @staticmethod
    def _store(result: Any, d: dtype) -> Any:
        if type(result) is not np.ndarray:
            result = np.asarray(result)
        if result.dtype is not d.numpy and result.dtype != d.numpy:
            result = cast(result, OF_NUMPY[result.dtype], d)
        return result

    def launch(self, plan: Launch) -> Any:
        """Compute, wrap and record."""
        where = plan.device or common_device(plan.inputs)
        shape, d = plan.shape, plan.dtype
        if where is CPU:
            try:
                arrays = self.compute(plan, where)
            except IndexError:
                if d is complex32:  # PyTorch has made its result by then
                    warn_of_complex_half()
                raise
            if type(d) is not list:
                outs = [fresh(arrays[0], d)]
            else:
                outs = [fresh(a, e) for a, e in zip(arrays, d, strict=True)]
        elif where == META:
            if shape is None:
                raise NotImplementedError(
                    f"{self.name}(): the result's shape depends on the data, which meta tensors do not have"
                )
            outs = (
                [without_data(shape, d, self._strides(shape, plan.inputs) if self.iterated else None)]
                if type(d) is not list
                else [without_data(s, e) for s, e in zip(shape, d, strict=True)]
            )
        else:
            raise NotImplementedError(f"flambeau has no {where.type} kernels yet")
        if state.enabled:
            self.record(plan, outs)
        if type(d) is not list:
            return outs[0]
        return tuple(outs) if self.results is None else self.results(outs)


def on_copy(update: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel from one that updates its first array: it updates a row-major copy."""

    def kernel(x: Any, *rest: Any, **params: Any) -> Any:
        x = np.array(x, order="C")
        update(x, *rest, **params)
        return x

    return kernel


def common_device(inputs: Sequence[Any]) -> device:
    """The one device of all tensors. Raises RuntimeError for two, 0-dim CPU tensors apart."""
    found: device | None = None
    for t in inputs:
        if isinstance(t, Tensor):
            if t._array is not None and (found is None or found is CPU):
                found = CPU
            elif t._array is None or found is not CPU:
                where = t.device
                if found is None or where == found:
                    found = where
                else:
                    host = (
                        t if where is CPU else next(x for x in inputs if isinstance(x, Tensor) and x._array is not None)
                    )
                    if shape_of(host) != ():
                        raise RuntimeError(
                            f"Expected all tensors to be on the same device, but found at least two devices, "
                            f"{found} and {where}!"
                        )
                    found = found if found is not CPU else where
        elif type(t) in (list, tuple):
            nested = [x for x in t if isinstance(x, Tensor)]
            if nested:
                where = common_device(nested)
                if found is None:
                    found = where
                elif where != found:
                    raise RuntimeError(
                        "Expected all tensors to be on the same device, but found at least two devices, "
                        f"{found} and {where}!"
                    )
    return found or CPU
