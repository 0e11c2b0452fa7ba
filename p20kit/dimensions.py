"""One by-column of a table: its codes, and which of them add up to which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from p20kit.errors import Finding, TableInvalid

TOTAL = "Total"


@dataclass(frozen=True)
class Dimension:
    """A by-column with its codes.

    Parameters
    ----------
    column : str
    codes : tuple of str
        Leaves in order, then parents from the lowest level up, then `Total`.
    groups : tuple of (int, tuple of int)
        Position of a parent and of its children, lowest level first; the last one is `Total`.
    leaves : int
        How many of `codes` are leaves.
    """

    column: str
    codes: tuple[str, ...]
    groups: tuple[tuple[int, tuple[int, ...]], ...]
    leaves: int

    @classmethod
    def of(cls, column: str, codes: Iterable[str], parents: Mapping[str, str] | None = None) -> Dimension:
        """Build the dimension from the codes seen and, for a hierarchy, each code's parent.

        Raises
        ------
        TableInvalid
            If the hierarchy runs in a circle, or a margin has no members.
        """
        up = dict(parents or {})
        inner = set(up.values()) | {TOTAL}
        leaves = sorted(set(codes) - inner)
        _refuse_circles(column, up)
        members = _members(leaves, up)
        stray = set(codes) - set(leaves) - set(members)
        if stray or not leaves:
            raise _invalid(column, f"{len(stray) or 'all'} codes are margins without members")
        ordered = [*leaves, *members]
        position = {code: i for i, code in enumerate(ordered)}
        groups = tuple(
            (position[parent], tuple(sorted(position[child] for child in children)))
            for parent, children in members.items()
        )
        return cls(column, tuple(ordered), groups, len(leaves))


def _invalid(column: str, what: str) -> TableInvalid:
    return TableInvalid("table cannot be made", [Finding("hierarchy", "", column, what, "")])


def _refuse_circles(column: str, up: dict[str, str]) -> None:
    for code in up:
        steps = 0
        while code in up:
            code, steps = up[code], steps + 1
            if steps > len(up):
                raise _invalid(column, "the hierarchy runs in a circle")


def _members(leaves: list[str], up: dict[str, str]) -> dict[str, list[str]]:
    """Return parent -> children, every parent after its children, `Total` last."""
    members: dict[str, list[str]] = {}
    height: dict[str, int] = {}
    for leaf in leaves:
        code, level = leaf, 0
        while code != TOTAL:
            parent, level = up.get(code, TOTAL), level + 1
            height[parent] = max(height.get(parent, 0), level)
            if code not in members.setdefault(parent, []):
                members[parent].append(code)
            code = parent
    order = sorted(members, key=lambda parent: (parent == TOTAL, height[parent], parent))
    return {parent: members[parent] for parent in order}
