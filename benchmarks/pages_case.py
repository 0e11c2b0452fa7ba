"""A large installation made of a small one: as many projects, people and entries as a programme has after years."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from enclave.app import Enclave, open_enclave
from enclave.ledger import Entry, Frontier
from enclave.papers import kind_of
from enclave.store.schema import FRONTIER, LEDGER, RECORDS, ledger_row
from tests import registry
from tests.web.world import PROJECT, World

OFFICES = ("sam", "dora", "hal", "wes", "olga", "audrey", "for-sde", "for-dol", "for-dol-hub", "for-wested")
"""The same persons on every project; everybody else is on one."""
ANALYSTS = 8
"""Researchers of a project, copies of the one there is."""
SESSIONS = ("session.open", "session.close", "page.refuse", "egress.refuse", "people.approve")


def enlarge(world: World, home: Path, projects: int, entries: int) -> Enclave:
    """Give an installation of so many projects like the one there is, and of so many entries."""
    enclave = world.copy(home).enclave
    with enclave.store.view() as view:
        records, ledger, day = list(view.rows(RECORDS)), list(view.rows(LEDGER)), view.today
    enclave.store.close()
    registry.drop(home)
    registry.address(home)
    large = open_enclave(home)
    frontier = Frontier()
    leaves: list[bytes] = []

    def rows() -> Iterator[dict[str, Any]]:
        for seq, (entry, on) in enumerate(_entries(ledger, projects, entries, day)):
            row = ledger_row(entry, seq, datetime.now(UTC), on)
            leaves.append(row["leaf"])
            yield row

    with large.store.transaction() as tx:
        tx.fill(RECORDS, _records(records, projects))
        tx.fill(LEDGER, rows())
        frontier = frontier.extend(leaves)
        peaks = " ".join(peak.hex() for peak in frontier.peaks)
        tx.fill(FRONTIER, iter([{"one": 1, "size": frontier.size, "peaks": peaks}]))
    for number in names(projects)[1:]:
        shutil.copytree(home / "reports" / PROJECT, home / "reports" / number)
    return large


def names(projects: int) -> list[str]:
    """Give the numbers of the projects."""
    return [PROJECT, *(f"DR-{1_000 + n}" for n in range(1, projects))]


def analyst(project: str, n: int) -> str:
    """Give the name of a researcher of a project."""
    return "wren" if (project, n) == (PROJECT, 0) else f"wren{project[3:]}x{n}"


def _records(records: list[dict[str, Any]], projects: int) -> Iterator[dict[str, Any]]:
    """Give each record once for each project it would be of; offices and their keys are everybody's."""
    for row in records:
        whose = _person(row)
        if row["project"] != PROJECT and whose in (None, *OFFICES, "nora"):
            yield row
            continue
        for number in names(projects):
            if whose == "wren":
                for n in range(ANALYSTS):
                    yield _of(row, number, whose, analyst(number, n))
            elif whose is None or whose in OFFICES or number == PROJECT:
                yield _of(row, number)
            else:
                yield _of(row, number, whose, f"{whose}{number[3:]}")


def _person(row: dict[str, Any]) -> str | None:
    """Give the person a record is about; None for all others."""
    if row["kind"] == "person":
        return str(row["key"])
    body = json.loads(row["body"])
    if row["kind"] == "paper":
        return str(body["about"]) if kind_of(body["kind"]).about == "person" else None
    return str(body["person"]) if row["kind"] == "listing" else None


def _of(row: dict[str, Any], number: str, whose: str = "", name: str = "") -> dict[str, Any]:
    made = {key: value.replace(PROJECT, number) for key, value in row.items()}
    if row["kind"] == "holding" and number != PROJECT:
        made["key"] = str(uuid5(UUID(row["key"]), number))
        made["body"] = made["body"].replace(row["key"], made["key"])
    if whose:
        made["key"] = "/".join(name if part == whose else part for part in made["key"].split("/"))
        made["body"] = made["body"].replace(f'"{whose}"', f'"{name}"')
    return made


def _entries(ledger: list[dict[str, Any]], projects: int, entries: int, day: date) -> Iterator[tuple[Entry, date]]:
    """Give the entries of every project as they are of the one, and the daily work of its people up to the number."""
    made = 0
    for number in names(projects):
        for row in ledger:
            body = json.loads(row["body"].replace(PROJECT, number))
            if not body["project"] and number != PROJECT:
                continue  # what is of the programme was done once
            made += 1
            yield _entry(body), date.fromisoformat(body["day"])
    for n in range(entries - made):
        number, what = names(projects)[n % projects], SESSIONS[n // projects % len(SESSIONS)]
        on = day - timedelta(days=(entries - n) * 1_500 // entries)
        who = analyst(number, n % ANALYSTS)
        yield Entry(who, what, f"{number}/{who}", number, "DSA VI.E", details={"bytes": n, "seconds": n % 3_600}), on


def _entry(body: dict[str, Any]) -> Entry:
    return Entry(
        **{name: body[name] for name in ("actor", "action", "object", "project", "clause", "outcome", "details")}
    )
