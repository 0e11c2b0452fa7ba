"""How many faults in disclosure control its tests find: `make mutation`.

Every comparison, arithmetic and boolean operator, number, condition, return and call for effect of the modules
that decide is changed, one at a time, and the tests that run that line are run until one fails: those named for the
module first, then the others, quickest first.
Mutants that cannot be told from the original by any input count as survivors all the same. Strings are left alone:
what an error says is not what disclosure control decides.

    python -m benchmarks.mutation primary differencing      # some modules; results/mutation.json keeps the rest
"""

from __future__ import annotations

import ast
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
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

MODULES = ("primary", "audit", "attack", "differencing", "overlaps")
TESTS = "tests/disclosure"
SLOW = ("test_researcher_notebooks.py", "test_request.py", "test_adversary.py")
"""Left out: they run everything of ours for seconds, or are the attacker's."""
PYTEST = ("-q", "-p", "no:cacheprovider", "--noconftest")
"""The fixtures of the whole tree build an enclave; these tests need none of them."""
PATIENCE = 20.0
"""Seconds of wall clock beyond four times what the tests take; a mutant that hangs is found."""

COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
SWAPS = {"min": "max", "any": "all", "minimum": "maximum", "floor": "ceil", "zeros": "ones", "argmin": "argmax"}
SWAPPED = SWAPS | {after: before for before, after in SWAPS.items()}


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Parameters
    ----------
    module, function : str
    line : int
    change : str
        Expression before and after.
    source : str
        The module's text, changed.
    """

    module: str
    function: str
    line: int
    change: str
    source: str

    @property
    def name(self) -> str:
        """Name the mutant by file, line and change."""
        return f"p20kit/{self.module}.py:{self.line}: {self.change}"


def mutants(module: str) -> Iterator[Mutant]:
    """Make every mutant of a module of p20kit."""
    text = (ROOT / "p20kit" / f"{module}.py").read_text("utf-8")
    tree = ast.parse(text)
    for function, node in _inside(tree):
        for field, at, changed in _changes(node):
            before = getattr(node, field) if at is None else getattr(node, field)[at]
            change = _told(node, field, at, changed)
            _put(node, field, at, changed)
            source = ast.unparse(ast.fix_missing_locations(tree))
            _put(node, field, at, before)
            yield Mutant(module, function, _line(node, before), change, source)


def _told(node: ast.AST, field: str, at: int | None, changed: object) -> str:
    """Say what is changed: a statement that is dropped by itself, else the expression before and after."""
    before = getattr(node, field) if at is None else getattr(node, field)[at]
    if isinstance(changed, ast.Pass):
        return f"{ast.unparse(before)} -> pass"
    shown = node.test if isinstance(node, ast.If | ast.While) else node
    original = ast.unparse(shown)
    if shown is not node:
        return f"if {original} -> if not"
    _put(node, field, at, changed)
    told = f"{original} -> {ast.unparse(node)}"
    _put(node, field, at, before)
    return " ".join(told.split())


def _line(node: ast.AST, changed: object) -> int:
    """Give the line that runs: of a dropped statement its own, of a `for ... if` where it stands."""
    if isinstance(changed, ast.stmt):
        return changed.lineno
    return int(getattr(node.iter if isinstance(node, ast.comprehension) else node, "lineno", 0))


def _put(node: ast.AST, field: str, at: int | None, value: object) -> None:
    if at is None:
        setattr(node, field, value)
    else:
        getattr(node, field)[at] = value


def _inside(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Give every node that runs, with the function or class it is in; annotations, defaults and texts left out."""

    def visit(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST]]:
        if isinstance(node, ast.JoinedStr) or _is_typing(node):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            # what a class holds beside its functions runs when the module is loaded
            name = node.name if isinstance(node, ast.FunctionDef) else "module"
            below: list[ast.AST] = list(node.body)
        elif isinstance(node, ast.AnnAssign):
            below = [node.value] if node.value else []
        else:
            below = list(ast.iter_child_nodes(node))
        if name or isinstance(node, ast.Assign):
            yield name or "module", node
        for child in below:
            yield from visit(child, name)

    return visit(tree, "")


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def _changes(node: ast.AST) -> Iterator[tuple[str, int | None, object]]:
    """Give what may be changed in one node: the field, the place in it, and what stands there then."""
    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            yield from (("ops", i, other()) for other in COMPARE[type(operator)])
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in BINARY:
        yield "op", None, BINARY[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        yield "op", None, ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.Constant):
        yield from (("value", None, value) for value in _other_values(node.value))
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "test", None, ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield "ifs", 0, ast.Constant(True)
    elif isinstance(node, ast.Call) and (swap := _swapped(node.func)) is not None:
        yield "func", None, swap
    yield from _without_sign(node)
    if isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield "value", None, ast.Constant(None)
    for field in ("body", "orelse"):
        for i, statement in enumerate(
            getattr(node, field, None) or [] if not isinstance(node, ast.IfExp | ast.Lambda) else []
        ):
            if _is_for_effect(statement):
                yield field, i, ast.Pass()


