"""One by-column of a table: its codes, and which of them add up to which.

A hierarchy is a mapping of code to parent, or a frame of two columns (child, parent) that says the same. Levels may
be deep (school in district in county); several hierarchies may stand over one column (towns in counties, and the
same towns in planning regions). Each of them ends in `Total`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding, TableInvalid

TOTAL = "Total"

Hierarchy = dict[str, str]


@dataclass(frozen=True)
class Dimension:
    """A by-column with its codes.

    Parameters
    ----------
    column : str
    codes : tuple of str
        Leaves in order, then parents from the lowest level up, then `Total`.
    groups : tuple of (int, tuple of int)
        Position of a parent and of its children, lowest level first; the last ones are `Total`, one for each
        hierarchy.
    leaves : int
        How many of `codes` are leaves.
    """

    column: str
    codes: tuple[str, ...]
    groups: tuple[tuple[int, tuple[int, ...]], ...]
    leaves: int

    @classmethod
    def of(
        cls, column: str, codes: Iterable[str], hierarchies: Any = (), listed: Sequence[str] | None = None
    ) -> Dimension:
        """Build the dimension from the codes seen and, for hierarchies, each code's parent.

        Parameters
        ----------
        column : str
        codes : iterable of str
            Seen in the rows; parents and `Total` may be among them.
        hierarchies : mapping, two-column frame, or a sequence of them
        listed : sequence of str, optional
            The code set: each of it is a leaf, whether seen or not, in this order.

        Raises
        ------
        TableInvalid
            If a hierarchy runs in a circle or gives a code two parents, two hierarchies use one name for different
            things, or a margin has no members.
        """
        ups = read_hierarchies(column, hierarchies)
        inner = {parent for up in ups for parent in up.values()} | {TOTAL}
        leaves = _leaves(column, set(codes) - inner, inner, listed)
        members = _merged(column, ups or [{}], leaves)
        stray = set(codes) - set(leaves) - {parent for parent, _ in members}
        if stray or not leaves:
            raise _invalid(column, f"{len(stray) or 'all'} codes are margins without members")
        ordered = [*leaves, *dict.fromkeys(parent for parent, _ in members)]
        position = {code: i for i, code in enumerate(ordered)}
        groups = tuple(
            (position[parent], tuple(sorted(position[child] for child in part))) for parent, part in members
        )
        return cls(column, tuple(ordered), groups, len(leaves))

    @property
    def hierarchies(self) -> tuple[Hierarchy, ...]:
        """Code to parent, one mapping for each hierarchy that has parents other than `Total`."""
        parts = {parent: children for parent, children in self.groups if parent != len(self.codes) - 1}
        found = []
        for level in (children for parent, children in self.groups if parent not in parts):
            up: Hierarchy = {}
            while level := tuple(code for code in level if code in parts):
                up |= {self.codes[child]: self.codes[parent] for parent in level for child in parts[parent]}
                level = tuple(child for parent in level for child in parts[parent])
            found.append(up)
        return tuple(up for up in found if up)

    @property
    def levels(self) -> tuple[NDArray[np.int64], ...]:
        """Ways the column divides everybody, coarsest first per hierarchy: codes' positions that make up `Total`."""
        parts = {parent: children for parent, children in self.groups if parent != len(self.codes) - 1}
        found: dict[tuple[int, ...], None] = {}
        for level in (children for parent, children in self.groups if parent == len(self.codes) - 1):
            while level not in found:
                found[level] = None
                level = tuple(sorted(c for code in level for c in parts.get(code, (code,))))
        return tuple(np.array(level, dtype=np.int64) for level in found)

    def within(self, level: NDArray[np.int64]) -> NDArray[np.int64]:
        """Place each code in one of `levels`: shape (len(codes),), the code that holds it; -1 for those above."""
        holder = np.full(len(self.codes), -1, dtype=np.int64)
        holder[level] = level
        for parent, children in reversed(self.groups):
            if holder[parent] >= 0:
                holder[list(children)] = holder[parent]
        return holder


