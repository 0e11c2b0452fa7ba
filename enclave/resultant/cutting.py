"""Cut a project's Resultant Data from its holdings and the completed match.

New random ids replace every agency's generic identifiers, matching identifiers stay behind, rows are those of the
cohorts asked for, and each agency's columns reach only the schools they were asked for. An agency's record of whoever
withdrew consent is left out; of the first agency that is the person.

Source: DSA I; DSA VI.A; ExA 3.a; ExA elements; ExA memo; EM XII; EM XIII.C.3.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from enclave import intake
from enclave.agreement import Element, Policy, of
from enclave.errors import EnclaveError, Fault, Refused, refuse
from enclave.intake import Holding
from enclave.ledger import Details, Entry, refusal
from enclave.matching import MatchRun, open_crosswalk
from enclave.people import Admission, may
from enclave.resultant.delivery import CROSSWALK, Column, Delivery, Limitation, SealedTable, marked
from enclave.resultant.scope import cohort_filter, withheld_schools
from enclave.scratch import engine, scratch
from enclave.settings import Settings
from enclave.store import Store
from enclave.terms import GENERIC_ID, HUB, UNIT, Action, reached
from enclave.vault import Keystore, Seal


def project_key(project: str) -> str:
    """Name the key of a project's Resultant Data; shredded at its end (DSA VI.H)."""
    return f"project-{project}"


@dataclass(frozen=True)
class _Bench:
    """The opened inputs, in a private folder of the runtime tmpfs, and the connection that reads them."""

    folder: Path
    connection: duckdb.DuckDBPyConnection
    policy: Policy
    version: int
    run: MatchRun
    lists: tuple[Holding, ...]

    @property
    def first(self) -> str:
        return self.run.agencies[0]

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"


def cut(store: Store, keystore: Keystore, settings: Settings, admission: Admission, run: MatchRun) -> Delivery:
    """Cut and deliver a project's Resultant Data.

    Source: DSA I; DSA VI.A; ExA 3.a.

    Parameters
    ----------
    admission : Admission
        Of hub staff to cut for this project.
    run : MatchRun
        Complete: every Representative has agreed.

    Raises
    ------
    Refused
        If the match is not complete, its links are destroyed, or the project was stopped meanwhile.
    """
    try:
        return _cut(store, keystore, settings, admission, run)
    except Refused as error:
        store.enter(refusal(error, admission.person, "resultant.refuse", run.key, run.project))
        raise


def _cut(store: Store, keystore: Keystore, settings: Settings, admission: Admission, run: MatchRun) -> Delivery:
    admission.hold_to(Action.CUT, run.project)
    if run.completed_on is None:
        raise refuse(
            run.key, "match-complete", "DSA III.F.3",
            f"{len(run.agreements)} Representatives have agreed, not all",
            "Each Representative agrees in writing that the match results are optimal.",
        )  # fmt: skip
    with store.view() as view:
        known = of(view, run.project)
        policy = known.policy
        if run.agencies != policy.agencies:
            raise refuse(
                run.key, "match-of-others", "DSA VII",
                f"the match was of {', '.join(run.agencies)}, the agreement as amended names "
                f"{', '.join(policy.agencies)}", "Run the match again, and have the Representatives agree.",
            )  # fmt: skip
        held = intake.holdings(view, run.project)
        lists = tuple(intake.withdrawals(view, run.project))
    with scratch(settings.runtime, "cut") as folder, engine(folder) as connection:
        bench = _Bench(folder, connection, policy, known.version, run, lists)
        _open_all(keystore, settings, bench, held)
        persons = _crosswalk(bench)
        names = [_agency_table(bench, held, agency) for agency in policy.agencies]
        _crosswalk_table(bench)
        reached("resultant.cut")
        return _deliver(store, keystore, settings, admission, bench, held, [*names, CROSSWALK], persons)


