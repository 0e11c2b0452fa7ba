"""`audit`: attack what is to be released, together with what has been, and say what can be worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from p20kit.errors import Finding, TableInvalid
from p20kit.policy import COMPLEMENTARY_CLAUSE, COUNT_CLAUSE, CellPolicy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from p20kit.attack import Attack
    from p20kit.protection import Protected
    from p20kit.tables import Table

    Release = tuple[Table, NDArray[np.bool_]]

EXACT_LIMIT = 150


@dataclass(frozen=True)
class Bound:
    """What a reader can deduce about one hidden cell.

    Parameters
    ----------
    where : str
    lower : int
        At least this many persons.
    upper : int or None
        At most this many; None where nothing bounds the cell.
    reaches : int or None
        A count shown to be possible; None where none was looked for or nothing bounds the cell.
    how : {"interval", "linear", "whole"}
        What decided: propagation of intervals, a linear program, or one in whole persons.
    """

    where: str
    lower: int
    upper: int | None
    reaches: int | None
    how: str


@dataclass(frozen=True)
class Audit:
    """What the attack came to. There is no "pass": read `findings`, and `ran` for what was done.

    Parameters
    ----------
    findings : tuple of Finding
    bounds : tuple of Bound
        One per hidden cell.
    ran : tuple of str
        The checks that ran, with how many cells each looked at.
    not_ran : tuple of str
        What could not be checked, and why.
    """

    findings: tuple[Finding, ...]
    bounds: tuple[Bound, ...]
    ran: tuple[str, ...]
    not_ran: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain values for JSON."""
        return asdict(self)


def audit(
    tables: Protected | Table | Sequence[Protected | Table],
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
) -> Audit:
    """Attack tables and everything released before them.

    Source: DSA III.G.2.a; DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    tables : Protected, Table, or a sequence of them
        A plain Table is taken as shown in full.
    policy : CellPolicy
    earlier : sequence of Protected or Table

    Returns
    -------
    Audit
        Findings: displayed counts under the threshold, hidden cells bounded below it, lines whose hidden
        cells add up to too few, nested groups that differ by too few, and overlaps that come to too few.

    Raises
    ------
    TableInvalid
        If there is nothing to audit.
    """
    from p20kit.linked import populations
    from p20kit.protection import Protected
    from p20kit.tables import Table

    new = _releases([tables] if isinstance(tables, Protected | Table) else list(tables))
    if not new:
        raise TableInvalid("there are no tables to audit")
    releases = [*new, *_releases(earlier)]
    numbers = populations([table for table, _ in releases])
    findings = [finding for table, shown in new for finding in _displayed(table, shown, policy)]
    bounds: list[Bound] = []
    known: list[NDArray[np.bool_]] = [shown for _, shown in releases]
    for number in dict.fromkeys(numbers):
        mine = [i for i, n in enumerate(numbers) if n == number]
        _attack(releases, mine, len(new), policy, findings, bounds, known)
    ran, not_ran = _differences(releases, known, len(new), policy, findings)
    shown_cells = sum(int(shown.sum()) for _, shown in new)
    checked = (f"threshold: {shown_cells} displayed cells", f"bounds: {len(bounds)} hidden cells", *ran)
    return Audit(tuple(dict.fromkeys(findings)), tuple(bounds), checked, not_ran)


def _releases(given: Sequence[Protected | Table]) -> list[Release]:
    from p20kit.tables import Table

    pairs: list[Release] = []
    for item in given:
        if isinstance(item, Table):
            pairs.append((item, item.published.reshape(item.counts.shape)))
        else:
            pairs += list(zip(item.tables, item.shown, strict=True))
    return pairs


def _displayed(table: Table, shown: NDArray[np.bool_], policy: CellPolicy) -> Iterator[Finding]:
    display = (shown & ~table.impossible).ravel()
    for flat in display.nonzero()[0]:
        count = int(table.counts.ravel()[flat])
        if count < policy.minimum_count and (count > 0 or policy.hides_zeros):
            what = f"a count under {policy.minimum_count} is displayed"
            yield Finding("threshold", COUNT_CLAUSE, table.where(int(flat)), what, "Hide it: use protect().")


