"""Access that ends, and that never begins: the real hub over a real installation.

Source: DSA VI.E; DSA VI.F.2; DSA VI.H; ExC.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from demo import hub_client
from enclave import people
from enclave.resultant import delivery_of
from enclave.sandbox import Sandboxes
from tests.conftest import At
from tests.hub.conftest import hub_over
from tests.hub.test_glass_activity import chained
from tests.journey.killing import Killer
from tests.journey.stages import LAST_DAY, letter
from tests.journey.steps import Step
from tests.world import FIRST_DAY, PROJECT, Installation

DR = PROJECT.lower()


@dataclass(frozen=True)
class Enclave:
    """A running hub and its installation."""

    made: Installation
    url: str

    def open(self, person: str = "wren") -> tuple[hub_client.requests.Session, str]:
        """Sign in and start the person's server."""
        session = hub_client.login(self.url, person)
        return session, hub_client.start_server(session, self.url, person, DR)

    def refusal(self, person: str = "wren", server: str = DR) -> hub_client.HubError:
        """Ask for a server that must not start: nothing runs, nothing is open, the answer says why."""
        session = hub_client.login(self.url, person)
        with pytest.raises(hub_client.HubError) as refused:
            hub_client.start_server(session, self.url, person, server)
        assert self.running() == 0
        assert not (self.made.enclave.settings.runtime / "sessions" / f"{DR}-{person}").exists()
        return refused.value

    def running(self) -> int:
        """Count the sandboxes."""
        return len(list(Sandboxes(self.made.enclave.settings.runtime).running()))

    def kept_of_servers(self) -> int:
        """Count what the hub keeps that opens a server: its tokens, and those of browsers that entered it."""
        with closing(sqlite3.connect(self.made.enclave.settings.runtime / "private" / "hub.sqlite")) as base:
            told = base.execute(
                "select count(*) from api_tokens where scopes like '%server=%' or note like '%server%'"
            )
            clients = base.execute("select count(*) from oauth_clients where identifier like 'jupyterhub-user-%'")
            return int(told.fetchone()[0]) + int(clients.fetchone()[0])


@pytest.fixture(scope="module")
def enclave(shared: At) -> Iterator[Enclave]:
    """The hub asks by itself only every ten minutes: what ends access here is noticed, not waited for."""
    made = shared("delivered")
    with hub_over(made, "wren", "grace", "nora", "sam", reconcile_seconds=600, clock_seconds=86_400) as url:
        yield Enclave(made, url)


def suspend(made: Installation) -> None:
    made.run("incident", "suspend", PROJECT, "wren", who="olga")


def hold(made: Installation) -> None:
    made.run("incident", "hold", PROJECT, who="olga")


def withdraw(made: Installation) -> None:
    made.run("people", "withdraw", PROJECT, "wren", "DOL", who="dora")


def let_exhibit_c_run_out(made: Installation) -> None:
    made.run("people", "signed", PROJECT, "wren", "C", letter(made), "--signed-on", "2021-05-01", who="olga")
    made.today(date(2022, 5, 2))


def end_the_project(made: Installation) -> None:
    made.today(date(2022, 9, 1))


def suspend_an_agency(made: Installation) -> None:
    made.run("agency", "suspend", "DOL", "2022-04-13", "A new system is set up.", who="dora")
    made.today(date(2022, 4, 13))


def refuse_the_recipient(made: Installation) -> None:
    made.run("incident", "refuse-recipient", "WESTED", "SDE", who="sam")


def end_a_membership(made: Installation) -> None:
    made.run("agency", "leave", "DOL", "--breach", who="olga")


def mend(made: Installation) -> None:
    """Give everything back, whatever was taken."""
    made.today(FIRST_DAY)
    made.run("people", "signed", PROJECT, "wren", "C", letter(made), "--signed-on", "2022-04-01", who="olga")
    made.run("people", "approve", PROJECT, "wren", "DOL", who="dora")
    made.run("incident", "lift", PROJECT, who="olga", code=None)
    made.run("agency", "reinstate", "DOL", who="dora", code=None)
    made.run("incident", "resume-recipient", "WESTED", who="sam", code=None)
    made.run("agency", "join", "DOL", FIRST_DAY, who="olga")
    with made.enclave.store.transaction() as tx:
        people.unsuspend(tx, PROJECT, "wren", "olga")


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (suspend, "access is suspended since"),
        (hold, "project DR-0034 is suspended since"),
        (suspend_an_agency, "agency DOL by its own notice (2022-04-13) is suspended since 2022-04-13"),
        (refuse_the_recipient, "data recipient WESTED by SDE is suspended since"),
        (end_a_membership, "the membership of DOL in the Enterprise MOU ended"),
        (withdraw, "the written approval of DOL is missing"),
        (let_exhibit_c_run_out, "Exhibit C ran out on"),
        (end_the_project, "ended"),
    ],
)
def test_every_reason_ends_the_server_at_once(
    enclave: Enclave, happens: Callable[[Installation], None], why: str
) -> None:
    session, server = enclave.open()
    assert enclave.running() == 1 and enclave.kept_of_servers() > 0
    try:
        happens(enclave.made)
        hub_client.until(lambda: enclave.made.actions("session.")[-1] == "session.close")
        assert enclave.running() == 0
        assert session.get(urljoin(server, "api/me"), timeout=hub_client.LONGEST).status_code != 200
        hub_client.until(lambda: enclave.kept_of_servers() == 0)
        assert why in str(enclave.refusal())
    finally:
        mend(enclave.made)