def _open_all(keystore: Keystore, settings: Settings, bench: _Bench, held: list[Holding]) -> None:
    for holding in held:
        if holding.contents != "finder":
            intake.open_holding(keystore, settings, holding, bench.path(f"{holding.source}-{holding.contents}"))
    for number, holding in enumerate(bench.lists):
        intake.open_holding(keystore, settings, holding, bench.path(f"withdrawn-{holding.source}-{number}"))
    open_crosswalk(keystore, settings, bench.run, bench.path("matched"))
    finders = [h for h in held if h.contents == "finder"]
    for number, holding in enumerate(finders):
        intake.open_holding(keystore, settings, holding, bench.path(f"finder-{number}"))
    if finders:
        flags = intake.merge_finders(pd.read_parquet(bench.path(f"finder-{n}")) for n in range(len(finders)))
        sent = sorted({name for h in finders for name in h.elements if name.startswith("FLAG_")})
        # a school may list nobody: its flag is still an approved column
        flags.reindex(columns=["SASID", *sent]).astype("str").to_parquet(bench.path("flags"), index=False)


def _crosswalk(bench: _Bench) -> int:
    """Give every individual of the first agency in scope a new random id, and its linked record of every other one.

    The first agency's file is the population asked for (ExA 3.a); who is linked among the others only stays behind.
    """
    con, first, others = bench.connection, bench.first, bench.run.agencies[1:]
    matching, analytical = f"'{bench.path(f'{first}-matching')}'", bench.path(f"{first}-analytical")
    scope, values = cohort_filter(bench.policy)
    source = f"'{analytical}' a join {matching} m using ({GENERIC_ID})" if analytical.exists() else matching
    linked = "".join(f', {_consented_link(bench, agency)} as "{agency}"' for agency in others)
    con.execute(
        f"""
        create table population as
        select {GENERIC_ID} as "{first}"{linked}
        from {source} left join '{bench.path("matched")}' matched on matched."{first}" = {GENERIC_ID}
        where ({scope}) and {_consented(bench, first, GENERIC_ID)}
        """,  # noqa: S608 - names come from the compiled policy, values are parameters
        values,
    )
    persons = con.execute("select count(*) from population").fetchall()[0][0]
    ids = pa.table({"row": pa.array(range(persons)), UNIT: pa.array(_new_ids(persons))})
    con.register("new_ids", ids)
    # Ids are random, and rows stand in their order: nothing of the agency's order is left.
    con.execute(
        f"""
        create table crosswalk as
        select new_ids.{UNIT}, numbered.* exclude (row)
        from (select row_number() over (order by "{first}") - 1 as row, * from population) numbered
        join new_ids using (row)
        order by {UNIT}
        """  # noqa: S608
    )
    return int(persons)


def _consented(bench: _Bench, agency: str, id: str) -> str:
    """Give the SQL condition that a generic identifier stands on none of its agency's lists."""
    if not any(holding.source == agency for holding in bench.lists):
        return "true"
    return f"{id} not in (select {GENERIC_ID} from '{bench.folder}/withdrawn-{agency}-*.parquet')"  # noqa: S608


def _consented_link(bench: _Bench, agency: str) -> str:
    """Give the SQL of the linked record of an agency, null where consent to it was withdrawn."""
    id = f'matched."{agency}"'
    return f"case when {_consented(bench, agency, id)} then {id} end"


def _new_ids(count: int) -> list[str]:
    """Make distinct random ids: 80 bits each, so a repeat is a fault of the machine's randomness."""
    ids = {"P" + base64.b32encode(os.urandom(10)).decode() for _ in range(count)}
    if len(ids) != count:
        raise Fault("random identifiers repeat; the machine's randomness is broken")
    return sorted(ids, key=lambda _: os.urandom(8))


