"""What a manifest says of a file, and what is recorded of how it came: consent, specification, algorithm, channel."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from enclave import intake
from enclave.errors import Refused
from enclave.intake.specifications import specification_findings
from enclave.vault import ALGORITHM, Consent, new_keys, seal_file
from tests.intake.test_receiving import SDE, manifest, rules

LIST = "SDE.0034.04_19_2022.withdrawn"


def received(world: Any) -> dict[str, Any]:
    """Give the details of the newest file's entry."""
    with world.store.view() as view:
        *_, entry = view.entries(action="intake.receive")
    return dict(entry["details"])


def ids_of(rows: list[list[str]]) -> list[list[str]]:
    return [row[:1] for row in rows]


def test_what_the_agency_says_of_consent_is_kept(world: Any) -> None:
    held = world.receive(world.seal(world.write(SDE, world.people("SDE", 20)), consent=Consent.OBTAINED))
    assert held.consent == "obtained" == received(world)["consent"]
    held = world.send("DOL.0034.04_11_2022.matching", world.people("DOL", 20))
    assert held.consent == "not required" == received(world)["consent"]


def test_lists_of_withdrawals_are_taken_day_by_day_and_are_no_files_of_the_match(world: Any) -> None:
    people = world.people("SDE", 20)
    world.send(SDE, people)
    first = world.send(LIST, ids_of(people[:3]))
    second = world.send("SDE.0034.04_20_2022.withdrawn", ids_of([people[0], people[7]]))
    with world.store.view() as view:
        assert intake.withdrawals(view, "DR-0034") == [first, second]
        assert [held.name for held in intake.holdings(view, "DR-0034")] == [SDE]
    assert (first.rows, first.elements, first.key_id) == (2, (), f"match-DR-0034.{first.id}")


@pytest.mark.parametrize(
    ("case", "rule"),
    [("nobody's", "list-unknown-id"), ("another's", "generic-id-form"), ("more", "element-not-approved")],
)
def test_a_list_names_persons_of_the_file_that_is_held_and_nothing_else(world: Any, case: str, rule: str) -> None:
    people = world.people("SDE", 20)
    world.send(SDE, people)
    rows = ids_of(people[:3])
    if case == "nobody's":
        rows[1] = [world.generic_id("SDE")]
    elif case == "another's":
        rows[1] = [world.generic_id("DOL")]
    else:
        rows = [row[:2] for row in people[:3]]
    assert rule in rules(world.turned_away(world.seal(world.write(LIST, rows)), Refused))


def test_a_list_without_a_file_is_turned_away(world: Any) -> None:
    sealed = world.seal(world.write(LIST, ids_of(world.people("SDE", 2))))
    assert rules(world.turned_away(sealed, Refused)) == ["list-without-file"]


def test_a_school_sends_no_list(world: Any) -> None:
    with pytest.raises(Refused):
        world.seal(world.write("LEA-HAMDEN.0034.04_19_2022.withdrawn", [["GenericID"], ["LEA-HAMDEN-A"]]))


@pytest.mark.parametrize(
    ("named", "today", "said"),
    [
        ("2021", date(2022, 6, 30), []),
        ("2021", date(2022, 7, 1), ["specification"]),
        ("2022", date(2030, 1, 1), []),
        ("2020", date(2022, 1, 1), ["specification"]),
    ],
)
def test_a_version_of_the_specification_is_taken_until_its_last_day(named: str, today: date, said: list[str]) -> None:
    known = {"2021": date(2022, 6, 30), "2022": None}
    assert [finding.rule for finding in specification_findings(named, today, known)] == said


def test_a_file_of_an_unknown_specification_is_turned_away(world: Any) -> None:
    keys, plain = world.parties["SDE"], world.write(SDE, world.people("SDE", 20))
    header = manifest(world, keys, source="SDE", name=SDE, specification="P20WIN-files/1999")
    sealed = seal_file(plain, world.root / f"{SDE}.sealed", header, keys, world.hub.public)
    assert rules(world.turned_away(sealed, Refused)) == ["specification"]
    world.send(SDE, world.people("SDE", 20))
    assert received(world)["specification"] == "P20WIN-files/2022"


def test_the_algorithm_agreed_with_an_agency_is_recorded_and_no_other_is(world: Any) -> None:
    with world.store.view() as view:
        known = intake.sender_key(view, "SDE")
        assert known is not None and known.algorithm == ALGORITHM
        assert [e["details"]["algorithm"] for e in view.entries(action="intake.register-key")] == [ALGORITHM] * 3
    with pytest.raises(Refused) as caught, world.store.transaction() as tx:
        intake.register_key(tx, new_keys("CSCU").public, "hub-staff-1", "ROT13")
    assert rules(caught.value) == ["algorithm"]


def test_keys_are_taken_with_the_fingerprint_that_was_read_out_and_with_no_other(world: Any) -> None:
    keys = new_keys("CSCU").public
    for heard in ("", keys.fingerprint[:-1], new_keys("CSCU").public.fingerprint):
        with pytest.raises(Refused) as caught, world.store.transaction() as tx:
            intake.register_key(tx, keys, "hub-staff-1", heard=heard)
        assert rules(caught.value) == ["fingerprint"]
    spoken = " ".join(keys.fingerprint[n : n + 4] for n in range(0, 64, 4)).upper()
    with world.store.transaction() as tx:
        assert intake.register_key(tx, keys, "hub-staff-1", heard=spoken).fingerprint == keys.fingerprint


def test_by_which_channel_a_file_came_is_recorded(world: Any) -> None:
    people = world.people("DOL", 20)
    inbox = world.settings.home / "inbox" / "SDE"
    inbox.mkdir(parents=True)
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    arrived = sealed.rename(inbox / sealed.name)
    taken = world.store, world.keystore, world.settings, world.hub
    held = intake.receive(*taken, arrived, world.admission(), intake.Channel.VPN)
    assert held.channel == "sftp" == received(world)["channel"]
    sealed = world.seal(world.write("DOL.0034.04_11_2022.matching", people))
    held = intake.receive(*taken, sealed, world.admission(), intake.Channel.VPN)
    assert held.channel == "vpn" == received(world)["channel"]
    held = world.send("DOL.0034.04_11_2022.analytical", world.wages(people))
    assert held.channel == "handed over"
