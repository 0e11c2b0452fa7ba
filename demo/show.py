"""How the story looks in a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from enclave.errors import EnclaveError, Finding, Refused

_FIRST = 6


@dataclass
class Teller:
    """Tells the story chapter by chapter, and remembers what it took."""

    console: Console = field(default_factory=lambda: Console(highlight=False))
    chapters: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def chapter(self, number: int, title: str, day: object = "") -> Iterator[None]:
        """Open a chapter; its time is kept."""
        self.console.print()
        self.console.rule(f"[bold]{number}  {title}[/]  [dim]{day}[/]", align="left", style="blue")
        started = time.monotonic()
        yield
        self.chapters.append((title, time.monotonic() - started))

    def say(self, text: str) -> None:
        """Say that something was done."""
        self.console.print(f" [green]✓[/] {text}", soft_wrap=True)

    def refused(self, error: EnclaveError, doing: str) -> None:
        """Show a refusal that was meant to come."""
        word = "refused" if isinstance(error, Refused) else "invalid"
        lines = [f"[bold]{error.subject}[/]" if error.findings else str(error)]
        lines += [_line(finding) for finding in error.findings[:_FIRST]]
        if len(error.findings) > _FIRST:
            lines.append(f"  [dim]and {len(error.findings) - _FIRST} findings more[/]")
        title = f"[red]{word}[/]: {doing}"
        self.console.print(Panel("\n".join(lines), title=title, title_align="left", border_style="red"))

    def found(self, findings: list[Finding], doing: str) -> None:
        """Show findings on something that stays where it is."""
        lines = "\n".join(_line(finding) for finding in findings)
        self.console.print(Panel(lines, title=f"[red]stays[/]: {doing}", title_align="left", border_style="red"))

    @contextmanager
    def progress(self, what: str) -> Iterator[tuple[Progress, int]]:
        """Show a bar for a long step."""
        columns = (
            SpinnerColumn(), TextColumn("{task.description:<34}"), BarColumn(bar_width=40), TimeElapsedColumn(),
        )  # fmt: skip
        with Progress(*columns, console=self.console, transient=True) as bar:
            yield bar, bar.add_task(what, total=1.0)

    def closing(self, rows: list[tuple[str, str]]) -> None:
        """Show what came of it all."""
        drawn = Table(title="What came of it", title_justify="left", title_style="bold", header_style="bold")
        drawn.add_column("figure")
        drawn.add_column("value", justify="right")
        for name, value in rows:
            drawn.add_row(name, value)
        self.console.print()
        self.console.print(drawn)


def _line(finding: Finding) -> str:
    where = f"{finding.where}: " if finding.where else ""
    return f" • {where}{finding.what} [dim]({finding.clause})[/]\n   [dim]→ {finding.next}[/]"
