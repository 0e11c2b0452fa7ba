"""Random tables, protected by ours and attacked by the adversary: `python -m tests.disclosure.attack 10000`.

Each seed makes one case of one of four kinds: a single table of two to five columns, often with a hierarchy
and impossible combinations; linked tables of the same people, protected together; a table protected after
an earlier release of the same people; and a release of nearly the same people. The outcome of all of them is
written to `benchmarks/results/attack.json`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from p20kit import CellPolicy, Table, audit, protect
from p20kit.errors import Unprotectable
from p20kit.protection import Protected
from tests.disclosure.adversary import TOTAL, Codes, Parents, Published, Reader

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "attack.json"
COLUMNS = "abcde"
SHAPES = (
    (4, 3),
    (6, 5),
    (3, 3),
    (5, 2),
    (4, 2, 2),
    (3, 3, 2),
    (4, 3, 3),
    (3, 2, 2, 2),
    (4, 2, 2, 2),
    (3, 2, 2, 2, 2),
)
MEANS = (1.5, 4.0, 9.0, 25.0)
REGIONS = {"a0": "near", "a1": "near", "a2": "far", "a3": "far", "a4": "far", "a5": "far"}
KINDS = ("single", "linked", "earlier", "cohorts")
UNIT = "person"
RETRIES = 8
LEAST_HIDDEN_WHERE_ZEROS_ARE_SHOWN = 1
"""What the adversary takes a hidden cell to hold at least, where a zero would have been displayed."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is protected: new tables, and what was released before, each protected when it was released.

    Parameters
    ----------
    seed : int
    kind : {"single", "linked", "earlier", "cohorts"}
    policy : CellPolicy
    releases : tuple of tuple of Table
        In the order of publication; the last one is being judged.
    parents : mapping
        Column to code to parent code.
    """

    seed: int
    kind: str
    policy: CellPolicy
    releases: tuple[tuple[Table, ...], ...]
    parents: Parents = field(default_factory=dict)


def case(seed: int) -> Case:
    """Make the case of a seed."""
    generator = np.random.default_rng(seed)
    zeros: Literal["hidden", "shown"] = "hidden" if generator.random() < 0.5 else "shown"
    policy, kind = CellPolicy(zeros=zeros), KINDS[seed % len(KINDS)]
    shape = SHAPES[int(generator.integers(len(SHAPES)))]
    mean = MEANS[int(generator.integers(len(MEANS)))]
    inner = _inner(generator, shape, mean)
    parents = {"a": {c: p for c, p in REGIONS.items() if c in set(inner["a"])}} if generator.random() < 0.5 else {}
    by = list(inner.columns[:-1])
    if kind == "single":
        ruled_out = inner[(inner["n"] == 0) & (generator.random(len(inner)) < 0.3)]
        impossible = ruled_out[by] if len(ruled_out) and generator.random() < 0.5 else None
        table = Table.from_counts(inner, by, hierarchies=parents, impossible=impossible)
        return Case(seed, kind, policy, ((table,),), parents)
    people = inner.loc[inner.index.repeat(inner["n"]), by].reset_index(drop=True)
    people.insert(0, UNIT, [f"P{i}" for i in range(len(people))])
    if kind == "cohorts":
        fewer = people.iloc[int(generator.integers(0, min(9, len(people)))) :]
        cut = by[: int(generator.integers(1, len(by) + 1))]
        return Case(seed, kind, policy, ((_count(people, by[:2], {}),), (_count(fewer, cut, {}),)))
    tables = tuple(_count(people, list(cut), parents) for cut in _cuts(generator, by))
    return Case(seed, kind, policy, (tables,) if kind == "linked" else tuple((table,) for table in tables), parents)


def _count(people: pd.DataFrame, by: list[str], parents: Parents) -> Table:
    """Count people by some columns; the table knows who is in it."""
    counts = people.groupby(by, as_index=False).size()
    above = {column: up for column, up in parents.items() if column in by}
    table = Table.from_counts(counts, by, "size", hierarchies=above, unit=UNIT, name="".join(by))
    return replace(table, basis=people[[UNIT, *by]].astype("str"))


def _inner(generator: np.random.Generator, shape: Sequence[int], mean: float) -> pd.DataFrame:
    rates = generator.gamma(0.7, mean / 0.7, size=shape)
    cells = np.argwhere(np.ones(shape))
    frame = pd.DataFrame({COLUMNS[i]: [f"{COLUMNS[i]}{n}" for n in cells[:, i]] for i in range(len(shape))})
    frame["n"] = generator.poisson(rates).ravel()
    # a table of nobody is no table
    frame.loc[0, "n"] = max(int(frame.loc[0, "n"]), 1)
    return frame


def _cuts(generator: np.random.Generator, by: list[str]) -> list[tuple[str, ...]]:
    """Choose two or three sets of columns, none within another."""
    width = max(len(by) - 1, 1)
    sets = list(combinations(by, width))
    chosen = generator.choice(len(sets), size=min(len(sets), 2 + int(generator.random() < 0.4)), replace=False)
    return [sets[i] for i in sorted(chosen)]


@dataclass(frozen=True, eq=False)
class Attacked:
    """What the adversary found in one set of releases.

    Parameters
    ----------
    bounded : int
        Hidden cells under the threshold that cannot hold as many as the threshold.
    derived : int
        Sums and differences of fewer than the threshold that follow exactly.
    hidden : int
        Hidden cells in need that were looked at.
    """

    bounded: int
    derived: int
    hidden: int

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.bounded and not self.derived


def attack(releases: Sequence[Protected], parents: Parents, policy: CellPolicy, *, joint: bool = True) -> Attacked:
    """Attack all releases; of the truth it knows only which cells are in need, to count what it found.

    Parameters
    ----------
    joint : bool, default True
        Whether tables of the same people are attacked as one; else each is by itself.
    """
    pairs = [(p, i) for p in releases for i in range(len(p.tables))]
    tables = [Published(p.to_published(i)) for p, i in pairs]
    needs = [_in_need(p, i, policy) for p, i in pairs]
    groups = [list(range(len(tables)))] if joint else [[i] for i in range(len(tables))]
    least = 0 if policy.hides_zeros else LEAST_HIDDEN_WHERE_ZEROS_ARE_SHOWN
    bounded = hidden = 0
    for group in groups:
        reader = Reader([tables[i] for i in group], parents, least)
        wanted = np.vstack([sums[needs[i]] for i, sums in zip(group, reader.sums, strict=True)])
        wanted = np.unique(wanted, axis=0)
        bounded += int((reader.most(wanted, policy.minimum_count) < policy.minimum_count).sum())
        hidden += len(wanted)
    derived = sum(small_rests(table, parents, policy) for table in tables)
    return Attacked(bounded, derived, hidden)


def _in_need(protected: Protected, position: int, policy: CellPolicy) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    table = protected.tables[position]
    hidden = protected.to_frame(position)["count"].isna().to_numpy()
    truth = table.counts.ravel()[table.published]
    return np.asarray(hidden & (truth < policy.minimum_count) & ((truth > 0) | policy.hides_zeros))


def small_rests(table: Published, parents: Parents, policy: CellPolicy) -> int:
    """Count lines whose hidden cells together follow to be one to five persons."""
    at = {codes: n if shown else None for codes, n, shown in zip(table.codes, table.counts, table.shown, strict=True)}
    lines: dict[Codes, list[list[float | None]]] = {}
    for axis, column in enumerate(table.by):
        up = parents.get(column, {})
        parts: dict[Codes, list[float | None]] = {}
        for codes, count in at.items():
            if codes[axis] != TOTAL:
                parts.setdefault((*codes[:axis], up.get(codes[axis], TOTAL), *codes[axis + 1 :]), []).append(count)
        for whole, counts in parts.items():
            lines.setdefault(whole, []).append(counts)
    return sum(
        None in counts and bool(0 < total - sum(n for n in counts if n is not None) < policy.minimum_count)
        for whole, total in at.items()
        if total is not None
        for counts in lines.get(whole, [])
    )


def small_cohorts(releases: Sequence[Protected], policy: CellPolicy) -> int:
    """Count pairs of displayed groups of two releases, one within the other, that differ by one to five.

    Of two groups of one table a reader does not know that one lies in the other but by its cells.
    """
    groups = [
        {group for i, table in enumerate(protected.tables) for group in _displayed_groups(protected, i, table)}
        for protected in releases
    ]
    return sum(
        0 < abs(len(one) - len(other)) < policy.minimum_count and (one < other or other < one)
        for first, second in combinations(groups, 2)
        for one, other in product(first, second)
    )


def _displayed_groups(protected: Protected, position: int, table: Table) -> Iterator[frozenset[str]]:
    people = table.basis
    assert people is not None
    published = Published(protected.to_published(position))
    holds = {
        (column, code): people[column].to_numpy() == code
        for column, dimension in zip(table.by, table.dimensions, strict=True)
        for code in dimension.codes
    }
    ids, everyone = people[table.unit].to_numpy(), np.ones(len(people), dtype=bool)
    for codes, shown in zip(published.codes, published.shown, strict=True):
        pairs = [(column, code) for column, code in zip(table.by, codes, strict=True) if code != TOTAL]
        within = np.logical_and.reduce([everyone, *(holds[pair] for pair in pairs)])
        if shown and within.any():
            yield frozenset(ids[within])


@dataclass(frozen=True, eq=False)
class Verdict:
    """What one case came to: counts by name, and its seed where something was found."""

    tally: Counter[str]
    seeds: tuple[int, ...]


def judge(one: Case, *, again: bool = True) -> Verdict:
    """Protect a case, attack it and audit it.

    Parameters
    ----------
    one : Case
    again : bool, default True
        Whether to show a complementary cell again, and see that adversary and audit find what it tells.
    """
    tally: Counter[str] = Counter({"cases": 1, one.kind: 1})
    released: list[Protected] = []
    for tables in one.releases:
        try:
            released.append(protect(tables, one.policy, released))
        except Unprotectable:
            tally["refused"] += 1
            break
    if not released:
        return Verdict(tally, ())
    found = _attack_all(one, released)
    last, before = released[-1], released[:-1]
    tally += Counter(hidden=found.hidden, bounded=found.bounded, derived=found.derived)
    tally["audit findings"] = len(audit(last, one.policy, before).findings)
    failed = not found.holds or tally["audit findings"] > 0
    if again:
        tally.update(_show_again(one, last, before))
        failed |= tally["audit missed"] > 0
    return Verdict(tally, (one.seed,) if failed else ())


def _show_again(one: Case, last: Protected, before: list[Protected]) -> dict[str, int]:
    """Show complementary cells again, one at a time, until the adversary finds what it tells."""
    cells = _complementary(one, last)
    for table, flat in cells:
        careless = replace_shown(last, table, flat)
        if not _attack_all(one, [*before, careless]).holds:
            missed = not audit(careless, one.policy, before).findings
            return {"shown again": 1, "found again": 1, "audit missed": int(missed)}
    return {"shown again": 1} if cells else {}


def _attack_all(one: Case, releases: Sequence[Protected]) -> Attacked:
    if one.kind != "cohorts":
        return attack(releases, one.parents, one.policy)
    apart = attack(releases, one.parents, one.policy, joint=False)
    return replace(apart, derived=apart.derived + small_cohorts(releases, one.policy))


def _complementary(one: Case, protected: Protected) -> list[tuple[int, int]]:
    """Choose a few complementary cells, table and flat position, the same for the same seed."""
    cells = [
        (i, flat)
        for i, table in enumerate(protected.tables)
        for flat, status in enumerate(protected.status(i))
        if status == "complementary" and table.published[flat]
    ]
    order = np.random.default_rng(one.seed).permutation(len(cells))[:RETRIES]
    return [cells[i] for i in order]


def replace_shown(protected: Protected, position: int, flat: int) -> Protected:
    """Show one cell that was hidden."""
    masks = [mask.copy() for mask in protected.shown]
    masks[position].ravel()[flat] = True
    return replace(protected, shown=tuple(masks))


def judge_all(seeds: range) -> Verdict:
    """Judge the cases of some seeds."""
    verdicts = [judge(case(seed)) for seed in seeds]
    total: Counter[str] = sum((v.tally for v in verdicts), Counter())
    return Verdict(total, tuple(seed for v in verdicts for seed in v.seeds))


def main(cases: int) -> int:
    """Judge many cases in as many processes as there are cores, and write what they came to."""
    block = 50
    blocks = [range(at, min(at + block, cases)) for at in range(0, cases, block)]
    with ProcessPoolExecutor() as pool:
        verdicts = list(track(pool.map(judge_all, blocks), "attacking", total=len(blocks)))
    total: Counter[str] = sum((v.tally for v in verdicts), Counter())
    failed = [seed for v in verdicts for seed in v.seeds]
    outcome = {
        "command": f"python -m tests.disclosure.attack {cases}",
        "machine": f"{os.cpu_count()} cores",
        "python": platform.python_version(),
        "outcome": dict(sorted(total.items())),
        "seeds_with_findings": failed,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    Console().print_json(data=outcome)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1])))
