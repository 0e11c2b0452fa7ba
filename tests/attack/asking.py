"""Requests as a hostile researcher writes them, and the doors they go through."""

from __future__ import annotations

from typing import Any

import pandas as pd

from enclave import egress
from enclave.egress import Verdict
from enclave.errors import Refused
from enclave.resultant import delivery_of, open_table
from enclave.scratch import scratch
from enclave.terms import Action
from p20kit.counting import tabulate
from p20kit.measures import Mean, Total
from p20kit.policy import CellPolicy
from p20kit.protection import protect
from tests.spelled import written
from tests.world import PROJECT, Installation

POLICY = CellPolicy()
Body = dict[str, Any]


def mounted(made: Installation, name: str) -> pd.DataFrame:
    """Give a table as a session has it."""
    enclave = made.enclave
    with enclave.store.view() as view, scratch(enclave.settings.runtime, "test") as folder:
        delivery = delivery_of(view, PROJECT)
        table = delivery.table(name)
        assert table is not None
        open_table(enclave.keystore, enclave.settings, delivery, table, folder / "table.parquet")
        return pd.read_parquet(folder / "table.parquet")


def one(
    frame: pd.DataFrame,
    by: tuple[str, ...],
    name: str = "t",
    sources: dict[str, str] | None = None,
    measures: tuple[Mean | Total, ...] = (),
    **claimed: Any,
) -> Body:
    """Give a table as an honest notebook writes it; `sources` of its own for a dishonest one.

    `claimed` is what a request says of codes as it says it: hierarchies, codes, impossible.
    """
    summed = list(dict.fromkeys(measure.of for measure in measures))
    named = {column: f"sde.{column}" for column in (*by, *summed)} if sources is None else sources
    said = claimed | ({"impossible": pd.DataFrame(claimed["impossible"])} if "impossible" in claimed else {})
    protected = protect(tabulate(frame, list(by), measures, name=name, sources=named, **said), POLICY)
    columns = protected.to_frame()
    table = protected.tables[0]
    assert table.basis is not None
    counts = [None if pd.isna(count) else int(count) for count in columns["count"]]
    return {
        "name": name, "title": "", "unit": "P20ID", "by": list(by), "sources": named,
        "measures": [measure.to_dict() for measure in table.measures],
        "figures": {m.label: columns[m.label].astype(object).where(columns[m.label].notna(), None).tolist()
                    for m in measures},
        "values": {column: table.basis[column].tolist() for column in summed},
        "cells": {c: columns[c].tolist() for c in by} | {"count": counts, "status": columns["status"].tolist()},
        "basis": {column: table.basis[column].tolist() for column in ("P20ID", *by)},
    } | claimed  # fmt: skip


def asked(made: Installation, *tables: Body, **said: object) -> Body:
    """Give a request with these tables."""
    body: Body = {
        "format": "p20win-release-request/2", "project": PROJECT, "policy_hash": made.policy().hash,
        "person": "wren", "title": "Who takes part", "report": "cumulative", "questions": ["RQ1"],
        "audience": "public", "population": "all students", "methods": [], "planned_on": None, "notes": "",
        "tables": list(tables),
    }  # fmt: skip
    return body | said


def judged(made: Installation, body: Body | bytes, person: str = "wren") -> Verdict:
    """Ask the gate."""
    content = body if isinstance(body, bytes) else written(body)
    enclave = made.enclave
    with enclave.store.view() as view:
        return egress.check(egress.desk(view, enclave.keystore, enclave.settings, PROJECT), content, person)


def rules(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings}


def looks(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.look_at}


def sent(made: Installation, *bodies: Body) -> list[str]:
    """Leave requests in Wren's outbox and collect them; gives their ids, in order."""
    session = made.enclave.broker().admit("wren", PROJECT)
    contents = [written(body) for body in bodies]
    for number, content in enumerate(contents):
        folder = session.folder / "home" / "outbox" / f"out-{number:012x}"
        folder.mkdir()
        (folder / "request.json").write_bytes(content)
    enclave = made.enclave
    taken = egress.take_in(enclave.store, enclave.keystore, enclave.settings, PROJECT, "wren").taken
    made.enclave.broker().release(session.name)
    return [next(t.id for t in taken if t.content == content) for content in contents]


def cleared(made: Installation, request: str) -> egress.Clearance | Refused:
    """Let Olga clear a request who looked at everything."""
    enclave = made.enclave
    try:
        return egress.clear(
            enclave.store, enclave.keystore, enclave.settings, made.admission("olga", Action.CHECK), request,
            looked_at="the code, the labels and the persons",
        )  # fmt: skip
    except Refused as refusal:
        return refusal


def last_is_refused(made: Installation, *bodies: Body) -> set[str]:
    """Clear all but the last, and give the rules that refuse the last."""
    *before, last = sent(made, *bodies)
    for request in before:
        assert isinstance(cleared(made, request), egress.Clearance)
    refusal = cleared(made, last)
    assert isinstance(refusal, Refused)
    return {finding.rule for finding in refusal.findings}
