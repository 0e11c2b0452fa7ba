"""The command line: one group for each room, in the order of the rooms.

``--json`` on everything; exit codes 0 done, 3 refused, 4 invalid, 70 fault.
"""

from __future__ import annotations

import json
import sys

import typer

from enclave.cli import agreements, data, outputs, oversight
from enclave.cli.desk import Desk, complain, console
from enclave.errors import EnclaveError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=__doc__)
app.callback()(Desk.open)
for room in (agreements, data, outputs, oversight):
    room.register(app)


def main() -> None:
    """Run a command; print refusals as findings with clause and next step, never a traceback."""
    try:
        # an exit code that a command gives comes back as a value here, and is not raised
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except EnclaveError as error:
        if "--json" in sys.argv:
            findings = [finding.as_dict() for finding in error.findings]
            console.print_json(json.dumps({"error": error.subject, "findings": findings}))
        else:
            complain(error)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(70)
    except Exception as error:
        if type(error).__name__ in {
            "UsageError",
            "BadParameter",
            "MissingParameter",
            "NoArgsIsHelpError",
            "NoSuchOption",
        }:
            console.print(f"[bold red]invalid[/]  {error}")
            sys.exit(4)
        raise
