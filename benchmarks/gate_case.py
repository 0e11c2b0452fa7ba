"""A large request at the real gate: invented students, what has been released before, and the verdict.

``prepare`` makes an installation in a folder, with data delivered and releases remembered, and writes the requests;
``judge`` is the gate's part, in a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measuring import cpu_seconds, peak_mib
from enclave.agreement import compile_agreement
from enclave.egress import Desk, check
from enclave.egress.memory import Remembered, keep_release
from enclave.ledger import Entry
from enclave.resultant import Column, Delivery, SealedTable, delivery_of, project_key
from enclave.settings import PACKAGED_POLICIES, Settings, defaults
from enclave.store import Store
from enclave.terms import HUB
from enclave.vault import Keystore, KeyVolume, Seal, new_keys, read_private
from enclave.vault.keys import write_keys
from p20kit.counting import tabulate
from p20kit.policy import CellPolicy
from p20kit.progress import silent
from p20kit.project import open_project
from p20kit.protection import Protected, protect
from p20kit.release import request_release
from p20kit.request import read_request

PROJECT, WHO, DAY, SEED = "DR-0034", "wren", date(2022, 6, 1), 20261121
STUDENTS, TOWNS, COUNTIES, YEARS, COHORTS = 500_000, 142, 8, 5, 20
SHARES = (0.5, 0.25, 0.148, 0.07, 0.03, 0.002)
"""Of the categories of a programme: 7 persons of the last one in a town, so that small cells abound."""
REQUESTS = ("linked-5", "linked-10", "linked-20", "apart-5", "apart-10", "apart-20")
"""Tables of one population that share the town; tables of one cohort each, which share nobody."""


@dataclass(frozen=True, eq=False)
class Case:
    """An installation in a folder."""

    home: Path

    @property
    def settings(self) -> Settings:
        """Its settings; what is opened lies on the tmpfs."""
        return Settings.model_validate({**defaults(self.home), "home": self.home})

    @property
    def store(self) -> Store:
        """Its registry, on the day of the benchmark."""
        return Store(self.settings.database, lambda: DAY)

    @property
    def keystore(self) -> Keystore:
        """Its keys."""
        private = self.settings.keys / f"{HUB}.private.json"
        if not private.exists():
            self.settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_keys(new_keys(HUB), self.settings.keys)
        return Keystore(KeyVolume(self.settings.keys), self.settings.sealed / "wraps", read_private(private))


def students() -> pd.DataFrame:
    """Invent the students: town, county, year of entry and cohort, and columns to tabulate by."""
    draw = np.random.default_rng(SEED)
    town = draw.integers(0, TOWNS, STUDENTS)
    columns: dict[str, Any] = {
        "P20ID": [f"{n:013X}" for n in np.sort(draw.choice(2**50, STUDENTS, replace=False))],
        "Town": np.char.mod("Town %03d", town),
        "County": np.char.mod("County %d", draw.integers(0, COUNTIES, STUDENTS)),
        "Year": np.char.mod("%d", 2016 + draw.integers(0, YEARS, STUDENTS)),
        "Cohort": np.char.mod("Cohort %02d", draw.integers(0, COHORTS, STUDENTS)),
    }
    for n in range(20):
        columns[f"Programme{n:02}"] = np.char.mod("Choice %d", draw.choice(len(SHARES), STUDENTS, p=SHARES))
    for n in range(50):
        columns[f"Course{n:02}"] = np.char.mod("Course %d", draw.integers(0, 5, STUDENTS))
    return pd.DataFrame(columns, dtype="str")


def prepare(home: Path) -> dict[str, Any]:
    """Deliver, release and remember, and write the requests; give how large each is."""
    case, frame = Case(home), students()
    case.settings.keys.mkdir(parents=True)
    cells = _open(case, frame)
    for n, persons, by in _releases(frame):
        _remember(case, _asked(home, [_protected(persons, [by], cells, f"before {n}")]), len(persons))
    sizes = {}
    for name in REQUESTS:
        kind, tables = name.split("-")
        parts = _linked(frame, int(tables), cells) if kind == "linked" else _apart(frame, int(tables), cells)
        (home / f"{name}.json").write_bytes(_asked(home, parts))
        sizes[name] = (home / f"{name}.json").stat().st_size
    return {"bytes": sizes}


def judge(home: Path, name: str) -> dict[str, Any]:
    """Let the gate judge a request; CPU time, time and memory of everything but the start of the process."""
    case, content = Case(home), (home / f"{name}.json").read_bytes()
    began, at = cpu_seconds(), time.perf_counter()
    with case.store.view() as view:
        policy = compile_agreement(PACKAGED_POLICIES, PROJECT)
        desk = Desk(view, case.keystore, case.settings, policy, delivery_of(view, PROJECT))
        verdict = check(desk, content, WHO)
    tables = verdict.released.protected.tables if verdict.released else ()
    return {
        "seconds": round(time.perf_counter() - at, 2),
        "cpu": round(cpu_seconds() - began, 2),
        "mib": round(peak_mib()),
        "verdict": verdict.verdict,
        "looks": sorted({finding.rule for finding in verdict.look_at}),
        "findings": [f"{finding.rule} {finding.where} {finding.what}" for finding in verdict.findings[:5]],
        "bytes": len(content),
        "hidden": len(verdict.bounds),
        "cells": sum(int(table.published.sum()) for table in tables),
    }


def _open(case: Case, frame: pd.DataFrame) -> CellPolicy:
    """Seal the data under the project's key, and write what a notebook of the project sees; give its terms."""
    policy = compile_agreement(PACKAGED_POLICIES, PROJECT)
    key, keystore = project_key(PROJECT), case.keystore
    keystore.create(key)
    tables = []
    for name, columns in (("crosswalk", ["P20ID"]), ("sde", list(frame.columns))):
        plain, context = case.home / f"{name}.parquet", f"{PROJECT}|{name}"
        frame[columns].to_parquet(plain, index=False)
        digest = keystore.seal(plain, Seal(case.settings.sealed / key / f"{name}.resultant", key, context))
        plain.unlink()
        described = tuple(Column(column, "SDE", column) for column in columns)
        tables.append(SealedTable(name, f"{key}/{name}.resultant", digest, context, len(frame), described))
    with case.store.transaction() as tx:
        delivery = Delivery(PROJECT, key, "match", len(frame), DAY, tuple(tables))
        tx.write(delivery, Entry("hub", "resultant.deliver", PROJECT, PROJECT, "DSA VI.C"))
    document = {
        "project": PROJECT, "title": "Benchmark", "person": WHO, "expires_on": DAY.isoformat(),
        "policy": policy.terms, "policy_hash": policy.hash, "persons": len(frame), "sees_uc": False, "names": [],
        "tables": {},
    }  # fmt: skip
    (case.home / "project.json").write_text(json.dumps(document), "utf-8")
    return CellPolicy.of(policy.terms)


