"""How many faults in disclosure control its tests find: `make mutation`.

The modules that decide are changed in one place at a time (`mutants`), and the tests that run that line are run until
one fails: those named for the module first, then the quick ones of the others.
Mutants that cannot be told from the original by any input count as survivors all the same.

    python -m benchmarks.mutation primary differencing      # some modules; results/mutation.json keeps the rest
    python -m benchmarks.mutation --named bounds            # by the tests named for them alone: the least it can be
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType
from typing import Any

from rich.console import Console

from benchmarks.measuring import RESULTS, ROOT, python
from benchmarks.mutants import Mutant, mutants

AUDIT = ("ties", "programs", "bounds", "attack", "audit", "nullspace", "raising", "witnesses")
MODULES = ("primary", *AUDIT, "differencing", "overlaps")
TESTS = "tests/disclosure"
SLOW = ("test_researcher_notebooks.py", "test_request.py", "test_adversary.py")
"""Left out: they run everything of ours for seconds, or are the attacker's."""
QUICK = 1.0
"""Seconds, traced, that a test may take to be run for modules it is not named for."""
PYTEST = ("-q", "-p", "no:cacheprovider", "--noconftest")
"""The fixtures of the whole tree build an enclave; these tests need none of them."""
PATIENCE = 20.0
"""Seconds of wall clock beyond four times what the tests take; a mutant that hangs is found."""


@dataclass(frozen=True)
class Traced:
    """Which tests run which lines, and how long each takes.

    Parameters
    ----------
    lines : dict of str to dict of str to list of int
        Test to module to lines.
    seconds : dict of str to float
    """

    lines: dict[str, dict[str, list[int]]]
    seconds: dict[str, float]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Give the tests that run the mutant's line, quickest first; for a line of the module itself, all."""
        inside = mutant.function != "module"
        running = [
            test
            for test, modules in self.lines.items()
            if mutant.module in modules
            and (not inside or mutant.line in modules[mutant.module])
            and (_is_named_for(test, mutant.module) or self.seconds[test] <= QUICK)
        ]
        return sorted(running, key=lambda test: (self.seconds[test], test))


def _is_named_for(test: str, module: str) -> bool:
    """Tell whether a test, or a file of tests, is named for a module: test_audit.py and test_audit_joint.py are."""
    return f"{Path(test.partition('::')[0]).stem}_".startswith(f"test_{module}_")


class Tracer:
    """A pytest plugin that notes the lines of the modules each test runs."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.files = {str(ROOT / "p20kit" / f"{module}.py"): module for module in modules}
        self.lines: dict[str, dict[str, set[int]]] = {}
        self.seconds: dict[str, float] = {}
        self.now: dict[str, set[int]] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin a test."""
        self.now = self.lines.setdefault(nodeid, {})
        sys.settrace(self._enter)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note how long the test took."""
        if report.failed:
            raise SystemExit(f"{report.nodeid} fails without any mutant")
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """End a test."""
        sys.settrace(None)

    def _enter(self, frame: Any, event: str, _: object) -> Any:
        module = self.files.get(frame.f_code.co_filename)
        if module is None:
            return None
        noted = self.now.setdefault(module, set())

        def line(frame: Any, event: str, _: object) -> Any:
            noted.add(frame.f_lineno)
            return line

        return line


def trace(modules: Sequence[str], *, named: bool) -> Traced:
    """Run the tests once, in a process of their own: all, or those that are named for the modules."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        chosen = ["--named"] * named
        command = [python(), "-m", "benchmarks.mutation", "--trace", file.name, *chosen, *modules]
        subprocess.run(command, cwd=ROOT, env=_environment(), check=True, stdout=subprocess.DEVNULL)
        found = json.loads(Path(file.name).read_text("utf-8"))
    return Traced(found["lines"], found["seconds"])


def _trace_here(file: str, modules: Sequence[str], *, named: bool) -> None:
    import pytest

    tracer = Tracer(modules)
    files = [str(p) for p in sorted((ROOT / TESTS).glob("test_*.py")) if p.name not in SLOW]
    if named:
        files = [file for file in files if any(_is_named_for(file, module) for module in modules)]
    pytest.main([*files, *PYTEST], plugins=[tracer])
    lines = {test: {m: sorted(s) for m, s in found.items()} for test, found in tracer.lines.items()}
    Path(file).write_text(json.dumps({"lines": lines, "seconds": tracer.seconds}), encoding="utf-8")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


