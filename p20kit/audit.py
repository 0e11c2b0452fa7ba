"""`audit`: attack what is to be released, together with what has been, and say what can be worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from p20kit.errors import Finding, TableInvalid
from p20kit.policy import COMPLEMENTARY_CLAUSE, COUNT_CLAUSE, EMPLOYER_CLAUSE, CellPolicy
from p20kit.progress import Progress, Step, automatic

# this module is loaded with the package: what is heavy is imported when an audit runs
if TYPE_CHECKING:
    from p20kit.attack import Attack
    from p20kit.bounds import Bound
    from p20kit.differencing import BoolArray
    from p20kit.disclosed import Disclosed, Discloses
    from p20kit.tables import Table

    Release = Table | Discloses


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
    tables: Release | Sequence[Release],
    policy: CellPolicy,
    earlier: Sequence[Release] = (),
    *,
    progress: Progress = automatic,
) -> Audit:
    """Attack tables and everything released before them.

    Source: DSA III.G.2.a; DSA III.G.2.d; DSA II.F; DSA VI.D.2.

    Parameters
    ----------
    tables : Protected, Table, anything with `disclosed()`, or a sequence of them
        A plain Table is taken as shown in full.
    policy : CellPolicy
    earlier : sequence of the same
    progress : Progress, default automatic
        Draws how far a long audit is; `progress.silent` draws nothing.

    Returns
    -------
    Audit
        Findings: displayed counts under the threshold, hidden cells bounded below what must be possible, sums whose
        hidden cells come to too few, nested groups that differ by too few, and overlaps that come to too few.

    Raises
    ------
    TableInvalid
        If there is nothing to audit, or what is disclosed does not hold the figures.

    Notes
    -----
    A sum of hidden counts that follows exactly is at least as large as each of them. So where a sum of 1 to
    `minimum_count` - 1 follows, each cell of it is bounded by that, and the bounds are a finding: they cover every
    derivable sum of cells of the system, of however many relations it is made. What a person knows of their own
    cell (a cell of 1) is not used: the policy asks what a reader of the releases can deduce.
    """
    new = _disclosed([tables] if not isinstance(tables, Sequence) else tables, policy)
    if not new:
        finding = Finding("table", "", "tables", "none is given", "Give a table, or what protect() gives.")
        raise TableInvalid("there are no tables to audit", [finding])
    releases = [*new, *_disclosed(earlier, policy)]
    findings = [finding for each in new for finding in _displayed(each, policy)]
    bounds: list[Bound] = []
    known: list[tuple[Table, BoolArray]] = []
    for layer in dict.fromkeys(each.layer for each in releases):
        mine = [each for each in releases if each.layer == layer]
        with progress(f"audit {len(mine)} table{'s' * (len(mine) > 1)}, {layer}") as step:
            findings += _attack(mine, sum(each.layer == layer for each in new), policy, bounds, known, step)
    unjoined = _unjoined(releases)
    old = [each for each in releases[len(new) :] if each.layer == "count"]
    ran, not_ran = _differences(known, _known(old, _attacked(old)) if old else [], policy, findings)
    shown = sum(int((each.lower == each.upper).sum()) for each in new)
    checked = (f"threshold: {shown} displayed cells", _checked(bounds), *ran)
    return Audit(tuple(dict.fromkeys(findings)), tuple(bounds), checked, (*unjoined, *not_ran))


def _disclosed(given: Sequence[Release], policy: CellPolicy) -> list[Disclosed]:
    from dataclasses import replace

    from p20kit.layers import measured_in_full
    from p20kit.protection import Protected
    from p20kit.tables import Table

    found: list[Disclosed] = []
    for item in given:
        if isinstance(item, Table):
            shown = item.published.reshape(item.counts.shape)
            found += Protected((item,), (shown,), policy, (measured_in_full(item),)).disclosed()
        elif isinstance(item, Protected) and item.policy != policy:
            # what a release asked for when it was made does not bind today's policy
            asked = replace(item, policy=policy).disclosed()
            found += [replace(d, need=a.need) for d, a in zip(item.disclosed(), asked, strict=True)]
        else:
            found += item.disclosed()
    return [_needed(each, policy) for each in found]


def _needed(each: Disclosed, policy: CellPolicy) -> Disclosed:
    """Hold counts to the policy of this audit, whatever they were released under."""
    from dataclasses import replace

    import numpy as np

    from p20kit.needs import count_needs

    if each.layer != "count":
        return each
    return replace(each, need=np.maximum(each.need, count_needs(each.table, policy)))


def _displayed(each: Disclosed, policy: CellPolicy) -> Iterator[Finding]:
    import numpy as np

    if each.layer != "count":
        return
    display = (each.lower == each.upper) & (each.need > each.truth) & ~each.table.impossible
    for flat in np.flatnonzero(display.ravel()).tolist():
        few = each.truth.ravel()[flat] < policy.minimum_count
        reason = f"a count under {policy.minimum_count}" if few else "a count of too few employers"
        what, advice = f"{reason} is displayed", "Hide it: use protect()."
        yield Finding("threshold", COUNT_CLAUSE, each.table.where(flat), what, advice)


def _attack(
    mine: Sequence[Disclosed],
    new: int,
    policy: CellPolicy,
    bounds: list[Bound],
    known: list[tuple[Table, BoolArray]],
    step: Step,
) -> Iterator[Finding]:
    """Attack one layer: bounds of its hidden cells, and what its sums leave."""
    from p20kit.bounds import Deduced

    attack = _attacked(mine)
    found = list(Deduced(attack, mine, step).bounds())
    bounds += found
    yield from (_bounded(bound) for bound in found if bound.falls_short)
    if mine[0].layer == "count":
        known += _known(mine, attack)
        yield from _lines(attack, mine[:new], policy)


def _attacked(mine: Sequence[Disclosed]) -> Attack:
    from p20kit.attack import Attack
    from p20kit.linked import link

    every = [*mine, *_joint_cells(mine)]
    return Attack(every, link([each.table for each in every]))


def _known(mine: Sequence[Disclosed], attack: Attack) -> list[tuple[Table, BoolArray]]:
    """Mark the cells of each table that follow exactly."""
    return [(d.table, attack.known[c].reshape(d.truth.shape)) for d, c in zip(mine, attack.cell, strict=False)]


def _joint_cells(mine: Sequence[Disclosed]) -> Iterator[Disclosed]:
    """Give the cells that bind tables which run in circles: nobody displays them, and none is negative."""
    import numpy as np

    from p20kit.disclosed import Disclosed
    from p20kit.linked import joint

    for tables in _same_people(mine):
        if (found := joint(tables)) is not None:
            nothing = np.zeros(found.counts.shape)
            yield Disclosed(found, found.counts.astype(np.float64), nothing, nothing + np.inf, nothing)


def _unjoined(releases: Sequence[Disclosed]) -> tuple[str, ...]:
    """Name the tables whose joint cells bind them and are left out."""
    from p20kit.linked import joint, joint_dimensions

    why = "there are too many, or the people are not known; bounds that follow from them are not found"
    return tuple(
        f"joint cells of {', '.join(dict.fromkeys(table.name for table in tables))}: {why}"
        for tables in _same_people(releases)
        if joint_dimensions(tables) and joint(tables) is None
    )


def _same_people(releases: Sequence[Disclosed]) -> list[list[Table]]:
    """Gather the tables of counts by population."""
    from p20kit.linked import populations

    tables = [each.table for each in releases if each.layer == "count"]
    found: dict[int, list[Table]] = {}
    for table, number in zip(tables, populations(tables), strict=True):
        found.setdefault(number, []).append(table)
    return list(found.values())


def _bounded(bound: Bound) -> Finding:
    if bound.layer == "count":
        what = (
            f"the hidden count follows to lie between {bound.lower} and {bound.upper}, where {bound.need} must be "
            f"possible ({bound.how} bounds over all releases given)"
        )
        return Finding("bounds", COMPLEMENTARY_CLAUSE, bound.where, what, "Hide a further cell: use protect().")
    short = 100 * (1 - (bound.upper or 0) / bound.need)
    what = (
        f"the hidden sum follows to be at least {short:.3g} % smaller than what must be possible "
        f"({bound.how} bounds over all releases given)"
    )
    return Finding("magnitude-bounds", EMPLOYER_CLAUSE, bound.where, what, "Hide a further total: use protect().")


def _lines(attack: Attack, new: Sequence[Disclosed], policy: CellPolicy) -> Iterator[Finding]:
    """Name the sums of new tables whose hidden cells together follow to be too few."""
    import numpy as np

    from p20kit.bounds import lines

    for total, hidden, rest in lines(attack, policy.minimum_count):
        for each, cell in zip(new, attack.cell, strict=False):
            at = np.flatnonzero(cell == total)
            if len(at):
                counted = int(attack.truth[total])
                what = (
                    f"{counted} in all less {counted - int(rest)} known leaves {int(rest)} in "
                    f"{len(hidden)} hidden cells of the line"
                )
                advice = "Hide a further cell of the line: use protect()."
                yield Finding("sum", COMPLEMENTARY_CLAUSE, each.table.where(int(at[0])), what, advice)
                break


def _checked(bounds: Sequence[Bound]) -> str:
    asked = [bound for bound in bounds if bound.need]
    by = {how: sum(bound.how == how for bound in asked) for how in ("interval", "linear", "whole")}
    return (
        f"bounds: {len(bounds)} hidden cells, of which {len(asked)} must be able to be larger: {by['whole']} decided "
        f"in whole persons, {by['linear']} in fractions of persons, {by['interval']} by intervals alone; with them "
        "every sum of hidden counts that follows exactly"
    )


def _differences(
    known: Sequence[tuple[Table, BoolArray]],
    before: Sequence[tuple[Table, BoolArray]],
    policy: CellPolicy,
    findings: list[Finding],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Compare the groups that are known now, the last tables' with what was known of them before."""
    from p20kit.differencing import small_differences
    from p20kit.overlaps import implied_groups

    then = [mask for _, mask in before]
    for found in small_differences(known, then, policy):
        outer, inner = (group.where(known[group.table][0]) for group in (found.larger, found.smaller))
        many, fewer = found.larger.persons, found.smaller.persons
        what = f"{many} individuals less the {fewer} of {inner}, all among them, leaves {found.persons}"
        advice = "Hide one of the two, or use the same groups in both tables."
        findings.append(Finding("difference", COMPLEMENTARY_CLAUSE, outer, what, advice))
    for implied in implied_groups(known, then, policy):
        what = f"{implied.persons} individuals follow from {implied.populations} groups of persons that overlap"
        advice = "Ask for the same persons as in the other tables."
        findings.append(Finding("overlap", COMPLEMENTARY_CLAUSE, implied.where, what, advice))
    blind = dict.fromkeys(table.name for table, _ in known if table.basis is None)
    pairs = sum(table.basis is not None for table, _ in known)
    ran = (f"differences: groups of {pairs} table{'s' * (pairs != 1)} with a basis",) if pairs else ()
    missing = tuple(f"differences with {name}: its people are not known" for name in blind)
    return ran, missing
