"""How far a long run is: a bar in a notebook or a terminal, nothing anywhere else.

A run says how far it is to a `Step`; a `Progress` opens one and draws it. What is drawn holds counts of cells and
words of the library, never a figure of a table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from html import escape
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

if TYPE_CHECKING:
    from rich.console import Console

PATIENCE = 1.0
"""Seconds before anything is drawn: a short run needs no bar."""


class Step(Protocol):
    """Says how far a run is."""

    def __call__(self, done: int, of: int, what: str) -> None:
        """Tell that `done` of `of` parts are finished, and `what` is under way."""


class Progress(Protocol):
    """Opens a `Step` for one run: `with progress("protect 2 tables") as step: step(3, 8, "slices")`."""

    def __call__(self, description: str, /) -> AbstractContextManager[Step]:
        """Draw the run called `description` until the block is left."""


def unheard(done: int, of: int, what: str) -> None:
    """Tell nobody."""


@contextmanager
def silent(description: str, /) -> Iterator[Step]:
    """Draw nothing."""
    del description
    yield unheard


@contextmanager
def in_terminal(description: str, /, *, console: Console | None = None, patience: float = PATIENCE) -> Iterator[Step]:
    """Draw a bar on standard error, gone when the run ends."""
    from rich import console as terminal
    from rich import progress as rich

    words = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.TextColumn("{task.fields[what]}"))
    screen = console or terminal.Console(stderr=True)
    bar = rich.Progress(*words, rich.TimeElapsedColumn(), console=screen, transient=True)
    task = bar.add_task(description, total=None, what="")

    def draw(done: int, of: int, what: str) -> None:
        bar.start()
        bar.update(task, completed=done, total=of, what=what)

    try:
        yield _patient(draw, patience)
    finally:
        bar.stop()


@contextmanager
def in_notebook(description: str, /, *, patience: float = PATIENCE) -> Iterator[Step]:
    """Draw a bar in the cell's output: plain HTML, so that it needs no widget and leaves no state behind."""
    from IPython.display import HTML, display

    name, drawn = uuid4().hex, False

    def put(html: str) -> None:
        nonlocal drawn
        display(HTML(html), display_id=name, update=drawn)  # type: ignore[no-untyped-call]
        drawn = True

    def draw(done: int, of: int, what: str) -> None:
        words = f"{escape(description)}: {escape(what)} ({done:,} of {of:,})"
        put(f'<progress value="{done}" max="{max(of, 1)}"></progress> {words}')

    try:
        yield _patient(draw, patience)
    finally:
        if drawn:
            put("")


def automatic(description: str, /, *, patience: float = PATIENCE) -> AbstractContextManager[Step]:
    """Draw where a person looks on: in a notebook, in a terminal; else nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        return in_notebook(description, patience=patience)
    return in_terminal(description, patience=patience) if sys.stderr.isatty() else silent(description)


def _patient(draw: Step, patience: float) -> Step:
    """Hold the first drawing back for `patience` seconds, and later ones to ten a second."""
    due = time.monotonic() + patience

    def step(done: int, of: int, what: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            draw(done, of, what)
            due = time.monotonic() + 0.1

    return step
