"""The command line: one group for each room, in the order of the rooms.

``--json`` on everything; exit codes 0 done, 3 refused, 4 invalid, 70 fault.
"""

from __future__ import annotations

import json
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import typer

from enclave.cli import agreements, board, clocks, data, incidents, messages, outputs, oversight, papers, proposals
from enclave.cli.desk import Desk, complain, console
from enclave.errors import EnclaveError, Fault, Finding, invalid, no_room

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=__doc__,
                  pretty_exceptions_enable=False)  # fmt: skip
app.callback()(Desk.open)
for room in (papers, agreements, data, board, proposals, outputs, incidents, messages, clocks, oversight):
    room.register(app)


@cache
def command() -> Any:
    """Build the command, once in a process: it takes longer than most of what is done with it."""
    return typer.main.get_command(app)


def main() -> None:
    """Run a command; print refusals as findings with clause and next step, never a traceback."""
    try:
        # an exit code that a command gives comes back as a value here, and is not raised
        code = command()(standalone_mode=False)
    except EnclaveError as error:
        _end(error)
    except typer.Abort:
        sys.exit(70)
    except typer.TyperException as error:
        what = str(getattr(error, "format_message", error.__str__)())
        _end(invalid("command line", "usage", "EM XV", what, "See the command's --help."))
    except Exception as error:  # noqa: BLE001 - the last door: whatever it is, no traceback and no value
        # the kind and the place only: what an exception says may hold a value of a person
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        _end(
            no_room(error)
            or Fault(
                "command", [Finding("unexpected", "EM XV", "", place, "Run `enclave recover` and tell the hub.")]
            )
        )
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _end(error: EnclaveError) -> NoReturn:
    if "--json" in sys.argv:
        findings = [finding.as_dict() for finding in error.findings]
        console.print_json(json.dumps({"error": error.subject, "findings": findings}))
    else:
        complain(error)
    sys.exit(error.exit_code)
