"""Hold a request's evidence against the Resultant Data itself, person by person.

Invented or duplicated people cannot inflate a count; a column that claims to be a source column is compared with
that column; employers behind UC data are those of the record. What is derived in the notebook is proven by running
it again, or goes to a person.

Source: DSA III.G.2; DSA VI.G.1; DSA II.F.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from p20kit.amounts import measured
from p20kit.columns import Texts
from p20kit.delivered import CROSSWALK, UNIT, Delivered, Source
from p20kit.dimensions import TOTAL
from p20kit.employed import employer_findings
from p20kit.errors import Finding
from p20kit.measures import CumulativeShare, Share
from p20kit.policy import FLOOR_COUNT as FEW
from p20kit.request import Request
from p20kit.requested import ModelRequested, TableRequested, frame_of
from p20kit.sql import connection, quoted
from p20kit.tables import MISSING

# names of columns are the only thing put into SQL text, always quoted; files are the caller's (hence the noqa marks)


@dataclass
class Evidence:
    """What was found out about a request.

    Parameters
    ----------
    findings, look_at : list of Finding
        Reasons to refuse it, and what a person must look at.
    owners : set of str
        Whose columns contributed.
    used : dict of str to Source
        By place ("table.column" of the request): columns as delivered.
    counted, held : dict
        What counting the persons of a column, and holding a column against a source came to, whatever table it
        stands in.
    """

    findings: list[Finding] = field(default_factory=list)
    look_at: list[Finding] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)
    used: dict[str, Source] = field(default_factory=dict)
    counted: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    held: dict[tuple[int, int, str, bool], tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """The code of a notebook that was run again and made the same request.

    Parameters
    ----------
    words : frozenset of str
        The plain texts that stand in it.
    by_hub : bool
        It is the hub's own code, and the names of columns are its own too.
    """

    words: frozenset[str]
    by_hub: bool = False


def examine(request: Request, delivered: Delivered, written: Written | None) -> Evidence:
    """Examine the basis of every table and model.

    Source: DSA III.G.2.a; DSA II.F; DSA VI.G.1.

    Parameters
    ----------
    request : Request
    delivered : Delivered
    written : Written or None
        The notebook's code where it was run again on the same data and made this request; else None.
    """
    evidence = Evidence()
    with connection() as con:
        for table in request.tables:
            told = Written(frozenset(), by_hub=True) if table.by_hub else written
            con.register("basis", frame_of({**table.basis, **{name: table.values[name] for name in table.measured}}))
            _people(con, table, delivered, told, evidence)
            for column in table.used:
                if column != table.employer:
                    _column(con, table, column, delivered, told, evidence)
            _structure(table, evidence)
            found, looks = employer_findings(con, table, delivered)
            evidence.findings += found
            evidence.look_at += looks if told is None else []
            con.unregister("basis")
        for model in request.models:
            con.register("basis", model.as_frame())
            _people(con, model, delivered, written, evidence)
            for column in model.columns:
                _column(con, model, column, delivered, written, evidence)
            con.unregister("basis")
    return evidence


def _people(
    con: duckdb.DuckDBPyConnection,
    asked: TableRequested | ModelRequested,
    delivered: Delivered,
    written: Written | None,
    evidence: Evidence,
) -> None:
    """Each person stands once, and is one of the project's; why these and not all of them, the code says."""
    if asked.unit != UNIT:
        what = f"its units are {asked.unit}, not persons"
        evidence.findings.append(_no("unit", asked.name, what, f"Count {UNIT}."))
        return
    rows, persons, known = _counted(con, asked, delivered, evidence)
    if rows != persons:
        what = f"{rows - persons} persons are counted more than once"
        advice = "A unit is a person: use p20kit.tabulate, which counts distinct persons."
        evidence.findings.append(_no("duplicate-persons", asked.name, what, advice))
    if persons != known:
        what = f"{persons - known} persons are not of this project"
        advice = "Use the persons of the Resultant Data as they are mounted."
        evidence.findings.append(_no("unknown-persons", asked.name, what, advice))
    elif persons != delivered.persons:
        # whoever chose them may have looked at any column: wages, the mere existence of a record
        evidence.owners |= delivered.owners
        if written is None:
            what = f"it is about {persons} persons chosen from {delivered.persons}"
            advice = "Send the notebook along, which is run again; or a person looks at who was chosen and how."
            evidence.look_at.append(_no("chosen-persons", asked.name, what, advice, "DSA VI.G.1"))


def _counted(
    con: duckdb.DuckDBPyConnection, asked: TableRequested | ModelRequested, delivered: Delivered, evidence: Evidence
) -> tuple[int, int, int]:
    """Count the rows, the persons in them and those of the project, once for all tables of the same persons."""
    who = id(asked.basis[asked.unit])
    if who not in evidence.counted:
        everybody = delivered.folder / f"{CROSSWALK}.parquet"
        rows, persons, known = con.execute(
            f"""
            select count(*), count(distinct {UNIT}),
                   count(distinct {UNIT}) filter ({UNIT} in (select {UNIT} from '{everybody}'))
            from basis
            """  # noqa: S608
        ).fetchall()[0]
        evidence.counted[who] = rows, persons, known
    return evidence.counted[who]