def read_hierarchies(column: str, given: Any) -> list[Hierarchy]:
    """Read the hierarchies over one column, as text.

    Parameters
    ----------
    column : str
    given : mapping, two-column frame narwhals reads, or a sequence of them
        Code to parent.

    Raises
    ------
    TableInvalid
        If a code has two parents, or a hierarchy is of no kind that can be read.
    """
    one = isinstance(given, Mapping) or _as_frame(given) is not None
    return [_read(column, each) for each in ([given] if one else list(given))]


def _as_frame(given: Any) -> nw.LazyFrame[Any] | None:
    read = nw.from_native(given, pass_through=True)
    return read.lazy() if isinstance(read, nw.DataFrame | nw.LazyFrame) else None


def _read(column: str, given: Any) -> Hierarchy:
    frame = _as_frame(given)
    if frame is not None:
        rows = frame.collect(backend="pyarrow").rows()
    elif isinstance(given, Mapping):
        rows = list(given.items())
    else:
        raise _invalid(column, "a hierarchy is neither a mapping of code to parent nor a frame of the two")
    if any(len(row) != 2 or None in row for row in rows):
        raise _invalid(column, "a hierarchy does not have exactly a code and its parent in each row")
    pairs = {(str(child), str(parent)) for child, parent in rows}
    up = dict(sorted(pairs))
    if len(up) != len(pairs):
        what = f"{len(pairs) - len(up)} codes have a second parent in one hierarchy"
        raise _invalid(column, what, "Give each hierarchy as a mapping of its own.")
    _refuse_circles(column, up)
    return up


def _leaves(column: str, seen: set[str], inner: set[str], listed: Sequence[str] | None) -> list[str]:
    if listed is None:
        return sorted(seen)
    leaves = [str(code) for code in listed]
    if len(set(leaves)) != len(leaves) or set(leaves) & inner:
        raise _invalid(column, f"codes of the code set are doubled, or called like a parent or {TOTAL}")
    return [*leaves, *sorted(seen - set(leaves))]


def _merged(column: str, ups: Sequence[Hierarchy], leaves: list[str]) -> list[tuple[str, list[str]]]:
    """Join the groups of all hierarchies, `Total` last; one name is one group of codes."""
    hierarchies = [_members(leaves, up) for up in ups]
    clash: set[str] = set()
    for (up, one), (_, other) in permutations(zip(ups, hierarchies, strict=True), 2):
        clash |= (set(up) - set(up.values())) & set(other)
        clash |= {p for p in set(one) & set(other) - {TOTAL} if sorted(one[p]) != sorted(other[p])}
    if clash:
        what = f"{len(clash)} parents are called like a code or a parent of another hierarchy with other members"
        raise _invalid(column, what, "Give each group a name of its own.")
    groups = {(parent, tuple(sorted(parts))): parts for one in hierarchies for parent, parts in one.items()}
    return sorted(((parent, parts) for (parent, _), parts in groups.items()), key=lambda group: group[0] == TOTAL)


def _invalid(column: str, what: str, next_step: str = "Correct the hierarchy.") -> TableInvalid:
    return TableInvalid("table cannot be made", [Finding("hierarchy", "", column, what, next_step)])


def _refuse_circles(column: str, up: Hierarchy) -> None:
    for code in up:
        steps = 0
        while code in up:
            code, steps = up[code], steps + 1
            if steps > len(up):
                raise _invalid(column, "the hierarchy runs in a circle")


def _members(leaves: list[str], up: Hierarchy) -> dict[str, list[str]]:
    """Return parent -> children, every parent after its children, `Total` last."""
    members: dict[str, dict[str, None]] = {}
    height: dict[str, int] = {}
    for leaf in leaves:
        code, level = leaf, 0
        while code != TOTAL:
            parent, level = up.get(code, TOTAL), level + 1
            height[parent] = max(height.get(parent, 0), level)
            members.setdefault(parent, {})[code] = None
            code = parent
    order = sorted(members, key=lambda parent: (parent == TOTAL, height[parent], parent))
    return {parent: list(members[parent]) for parent in order}