def _agency_table(bench: _Bench, held: list[Holding], agency: str) -> str:
    """Write one agency's table under new ids, with approved elements only and the schools' flags."""
    con = bench.connection
    source = bench.path(f"{agency}-analytical")
    if not source.exists():
        source = bench.path(f"{agency}-matching")
    columns = _approved(bench.policy, held, agency)
    chosen = "".join(f", {_typed(e)}" for e in columns if not e.made_by_hub)
    joins, flags = "", ""
    if agency == bench.first and bench.path("flags").exists():
        matching = bench.path(f"{agency}-matching")
        sasid = next(e.name for e in bench.policy.agreement.elements[agency] if e.links_as == "sasid")
        joins = (
            f"left join '{matching}' m on m.{GENERIC_ID} = c.\"{agency}\" "
            f"left join '{bench.path('flags')}' f on f.SASID = m.\"{sasid}\""
        )
        flags = "".join(f", {_flag(e)}" for e in columns if e.made_by_hub)
    where, values = _withheld(bench, agency)
    con.execute(
        f"""
        copy (
          select c.{UNIT}{chosen}{flags}
          from crosswalk c join '{source}' t on t.{GENERIC_ID} = c."{agency}" {joins}
          where {where} order by c.{UNIT}
        ) to '{bench.path(agency.lower())}' (format parquet, compression zstd)
        """,  # noqa: S608
        values,
    )
    return agency.lower()


def _typed(element: Element) -> str:
    """Give the SQL that turns an element's text into its type; what does not fit was turned away at intake."""
    types = {"integer": "bigint", "money": "decimal(18, 2)"}
    name = f't."{element.name}"'
    if element.kind in types:
        return f"cast(nullif({name}, '') as {types[element.kind]}) as \"{element.name}\""
    return name


def _flag(element: Element) -> str:
    """Give the SQL of a flag from the finder files: 0 or N where no school listed the student."""
    if element.name.startswith("FLAG_"):
        return f"case when f.\"{element.name}\" = '1' then '1' else '0' end as \"{element.name}\""
    return f"case when f.SASID is null then 'N' else 'Y' end as \"{element.name}\""


def _approved(policy: Policy, held: list[Holding], agency: str) -> list[Element]:
    """Give the elements of an agency that may reach the Data Recipient and were sent, in their order."""
    sent = {name for h in held if h.source == agency or h.contents == "finder" for name in h.elements}
    finders = any(h.contents == "finder" for h in held)
    elements = [e for e in policy.agreement.elements[agency] if not e.matching]
    return [e for e in elements if e.name in sent or (finders and e.made_by_hub and not e.name.startswith("FLAG_"))]


def _crosswalk_table(bench: _Bench) -> None:
    """Write the matrix of generic unique identifiers (ExA 4.a); no link where an agency's data are withheld.

    That somebody has a record there at all is already its data (ExA memo; DSA I).
    """
    columns, values = "", list[str]()
    for agency in bench.run.agencies:
        where, names = _withheld(bench, agency)
        columns += f', case when {where} then c."{agency}" end as "{agency}_{GENERIC_ID}"'
        values += names
    bench.connection.execute(
        f"""
        copy (select c.{UNIT}{columns} from crosswalk c order by c.{UNIT})
        to '{bench.path("crosswalk")}' (format parquet, compression zstd)
        """,  # noqa: S608
        values,
    )


def _withheld(bench: _Bench, agency: str) -> tuple[str, list[str]]:
    return withheld_schools(bench.policy, agency, bench.first, bench.path(f"{bench.first}-analytical"))


def _deliver(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    bench: _Bench,
    held: list[Holding],
    names: list[str],
    persons: int,
) -> Delivery:
    project = bench.policy.project
    key_id, draw = project_key(project), secrets.token_hex(4)
    with store.view() as view:
        may(view, admission.person, Action.CUT, project)  # a destruction may have begun since: then no key is made
    keystore.create(key_id)
    tables = []
    for name in names:
        columns = _described(bench, held, name)
        _hold_back_identifiers(bench, name)
        rows = _rows(bench, name)
        # from whom and for whom it is stands in what the hub signs (EM XV.D)
        context = f"{project}|resultant|{HUB}|{bench.policy.recipient}|{name}|{bench.run.id}"
        path = f"{key_id}/{name}-{draw}.resultant"  # beside an earlier delivery's, which holds until this one does
        digest = keystore.seal(bench.path(name), Seal(settings.sealed / path, key_id, context))
        tables.append(marked(SealedTable(name, path, digest, context, rows, columns), bench.policy))
    reached("resultant.sealed")
    try:
        said = tuple(Limitation(h.source, h.contents, h.limitations) for h in held if h.limitations)
        delivery, earlier = _record(store, admission, bench, held, tuple(tables), persons, said)
    except EnclaveError:
        _remove(settings, tables)
        raise
    _remove(settings, earlier)
    return delivery


