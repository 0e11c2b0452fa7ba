"""What an agency sent goes back to it alone, in the form it was sent in, while the hub still holds it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from enclave import intake, people
from enclave.errors import Refused
from enclave.people import Listing, Person
from enclave.terms import Action, Role
from enclave.vault import unseal_file
from tests.intake.test_receiving import DOL, SDE, WAGES, rules

DR, NOW = "DR-0034", datetime(2022, 4, 21, 14, tzinfo=UTC)


@pytest.fixture
def held(world: Any) -> Any:
    """A hub that holds a file of SDE, and olga of the Operating Group."""
    with world.store.transaction() as tx:
        known = Person("olga", "Invented olga", "Staff", "OPM", "olga@example.org", "555-0100", True)
        people.enlist(tx, known, Listing("olga", DR, Role.OPM, "office"), "opm")
    world.sent = world.write(SDE, world.people("SDE", 30))
    world.receive(world.seal(world.sent))
    return world


def given_back(world: Any, agency: str, action: Action = Action.DESTROY) -> intake.Returned:
    with world.store.view() as view:
        admission = people.may(view, "olga", action, DR)
    tools = world.store, world.keystore, world.settings, world.hub
    return intake.give_back(*tools, admission, agency, world.root / "returned", NOW)


def key_of(world: Any, agency: str) -> str:
    with world.store.view() as view:
        return next(h.key_id for h in intake.holdings(view, DR) if (h.source, h.contents) == (agency, "matching"))


def test_the_file_comes_back_as_it_was_sent_for_its_agency_alone(held: Any) -> None:
    (sealed,) = given_back(held, "SDE").files
    header = unseal_file(sealed, held.root / "back", held.parties["SDE"], held.hub.public)
    assert (held.root / "back").read_bytes() == held.sent.read_bytes()
    assert (header.source, header.destination, header.name, header.rows) == ("DOL-HUB", "SDE", SDE, 30)
    with pytest.raises(Refused):
        unseal_file(sealed, held.root / "other", held.parties["DOL"], held.hub.public)
    with held.store.view() as view:
        (entry,) = view.entries(action="intake.return")
        assert (entry["actor"], entry["details"]["destination"]) == ("olga", "SDE")
        assert len(intake.holdings(view, DR)) == 1
    assert list(held.settings.runtime.glob("scratch*/*")) == []


def test_nothing_is_given_that_is_not_held_or_not_to_be_opened_any_more(held: Any) -> None:
    with pytest.raises(Refused) as caught:
        given_back(held, "DOL")
    assert rules(caught.value) == ["return"]
    with pytest.raises(Refused) as caught:
        given_back(held, "SDE", Action.CHECK)
    assert rules(caught.value) == ["admission"]
    held.keystore.shred(key_of(held, "SDE"))
    with pytest.raises(Refused) as caught:
        given_back(held, "SDE")
    assert rules(caught.value) == ["return"] and SDE in str(caught.value)
    assert not list((held.root / "returned").glob("*"))
    with held.store.view() as view:
        assert len(list(view.entries(action="intake.refuse-return"))) == 3


def test_what_is_destroyed_is_named_and_the_rest_goes_back(held: Any) -> None:
    """Match data are gone ten business days after a match, and the agency asks for everything after that."""
    people = held.people("DOL", 20)
    held.send(DOL, people)
    analytical = held.send(WAGES, held.wages(people))
    held.keystore.shred(key_of(held, "DOL"))
    returned = given_back(held, "DOL")
    assert returned.destroyed == (DOL,)
    assert [path.name for path in returned.files] == [f"{analytical.id}.{WAGES}.returned.sealed"]
    with held.store.view() as view:
        assert [entry["object"] for entry in view.entries(action="intake.return")] == [analytical.id]


def test_a_return_that_is_not_made_is_not_entered(held: Any) -> None:
    with held.store.view() as view:
        (kept,) = intake.holdings(view, DR)
    (held.settings.sealed / kept.sealed).write_bytes(b"spoilt")
    with pytest.raises(Refused):
        given_back(held, "SDE")
    with held.store.view() as view:
        assert list(view.entries(action="intake.return")) == []