def _column(
    con: duckdb.DuckDBPyConnection,
    asked: TableRequested | ModelRequested,
    name: str,
    delivered: Delivered,
    written: Written | None,
    evidence: Evidence,
) -> None:
    where = f"{asked.name}.{name}"
    source = asked.sources.get(name)
    if source is None:
        evidence.owners |= delivered.owners
        _derived(asked, name, delivered, written, evidence)
        return
    found = delivered.source(source)
    if found is None or found.employer:
        what = "its source is no column of the Resultant Data, or it identifies persons or employers"
        advice = "Name it as table.Column, as open_project() lists it."
        evidence.findings.append(_no("unknown-source", where, what, advice, "DSA VI.A"))
        return
    evidence.owners.add(found.owner)
    evidence.used[where] = found
    if isinstance(asked, ModelRequested) and found.uc:
        what = "a model carries no proof of at least 3 employers behind UC data"
        evidence.findings.append(_no("uc-column", where, what, "Ask for totals or means by employer.", "DSA II.F"))
        return
    if asked.unit == UNIT:
        _compared(con, asked, name, source, delivered, written, evidence)
    column = source.partition(".")[2]
    if name != column and not (written and written.by_hub):
        what, advice = (
            f"it is {source} under another name",
            "A person looks at the name, or the column keeps its own.",
        )
        evidence.look_at.append(_no("renamed-column", where, what, advice, "DSA VI.G.1"))


def _compared(
    con: duckdb.DuckDBPyConnection,
    asked: TableRequested | ModelRequested,
    name: str,
    source: str,
    delivered: Delivered,
    written: Written | None,
    evidence: Evidence,
) -> None:
    """Hold each person's value against the person's own record."""
    where = f"{asked.name}.{name}"
    summed = isinstance(asked, TableRequested) and asked.employer is not None and name in measured(asked.counted)[1]
    if summed:
        return  # each person's amounts are those of the employers, which are held against the record by themselves
    differing, several = _held(con, asked, name, source, delivered, evidence)
    if differing:
        what = f"{differing} persons have another value in {source}"
        advice = "Use the column as it is mounted, or leave its source out and send the notebook along."
        evidence.findings.append(_no("source-mismatch", where, what, advice))
    elif several and written is None:
        evidence.owners |= delivered.owners
        what = f"{several} persons have several values in {source}, of which the notebook chose one"
        advice = "Send the notebook along, which is run again; or a person looks at the code."
        evidence.look_at.append(_no("chosen-value", where, what, advice, "DSA VI.G.1"))


def _held(
    con: duckdb.DuckDBPyConnection,
    asked: TableRequested | ModelRequested,
    name: str,
    source: str,
    delivered: Delivered,
    evidence: Evidence,
) -> tuple[int, int]:
    """Count the persons with another value than their record, and those whose record has several, once a column."""
    by = isinstance(asked, TableRequested) and name in asked.by
    used = asked.basis[name] if name in asked.basis else getattr(asked, "values", {})[name]
    key = (id(asked.basis[asked.unit]), id(used), source, by)
    if key in evidence.held:
        return evidence.held[key]
    path, column = delivered.file(source)
    mine, theirs = f"b.{quoted(name)}", f"r.{quoted(column)}"
    if by:
        same = f"coalesce({_text(theirs)}, '{MISSING}') = {mine}"
    elif con.execute(f"select typeof({mine}) from basis b limit 1").fetchall()[0][0] == "DOUBLE":  # noqa: S608
        same = f"try_cast({_text(theirs)} as double) is not distinct from {mine}"
    else:
        same = f"{_text(theirs)} is not distinct from {_text(mine)}"
    nothing = f"({mine} is null or {_text(mine)} = '{MISSING}')"
    found = con.execute(
        f"""
        with record as (
          select {UNIT}, min({quoted(column)}) is distinct from max({quoted(column)}) as several
          from '{path}' group by {UNIT})
        select
          count(*) filter (not (
            exists (select 1 from '{path}' r where r.{UNIT} = b.{UNIT} and {same})
            or (record.{UNIT} is null and {nothing}))),
          count(*) filter (record.several)
        from basis b left join record on record.{UNIT} = b.{UNIT}
        """  # noqa: S608
    ).fetchall()[0]
    evidence.held[key] = found[0], found[1]
    return evidence.held[key]


