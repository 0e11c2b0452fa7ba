"""Run an approved notebook without a network, tell how far it is, and keep a report that loads nothing.

``python -m p20kit.runner NOTEBOOK --parameters params.json --out DIR [--report OF]`` writes the executed
notebook (and with ``--report`` its results as HTML and PDF, which name what they are of) to DIR and one JSON line
per event to stdout::

    {"event": "cell", "done": 3, "of": 15}
    {"event": "stage", "name": "scoring", "fraction": 0.6}
    {"event": "done"}
    {"event": "failed", "cell": 7, "error": "KeyError"}

An event never holds a value: a failure gives the class of the exception and the position of the cell. The same
goes for the notebook a failed run leaves behind: the text of its errors is taken out.
"""

import argparse
import hashlib
import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import ERROR_MARKER_TAG
from traitlets.config import Config

from p20kit.errors import FAILED
from p20kit.page import PrintFailed, find_browser, print_page, write_page

Emit = Callable[[dict[str, Any]], None]
STAGES = "stages.jsonl"
WRONG_PARAMETERS = 4
STARTING = 600
"""Seconds a kernel may take to start: a busy machine is no reason to fail."""
_TYPES: Mapping[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}
_CONFIG = Config(
    {
        "KernelManager": {"transport": "ipc"},
        "AsyncKernelManager": {"transport": "ipc"},
        # What a widget holds is of a session, and of a person where somebody sits before it.
        "NotebookClient": {"store_widget_state": False},
    }
)


class ParameterError(ValueError):
    """A parameter the notebook does not have, or of another type; names and types only, never a value."""


def content_hash(path: Path) -> str:
    """Hash what a notebook does: the type, source and tags of every cell, in order.

    Outputs, execution counts, cell ids and the layout of the file do not count, so a notebook that was
    opened and saved keeps its hash, and one changed character of its source does not.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    path : Path
        A notebook of nbformat 4.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = [[cell.cell_type, cell.source, sorted(cell.metadata.get("tags", []))] for cell in notebook.cells]
    canonical = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def stage(name: str, fraction: float) -> None:
    """Tell the runner how far a notebook's long step is; does nothing where no runner listens.

    Parameters
    ----------
    name : str
        The stage, such as ``scoring``.
    fraction : float
        Share of the whole work done, in [0, 1].
    """
    listener = Path(STAGES)
    if listener.exists():
        with listener.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"event": "stage", "name": name, "fraction": round(fraction, 3)}) + "\n")


def check_parameters(notebook: Path, parameters: Mapping[str, object]) -> None:
    """Hold parameters against the notebook's own, which papermill does not.

    Parameters
    ----------
    notebook : Path
        Its ``parameters`` cell declares names and types (``threshold: float = 0.9``).
    parameters : mapping
        As they would be passed.

    Raises
    ------
    ParameterError
        With every parameter that is unknown or has another type.
    """
    declared = papermill.inspect_notebook(str(notebook))
    wrong = [f"{name}: unknown" for name in parameters if name not in declared]
    for name, value in parameters.items():
        kind = str(declared[name]["inferred_type_name"]) if name in declared else ""
        fits = isinstance(value, _TYPES.get(kind, (object,)))
        if not fits or (isinstance(value, bool) and kind in {"int", "float"}):
            wrong.append(f"{name}: {type(value).__name__} instead of {kind}")
    if wrong:
        raise ParameterError(f"{'; '.join(wrong)}. {notebook.name} takes: {', '.join(declared)}")


def run(notebook: Path, parameters: Mapping[str, object], out: Path, *, report: str, emit: Emit) -> bool:
    """Run a notebook and keep what it showed.

    Parameters
    ----------
    notebook : Path
        The template; it is not changed.
    parameters : mapping
        Values for its ``parameters`` cell.
    out : Path
        Where the executed notebook (and the report) is written, its own working directory; made if absent.
    report : str
        What its results are of, to be written too as HTML and PDF, without code or outside reference; empty for none.
    emit : callable
        Receives the events.

    Returns
    -------
    bool
        Whether every cell ran; False once a ``failed`` event was emitted.

    Raises
    ------
    ParameterError, PrintFailed
        Before anything runs: of parameters that do not fit, and of a report that nothing here could print.
    """
    check_parameters(notebook, parameters)
    browser = find_browser() if report else None
    out.mkdir(parents=True, exist_ok=True)
    executed = out / notebook.name
    with _StageTail(out / STAGES, emit):
        try:
            papermill.execute_notebook(
                str(notebook),
                str(executed),
                parameters=dict(parameters),
                cwd=str(out),
                kernel_name="python3",
                progress_bar=False,
                engine_name=_Engine.name,
                start_timeout=STARTING,
                emit=emit,
                config=_CONFIG,
            )
        except PapermillExecutionError as error:
            _forget_error_text(executed)
            emit({"event": "failed", "cell": _position(executed), "error": error.ename})
            return False
        except (DeadKernelError, CellTimeoutError) as error:
            emit({"event": "failed", "cell": None, "error": type(error).__name__})
            return False
    if browser:
        page = write_page(executed, executed.with_suffix(".html"), report)
        try:
            print_page(browser, page, page.with_suffix(".pdf"))
        except PrintFailed as error:
            emit({"event": "failed", "cell": None, "error": type(error).__name__})
            return False
    emit({"event": "done"})
    return True


class _Engine(NBClientEngine):  # type: ignore[misc]
    """Papermill's own engine, which also tells after every cell of code."""

    name = "telling"

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        emit: Emit = options.pop("emit")
        complete, codes = nb_man.cell_complete, [c.cell_type == "code" for c in nb_man.nb.cells]

        def tell(cell: Any, cell_index: int, **more: Any) -> Any:
            done = complete(cell, cell_index=cell_index, **more)
            if codes[cell_index]:
                emit({"event": "cell", "done": sum(codes[: cell_index + 1]), "of": sum(codes)})
            return done

        nb_man.cell_complete = tell
        super().execute_managed_notebook(nb_man, kernel_name, **options)


