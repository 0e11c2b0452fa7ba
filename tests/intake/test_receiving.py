"""A transmittal becomes a Holding, or is turned away and changes nothing but the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from enclave import intake, people
from enclave.destruction import take_back
from enclave.errors import Invalid, Refused
from enclave.terms import Action
from enclave.vault import Header, new_keys, seal_file

SDE = "SDE.0034.04_11_2022.matching"
DOL = "DOL.0034.04_11_2022.matching"
WAGES = "DOL.0034.04_11_2022.analytical"


def rules(error: Any) -> list[str]:
    return [finding.rule for finding in error.findings]


def test_an_accepted_file_is_held_sealed_and_entered(world: Any) -> None:
    rows = world.people("SDE", 40)
    held = world.send(SDE, rows)

    assert (held.source, held.contents, held.rows) == ("SDE", "matching", 40)
    assert held.key_id == f"match-DR-0034.{held.id}"
    assert held.elements == ("SASID", "FirstName", "MiddleName", "LastName", "DOB", "Gender")
    assert (held.as_of, held.received_on) == (date(2022, 4, 11), date(2022, 4, 20))
    assert world.opened() == []
    with world.store.view() as view:
        assert intake.holdings(view, "DR-0034") == [held]
        (entry,) = view.entries(action="intake.receive")
    assert (entry["actor"], entry["object"], entry["project"]) == ("hub-staff-1", held.id, "DR-0034")
    assert entry["details"]["source"] == "SDE"
    assert entry["details"]["rows"] == 40
    assert entry["details"]["elements"] == list(held.elements)

    target = world.root / "opened.parquet"
    intake.open_holding(world.keystore, world.settings, held, target)
    table = pq.read_table(target)
    assert {str(column.type) for column in table.schema} == {"string"}
    back = [[value or "" for value in row.values()] for row in table.to_pylist()]
    assert [table.column_names, *back] == rows


def test_each_file_has_a_key_of_its_own_of_the_match_or_of_the_project(world: Any) -> None:
    people = world.people("DOL", 30)
    matching, analytical = world.send(DOL, people), world.send(WAGES, world.wages(people))
    keys = [f"match-DR-0034.{matching.id}", f"project-DR-0034.{analytical.id}"]
    assert [matching.key_id, analytical.key_id] == keys == world.keystore.named()
    world.keystore.shred(matching.key_id)
    with pytest.raises(Refused):
        intake.open_holding(world.keystore, world.settings, matching, world.root / "a.parquet")
    intake.open_holding(world.keystore, world.settings, analytical, world.root / "b.parquet")


def test_one_holding_does_not_open_in_anothers_place(world: Any) -> None:
    one, two = world.send(SDE, world.people("SDE", 20)), world.send(DOL, world.people("DOL", 20))
    sealed = world.settings.sealed
    (sealed / two.sealed).write_bytes((sealed / one.sealed).read_bytes())
    with pytest.raises(Refused):
        intake.open_holding(world.keystore, world.settings, two, world.root / "a.parquet")
    posing = replace(two, sealed=one.sealed, sha256=one.sha256)  # even where the record was changed as well
    with pytest.raises(Refused):
        intake.open_holding(world.keystore, world.settings, posing, world.root / "b.parquet")


def test_what_is_missing_before_a_match(world: Any) -> None:
    with world.store.view() as view:
        before = intake.missing(view, world.policy)
    world.send(SDE, world.people("SDE", 20))
    world.send("LEA-HAMDEN.0034.04_11_2022.finder", [["SASID", "FLAG_MP2021"], ["0123456789", "1"]])
    with world.store.view() as view:
        after = intake.missing(view, world.policy)
    assert set(before) - set(after) == {("SDE", "matching"), ("LEA-HAMDEN", "finder")}
    assert ("DOL", "matching") in after


def test_one_altered_bit(world: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    whole = bytearray(sealed.read_bytes())
    for place in (len(whole) // 2, len(whole) - 40):
        altered = bytearray(whole)
        altered[place] ^= 1
        sealed.write_bytes(altered)
        assert rules(world.turned_away(sealed, Refused))[0].startswith("sealed-")
    sealed.write_bytes(whole)
    assert world.receive(sealed).rows == 20


def test_signed_by_the_wrong_agency(world: Any) -> None:
    plain = world.write(SDE, world.people("SDE", 20))
    assert rules(world.turned_away(world.seal(plain, sender=new_keys("SDE")), Refused)) == ["sender-key"]

    class Impostor:
        """DOL's keys under SDE's name and fingerprint."""

        owner = "SDE"
        public = world.parties["SDE"].public
        signs = staticmethod(world.parties["DOL"].signs)

    assert rules(world.turned_away(world.seal(plain, sender=Impostor()), Refused)) == ["sealed-signature"]


def test_sealed_to_another_hub(world: Any) -> None:
    plain = world.write(SDE, world.people("SDE", 20))
    assert rules(world.turned_away(world.seal(plain, hub=new_keys("DOL-HUB").public), Refused)) == ["destination"]


def test_replayed(world: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    held = world.receive(sealed)
    assert rules(world.turned_away(sealed, Refused)) == ["replayed"]
    take_back(world.store, world.keystore, world.settings, world.admission(), held.id)
    assert rules(world.turned_away(sealed, Refused)) == ["replayed"]


def test_a_second_file_in_the_place_of_one_held(world: Any) -> None:
    held = world.send(SDE, world.people("SDE", 20))
    better = world.seal(world.write("SDE.0034.04_18_2022.matching", world.people("SDE", 21)))
    assert rules(world.turned_away(better, Refused)) == ["already-held"]
    take_back(world.store, world.keystore, world.settings, world.admission(), held.id)
    assert not (world.settings.sealed / held.sealed).exists()
    assert world.receive(better).rows == 21


def test_for_another_data_request(world: Any) -> None:
    other = world.agree("DR-0035")
    sealed = world.seal(world.write("SDE.0035.04_11_2022.matching", world.people("SDE", 20)), policy=other)
    assert "project" in rules(world.turned_away(sealed, Refused))
    assert world.receive(sealed, "DR-0035").project == "DR-0035"


def test_of_an_agency_that_is_no_party(world: Any) -> None:
    keys = world.register("CSCU")
    header = manifest(world, keys, source="CSCU", name="CSCU.0034.04_11_2022.matching")
    plain = world.write("CSCU.0034.04_11_2022.matching", world.people("SDE", 5))
    sealed = seal_file(plain, world.root / "CSCU.0034.04_11_2022.matching.sealed", header, keys, world.hub.public)
    assert rules(world.turned_away(sealed, Refused)) == ["file-expected"]


def test_of_a_sender_nobody_knows(world: Any) -> None:
    keys = new_keys("UNKNOWN")
    header = manifest(world, keys, source="Fay Quimby", name="Fay Quimby.txt", id="../../Fay")
    sealed = seal_file(world.write("x", [["a"]]), world.root / "Fay.sealed", header, keys, world.hub.public)
    found = rules(world.turned_away(sealed, Refused))
    assert found == ["sender-known", "transmittal-id", "file-name", "file-expected"]


@pytest.mark.parametrize(("day", "rule"), [(date(2023, 6, 1), "project-end"), (date(2022, 3, 1), "effective")])
def test_when_the_agreement_is_not_in_force(world: Any, day: date, rule: str) -> None:
    sealed, admission = (
        world.seal(world.write(SDE, world.people("SDE", 20)), as_of=date(2022, 2, 1)),
        world.admission(),
    )
    world.today[0] = day
    assert rules(world.turned_away(sealed, Refused, admission)) == [rule]
    with pytest.raises(Refused) as caught:
        world.admission()
    assert rule in rules(caught.value)


@pytest.mark.parametrize(("person", "rule"), [("operator", "not-listed"), ("for-sde", "role")])
def test_who_is_not_of_the_hubs_staff_receives_nothing_and_enters_no_keys(world: Any, person: str, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        world.admission(person=person)
    assert rule in rules(caught.value)
    with pytest.raises(Refused) as caught, world.store.transaction() as tx:
        intake.register_key(tx, new_keys("SDE").public, person)
    assert rules(caught.value) == ["spokesman"]


def test_an_admission_to_something_else_receives_nothing(world: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    assert rules(world.turned_away(sealed, Refused, world.admission(person="for-sde", action=Action.DECIDE))) == [
        "admission"
    ]


def test_when_the_project_is_held(world: Any) -> None:
    admission = world.admission()
    with world.store.transaction() as tx:
        people.place(tx, people.Hold("DR-0034", "destruction of DR-0034", date(2022, 4, 20), "DSA VI.H", "opm"))
    sealed = world.seal(world.write("SDE.0034.04_11_2022.matching", world.people("SDE", 5)))
    error = world.turned_away(sealed, Refused, admission)
    assert [(f.rule, f.clause) for f in error.findings] == [("suspended", "DSA VI.H")]


def test_data_of_the_future(world: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)), as_of=date(2022, 5, 1))
    assert rules(world.turned_away(sealed, Refused)) == ["as-of"]


def test_what_is_no_sealed_file(world: Any) -> None:
    assert rules(world.turned_away(world.write("Fay_Quimby.txt", world.people("SDE", 3)), Refused)) == [
        "sealed-format"
    ]
    assert rules(world.turned_away(world.root / "absent", Invalid)) == ["sealed-format"]


def test_a_manifest_that_miscounts(world: Any) -> None:
    keys, plain = world.parties["SDE"], world.write(SDE, world.people("SDE", 20))
    header = manifest(world, keys, source="SDE", name=SDE, rows=21)
    sealed = seal_file(plain, world.root / f"{SDE}.sealed", header, keys, world.hub.public)
    assert rules(world.turned_away(sealed, Invalid)) == ["row-count"]


def manifest(world: Any, keys: Any, **changed: Any) -> Header:
    given: dict[str, Any] = {
        "id": "3f1c2b9a-0000-4000-8000-000000000001",
        "source_key": keys.public.fingerprint,
        "destination": "DOL-HUB",
        "destination_key": world.hub.public.fingerprint,
        "project": "DR-0034",
        "contents": "matching",
        "elements": ("SASID", "FirstName", "MiddleName", "LastName", "DOB", "Gender"),
        "rows": 20,
        "as_of": date(2022, 4, 11),
        "created": datetime(2022, 4, 11, tzinfo=UTC),
    }
    return Header(**{**given, **changed})


def test_an_agency_cannot_seal_what_is_wrongly_named_or_has_no_header_line(world: Any) -> None:
    people = world.people("SDE", 3)
    for name in ("SDE.34.04_11_2022.matching", "SDE.0034.2022_04_11.matching", "SDE.0034.02_31_2022.matching"):
        with pytest.raises(Invalid):
            world.seal(world.write(name, people), sender=world.parties["SDE"])
    with pytest.raises(Refused):
        world.seal(world.write("SDE.0036.04_11_2022.matching", people))
    with pytest.raises(Refused):
        world.seal(world.write("DOL.0034.04_11_2022.matching", people), sender=world.parties["SDE"])
    with pytest.raises(Invalid) as caught:
        world.seal(world.write(SDE, people[1:]))
    assert rules(caught.value) == ["no-header"]
    assert people[1][4] not in str(caught.value)
    assert not list(Path(world.root).glob("out*/*"))