def _record(
    store: Store,
    admission: Admission,
    bench: _Bench,
    held: list[Holding],
    tables: tuple[SealedTable, ...],
    persons: int,
    said: tuple[Limitation, ...],
) -> tuple[Delivery, tuple[SealedTable, ...]]:
    """Enter the delivery and start its clock; give also the tables of the delivery it takes the place of."""
    project = bench.policy.project
    with store.transaction() as tx:
        may(tx, admission.person, Action.CUT, project)
        intake.hold_to_held(tx, [*held, *bench.lists])
        known = tx.get(Delivery, project)
        lists = tuple(holding.id for holding in bench.lists)
        delivery = Delivery(
            project, project_key(project), bench.run.key, persons, tx.today, tables, said, lists, bench.version
        )
        details: Details = {
            "persons": persons,
            "tables": [f"{t.name} {t.sha256} {t.rows}" for t in tables],
            "elements": [f"{c.owner}.{c.name}" for t in tables for c in t.columns],
            "withdrawals": list(lists),
            "replaces": [t.sha256 for t in known.tables] if known else [],
        }
        tx.write(
            delivery,
            Entry(admission.person, "resultant.deliver", project, project, "DSA VI.A", details=details),
        )
        agreement = of(tx, project)
        # cut again, the twelve months still run from the first delivery (ExA 4.a)
        agreement = replace(agreement, delivered_on=agreement.delivered_on or tx.today)
        ends: Details = {"ends_on": agreement.ends_on.isoformat()}
        tx.write(agreement, Entry(admission.person, "agreement.clock", project, project, "ExA 4.a", details=ends))
    return delivery, known.tables if known else ()


def _remove(settings: Settings, tables: Iterable[SealedTable]) -> None:
    for table in tables:
        (settings.sealed / table.path).unlink(missing_ok=True)


def _rows(bench: _Bench, name: str) -> int:
    return int(bench.connection.execute(f"select count(*) from '{bench.path(name)}'").fetchall()[0][0])  # noqa: S608


def _described(bench: _Bench, held: list[Holding], name: str) -> tuple[Column, ...]:
    """Describe a table's columns: owner, definition, code set, questions, as-of date."""
    unit = Column(UNIT, bench.policy.project, "A person; random, of this project only.")
    if name == CROSSWALK:
        generic = (
            Column(f"{agency}_{GENERIC_ID}", agency, f"Generic identifier in the file of {agency}.")
            for agency in bench.run.agencies
        )
        return (unit, *generic)
    agency = name.upper()
    as_of = max((h.as_of for h in held if h.source == agency), default=None)
    approved = (
        Column(e.name, agency, e.definition, e.kind, e.codes, e.questions, as_of, e.uc, e.sensitive, e.employer)
        for e in _approved(bench.policy, held, agency)
    )
    return (unit, *approved)


def _hold_back_identifiers(bench: _Bench, name: str) -> None:
    """Look once more: no matching identifier may stand in what leaves the hub (DSA VI.A, HARD)."""
    if name == CROSSWALK:
        return
    barred = {e.name for e in bench.policy.agreement.elements[name.upper()] if e.matching}
    rows = bench.connection.execute(f"select name from parquet_schema('{bench.path(name)}')").fetchall()  # noqa: S608
    if standing := barred & {row[0] for row in rows}:
        raise Fault(f"{name} would hold {len(standing)} matching identifiers; nothing was delivered")
