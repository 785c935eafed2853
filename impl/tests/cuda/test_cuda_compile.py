"""Every sample of a kernel compiled by NVRTC, what is said of those that do not compile, and the check command."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from cuda_samples import BY_NAME, SAMPLES, Sample
from needs import needs_cuda_packages

from flambeau.cuda.check import Unit, check_nvrtc
from flambeau.cuda.check import main as check
from flambeau.cuda.compile import CompileError, compile_module, explain
from flambeau.cuda.host.consistency import inconsistencies
from flambeau.cuda.host.runner import HostModule
from flambeau.cuda.templates import ElementwiseKernel, instance, instances, module_source


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("one", [pytest.param(one, id=one.kernel.name) for one in SAMPLES])
def test_nvrtc_compiles(one: Sample) -> None:
    module = compile_module(module_source([one.kernel]), instances(one.kernel), arch="sm_90")
    assert module.cubin.startswith(b"\x7fELF")
    assert set(module.names) == set(instances(one.kernel))
    assert all(0 < takes.registers <= 128 and not takes.spills for takes in module.resources.values())


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("arch", ["sm_80", "sm_100"])
def test_nvrtc_compiles_for_other_architectures(arch: str) -> None:
    kernels = [BY_NAME[name].kernel for name in ("mul", "pow", "digamma")]
    expressions = [instance(kernel, "bfloat16").strided() for kernel in kernels]
    assert len(compile_module(module_source(kernels), expressions, arch=arch).names) == 3


@pytest.mark.nvrtc
@needs_cuda_packages
def test_compiled_modules_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("FLAMBEAU_CACHE", str(tmp_path))
    kernel = BY_NAME["mul"].kernel
    source, wanted = module_source([kernel]), [instance(kernel, "float16").strided()]
    first = compile_module(source, wanted, arch="sm_90")
    monkeypatch.setattr("flambeau.cuda.compile._compile", lambda *_: pytest.fail("compiled again"))
    assert compile_module(source, wanted, arch="sm_90") == first
    with pytest.raises(pytest.fail.Exception, match="compiled again"):
        compile_module(source, wanted, arch="sm_80")


@pytest.mark.nvrtc
@needs_cuda_packages
def test_errors_quote_the_body() -> None:
    bad = ElementwiseKernel("bad", "logg(x) + x", ("x",))
    wanted = [instance(bad, "float32").strided()]
    with pytest.raises(CompileError) as caught:
        compile_module(module_source([bad]), wanted, arch="sm_90")
    assert 'bad.cuda(1): error: identifier "logg" is undefined' in str(caught.value)
    assert "return logg(x) + x;" in str(caught.value)
    assert "instantiation of" not in str(caught.value)
    with pytest.raises(RuntimeError, match=r"bad\.cuda:1:.*logg"):
        HostModule(module_source([bad]), wanted)


def test_the_path_of_instantiations_is_left_out() -> None:
    log = (
        'a.cuda(1): error: no\n      x\n          detected during:\n            instantiation of "f"\nb(2): error: so\n'
    )
    assert explain(log) == "a.cuda(1): error: no\n      x\nb(2): error: so"


@pytest.mark.parametrize("arch", ["", "90", "compute_90"])
def test_architecture_must_be_spelled_out(arch: str) -> None:
    with pytest.raises(ValueError, match="arch must be of the form sm_90"):
        compile_module("", ["f"], arch=arch)


@needs_cuda_packages
def test_threads_may_import_the_packages_at_once() -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
from flambeau.cuda.packages import require
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: require("cuda.core").ProgramOptions, range(8)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""


def test_missing_packages_name_the_extra() -> None:
    code = (
        "import sys; sys.modules['cuda'] = None; from flambeau.cuda.compile import compile_module; "
        "compile_module('', ['f'], arch='sm_90')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "ImportError: cannot import" in ended.stderr
    assert "pip install 'torch-assay[cuda]'" in ended.stderr


# ---------------------------------------------------------------- the check command


OPERATIONS = [BY_NAME[name].kernel for name in ("mul", "where")]


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    module = SimpleNamespace(OPERATIONS=OPERATIONS)
    monkeypatch.setitem(sys.modules, "declared_operations", module)  # type: ignore[arg-type]
    return module


@pytest.mark.nvrtc
@needs_cuda_packages
def test_check_compiles_and_runs(declared: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["--arch", "sm_90", "--host", "--operations", "declared_operations:OPERATIONS", "--only"]
    assert check([*call, "mul", "--only", "where"]) == 0
    shown = capsys.readouterr().out
    assert "[2/2] sm_90 where:" in shown
    assert "sm_90: 76 kernels of 2 operations in" in shown
    assert "0 with spills, 0 warnings, 0 operations failed" in shown
    assert "[1/2] host mul: every path and thread order agrees" in shown
    declared.OPERATIONS = [*OPERATIONS, ElementwiseKernel("bad", "x +", ("x",))]
    assert check([*call, "bad"]) == 1
    shown = capsys.readouterr().out
    assert "[1/1] sm_90 bad: FAILED" in shown
    assert "[1/1] host bad: FAILED" in shown


@pytest.mark.nvrtc
@needs_cuda_packages
def test_check_fails_on_warnings_and_spills() -> None:
    source = """
    __global__ void warns(unsigned* p) { if (*p < 0u) *p = 1; }
    __global__ void __launch_bounds__(1024) spills(float* p) {  // 64 registers a thread are left
      float x[128];
      #pragma unroll
      for (int i = 0; i < 128; ++i) x[i] = p[i * 1024 + threadIdx.x];
      __syncthreads();
      #pragma unroll
      for (int i = 0; i < 128; ++i) p[(127 - i) * 1024 + threadIdx.x] = x[i] * x[(i + 1) & 127];
    }
    __global__ void clean(float* p) { *p = 1; }
    """
    shown: list[str] = []
    units = [Unit(name, source, [name]) for name in ("warns", "spills", "clean")]
    assert check_nvrtc(units[1:2], "sm_90", say=shown.append) == 1, shown
    assert "bytes spilled  spills" in "\n".join(shown)
    assert any("pointless comparison of unsigned integer with zero" in line for line in shown)
    quiet = Unit("clean", source.replace("if (*p < 0u) ", ""), ["clean"])
    assert check_nvrtc([quiet], "sm_90", say=shown.append) == 0
    assert check_nvrtc(units[::2], "sm_90", jobs=2, say=shown.append) == 2
    assert shown[-1].endswith("0 with spills, 2 warnings, 2 operations failed")


def test_check_explains_wrong_calls(declared: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(["--host", "--only", "nosuch", "--operations", "declared_operations"]) == 2
    assert "no CUDA body is declared for nosuch" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        check([])
    assert "nothing to do" in capsys.readouterr().err


@pytest.mark.nvrtc
@needs_cuda_packages
def test_inconsistent_kernels_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that see where they run: their answers must not agree between paths or orders."""
    by_thread = ElementwiseKernel("by_thread", "x + T(threadIdx.x)", ("x",), dtypes=("float32",))
    assert "by_thread, float32, transposed: differs from the contiguous path" in inconsistencies([by_thread])
