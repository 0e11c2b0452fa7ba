"""A large transmittal at the real intake: invented people, sealed by their agency, taken in with every check.

``prepare`` makes a hub and an agency in a folder and seals the agency's file; ``receive`` is the hub's part, in a
process of its own, so that its memory can be told; ``read`` is the peer's: DuckDB counts the same file's values.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import yaml

from benchmarks.measuring import cpu_seconds, peak_mib
from enclave import intake
from enclave.agreement import Policy, compile_agreement
from enclave.people import may
from enclave.settings import PACKAGED_POLICIES, Settings, defaults
from enclave.store import Store
from enclave.terms import GENERIC_ID, HUB, Action
from enclave.vault import Keystore, KeyVolume, new_keys, read_private
from enclave.vault.keys import write_keys
from p20kit.synthetic.files import file_name, write_rows
from p20kit.synthetic.tables import names, table
from tests.parties import bring_into_force, staff

PROJECT, AGENCY, WHO, DAY, SEED = "DR-0098", "SDE", "hub-staff", date(2022, 4, 20), 20261122
PIECE = 100_000
YES_NO = {"kind": "code", "codes": ["Y", "N"]}
DATE = {"kind": "date"}
ELEMENTS: dict[str, dict[str, Any]] = {
    "SASID": {"links_as": "sasid", "pattern": r"\d{10}"},
    "SSN": {"links_as": "ssn", "pattern": r"\d{9}"},
    "FirstName": {"links_as": "first_name"},
    "MiddleName": {"links_as": "middle_name"},
    "LastName": {"links_as": "last_name"},
    "DOB": {"links_as": "dob", **DATE},
    "Gender": {"links_as": "sex", "kind": "code", "codes": ["M", "F", "U"]},
    "FormerLastName": {},
    "Street": {},
    "Town": {},
    "PostalCode": {"pattern": r"\d{5}"},
    "District": {},
    "School": {},
    "Grade": {"kind": "code", "codes": [f"{grade:02}" for grade in range(1, 13)]},
    "EntryDate": DATE,
    "ExitDate": DATE,
    "ExitReason": {"kind": "code", "codes": ["graduated", "transferred", "left", "enrolled"]},
    "ELL": YES_NO,
    "SpecialEd": YES_NO,
    "FreeReducedLunchEligible": YES_NO,
    "HispanicOrLatino": YES_NO,
    "Asian": YES_NO,
    "White": YES_NO,
    "DaysPresent": {"kind": "integer"},
    "DaysAbsent": {"kind": "integer"},
    "MathScore": {"kind": "integer", "pattern": r"\d{3}"},
    "ReadingScore": {"kind": "integer", "pattern": r"\d{3}"},
    "Fees": {"kind": "money"},
    "Remark": {},
}
"""Thirty columns with the generic identifier: numbers, names, dates, codes, amounts and free text."""
REMARKS = ("", "", "", "record confirmed by the school", "late entry, see letter", "moved during the year")


@dataclass(frozen=True, eq=False)
class Case:
    """A hub and an agency in a folder."""

    home: Path

    @property
    def settings(self) -> Settings:
        """Its settings; what is opened lies on the tmpfs."""
        return Settings.model_validate({**defaults(self.home), "home": self.home, "policies": self.home / "policies"})

    @property
    def store(self) -> Store:
        """Its registry, on the day of the benchmark."""
        return Store(self.settings.database, lambda: DAY)

    @property
    def policy(self) -> Policy:
        """The agreement of the benchmark."""
        return compile_agreement(self.settings.policies, PROJECT)

    def name(self, contents: str) -> str:
        """Name a file of the agency."""
        return file_name(AGENCY, PROJECT.removeprefix("DR-"), DAY, contents)


def prepare(home: Path, contents: str, rows: int) -> dict[str, Any]:
    """Bring an agreement into force, write the agency's file, and seal it; give its size."""
    case = Case(home)
    home.mkdir(parents=True)
    _agree(case, contents)
    for owner in (HUB, AGENCY):
        write_keys(new_keys(owner), case.settings.keys)
    agency, hub = (read_private(case.settings.keys / f"{owner}.private.json") for owner in (AGENCY, HUB))
    with case.store.transaction() as tx:
        bring_into_force(tx, case.policy)
        staff(tx, PROJECT, WHO)
        intake.register_key(tx, agency.public, WHO)
    plain = home / case.name(contents)
    write_rows(plain, pieces(rows))
    intake.seal_transmittal(
        plain, policy=case.policy, sender=agency, hub=hub.public, as_of=DAY, out=home, created=datetime.now(UTC)
    )
    return {"bytes": plain.stat().st_size}


def receive(home: Path, contents: str) -> dict[str, Any]:
    """Take the file in; give seconds, CPU seconds, and the memory of the process and of what it opened."""
    case = Case(home)
    hub = read_private(case.settings.keys / f"{HUB}.private.json")
    keystore = Keystore(KeyVolume(case.settings.keys), case.settings.sealed / "wraps", hub)
    sealed = home / f"{case.name(contents)}.sealed"
    store, begun, cpu = case.store, time.perf_counter(), cpu_seconds()
    with store.view() as view:
        admission = may(view, WHO, Action.RECEIVE, PROJECT)
    with _watched(case.settings.runtime) as held_at_once:
        held = intake.receive(store, keystore, case.settings, hub, sealed, admission)
    return {
        "rows": held.rows, "wall": round(time.perf_counter() - begun, 2), "cpu": round(cpu_seconds() - cpu, 2),
        "mib": round(peak_mib()), "together": round(max(held_at_once) / 2**20),
    }  # fmt: skip