def _without_sign(node: ast.AST) -> Iterator[tuple[str, int | None, object]]:
    """Drop a `not`, `~` or `-` of what the node holds."""
    for field, value in ast.iter_fields(node):
        for i, inner in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(inner, ast.UnaryOp):
                yield field, i if isinstance(value, list) else None, inner.operand


def _other_values(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, float):
        yield value * 2 + 1


def _swapped(called: ast.expr) -> ast.expr | None:
    if isinstance(called, ast.Name) and called.id in SWAPPED:
        return ast.Name(SWAPPED[called.id], ast.Load())
    if isinstance(called, ast.Attribute) and called.attr in SWAPPED:
        return ast.Attribute(called.value, SWAPPED[called.attr], ast.Load())
    return None


def _is_for_effect(statement: ast.AST) -> bool:
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.AugAssign | ast.Continue | ast.Break)


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
            if mutant.module in modules and (not inside or mutant.line in modules[mutant.module])
        ]
        return sorted(running, key=lambda test: (self.seconds[test], test))


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


def trace(modules: Sequence[str]) -> Traced:
    """Run the tests once, in a process of their own."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [python(), "-m", "benchmarks.mutation", "--trace", file.name, *modules]
        subprocess.run(command, cwd=ROOT, env=_environment(), check=True, stdout=subprocess.DEVNULL)
        found = json.loads(Path(file.name).read_text("utf-8"))
    return Traced(found["lines"], found["seconds"])


def _trace_here(file: str, modules: Sequence[str]) -> None:
    import pytest

    tracer = Tracer(modules)
    files = [str(p) for p in sorted((ROOT / TESTS).glob("test_*.py")) if p.name not in SLOW]
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
    named = [test for test in tests if Path(test.partition("::")[0]).stem == f"test_{mutant.module}"]
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


def main(modules: Sequence[str]) -> int:
    """Score the modules and write `results/mutation.json`."""
    console = Console()
    # what the tests import, once: a forked process begins with it
    for heavy in ("numpy", "pandas", "duckdb", "highspy", "scipy.sparse", "pyarrow", "pytest"):
        __import__(heavy)
    traced = trace(modules)
    file = RESULTS / "mutation.json"
    before = json.loads(file.read_text("utf-8"))["modules"] if file.is_file() else {}
    RESULTS.mkdir(exist_ok=True)
    for module in modules:
        before[module] = score(module, traced)
        file.write_text(
            json.dumps({"command": "make mutation", "modules": before}, indent=1) + "\n", encoding="utf-8"
        )
        console.print(f"{module}: {before[module]['score']:.0%} of {before[module]['mutants']}")
        for line in before[module]["survivors"]:
            console.print(f"  {line}", highlight=False, markup=False)
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trace"]:
        _trace_here(sys.argv[2], sys.argv[3:])
        raise SystemExit(0)
    raise SystemExit(main(sys.argv[1:] or MODULES))