papermill_engines.register(_Engine.name, _Engine)


class _StageTail:
    """Pass on what `stage` writes in the kernel, while it runs."""

    def __init__(self, path: Path, emit: Emit) -> None:
        self._path, self._emit = path, emit
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> None:
        self._path.write_text("", encoding="utf-8")
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _follow(self) -> None:
        with self._path.open(encoding="utf-8") as lines:
            pending, last = "", False
            while not last:
                last = self._stop.wait(0.2)
                pending += lines.read()
                *whole, pending = pending.split("\n")
                for line in whole:
                    self._emit(json.loads(line))


def _position(executed: Path) -> int:
    """Position in the template of the cell that raised; papermill has put the parameters in before it."""
    cells = nbformat.read(executed, as_version=4).cells
    failing = next(i for i, cell in enumerate(cells) if _raised(cell))
    return sum(1 for cell in cells[:failing] if "injected-parameters" not in cell.metadata.get("tags", []))


def _raised(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def _forget_error_text(executed: Path) -> None:
    """A traceback may quote a person's value: keep the class of the exception only."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells = [c for c in notebook.cells if ERROR_MARKER_TAG not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.evalue, output.traceback = "", [output.ename]
    nbformat.write(notebook, executed)


def main(arguments: list[str] | None = None, events: TextIO | None = None) -> int:
    """Run from the command line; the exit code is 0, 4 (parameters) or 70 (the notebook failed)."""
    parser = argparse.ArgumentParser(prog="p20kit.runner", description="Run an approved notebook.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--parameters", type=Path, help="JSON file: an object of names and values")
    parser.add_argument("--out", type=Path, required=True, help="directory for the executed notebook")
    parser.add_argument("--report", default="", metavar="OF", help="also write the results as HTML and PDF, of this")
    chosen = parser.parse_args(arguments)
    stream = events or sys.stdout
    one_at_a_time = threading.Lock()

    def emit(event: dict[str, Any]) -> None:
        with one_at_a_time:
            stream.write(json.dumps(event) + "\n")
            stream.flush()

    # Papermill logs the text of what a cell printed; events say what may be known outside.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    try:
        parameters = json.loads(chosen.parameters.read_text(encoding="utf-8")) if chosen.parameters else {}
        whole = run(chosen.notebook, parameters, chosen.out, report=chosen.report, emit=emit)
    except (ValueError, PrintFailed) as error:  # a ParameterError too, or a file that is no JSON or no notebook
        emit({"event": "failed", "cell": None, "error": type(error).__name__})
        sys.stderr.write(f"{error}\n")
        return WRONG_PARAMETERS
    return 0 if whole else FAILED


if __name__ == "__main__":
    raise SystemExit(main())
