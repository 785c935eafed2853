"""flambeau stands alone: it never imports torch, and ndarrays appear only where the design allows them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "flambeau"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

FOREIGN = ("torch", "assay", "reference")
ARRAY_LIBRARIES = ("numpy", "scipy", "ml_dtypes")


@dataclass(frozen=True)
class Permission:
    """A file or folder/ of flambeau that may name NumPy, and why.

    kernels_only: NumPy may be named only in the value of one of the KERNEL_KEYWORDS of a declaration.
    """

    where: str
    why: str
    kernels_only: bool = False

    def covers(self, module: str) -> bool:
        return module.startswith(self.where) if self.where.endswith("/") else module == self.where


KERNEL_KEYWORDS = ("numpy", "cpu", "fast", "kernel")

PERMISSIONS = (
    Permission("cpu/", "the NumPy kernels"),
    Permission("random/", "generator state and streams are arrays of words"),
    Permission("cuda/launch.py", "copies between host and device"),
    Permission("cuda/templates.py", "the C type of each dtype"),
    Permission("cuda/host/", "runs kernels on the CPU for tests"),
    Permission("ops/", "a declaration names its NumPy kernel", kernels_only=True),
    Permission("dtypes.py", "the NumPy dtype behind each dtype"),
    Permission("tensor.py", "a tensor is a strided window on its storage"),
    Permission("data.py", "tensor, asarray, from_numpy, numpy(), __array__, DLPack"),
    Permission("numeric_limits.py", "finfo and iinfo read NumPy's limits"),
    Permission("information.py", "tells NumPy's version and BLAS"),
    Permission("methods.py", "item, tolist, numpy() and __array__ hand elements out"),
    Permission("running.py", "wraps the array that a kernel returned"),
    Permission("inplace.py", "writes into the buffer behind self or out=, resize_ grows it"),
    Permission("fast_fronts.py", "call ufuncs with out= and dtype="),
    Permission("autograd/fitting.py", "undoes broadcasting and casts of raw arrays"),
    Permission("autograd/leaves.py", "accumulates raw arrays of operator-only rules into .grad"),
    Permission("storage.py", "the bytes behind a tensor"),
    Permission("reduction.py", "the fast path keeps the numbers of ufuncs' reductions as arrays"),
    Permission("ops/rules.py", "helpers of rules that take tensors and raw arrays alike"),
    Permission("printing.py", "formats elements copied out of a tensor"),
    Permission("serialization.py", "writes and reads storages"),
    Permission("argument_kinds.py", "tells NumPy scalars among the arguments"),
    Permission("argument_types.py", "tells NumPy scalars and arrays among the arguments"),
)


def parse(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"), filename=module)


def imported_packages(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Top-level packages that a module imports anywhere in its body, import_module("…") and __import__ included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0], node.lineno
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value.partition(".")[0], node.lineno


def array_names(tree: ast.Module) -> set[str]:
    """The names under which a module knows the array libraries and what it takes from them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                alias.asname or alias.name.partition(".")[0]
                for alias in node.names
                if alias.name.partition(".")[0] in ARRAY_LIBRARIES
            }
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ARRAY_LIBRARIES:
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def uses_outside_kernels(tree: ast.Module) -> list[int]:
    """Lines that name an array library anywhere but in a kernel keyword of a call."""
    names = array_names(tree)
    kernels = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in KERNEL_KEYWORDS
        for inner in ast.walk(keyword.value)
    }
    return sorted(
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in names and id(node) not in kernels
    )


def complaints(module: str, tree: ast.Module) -> list[str]:
    """What the lint finds in one module."""
    lines = [line for package, line in imported_packages(tree) if package in ARRAY_LIBRARIES]
    if not lines:
        return []
    permissions = [permission for permission in PERMISSIONS if permission.covers(module)]
    if not permissions:
        return [f"{module}:{line}: imports an array library; no permission covers this file" for line in lines]
    if any(not permission.kernels_only for permission in permissions):
        return []
    return [f"{module}:{line}: an array library outside a kernel keyword" for line in uses_outside_kernels(tree)]


def test_importing_flambeau_and_all_its_modules_never_asks_for_torch():
    """With torch made unimportable; a module that needs CUDA packages may lack those, and nothing else."""
    script = """
import importlib, pkgutil, sys
sys.modules["torch"] = sys.modules["assay"] = None
import flambeau
names = [m.name for m in pkgutil.walk_packages(flambeau.__path__, "flambeau.") if not m.name.endswith("__main__")]
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("cuda", "nvidia"):
            raise
print(len(names))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


def test_import_leaves_torch_unloaded():
    script = "import flambeau, sys; print(sorted({'torch', 'assay'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_torch_or_assay(module):
    found = [f"{module}:{line}: {package}" for package, line in imported_packages(parse(module)) if package in FOREIGN]
    assert found == []


@pytest.mark.parametrize("module", MODULES)
def test_ndarrays_stay_where_the_design_allows_them(module):
    assert complaints(module, parse(module)) == []


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        ("import torch", ["torch"]),
        ("def f():\n    from torch.nn import Linear", ["torch"]),
        ("import importlib\nimportlib.import_module('torch._C')", ["importlib", "torch"]),
        ("__import__('torch')", ["torch"]),
        ("from . import torch_names\nTEXT = 'import torch'", []),
    ],
)
def test_the_import_check_sees_every_spelling(source, packages):
    assert [package for package, _ in imported_packages(ast.parse(source))] == packages


@pytest.mark.parametrize(
    ("module", "source", "lines"),
    [
        ("autograd/hooks.py", "import numpy as np", [1]),
        ("linalg.py", "def f():\n    from numpy import array", [2]),
        ("cpu/reduce.py", "import numpy as np\nx = np.zeros(3)", []),
        ("ops/unary.py", "import numpy as np\n@elementwise(numpy=np.log)\ndef log(x): ...", []),
        (
            "ops/unary.py",
            "import numpy as np\n@elementwise(numpy=np.log, grad=lambda g: np.log(g))\ndef log(x): ...",
            [2],
        ),
        ("ops/unary.py", "from numpy import log\ndef rule(g):\n    return log(g)", [3]),
    ],
)
def test_the_array_lint_sees_what_it_should(module, source, lines):
    assert [int(text.split(":")[1]) for text in complaints(module, ast.parse(source))] == lines
