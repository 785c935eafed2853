"""`python -m flambeau script.py args…` runs a script whose `import torch` is answered by flambeau."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

EXAMPLE = """\
examples:
  python -m flambeau train.py --epochs 3    run train.py; its `import torch` is answered by flambeau
  python -m flambeau -m package.module      run a module the same way
  python -m flambeau --info                 versions, BLAS, threads and devices
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m flambeau",
        description="Run a PyTorch script with flambeau in PyTorch's place.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--info", action="store_true", help="show versions, BLAS, threads and devices, then exit")
    parser.add_argument("-m", dest="module", metavar="MODULE", help="run a module instead of a script")
    parser.add_argument("script", nargs="?", help="the script to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="arguments handed to the script")
    given = parser.parse_args(argv)
    if given.info:
        from flambeau.information import report

        print(report())
        return 0
    if given.module is None and given.script is None:
        parser.error("name a script to run, or ask for --info")

    from flambeau.standin import answer_torch

    answer_torch()
    if given.module is not None:
        rest = [given.script, *given.args] if given.script is not None else given.args
        sys.argv = [given.module, *rest]
        sys.path.insert(0, "")
        runpy.run_module(given.module, run_name="__main__", alter_sys=True)
        return 0
    script = Path(given.script)
    if not script.is_file():
        parser.error(f"there is no file {given.script}")
    sys.argv = [given.script, *given.args]
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
