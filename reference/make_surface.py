"""Record what the installed PyTorch offers: every public name, and for operations the variants they come in.

Writes reference/surface-<minor>.json, the list that `assay surface` measures the catalogue against. Nothing here runs
an operation: names come from the namespaces themselves, `out=` from the native function table that ships with torch
(torchgen) and from Python signatures, and what is no operation on dense tensors is named below with a reason.

    python reference/make_surface.py                 # write the file for the installed version
    python reference/make_surface.py --check         # exit 1 when the file differs from the installed version
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
import types
import warnings
from fnmatch import fnmatchcase
from importlib import import_module, util
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent

NAMESPACES = (
    "torch",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.signal.windows",
    "torch.random",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.utils.data",
)

REASONS = {
    "autograd": "controls or inspects the graph; judged through the gradients of every case",
    "backend": "a kernel of one backend or library, or a building block with no stable behaviour on the CPU",
    "callable": "takes Python functions, which no plain-data case can carry",
    "class": "a class that is no constructor of dense tensors",
    "config": "reads or sets a global switch",
    "constant": "a constant or a table",
    "data": "datasets, samplers and loaders",
    "device": "moves to or asks about a device other than the CPU",
    "distributed": "memory shared between processes, or process groups",
    "dtype": "a dtype",
    "internal": "a helper that leaks into the namespace",
    "jit": "TorchScript",
    "module": "a namespace",
    "nested": "nested tensors",
    "protocol": "Python's object protocol: construction, pickling, hashing, __torch_function__",
    "quantized": "quantized tensors",
    "random state": "a generator object, or a second name of a function in torch",
    "removed": "only raises: removed from PyTorch",
    "serialization": "files",
    "sparse": "sparse tensors",
    "storage": "the untyped or typed storage behind a tensor, or its address",
    "symbolic": "symbolic sizes",
    "typing": "a name from typing, collections.abc or the like",
}

# Reason -> patterns of paths. The first match counts; a pattern that matches nothing is an error.
LEFT_OUT = {
    "removed": """torch.eig torch.lstsq torch.matrix_rank torch.solve torch.symeig Tensor.eig Tensor.lstsq
        Tensor.solve Tensor.symeig Tensor.reinforce Tensor.volatile""",
    "sparse": """torch.*sparse* torch.*_indices_copy torch.indices_copy torch.values_copy Tensor.coalesce
        Tensor.is_coalesced Tensor.crow_indices Tensor.ccol_indices Tensor.col_indices Tensor.row_indices
        Tensor.indices Tensor.values Tensor.dense_dim Tensor.to_dense Tensor.smm Tensor.sspaddmm torch.dsmm
        torch.hsmm torch.hspmm torch.smm torch.spmm torch.saddmm torch.sspaddmm Tensor.to_sparse* Tensor.sparse_*
        Tensor.resize_as_sparse_""",
    "quantized": """torch.*quantize* torch.*fake_quant* torch.q_* torch.int_repr torch.choose_qparams_optimized
        torch.qscheme torch.per_channel_* torch.per_tensor_* Tensor.q_* Tensor.qscheme Tensor.int_repr
        torch.fbgemm_* Tensor.dequantize""",
    "nested": """Tensor.to_padded_tensor torch.jagged""",
    "distributed": """torch.prepare_multiprocessing_environment torch.is_distributed Tensor.is_distributed
        Tensor.is_shared Tensor.share_memory_""",
    "jit": """torch.fork torch.wait torch.import_ir_module* torch.parse_* torch.merge_type_from_type_comment
        torch.unify_type_list""",
    "symbolic": "torch.sym_* torch.Sym*",
    "storage": """torch.*Storage torch.StorageBase torch.is_storage Tensor.storage Tensor.storage_type
        Tensor.untyped_storage Tensor.data_ptr Tensor.const_data_ptr Tensor.record_stream""",
    "serialization": "torch.load torch.save torch.from_file",
    "random state": """torch.thread_safe_generator torch.default_generator torch.random.*""",
    "config": """torch.*autocast* torch.*anomaly* torch.*deterministic* torch.get_num_* torch.set_num_*
        torch.init_num_threads torch.*float32_matmul_precision torch.set_flush_denormal torch.set_printoptions
        torch.*warn_always* torch.is_grad_enabled torch.is_inference_mode_enabled torch.compiled_with_cxx11_abi
        torch.get_default_device torch.set_default_device""",
    "autograd": """torch.set_grad_enabled torch.enable_grad torch.no_grad torch.inference_mode
        torch.autograd.backward torch.autograd.grad torch.autograd.gradcheck torch.autograd.gradgradcheck
        torch.autograd.variable torch.autograd.is_*_enabled torch.autograd.kineto_available torch.autograd.*_grad
        torch.autograd.inference_mode torch.autograd.set_* torch.autograd.detect_anomaly
        torch.autograd.enforce_grad_layout_policy Tensor.backward Tensor.retain_grad Tensor.register_hook
        Tensor.register_post_accumulate_grad_hook Tensor.grad_fn Tensor.grad_dtype Tensor.output_nr
        Tensor.retains_grad Tensor.name""",
    "callable": """torch.compile torch.cond torch.while_loop torch.vmap torch.autograd.functional.* Tensor.apply_
        Tensor.map_ Tensor.map2_""",
    "backend": """torch.cudnn_* torch.miopen_* torch.mkldnn_* Tensor.to_mkldnn torch.batch_norm_* torch.native_*
        torch.nn.functional.native_channel_shuffle torch.nn.functional.scaled_mm
        torch.nn.functional.scaled_grouped_mm torch.nn.functional.grouped_mm torch.slice_inverse
        Tensor.slice_inverse""",
    "device": """Tensor.cuda Tensor.ipu Tensor.xpu Tensor.mtia Tensor.pin_memory Tensor.is_pinned
        Tensor.__cuda_array_interface__ torch.is_vulkan_available torch.get_device_module torch.Event torch.Stream
        torch.AcceleratorError torch.profiler_allow_cudagraph_cupti_lazy_reinit_cuda12 Tensor.is_cuda Tensor.is_ipu
        Tensor.is_maia Tensor.is_mkldnn Tensor.is_mps Tensor.is_mtia Tensor.is_vulkan Tensor.is_xla Tensor.is_xpu""",
    "internal": """torch.classproperty torch.get_file_path torch.typename torch.PRIVATE_OPS
        torch.nn.functional.assert_int_or_pair torch.nn.functional.boolean_dispatch
        torch.nn.functional.*torch_function* torch.autograd.*torch_function torch.autograd.is_tensor_like
        Tensor.__dlpack_c_exchange_api__ Tensor.module_load Tensor.index""",
    "data": "torch.utils.data.*",
    "protocol": """Tensor.__new__ Tensor.__init_subclass__ Tensor.__subclasshook__ Tensor.__torch_dispatch__
        Tensor.__torch_function__ Tensor.__hash__ Tensor.__delitem__ Tensor.__dir__ Tensor.__reduce_ex__
        Tensor.__setstate__ Tensor.__array_wrap__ Tensor.__array_priority__ Tensor.__class__ Tensor.__dict__
        Tensor.__weakref__ Tensor.__annotations__ Tensor.__doc__ Tensor.__module__""",
}

# Classes that construct dense tensors, beside the legacy tensor types.
CONSTRUCTORS = frozenset(("torch.Tensor", "torch.autograd.Variable"))

# In-place names with a functional namesake that takes other arguments: operations of their own.
NOT_INPLACE_OF = frozenset(("normal_", "resize_", "resize_as_", "detach_"))

# Names with an underscore that leave the elements alone.
CHANGE_NO_ELEMENTS = frozenset(("detach_", "requires_grad_"))

# Python's operators and the operation each one is; other dunder methods of Tensor are operations of their own name.
OPERATORS = {
    "abs": "__abs__",
    "add": "__add__ __radd__ __iadd__",
    "sub": "__sub__ __rsub__ __isub__",
    "mul": "__mul__ __rmul__ __imul__",
    "div": "__truediv__ __rtruediv__ __itruediv__ __div__ __rdiv__ __idiv__",
    "floor_divide": "__floordiv__ __rfloordiv__ __ifloordiv__",
    "remainder": "__mod__ __rmod__ __imod__",
    "pow": "__pow__ __rpow__ __ipow__",
    "matmul": "__matmul__ __rmatmul__",
    "neg": "__neg__",
    "positive": "__pos__",
    "bitwise_not": "__invert__",
    "bitwise_and": "__and__ __rand__ __iand__",
    "bitwise_or": "__or__ __ror__ __ior__",
    "bitwise_xor": "__xor__ __rxor__ __ixor__",
    "bitwise_left_shift": "__lshift__ __rlshift__ __ilshift__",
    "bitwise_right_shift": "__rshift__ __rrshift__ __irshift__",
    "eq": "__eq__",
    "ne": "__ne__",
    "lt": "__lt__",
    "le": "__le__",
    "gt": "__gt__",
    "ge": "__ge__",
    "__bool__": "__bool__ __nonzero__",
    "__int__": "__int__ __long__",
}
OPERATION_OF = {dunder: op for op, dunders in OPERATORS.items() for dunder in dunders.split()}

ALIAS = re.compile(r"[Aa]lias (?:for|of) :(?:func|meth):`~?(?:torch\.)?(?:Tensor\.)?([\w.]+)")


class Recorder:
    """Rows by path, in the order of the namespaces."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.out_names = native_out_names()
        self.patterns = [(reason, pattern) for reason, text in LEFT_OUT.items() for pattern in text.split()]
        self.used: set[str] = set()

    def record(self, path: str, value: Any) -> None:
        kind = kind_of(value)
        reason = self.reason(path, value, kind)
        if reason is not None:
            self.rows[path] = {"kind": kind, "left_out": reason}
            return
        op, variants = self.operation(path, value, kind)
        row: dict[str, Any] = {"kind": kind, "op": op, "variants": variants}
        doc = inspect.getdoc(value) if isinstance(getattr(value, "__doc__", None), str) else None
        if not doc:
            row["undocumented"] = True
        elif (alias := ALIAS.search(doc)) and alias.group(1).rstrip("_") != op:
            row["alias_of"] = alias.group(1).rstrip("_")
        self.rows[path] = row

    def reason(self, path: str, value: Any, kind: str) -> str | None:
        """Why the name is no operation on dense tensors, or None when it is one."""
        home = getattr(value, "__module__", None) or "torch"
        if kind == "module":
            return "module"
        if isinstance(value, bool):
            return "constant"
        if home.split(".")[0] not in ("torch", "builtins"):
            return "typing"
        for reason, pattern in self.patterns:
            if matches(path, pattern):
                self.used.add(pattern)
                return reason
        if kind == "dtype":
            return "dtype"
        if kind == "constant":
            return "constant"
        if kind == "class":
            return None if type(value).__name__ == "tensortype" or path in CONSTRUCTORS else "class"
        return None

    def operation(self, path: str, value: Any, kind: str) -> tuple[str, list[str]]:
        """The operation a path belongs to and the variants it is."""
        owner, _, name = path.rpartition(".")
        prefix = owner.removeprefix("torch").removeprefix("Tensor").lstrip(".")
        full = f"{prefix}.{name}" if prefix else name
        if name.startswith("__"):
            op = OPERATION_OF.get(name, name)
            return op, ["operator"] if op != name else ["method", "operator"]
        if name in CHANGE_NO_ELEMENTS:
            return full, ["method" if owner == "Tensor" else "function"]
        if name.endswith("_"):
            namesake = has_namesake(prefix, name[:-1]) and name not in NOT_INPLACE_OF
            return (full[:-1] if namesake else full), ["inplace"]
        if owner == "Tensor":
            return full, ["method"]
        return full, ["function", "out"] if self.takes_out(owner, name, value) else ["function"]

    def takes_out(self, owner: str, name: str, value: Any) -> bool:
        if isinstance(value, types.FunctionType):
            return takes_argument(value, "out")
        native = getattr(value, "__name__", name)
        return native in self.out_names or f"{owner.rpartition('.')[2]}_{name}" in self.out_names


