"""Progress of a long run: a bar where a person looks on, and silence where nobody does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from rich.console import Console

from p20kit import CellPolicy, Table, audit, protect
from p20kit.progress import Progress, Step, automatic, in_notebook, in_terminal, silent


def test_a_terminal_shows_what_is_under_way() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    with in_terminal("protect 2 tables", console=console, patience=0) as step:
        step(3, 8, "slices")
    assert "protect 2 tables" in screen.getvalue() and "slices" in screen.getvalue()


def test_a_short_run_shows_nothing() -> None:
    screen = io.StringIO()
    with in_terminal("protect", console=Console(file=screen, force_terminal=True), patience=3600) as step:
        step(1, 1, "slices")
    assert "protect" not in screen.getvalue()


def test_many_steps_are_drawn_a_few_times(capfd: pytest.CaptureFixture[str]) -> None:
    """A notebook keeps what is sent to it: ten bars a second are enough."""
    with in_notebook("protect", patience=0) as step:
        for done in range(10_000):
            step(done, 10_000, "slices")
    assert 2 <= capfd.readouterr().out.count("HTML object") < 1_000


def test_a_terminal_is_left_tidy_when_the_run_fails() -> None:
    screen = io.StringIO()
    with (
        pytest.raises(ZeroDivisionError),
        in_terminal("protect", console=Console(file=screen, force_terminal=True), patience=0) as step,
    ):
        step(0, 1, "slices")
        raise ZeroDivisionError
    assert screen.getvalue().endswith("\x1b[2K")


@pytest.mark.parametrize("progress", [silent, automatic])
def test_nobody_looks_on_in_a_test(progress: Progress, capfd: pytest.CaptureFixture[str]) -> None:
    with progress("protect") as step:
        step(1, 2, "slices")
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_notebook_shows_a_bar_and_clears_it(tmp_path: Path) -> None:
    source = nbformat.v4.new_notebook()
    source.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    start = "from p20kit.progress import automatic\nrun = automatic('a<b', patience=0)\nstep = run.__enter__()"
    source.cells = [
        nbformat.v4.new_code_cell(f"{start}\nstep(3, 8, 'slices')"),
        nbformat.v4.new_code_cell("with automatic('protect', patience=0) as step:\n    step(3, 8, 'slices')"),
    ]
    nbformat.write(source, tmp_path / "in.ipynb")
    papermill.execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", progress_bar=False)
    during, after = (cell.outputs for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells)
    bar = during[0].data["text/html"]
    assert 'value="3" max="8"' in bar and "a&lt;b: slices (3 of 8)" in bar
    assert [output.data["text/html"] for output in after] == [""]


def test_an_audit_says_how_far_it_is() -> None:
    told: list[tuple[str, int, int, str]] = []

    @contextmanager
    def listen(description: str, /) -> Iterator[Step]:
        yield lambda done, of, what: told.append((description, done, of, what))

    frame = pd.DataFrame([(a, b, 3 + (a == b)) for a in "uvw" for b in "xyz"], columns=["a", "b", "n"])
    policy = CellPolicy()
    audit(protect(Table.from_counts(frame, ["a", "b"], "n"), policy), policy, progress=listen)
    assert told and all(who == "audit 1 table, count" and 0 <= done <= of for who, done, of, _ in told)
    assert {what for *_, what in told} == {"hidden cells"}
