"""The runner: parameters held to the notebook's own, events without values, a report that loads nothing."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import nbformat
import pytest

from p20kit.page import PrintFailed, find_browser, print_page
from p20kit.runner import ParameterError, check_parameters, content_hash, main, run, stage

PARAMETERS = 'threshold: float = 0.9  # lowest match probability\nseed: int = 34\nname: str = "x"\nwide: bool = False'


def a_notebook(path: Path, *sources: str, tags: tuple[str, ...] = ("parameters",)) -> Path:
    cells = [nbformat.v4.new_markdown_cell("# A trial\nInvented.")]
    cells += [nbformat.v4.new_code_cell(source) for source in (PARAMETERS, *sources)]
    cells[1].metadata["tags"] = list(tags)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def ran(
    notebook: Path, out: Path, parameters: dict[str, object], report: str = ""
) -> tuple[bool, list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    return run(notebook, parameters, out, report=report, emit=events.append), events


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"treshold": 0.5}, "treshold: unknown"),
        ({"threshold": "0.5"}, "threshold: str instead of float"),
        ({"threshold": True}, "threshold: bool instead of float"),
        ({"seed": 1.5}, "seed: float instead of int"),
        ({"seed": None, "name": 3}, "seed: NoneType instead of int; name: int instead of str"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(tmp_path, wrong, says):
    notebook = a_notebook(tmp_path / "trial.ipynb", "1 + 1")
    with pytest.raises(ParameterError, match=says):
        ran(notebook, tmp_path / "out", wrong)
    assert not (tmp_path / "out").exists()


def test_a_whole_number_is_a_float_too(tmp_path):
    check_parameters(a_notebook(tmp_path / "trial.ipynb"), {"threshold": 1, "wide": True})


def test_events_of_a_run_and_a_report_without_code(tmp_path):
    notebook = a_notebook(
        tmp_path / "trial.ipynb",
        "from p20kit.runner import stage\nstage('halfway', 0.5)\nprint('a library talks')",
        "from IPython.display import HTML\nHTML(f'<b>cut at {threshold}</b>')",
    )
    whole, events = ran(notebook, tmp_path / "out", {"threshold": 0.75}, report="DR-TEST M-1")
    assert whole
    assert [e for e in events if e["event"] == "cell"][-1] == {"event": "cell", "done": 4, "of": 4}
    assert {"event": "stage", "name": "halfway", "fraction": 0.5} in events
    assert events[-1] == {"event": "done"}
    page = (tmp_path / "out" / "trial.html").read_text(encoding="utf-8")
    assert "cut at 0.75" in page and "<title>A trial, DR-TEST M-1</title>" in page
    assert 'content: "A trial, DR-TEST M-1"' in page, "on every sheet"
    assert "IPython.display" not in page and "a library talks" not in page
    assert "http://" not in page and "https://" not in page
    names = ["trial.html", "trial.ipynb", "trial.pdf"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    printed = (tmp_path / "out" / "trial.pdf").read_bytes()
    assert printed.startswith(b"%PDF-") and b"/Title (A trial, DR-TEST M-1)" in printed
    assert len(re.findall(rb"/Type /Page\b", printed)) == 1 and b"/URI" not in printed


def test_what_a_page_would_fetch_is_not_fetched_for_its_print(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as outside:
        address = f"http://127.0.0.1:{outside.getsockname()[1]}/picture"
        page = tmp_path / "page.html"
        page.write_text(f"<title>Asks</title><img src='{address}'><p>a report")
        print_page(find_browser(), page, tmp_path / "page.pdf")
        outside.setblocking(False)
        with pytest.raises(BlockingIOError):
            outside.accept()
    assert b"/Title (Asks)" in (tmp_path / "page.pdf").read_bytes()


def test_a_report_that_nothing_can_print_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("p20kit.page.BROWSERS", ("no-such-browser",))
    with pytest.raises(PrintFailed, match=r"no Chromium is installed \(DSA VI.B\)"):
        ran(a_notebook(tmp_path / "trial.ipynb", "1 + 1"), tmp_path / "out", {}, report="DR-TEST M-1")
    assert not (tmp_path / "out").exists()


def test_a_print_that_fails_fails_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("p20kit.page.BROWSERS", ("false",))
    whole, events = ran(a_notebook(tmp_path / "trial.ipynb", "1 + 1"), tmp_path / "out", {}, report="DR-TEST M-1")
    assert not whole and events[-1] == {"event": "failed", "cell": None, "error": "PrintFailed"}


def test_a_failure_tells_class_and_cell_and_keeps_no_value(tmp_path):
    notebook = a_notebook(tmp_path / "trial.ipynb", "1 + 1", "raise KeyError('Canaryfield, Zyxwvut')", "2 + 2")
    whole, events = ran(notebook, tmp_path / "out", {"seed": 1}, report="DR-TEST M-1")
    assert not whole
    assert events[-1] == {"event": "failed", "cell": 3, "error": "KeyError"}
    assert not (tmp_path / "out" / "trial.html").exists()
    kept = nbformat.read(tmp_path / "out" / "trial.ipynb", as_version=4)
    errors = [output for cell in kept.cells for output in cell.get("outputs", [])]
    assert [error.ename for error in errors if error.output_type == "error"] == ["KeyError"]
    assert "Canaryfield" not in json.dumps(errors) + json.dumps(events)


def test_a_kernel_that_dies_is_a_failure(tmp_path):
    notebook = a_notebook(tmp_path / "trial.ipynb", "import os; os._exit(9)")
    whole, events = ran(notebook, tmp_path / "out", {})
    assert not whole
    assert events[-1] == {"event": "failed", "cell": None, "error": "DeadKernelError"}


def test_the_command_writes_one_event_per_line(tmp_path, capsys):
    notebook = a_notebook(tmp_path / "trial.ipynb", "1 + 1")
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"seed": 5}))
    assert main([str(notebook), "--parameters", str(given), "--out", str(tmp_path / "out")]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["event"] for e in events] == ["cell", "cell", "cell", "done"]
    given.write_text(json.dumps({"sed": 5}))
    assert main([str(notebook), "--parameters", str(given), "--out", str(tmp_path / "out")]) == 4
    said = capsys.readouterr()
    assert json.loads(said.out) == {"event": "failed", "cell": None, "error": "ParameterError"}
    assert "sed: unknown" in said.err


def test_a_stage_nobody_listens_to_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage("scoring", 0.5)
    assert list(tmp_path.iterdir()) == []


def test_content_hash_changes_with_source_and_tags_only(tmp_path):
    path = a_notebook(tmp_path / "trial.ipynb", "1 + 1")
    first = content_hash(path)
    book = nbformat.read(path, as_version=4)
    book.cells[2].outputs = [nbformat.v4.new_output("stream", text="seen")]
    book.cells[2].execution_count = 7
    book.metadata["kernelspec"]["display_name"] = "Another name"
    path.write_text(json.dumps(book, indent=4, sort_keys=True))
    assert content_hash(path) == first
    book.cells[2].source = "1 + 2"
    nbformat.write(book, path)
    changed = content_hash(path)
    assert changed != first
    assert content_hash(a_notebook(tmp_path / "other.ipynb", "1 + 1", tags=())) not in {first, changed}
