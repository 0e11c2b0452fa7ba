"""Generic identifiers bear no resemblance to any identifier, and serve one project only (EM XII.B)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from enclave.errors import Refused

DOL = "DOL.0034.04_11_2022.matching"


def b32(digest: bytes) -> str:
    return base64.b32encode(digest).decode()[:16]


def draw(row: list[str], digits: int) -> str:
    """Give a number in base32, as someone may who thinks that hides it."""
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[int(d)] for d in row[1].zfill(digits))


RESEMBLING: dict[str, tuple[str, Callable[[list[str]], str]]] = {
    "the SSN itself": ("generic-id-contains", lambda row: row[1]),
    "the SSN backwards": ("generic-id-contains", lambda row: row[1][::-1]),
    "the SSN among letters": ("generic-id-contains", lambda row: "A".join(row[1])),
    "a date of birth": ("generic-id-contains", lambda row: f"{row[1][::-1]}{row[5]}"),
    "a last name": ("generic-id-contains", lambda row: f"{row[4].upper()}{b32(row[0].encode())}"[:16]),
    "four letters of a last name": ("generic-id-contains", lambda row: f"{row[4][:4].upper()}{row[0][8:]}"[:16]),
    "MD5 in hex": ("generic-id-hash", lambda row: hashlib.md5(row[1].encode()).hexdigest()),
    "SHA-256 in hex, cut": ("generic-id-hash", lambda row: hashlib.sha256(row[1].encode()).hexdigest()[:16].upper()),
    "SHA-1 in base32, cut": ("generic-id-hash", lambda row: b32(hashlib.sha1(row[1].encode()).digest())),
    "SHA-256 of a dashed SSN": (
        "generic-id-hash",
        lambda row: b32(hashlib.sha256(f"{row[1][:3]}-{row[1][3:5]}-{row[1][5:]}".encode()).digest()),
    ),
    "SHA-256 in base64": (
        "generic-id-hash",
        lambda row: base64.b64encode(hashlib.sha256(row[1].encode()).digest()).decode(),
    ),
    "SHA-256 of names and birth": (
        "generic-id-hash",
        lambda row: b32(hashlib.sha256(f"{row[2]}{row[4]}{row[5]}".upper().encode()).digest()),
    ),
    "a number written in letters": ("generic-id-order", lambda row: draw(row, 16)),
}


@pytest.mark.parametrize("how", RESEMBLING)
def test_an_identifier_in_disguise_is_refused(world: Any, how: str) -> None:
    rule, disguise = RESEMBLING[how]
    rows = world.people("DOL", 60)
    for row in rows[1:]:
        row[0] = f"DOL-{disguise(row)}"
    error = world.turned_away(world.seal(world.write(DOL, rows)), Refused)
    found = [finding for finding in error.findings if finding.rule == rule]
    assert found, [finding.rule for finding in error.findings]
    assert {finding.clause for finding in found} == {"EM XII.B"}
    assert not [row[1] for row in rows[1:] if row[1] in str(error)]


@pytest.mark.parametrize(
    "how", ["the SSN itself", "MD5 in hex", "SHA-1 in base32, cut", "four letters of a last name"]
)
def test_one_such_identifier_among_many_is_found(world: Any, how: str) -> None:
    rule, disguise = RESEMBLING[how]
    rows = world.people("DOL", 200)
    rows[100][0] = f"DOL-{disguise(rows[100])}"
    error = world.turned_away(world.seal(world.write(DOL, rows)), Refused)
    assert [f.where for f in error.findings if f.rule == rule] == [f"{DOL}, line 101"]


def test_another_agencys_prefix_or_none(world: Any) -> None:
    rows = world.people("DOL", 30)
    rows[1][0] = rows[1][0].replace("DOL-", "SDE-")
    rows[2][0] = rows[2][0].replace("DOL-", "")
    error = world.turned_away(world.seal(world.write(DOL, rows)), Refused)
    assert [(f.rule, f.where) for f in error.findings] == [("generic-id-form", f"{DOL}, line 2, 3")]


def test_identifiers_drawn_along_a_sorted_list(world: Any) -> None:
    rows = world.people("DOL", 300)
    ids = sorted(row[0] for row in rows[1:])
    people = sorted(rows[1:], key=lambda row: row[5])
    for row, generic_id in zip(people, ids, strict=True):
        row[0] = generic_id
    error = world.turned_away(world.seal(world.write(DOL, [rows[0], *people])), Refused)
    assert [finding.rule for finding in error.findings] == ["generic-id-order"]


def test_random_identifiers_pass_even_where_four_letters_meet_by_chance(world: Any) -> None:
    rows = world.people("DOL", 20_000)
    meets = sum(row[4][:4].upper() in row[0] for row in rows[1:])
    assert meets > 0, "choose another seed: this test wants a chance meeting"
    assert world.send(DOL, rows).rows == 20_000


def test_identifiers_of_another_project_are_refused(world: Any) -> None:
    people = world.people("DOL", 30)
    held = world.send(DOL, people)
    other = world.agree("DR-0035")
    fresh = world.people("DOL", 30)
    fresh[7][0] = people[7][0]
    sealed = world.seal(world.write("DOL.0035.04_11_2022.matching", fresh), policy=other)
    error = world.turned_away(sealed, Refused, "DR-0035")
    assert [(f.rule, f.what) for f in error.findings] == [
        ("generic-id-reused", "1 generic identifiers were used for DR-0034")
    ]
    kept = b"".join(path.read_bytes() for path in world.settings.home.glob("generic-ids/**/*.ids"))
    assert len(kept) == 30 * 8
    assert people[7][0].encode() not in kept
    assert held.rows == 30


def test_a_persons_identifier_is_the_same_in_both_files_of_a_project(world: Any) -> None:
    people = world.people("DOL", 30)
    world.send(DOL, people)
    assert world.send("DOL.0034.04_11_2022.analytical", world.wages(people)).rows == 60