def test_how_long_it_took_until_nobody_worked_is_in_the_log(enclave: Enclave) -> None:
    """A held project: both servers end, the last one closes the log's time; a notice given before has none."""
    for person in ("wren", "grace"):
        enclave.open(person)
    try:
        hold(enclave.made)
        stop = last(enclave.made, "incident.hold")
        # the same installation has seen other stops: only this one's ends are waited for
        hub_client.until(lambda: len(ended_by(enclave.made, stop)) == 2)
        assert enclave.running() == 0
    finally:
        mend(enclave.made)
    ends = ended_by(enclave.made, stop)
    assert {entry["actor"] for entry in ends} == {"wren", "grace"}
    # two that end in the same moment may both find nobody left
    assert ends[0]["details"]["still_open"] in (0, 1) and ends[1]["details"]["still_open"] == 0
    log = enclave.made.run("incident", "log", "--json").body
    took = datetime.fromisoformat(ends[1]["at"]) - datetime.fromisoformat(stop["at"])
    assert (log[-1]["servers ended"], log[-1]["seconds to close"]) == (2, took.total_seconds())


def ended_by(made: Installation, stop: dict[str, Any]) -> list[dict[str, Any]]:
    found = [entry for entry in entries(made) if entry["action"] == "incident.server-ended"]
    return [entry for entry in found if entry["details"]["stop"] == stop["seq"]]


def last(made: Installation, action: str) -> dict[str, Any]:
    return [entry for entry in entries(made) if entry["action"] == action][-1]


def entries(made: Installation) -> list[dict[str, Any]]:
    with made.enclave.store.view() as view:
        return list(view.entries())


def test_what_was_shown_stands_in_the_ledger(enclave: Enclave) -> None:
    session, server = enclave.open()
    cells = ["word = 'CANARY-CODE'", "print('x' * 5000)"]
    hub_client.run_cells(session, server, cells)
    hub_client.stop_server(session, enclave.url, "wren", DR)
    opened, closed = (last(enclave.made, f"session.{what}") for what in ("open", "close"))
    assert (closed["actor"], closed["details"]["shown_bytes_today"] > 5000) == ("wren", True)
    assert (closed["details"]["cells_run"], closed["details"]["code_sha256"]) == (2, chained(*cells))
    assert opened["details"]["files"] == ["sde", "crosswalk"] and opened["details"]["columns_masked"] > 0
    with enclave.made.enclave.store.view() as view:
        assert not any("CANARY-CODE" in body for body in view.bodies())


def test_who_is_not_in_the_register_reads_so(enclave: Enclave) -> None:
    refused = enclave.refusal("nora")
    assert refused.status == 403 and "not on the list of DR-0034 (DSA VI.E)" in str(refused)


def test_whose_role_does_not_include_it_reads_so(enclave: Enclave) -> None:
    assert "the role steward does not include it (DSA III.F.2)" in str(enclave.refusal("sam"))


@pytest.mark.parametrize(
    "name",
    ["", "default", "dr-34", "dr-0034x", "DR-0034", "dr-0034%20", "dr-0034%0a", "..%2fdr-0034", "dr-%D9%A0034"],
)
def test_a_server_is_named_after_its_project(enclave: Enclave, name: str) -> None:
    enclave.refusal(server=name)


def test_a_person_makes_no_token_and_shares_no_server(enclave: Enclave) -> None:
    session = hub_client.login(enclave.url, "wren")
    headers = hub_client.xsrf(session, enclave.url, "/hub/")
    api = f"{enclave.url}/hub/api"
    for path in ("users/wren/tokens", f"shares/wren/{DR}", f"share-codes/wren/{DR}"):
        answer = session.post(f"{api}/{path}", json={}, headers=headers, timeout=hub_client.LONGEST)
        assert answer.status_code in (403, 404), path


def sealed_table(made: Installation) -> Path:
    """Give one of the files that hold the project's Resultant Data."""
    with made.enclave.store.view() as view:
        return made.enclave.settings.sealed / delivery_of(view, PROJECT).tables[0].path


def test_missing_resultant_data_are_no_empty_folder(enclave: Enclave) -> None:
    sealed = sealed_table(enclave.made)
    aside = sealed.rename(sealed.with_suffix(".aside"))
    try:
        refused = enclave.refusal()
    finally:
        aside.rename(sealed)
    assert refused.status in (403, 500), refused


def test_altered_resultant_data_are_not_opened(enclave: Enclave) -> None:
    sealed = sealed_table(enclave.made)
    before = sealed.read_bytes()
    changed = bytearray(before)
    changed[len(changed) // 2] ^= 1
    sealed.write_bytes(changed)
    try:
        refused = enclave.refusal()
    finally:
        sealed.write_bytes(before)
    assert refused.status in (403, 500), refused


def test_nothing_starts_while_a_project_is_being_destroyed(enclave: Enclave) -> None:
    """Destruction dies on its way, on the last day on which the project could be worked on; what ran is gone."""
    made, killer = enclave.made, Killer()
    made.today(LAST_DAY)
    enclave.open("grace")
    step = Step("destruction", "", "hubert", lambda _: [], lambda _: True)
    died = killer(made, step, 2, ["destruction", "project", PROJECT])
    killer.close()
    assert died["killed"] and died["reached"][-1] == "destruction.begun"
    hub_client.until(lambda: enclave.running() == 0 and made.actions("session.")[-1] == "session.close")
    assert "destruction of DR-0034 is suspended since" in str(enclave.refusal("grace"))
    made.run("recover")
    assert "its data were destroyed on" in str(enclave.refusal("grace"))