def read(home: Path, contents: str) -> dict[str, Any]:
    """Let DuckDB read every value of the open file as text and count them; give seconds, CPU seconds and memory."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in (GENERIC_ID, *ELEMENTS))
    counts = ", ".join(f'count("{name}")' for name in (GENERIC_ID, *ELEMENTS))
    begun, cpu = time.perf_counter(), cpu_seconds()
    duckdb.execute(
        f"select count(*), {counts} from read_csv('{home / Case(home).name(contents)}', delim = '\t', header = true,"
        f" auto_detect = false, columns = {{{columns}}}, quote = '', escape = '', nullstr = '')"
    ).fetchall()
    return {
        "wall": round(time.perf_counter() - begun, 2), "cpu": round(cpu_seconds() - cpu, 2), "mib": round(peak_mib())
    }  # fmt: skip


def pieces(rows: int) -> Iterator[pa.Table]:
    """Invent people, some thousand at a time; no number, and no generic identifier, is given twice."""
    draw = np.random.default_rng(SEED)
    letters = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype="S1")
    numbers = draw.permutation(rows) + 100_000_000
    for start in range(0, rows, PIECE):
        count = min(PIECE, rows - start)
        drawn = letters[draw.integers(0, 32, (count, 16))].view("S16").ravel().astype(str)
        number = numbers[start : start + count]
        columns = {GENERIC_ID: np.char.add(f"{AGENCY}-", drawn), **_person(draw, number), **_record(draw, count)}
        yield pa.table({name: pa.array(columns[name], type=pa.string()) for name in (GENERIC_ID, *ELEMENTS)})


def _person(draw: np.random.Generator, number: Any) -> dict[str, Any]:
    count, pool, towns = len(number), names(), table("towns")["town"].to_numpy(str)
    given, surnames = pool.given.astype(str), pool.surnames.astype(str)
    street = np.char.add(np.char.mod("%d ", draw.integers(1, 2_000, count)), draw.choice(surnames, count))
    return {
        "SASID": np.char.mod("%010d", number * 7),
        "SSN": np.char.mod("%09d", number),
        "FirstName": draw.choice(given, count),
        "MiddleName": np.where(draw.random(count) < 0.3, "", draw.choice(given, count)),
        "LastName": draw.choice(surnames, count),
        "DOB": _days(draw, count, "1985-01-01", 9_000),
        "Gender": draw.choice(["M", "F", "U"], count),
        "FormerLastName": np.where(draw.random(count) < 0.8, "", draw.choice(surnames, count)),
        "Street": np.char.add(street, " Street"),
        "Town": draw.choice(towns, count),
        "PostalCode": np.char.mod("0%04d", draw.integers(6_000, 7_000, count)),
    }


def _record(draw: np.random.Generator, count: int) -> dict[str, Any]:
    towns = table("towns")["town"].to_numpy(str)
    coded = {name: draw.choice(about["codes"], count) for name, about in ELEMENTS.items() if "codes" in about}
    whole = {name: np.char.mod("%d", draw.integers(0, 180, count)) for name in ("DaysPresent", "DaysAbsent")}
    scores = {name: np.char.mod("%d", draw.integers(200, 800, count)) for name in ("MathScore", "ReadingScore")}
    return {
        **coded, **whole, **scores,
        "District": np.char.add(draw.choice(towns, count), " School District"),
        "School": np.char.add(draw.choice(towns, count), " High School"),
        "EntryDate": _days(draw, count, "2010-08-15", 3_000),
        "ExitDate": _days(draw, count, "2018-06-01", 1_200),
        "Fees": np.char.mod("%.2f", draw.integers(0, 200_000, count) / 100),
        "Remark": draw.choice(REMARKS, count),
    }  # fmt: skip


def _days(draw: np.random.Generator, count: int, first: str, days: int) -> Any:
    drawn = np.datetime64(first) + draw.integers(0, days, count)
    return np.char.replace(drawn.astype("datetime64[D]").astype(str), "-", "")


def _agree(case: Case, contents: str) -> None:
    """Write an agreement that approves the elements of the file; in a matching file all of them for matching."""
    agreements, agencies = (case.settings.policies / name for name in ("agreements", "agencies"))
    agreements.mkdir(parents=True)
    agencies.symlink_to(PACKAGED_POLICIES / "agencies")
    body = yaml.safe_load((PACKAGED_POLICIES / "agreements" / "DR-0034.yaml").read_text("utf-8"))
    definition = {"definition": "Invented.", "matching": contents == "matching"}
    body["elements"][AGENCY] = [{"name": name, **definition, **about} for name, about in ELEMENTS.items()]
    layout = {"agency": AGENCY, "contents": contents, "elements": [*ELEMENTS], "unique": [GENERIC_ID]}
    body["files"] = [layout, *(known for known in body["files"] if known["agency"] != AGENCY)]
    body |= {"dr": PROJECT, "match_groups": [], "schools": []}
    (agreements / f"{PROJECT}.yaml").write_text(yaml.safe_dump(body), "utf-8")


@contextmanager
def _watched(folder: Path) -> Iterator[list[int]]:
    """Give, from time to time, the bytes of this process and of the files in a folder, which is memory as well."""
    taken, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            own = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
            taken.append(own + sum(_bytes(path) for path in folder.rglob("*")))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:  # it was read, and is gone
        return 0


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"prepare": prepare, "receive": receive, "read": read}

if __name__ == "__main__":
    step, home, contents, *more = sys.argv[1:]
    print(json.dumps(STEPS[step](Path(home), contents, *map(int, more))))