def _derived(
    asked: TableRequested | ModelRequested,
    name: str,
    delivered: Delivered,
    written: Written | None,
    evidence: Evidence,
) -> None:
    """Say what a person must look at in a column the notebook made, and refuse labels that pose as others."""
    where = f"{asked.name}.{name}"
    persons = _labels(asked, name)
    if posing := sum(poses(label) for label in persons):
        evidence.findings.append(_posing(where, posing))
    if written is None:
        few = sum(count < FEW for count in persons.values())
        what = f"it is derived in the notebook{f' and has {len(persons)} labels' if persons else ''}"
        what = f"{what}, {few} of them of fewer than {FEW} persons" if few else what
        advice = "Send the notebook along, which is run again; or a person looks at the code and the labels."
        evidence.look_at.append(_no("derived-column", where, what, advice, "DSA VI.G.1"))
    elif not written.by_hub:
        known = {code for source in delivered.columns.values() for code in source.codes} | {MISSING} | written.words
        strange = sum(label not in known for label in persons)
        if strange:
            what = f"{strange} of its {len(persons)} labels are made from values: the code does not spell them out"
            advice = "Write the labels in the code, or a person looks at them."
            evidence.look_at.append(_no("made-labels", where, what, advice, "DSA VI.G.1"))
    if delivered.sees_uc and getattr(asked, "employer", None) is None:
        what = "it may be derived from UC data, and the table names no employers"
        advice = "Name the employer, or a person looks whether each group has at least 3 employers."
        evidence.look_at.append(_no("uc-derived", where, what, advice, "DSA II.F"))


def _labels(asked: TableRequested | ModelRequested, name: str) -> Mapping[str, int]:
    """Count the persons by the labels of a column that are displayed: by-columns, categories of shares and models."""
    column = asked.basis[name] if name in asked.basis else getattr(asked, "values", {})[name]
    if not isinstance(column, Texts):
        return {}
    if isinstance(asked, ModelRequested) or name in asked.by:
        return column.persons
    shares = [measure for measure in asked.counted if isinstance(measure, Share) and measure.of == name]
    named = {category for share in shares for category in share.categories}
    return {label: count for label, count in column.persons.items() if label in named}


def _structure(table: TableRequested, evidence: Evidence) -> None:
    """Say what a person must look at of that which no evidence proves: groups, unused codes, impossible cells."""
    for name in table.by:
        where = f"{table.name}.{name}"
        found = evidence.used.get(where)
        delivered = {*table.basis[name].persons, MISSING, *(found.codes if found else ())}
        parents = {parent for up in table.hierarchies.get(name, []) for parent in up.values()}
        added = set(table.codes.get(name, [])) - delivered
        posing = sum(poses(label) or label == MISSING for label in parents | added)
        if posing:
            evidence.findings.append(_posing(where, posing))
        if parents:
            what = f"its codes are put together into {len(parents)} groups"
            advice = "A person looks at the groups and their names, or it is asked without them."
            evidence.look_at.append(_no("hierarchy", where, what, advice, "DSA VI.G.1"))
        if added:
            what = f"{len(added)} codes with nobody in them are not of the delivered code set"
            advice = "A person looks at the codes, or it is asked with those of the column."
            evidence.look_at.append(_no("codes", where, what, advice, "DSA VI.G.1"))
    evidence.look_at += _unseen(table, evidence.used)
    claimed = max(map(len, table.impossible.values()), default=0)
    if claimed:
        what = f"{claimed} empty cells are said to be impossible, so they are displayed"
        advice = "A person holds them against the code sets, or it is asked without them."
        evidence.look_at.append(_no("impossible", table.name, what, advice))


def _unseen(table: TableRequested, used: Mapping[str, Source]) -> Iterator[Finding]:
    """Find shares of categories that nobody has and no code set knows, and orders of the requester's own."""
    for measure in table.counted:
        if not isinstance(measure, Share):
            continue
        where = f"{table.name}.{measure.of}"
        found = used.get(where)
        held = table.values[measure.of]
        seen = held.persons if isinstance(held, Texts) else ()
        codes = found.codes if found else ()
        if set(measure.categories) - {*seen, *codes}:
            what, advice = "a share is of a category that nobody has", "Ask for categories as delivered."
            yield _no("codes", where, what, advice, "DSA VI.G.1")
        if isinstance(measure, CumulativeShare) and found and not _in_order(measure.order, codes):
            what = "categories are put into an order that is neither the code set's nor that of their names"
            advice = "A person looks at the order, or it is asked in that of the code set."
            yield _no("order", where, what, advice, "DSA VI.G.1")


def _in_order(order: Sequence[str], codes: Sequence[str]) -> bool:
    """Tell whether categories stand as the code set has them, or else as their names or numbers do."""
    if set(order) <= set(codes):
        return list(order) == [code for code in codes if code in set(order)]
    numbers = all(code.isdecimal() for code in order)
    return list(order) == sorted(order, key=int if numbers else str)


def _posing(where: str, posing: int) -> Finding:
    what = f"{posing} labels are not in Latin letters, or pass for {TOTAL} or {MISSING}"
    return _no("label", where, what, "Name the categories in plain words.", "DSA VI.G.1")


def poses(label: str) -> bool:
    """Tell whether a label could be read as another: letters that look alike, or a margin's name in disguise."""
    foreign = any(c.isalpha() and not unicodedata.name(c, "").startswith("LATIN ") for c in label)
    plain = unicodedata.normalize("NFKC", label).strip().casefold()
    return foreign or (label != MISSING and plain in {TOTAL.casefold(), MISSING.casefold()})


def _text(expression: str) -> str:
    return f"cast({expression} as varchar)"


def _no(rule: str, where: str, what: str, next: str, clause: str = "DSA III.G.2.a") -> Finding:
    return Finding(rule, clause, where, what, next)
