"""What every command has in hand: the installation, who acts, and how to show a result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from enclave.app import Enclave, open_enclave
from enclave.clauses import clauses
from enclave.errors import EnclaveError, Refused
from enclave.ledger import refusal
from enclave.people import Admission, may
from enclave.settings import default_home
from enclave.store import Transaction
from enclave.terms import Action, project_id

console = Console(highlight=False)
_plain = TypeAdapter(Any)


@dataclass
class Desk:
    """The installation in hand, and the person at it."""

    home: Path
    actor: str

    @cached_property
    def enclave(self) -> Enclave:
        """The installation, opened at first use."""
        return open_enclave(self.home)

    @staticmethod
    def open(
        context: typer.Context,
        home: Annotated[Path | None, typer.Option(help="Home of the installation (ENCLAVE_HOME).")] = None,
        actor: Annotated[str, typer.Option("--as", help="Who acts: a login of the register.")] = "operator",
    ) -> None:
        """Secure analysis enclave of P20 WIN."""
        context.obj = Desk((home or default_home()).resolve(), actor)
        context.call_on_close(context.obj.close)

    def close(self) -> None:
        """Close the database, if the command opened it: nothing but its one file is left."""
        if "enclave" in vars(self) and "store" in vars(self.enclave):
            self.enclave.store.close()

    def admitted(self, action: Action, project: str) -> Admission:
        """Ask the one question for the person at the desk; a refusal is entered."""
        project = project_id(project)
        try:
            with self.enclave.store.view() as view:
                return may(view, self.actor, action, project)
        except Refused as error:
            self.enclave.store.enter(refusal(error, self.actor, f"{action}.refuse", self.actor, project))
            raise

    @contextmanager
    def changing(self, action: str, object: str, project: str) -> Iterator[Transaction]:
        """Change records; a refusal undoes the change, and is entered all the same."""
        try:
            with self.enclave.store.transaction() as tx:
                yield tx
        except Refused as error:
            self.enclave.store.enter(refusal(error, self.actor, action, object, project))
            raise


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeyLost = Annotated[
    str, typer.Option("--key-lost", help="Why a key is gone for good, where one is; no data of a person.")
]
GivenFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
NewFile = Annotated[Path, typer.Argument(dir_okay=False)]


def calendar_day(text: str) -> date:
    """Read a day that was typed, YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a day is written YYYY-MM-DD") from None


def known_clause(text: str) -> str:
    """Read a clause that was typed; the ledger cites only clauses that exist."""
    if text not in clauses():
        raise typer.BadParameter(f"no clause {text!r} in policies/clauses.yaml")
    return text


def show(value: Any, as_json: bool, sentence: str = "") -> None:
    """Print a result: JSON for programs, one sentence for people."""
    if as_json:
        console.print_json(_plain.dump_json(value).decode())
    else:
        console.print(f"[bold green]done[/]  {sentence}", soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], as_json: bool) -> None:
    """Print rows: a list of objects for programs, a table for people."""
    listed = [tuple(row) for row in rows]
    if as_json:
        body = [dict(zip(columns, row, strict=True)) for row in listed]
        console.print_json(json.dumps(body, default=str))
        return
    drawn = Table(*columns, title=title, title_justify="left", title_style="bold", header_style="bold")
    for row in listed:
        drawn.add_row(*("" if cell is None else f"{cell:,}" if type(cell) is int else str(cell) for cell in row))
    console.print(drawn)
    if not listed:
        console.print(f"[dim]nothing in {title.lower()} yet[/]")


def facts(title: str, pairs: Mapping[str, object], as_json: bool) -> None:
    """Print named facts."""
    if as_json:
        console.print_json(json.dumps(dict(pairs), default=str))
        return
    drawn = Table(box=None, show_header=False, title=title, title_justify="left", title_style="bold")
    for name, value in pairs.items():
        drawn.add_row(f"[dim]{name}[/]", str(value))
    console.print(drawn)


def complain(error: EnclaveError) -> None:
    """Print every finding with its clause and the next step."""
    word, colour = ("refused", "red") if isinstance(error, Refused) else ("invalid", "yellow")
    if error.exit_code == 70:
        word = "fault"
    console.print(f"[bold {colour}]{word}[/]  {error.subject}", soft_wrap=True)
    for finding in error.findings:
        where = f"{finding.where}: " if finding.where else ""
        console.print(f"  • {where}{finding.what} [dim]({finding.clause})[/]", soft_wrap=True)
        console.print(f"    [dim]→ {finding.next}[/]", soft_wrap=True)
