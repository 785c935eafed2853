"""The command line: one module a command or a few that belong together.

Exit codes: 0 conforms, 1 deviations (or a full run met no case of a ledger entry), 2 usage or harness error, 5 no case
matched.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import click

from assay.cli.common import ERROR, fail
from assay.cli.ledger import ledger
from assay.cli.record import record
from assay.cli.report import report
from assay.cli.run import run
from assay.cli.runs import compare, diff, history, merge, runs, show
from assay.cli.surface import list_operations, surface


class _Commands(click.Group):
    """Commands whose unexpected exceptions are harness errors: their traceback and exit code 2, never 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(ERROR)
        except (KeyboardInterrupt, click.Abort):
            fail("interrupted")
        except Exception:
            fail(f"the harness failed\n{traceback.format_exc()}")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="torch-assay", prog_name="assay")
def main() -> None:
    """Put torch-like libraries to real PyTorch's test, case by case.

    \b
    Example: assay run flambeau --profile quick
    """


for _command in (run, record, runs, show, diff, compare, history, merge, ledger, report, list_operations, surface):
    main.add_command(_command)
