"""Mutants: a module of p20kit with one fault each.

Every comparison, arithmetic and boolean operator, number, condition, return and call for effect is changed, one at a
time. Strings are left alone: what an error says is not what disclosure control decides.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measuring import ROOT

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
            original = ast.unparse(_shown(node))
            _put(node, field, at, changed)
            change = _told(node, original, before, changed)
            source = ast.unparse(ast.fix_missing_locations(tree))
            _put(node, field, at, before)
            yield Mutant(module, function, _line(node, before), change, source)


def _shown(node: ast.AST) -> ast.AST:
    """Give what of a node says what is changed: of an `if` and a `while` the condition."""
    return node.test if isinstance(node, ast.If | ast.While) else node


def _told(node: ast.AST, original: str, before: ast.AST, changed: object) -> str:
    """Say what is changed: a statement that is dropped by itself, else the expression before and after."""
    if isinstance(changed, ast.Pass):
        return f"{ast.unparse(before)} -> pass"
    told = f"{original} -> {ast.unparse(_shown(node))}"
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
    if not isinstance(node, ast.IfExp | ast.Lambda):
        for field in ("body", "orelse"):
            for i, statement in enumerate(getattr(node, field, ())):
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