def _releases(frame: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame, tuple[str, ...]]]:
    """Give what was released before: 30 tables of everybody by county, 20 of a year of entry each by town."""
    for n in range(50):
        if n < 30:
            yield n, frame, ("County", f"Course{n:02}")
        else:
            yield n, frame[frame["Year"] == str(2016 + n % YEARS)], ("Town", f"Course{n:02}")


def _linked(frame: pd.DataFrame, tables: int, cells: CellPolicy) -> list[Protected]:
    return [_protected(frame, [("Town", f"Programme{n:02}") for n in range(tables)], cells, "linked")]


def _apart(frame: pd.DataFrame, tables: int, cells: CellPolicy) -> list[Protected]:
    cohorts = [frame[frame["Cohort"] == f"Cohort {n:02}"] for n in range(tables)]
    return [
        _protected(persons, [("Town", f"Programme{n:02}")], cells, f"cohort {n}") for n, persons in enumerate(cohorts)
    ]


def _protected(persons: pd.DataFrame, tables: Sequence[tuple[str, ...]], cells: CellPolicy, name: str) -> Protected:
    made = [
        tabulate(persons, by, name=f"{name} {n}", sources={column: f"sde.{column}" for column in by})
        for n, by in enumerate(tables)
    ]
    return protect(made, cells, progress=silent)


def _asked(home: Path, parts: Sequence[Protected]) -> bytes:
    """Write a request as a notebook does."""
    path = request_release(
        parts, title="Choices", report="cumulative", questions=["RQ1"], audience="public", population="students",
        project=open_project(home), outbox=home / "outbox",
    )  # fmt: skip
    content = path.read_bytes()
    path.unlink()
    return content


def _remember(case: Case, content: bytes, persons: int) -> None:
    """Let a request count as cleared."""
    digest = hashlib.sha256(content).hexdigest()
    request_id = f"out-{digest[:12]}"
    keep_release(case.keystore, case.settings, PROJECT, request_id, read_request(content), case.home)
    with case.store.transaction() as tx:
        remembered = Remembered(PROJECT, request_id, digest, persons)
        tx.write(remembered, Entry("olga", "egress.remember", request_id, PROJECT, "DSA VI.D.2"))


if __name__ == "__main__":
    step, folder = sys.argv[1], Path(sys.argv[2])
    print(json.dumps(prepare(folder) if step == "prepare" else judge(folder, sys.argv[3])))