def matches(path: str, pattern: str) -> bool:
    """fnmatch within each component: `*` does not reach across a dot."""
    parts, wanted = path.split("."), pattern.split(".")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def takes_argument(function: Any, name: str) -> bool:
    """Whether a Python function has the parameter; boolean_dispatch hides it behind *args and **kwargs."""
    parameters = inspect.signature(function).parameters
    return name in parameters


def kind_of(value: Any) -> str:
    if isinstance(value, types.ModuleType) or type(value).__name__ in ("_Ops", "_Classes", "GenericModule"):
        return "module"
    if isinstance(value, torch.dtype):
        return "dtype"
    if isinstance(value, (types.GetSetDescriptorType, property)):
        return "property"
    if isinstance(value, type):
        return "class"
    if type(value).__name__ == "tensortype":
        return "class"
    if callable(value) or isinstance(value, classmethod):
        method = isinstance(value, (types.MethodDescriptorType, types.WrapperDescriptorType))
        return "method" if method else "function"
    return "constant"


def has_namesake(prefix: str, name: str) -> bool:
    """Whether an in-place name has a functional form that takes the same arguments."""
    if prefix == "nn.init":
        return False
    owners = [getattr_path(torch, prefix)] if prefix else [torch, torch.Tensor]
    return any(callable(getattr(owner, name, None)) and kind_of(getattr(owner, name)) != "dtype" for owner in owners)


