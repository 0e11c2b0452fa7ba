"""A project's page shows how the security controls stood when last looked at, and which role may do what."""

from __future__ import annotations

import pytest

from enclave import controls
from enclave.controls import Control, Evidence, Standing
from enclave.terms import Role
from enclave.web.access import MAY_LOOK
from tests.unit.access import MAY
from tests.web.browser import Browser
from tests.web.world import PROJECT, World


def looked(world: World, *holds: bool | None) -> None:
    """Look at controls of which one holds, deviates, or is proven by tests alone (None)."""
    found = []
    for number, held in enumerate(holds):
        control = Control(id=f"c{number}", does=f"It does {number}.", r2=("3.1.1",), by=(), proven=())
        evidence = {} if held is None else {"look": Evidence(held, f"found {number}", "Mend `it <b>`.")}
        found.append(Standing(control, evidence))
    with world.enclave.store.transaction() as tx:
        controls.keep(tx, found, "operator")


@pytest.mark.parametrize(("person", "named"), [("wren", []), ("olga", ["It does 1."]), ("audrey", ["It does 1."])])
def test_a_projects_page_shows_how_its_controls_stand(
    own_pages: str, world: World, person: str, named: list[str]
) -> None:
    browser = Browser(own_pages, person)
    assert browser.see(f"projects/{PROJECT}", format="json").json()["controls"] is None
    assert "Nobody has looked yet" in browser.see(f"projects/{PROJECT}").text
    looked(world, True, False, None, True)
    shown = browser.see(f"projects/{PROJECT}", format="json").json()["controls"]
    assert (shown["held"], shown["tested"], shown["deviating"]) == (2, 1, 1)
    assert [each["does"] for each in shown["named"]] == named
    page = browser.see(f"projects/{PROJECT}").text
    assert "1 deviate" in page and ("found 1" in page) is bool(named)
    looked(world, True)
    assert browser.see(f"projects/{PROJECT}", format="json").json()["controls"]["deviating"] == 0


def test_everyone_reads_which_role_may_do_what_as_the_program_answers(pages: str) -> None:
    for person in ("wren", "sam", "hubert"):
        shown = Browser(pages, person).see(f"projects/{PROJECT}", format="json").json()["allowed"]
        assert {Role(role): set(row["does"]) for role, row in shown.items()} == MAY
        assert {Role(role): set(row["looks_at"]) for role, row in shown.items()} == {
            role: {place for place, roles in MAY_LOOK.items() if role in roles} for role in MAY
        }
        assert "Which role may do what" in Browser(pages, person).see(f"projects/{PROJECT}").text


def test_who_governs_or_audits_reads_how_every_control_stands_deviations_with_the_next_step(
    own_pages: str, world: World
) -> None:
    audrey = Browser(own_pages, "audrey")
    assert "Nobody has looked yet" in audrey.see("controls").text
    looked(world, True, False, None, True)
    shown = audrey.see("controls", format="json").json()
    assert [len(shown[kind]) for kind in ("deviate", "hold", "tested")] == [1, 2, 1]
    assert (shown["by"], shown["deviate"][0]["evidence"]["look"]["found"]) == ("operator", "found 1")
    page = audrey.see("controls").text
    assert "Mend <code>it &lt;b&gt;</code>." in page and page.index("It does 1.") < page.index("It does 0.")
    assert "3.1.1" in page and 'href="/services/enclave/controls"' in Browser(own_pages, "olga").see().text