def _attack(
    releases: Sequence[Release],
    mine: list[int],
    new: int,
    policy: CellPolicy,
    findings: list[Finding],
    bounds: list[Bound],
    known: list[NDArray[np.bool_]],
) -> None:
    """Attack one population: bounds of its hidden cells, and sums of its lines."""
    from p20kit.attack import Attack

    attack = Attack([releases[i] for i in mine])
    seen: set[int] = set()
    for cell, i in zip(attack.cell, mine, strict=True):
        table, shown = releases[i]
        known[i] = attack.known[cell].reshape(shown.shape)
        hidden = [f for f in (~shown.ravel() & ~table.impossible.ravel()).nonzero()[0] if cell[f] not in seen]
        seen.update(int(cell[f]) for f in hidden)
        for flat in hidden:
            count = int(table.counts.ravel()[flat])
            needs = count < policy.minimum_count and (count > 0 or policy.hides_zeros)
            bound = _bound(attack, int(cell[flat]), table.where(int(flat)), policy, needs=needs)
            bounds.append(bound)
            if needs and bound.upper is not None and bound.upper < policy.minimum_count:
                findings.append(_bounded(bound, policy))
        findings += _lines(attack, table, cell, policy) if i < new else []


def _bound(attack: Attack, unknown: int, where: str, policy: CellPolicy, *, needs: bool) -> Bound:
    from p20kit.attack import UNBOUNDED

    lower, upper = int(attack.lower[unknown]), int(attack.upper[unknown])
    top = None if upper >= UNBOUNDED else upper
    if lower == upper:
        return Bound(where, lower, top, upper, "interval")
    if len(attack.program.open) <= EXACT_LIMIT:
        return _exact(attack, unknown, where, top)
    if not needs or (top is not None and top < policy.minimum_count):
        return Bound(where, lower, top, None, "interval")
    reaches, how = attack.reach(unknown, policy.minimum_count)
    if reaches < policy.minimum_count:
        top = reaches
    return Bound(where, lower, top, reaches, how)


def _exact(attack: Attack, unknown: int, where: str, top: int | None) -> Bound:
    most, _, decided = attack.program.extreme(unknown, 1.0)
    least, _, decided_too = attack.program.extreme(unknown, -1.0)
    upper = top if most == float("inf") else int(most + 1e-6)
    lower = max(int(-(-(least - 1e-6) // 1)), 0)
    return Bound(where, lower, upper, upper, "whole" if decided and decided_too else "linear")


def _bounded(bound: Bound, policy: CellPolicy) -> Finding:
    what = (
        f"the hidden count follows to lie between {bound.lower} and {bound.upper}, so fewer than "
        f"{policy.minimum_count} individuals can be identified ({bound.how} bounds over all releases given)"
    )
    return Finding("bounds", COMPLEMENTARY_CLAUSE, bound.where, what, "Hide a further cell: use protect().")


def _lines(attack: Attack, table: Table, cell: NDArray[np.int64], policy: CellPolicy) -> Iterator[Finding]:
    """Find lines whose hidden cells together follow to be too few."""
    known = attack.known[cell]
    counts = table.counts.ravel()
    for parents, children in table.relations():
        for parent, parts in zip(parents.tolist(), children, strict=True):
            hidden = parts[~known[parts]]
            rest = int(counts[hidden].sum())
            if known[parent] and len(hidden) and 0 < rest < policy.minimum_count:
                displayed = int(counts[parent]) - rest
                what = (
                    f"{int(counts[parent])} in all less {displayed} known leaves {rest} in "
                    f"{len(hidden)} hidden cells of the line"
                )
                advice = "Hide a further cell of the line: use protect()."
                yield Finding("sum", COMPLEMENTARY_CLAUSE, table.where(parent), what, advice)


def _differences(
    releases: Sequence[Release],
    known: Sequence[NDArray[np.bool_]],
    new: int,
    policy: CellPolicy,
    findings: list[Finding],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from p20kit.differencing import small_differences
    from p20kit.overlaps import implied_groups

    usable = [(table, k) for (table, _), k in zip(releases, known, strict=True)]
    for found in small_differences(usable, new, policy):
        outer, inner = (group.where(usable[group.table][0]) for group in (found.larger, found.smaller))
        many, fewer = found.larger.persons, found.smaller.persons
        what = f"{many} individuals less the {fewer} of {inner}, all among them, leaves {found.persons}"
        advice = "Hide one of the two, or use the same groups in both tables."
        findings.append(Finding("difference", COMPLEMENTARY_CLAUSE, outer, what, advice))
    for implied in implied_groups(usable, new, policy):
        what = f"{implied.persons} individuals follow from {implied.populations} groups of persons that overlap"
        advice = "Ask for the same persons as in the other tables."
        findings.append(Finding("overlap", COMPLEMENTARY_CLAUSE, implied.where, what, advice))
    blind = [table.name for table, _ in releases if table.basis is None]
    pairs = len(releases) - len(blind)
    ran = (f"differences: groups of {pairs} tables with a basis",) if pairs > 1 else ()
    missing = tuple(f"differences with {name}: its people are not known" for name in blind)
    return ran, missing if len(releases) > 1 else ()