def fate(mutant: Mutant, tests: list[str], seconds: float) -> str:
    """Run the tests on the mutant, in a process forked for it: "found", "survived" or "hung"."""
    if not tests:
        return "survived"
    child = multiprocessing.get_context("fork").Process(target=_run_on, args=(mutant, tests))
    child.start()
    child.join(seconds)
    if child.exitcode is None:
        child.kill()
        child.join()
        return "hung"
    return "found" if child.exitcode else "survived"


class MutantLoader(SourceFileLoader):
    """Loads a mutant in place of the module."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(f"p20kit.{mutant.module}", str(ROOT / "p20kit" / f"{mutant.module}.py"))
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """Compile the mutant's text."""
        return compile(self.mutant.source, self.path, "exec")


class MutantFinder(MetaPathFinder):
    """Finds the mutant before the module is found."""

    def __init__(self, loader: MutantLoader) -> None:
        self.loader = loader

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Give the mutant under the module's name, nothing under any other."""
        return spec_from_loader(fullname, self.loader) if fullname == self.loader.name else None


def _run_on(mutant: Mutant, tests: list[str]) -> None:
    """Run the tests with the mutant in the module's place; ours has not been imported before."""
    import pytest

    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    sys.meta_path.insert(0, MutantFinder(MutantLoader(mutant)))
    # the tests named for the module find most, and need few imports
    named = [test for test in tests if _is_named_for(test, mutant.module)]
    for some in (named, [test for test in tests if test not in named]):
        if some and (failed := int(pytest.main([*some, "-x", *PYTEST]))):
            os._exit(failed)
    os._exit(0)


def score(module: str, traced: Traced) -> dict[str, Any]:
    """Run every mutant of a module; give the counts, and the mutants no test finds.

    A mutant that hangs counts as found, and is named so that a reader can tell it from a slow machine.
    """
    every = list(mutants(module))
    original = (ROOT / "p20kit" / f"{module}.py").read_text("utf-8")
    if _judge(Mutant(module, "module", 0, "nothing", original), traced=traced) != "survived":
        raise SystemExit(f"the tests of {module} fail without any mutant")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        fates = list(zip(every, pool.map(partial(_judge, traced=traced), every), strict=True))
    survivors = [mutant.name for mutant, what in fates if what == "survived"]
    return {
        "mutants": len(every),
        "found": len(every) - len(survivors),
        "score": round(1 - len(survivors) / len(every), 4),
        "survivors": survivors,
        "hung": [mutant.name for mutant, what in fates if what == "hung"],
    }


def _judge(mutant: Mutant, *, traced: Traced) -> str:
    tests = traced.tests_of(mutant)
    return fate(mutant, tests, PATIENCE + 4 * sum(traced.seconds[test] for test in tests))


def main(modules: Sequence[str], *, named: bool) -> int:
    """Score the modules and write `results/mutation.json`, which says by which tests."""
    console = Console(emoji=False, highlight=False, markup=False, soft_wrap=True)
    # what the tests import, once: a forked process begins with it
    for heavy in ("numpy", "pandas", "duckdb", "highspy", "scipy.sparse", "pyarrow", "pytest"):
        __import__(heavy)
    traced = trace(modules, named=named)
    file = RESULTS / "mutation.json"
    before = json.loads(file.read_text("utf-8"))["modules"] if file.is_file() else {}
    RESULTS.mkdir(exist_ok=True)
    for module in modules:
        before[module] = {"tests": "named" if named else "all", **score(module, traced)}
        file.write_text(
            json.dumps({"command": "make mutation", "modules": before}, indent=1) + "\n", encoding="utf-8"
        )
        console.print(f"{module}: {before[module]['score']:.0%} of {before[module]['mutants']}")
        for line in before[module]["survivors"]:
            console.print(f"  {line}")
    return 0


if __name__ == "__main__":
    given = sys.argv[1:]
    only_named = "--named" in given
    chosen = [each for each in given if each != "--named"]
    if chosen[:1] == ["--trace"]:
        _trace_here(chosen[1], chosen[2:], named=only_named)
        raise SystemExit(0)
    raise SystemExit(main(chosen or MODULES, named=only_named))