def getattr_path(root: Any, path: str) -> Any:
    for part in path.split("."):
        root = getattr(root, part)
    return root


def native_out_names() -> frozenset[str]:
    """Names of native functions whose Python binding takes `out=`.

    Those with an `out=` overload of their own in torch's table, and those tagged view_copy: other overloads that torch
    generates for itself have no Python binding.
    """
    spec = util.find_spec("torchgen")
    if spec is None or spec.origin is None:
        raise SystemExit("torchgen, which ships with torch, is missing")
    table = Path(spec.origin).parent / "packaged/ATen/native/native_functions.yaml"
    names = set()
    for entry in table.read_text(encoding="utf-8").split("\n- func: ")[1:]:
        found = re.match(r"(\w+)[.\w]*\((.*)\) ->", entry)
        assert found is not None, entry
        name, arguments = found.groups()
        keywords = arguments.partition("*,")[2]
        if re.search(r"Tensor\(\w!\)(\[\])? \w+", keywords) or re.search(
            r"^  tags:.*\bview_copy\b", entry, re.MULTILINE
        ):
            names.add(name)
    return frozenset(names)


def record_surface() -> dict[str, Any]:
    """The surface of the installed torch as plain data."""
    recorder = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated names warn when looked at
        for namespace in NAMESPACES:
            module = import_module(namespace)
            for name in sorted(dir(module)):
                if not name.startswith("_"):
                    recorder.record(f"{namespace}.{name}", getattr(module, name))
        for name in sorted(dir(torch.Tensor)):
            dunder = name.startswith("__")
            if name.startswith("_") and not dunder:
                continue
            value = inspect.getattr_static(torch.Tensor, name)
            # str() is inherited, but the text is PyTorch's
            if (
                dunder
                and name != "__str__"
                and name in vars(object)
                and getattr(torch.Tensor, name) is getattr(object, name)
            ):
                continue
            recorder.record(f"Tensor.{name}", value)
            if recorder.rows[f"Tensor.{name}"]["kind"] == "function":
                recorder.rows[f"Tensor.{name}"]["kind"] = "method"
    unused = [pattern for _, pattern in recorder.patterns if pattern not in recorder.used]
    if unused:
        raise SystemExit(f"patterns that leave nothing out: {' '.join(unused)}")
    return {
        "schema": 1,
        "torch": torch.__version__.partition("+")[0],
        "made_by": "reference/make_surface.py",
        "reasons": REASONS,
        "names": recorder.rows,
    }


def to_text(surface: dict[str, Any]) -> str:
    """JSON with one name a line, so that versions can be compared line by line."""
    head = {key: value for key, value in surface.items() if key != "names"}
    rows = ",\n".join(f"  {json.dumps(path)}: {json.dumps(row)}" for path, row in surface["names"].items())
    return json.dumps(head, indent=1).removesuffix("\n}") + ',\n "names": {\n' + rows + "\n }\n}\n"


def default_path() -> Path:
    return HERE / f"surface-{'.'.join(torch.__version__.split('.')[:2])}.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="file to write or check (default: beside this command)")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args(arguments)
    path = options.output or default_path()
    text = to_text(record_surface())
    if options.check:
        same = path.exists() and path.read_text(encoding="utf-8") == text
        print(f"{path}: {'up to date' if same else 'differs from the installed torch'}")
        return 0 if same else 1
    path.write_text(text, encoding="utf-8")
    print(f"{path}: {text.count(chr(10) + '  ')} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
