"""assay record."""

from __future__ import annotations

import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from assay.cli.common import CONFORMS, NO_CASES, PROFILE_NAMES, check_names, fail


@click.command()
@click.option("--only", multiple=True, metavar="GLOB", help="Operations, e.g. sum or 'nn.functional.*'. Repeatable.")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), default="quick", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same cases.")
@click.option("--output", type=click.Path(path_type=Path), help="The file; recording-VERSION.assay without.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes of PyTorch.")
def record(only: tuple[str, ...], profile: str, seed: int, output: Path | None, force: bool, jobs: int) -> None:
    """Record what PyTorch answers to the catalogue's cases, for machines that have no PyTorch.

    `assay run SUBJECT --against recorded:FILE` judges by it there. A recording holds the cases themselves, and
    PyTorch's answers with all that judging takes; the whole surface under the quick profile takes some 11 MB.

    \b
    Example: assay record
    Example: assay record --only 'fft.*' --profile standard --output fft.assay

    \b
    Exit codes: 0 recorded, 2 usage or harness error, 5 no case matched.
    """
    from assay.feed import DrawingError
    from assay.progress import Progress
    from assay.recorder import header
    from assay.recorder import record as make
    from assay.worker import WorkerError

    ops = check_names(only)
    if not ops:
        click.echo("assay: no case matched", err=True)
        sys.exit(NO_CASES)
    begun = time.monotonic()
    try:
        path = output or Path(f"recording-{'.'.join(version('torch').split('.')[:2])}.assay")
    except PackageNotFoundError:
        fail("PyTorch is not installed here; a recording is made where it is")
    if path.exists() and not force:
        fail(f"{path} is there already; --force replaces it")
    if not path.parent.is_dir():
        fail(f"cannot write {path}: {path.parent} is no folder")
    try:
        about = header(ops, profile, seed, only)
        with Progress(ops) as progress:
            made = make(path, ops, about, jobs, on_case=lambda case, n: progress.tell(case.op, f"{n} cases"))
    except WorkerError as error:
        fail(f"PyTorch does not start\n{error}")
    except DrawingError as error:
        fail(f"drawing failed\n{error}")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror or error}")
    except KeyboardInterrupt:
        fail("interrupted; nothing was written")
    size, seconds = path.stat().st_size, time.monotonic() - begun
    click.echo(
        f"{path}: {len(made)} cases of PyTorch {about.torch} ({about.capability}), {size / 1e6:.1f} MB, {seconds:.0f} s"
    )
    sys.exit(CONFORMS)
