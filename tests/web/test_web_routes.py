"""Every route of the application, tried by everyone in every state that matters: the answers stand in one table.

The routes are the application's own: one without a line here fails.

Source: DSA VI.E; DSA III.F.2; DSA VI.F; DSA VI.H.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from benchmarks.pages_case import analyst, enlarge
from enclave import incidents, papers, people
from enclave.agreement import of
from enclave.ledger import Entry
from enclave.people import Listing, Person
from enclave.store import Transaction
from enclave.terms import Role
from enclave.web import FORMS, PAGES
from tests.parties import let_in, representative
from tests.web import routes
from tests.web.world import PROJECT, SCRIPT, World

ELSEWHERE = analyst("DR-1001", 0)
PEOPLE = {
    "nobody": "", "stranger": "nora", "other": ELSEWHERE, "wren": "wren", "anna": "anna", "hubert": "hubert",
    "sam": "sam", "olga": "olga", "audrey": "audrey",
}  # fmt: skip
"""Signed in as nobody, on no list, on another project's, and of each role on this one's."""
OF_THE_PROJECT = tuple(PEOPLE)[3:]
ANSWERS = """
                                                                    nobody    other     anna      sam       audrey
                                                                         stranger  wren      hubert    olga
GET  /                                                              sign yes  yes  yes  yes  yes  yes  yes  yes
GET  /messages                                                      sign yes  yes  yes  yes  yes  yes  yes  yes
GET  /projects/{project}                                            sign list list yes  yes  yes  yes  yes  yes
GET  /agency                                                        sign role role role role role yes  role role
GET  /agency/{agency}/suspension                                    sign role role role role role yes  role role
GET  /overview                                                      sign role role role role role role yes  yes
GET  /overview/years/{name}                                         sign role role role role role role yes  yes
GET  /overview/years/{name}/report.pdf                              sign role role role role role role yes  yes
GET  /incidents                                                     sign role role role role role role yes  yes
GET  /programme                                                     sign role role role role yes  yes  yes  yes
GET  /agreements                                                    sign role role role role role role yes  yes
GET  /agreements/{agreement}                                        sign role role role role role role yes  yes
GET  /controls                                                      sign role role role role role role yes  yes
GET  /ledger                                                        sign role role role role role yes  yes  yes
GET  /ledger/checkpoint                                             sign role role role role role yes  yes  yes
GET  /ledger/receipts/{name}                                        sign role role role role role none none none
GET  /open-data                                                     sign role role role role role role yes  yes
GET  /open-data/{request}                                           sign role role role role role role none none
GET  /projects/{project}/decisions                                  sign list list role role role yes  yes  yes
GET  /projects/{project}/decisions/ask                              sign list list role role role yes  yes  role
GET  /projects/{project}/people                                     sign list list role role role yes  yes  yes
GET  /projects/{project}/people/{person}/exhibits/{kind}            sign list list role role role yes  yes  yes
GET  /projects/{project}/people/{person}/exhibits/{kind}/signed     sign list list role role role role none none
GET  /projects/{project}/exhibits                                   sign list list yes  yes  yes  yes  yes  yes
GET  /projects/{project}/papers                                     sign list list role role role role yes  yes
GET  /projects/{project}/papers/{name}                              sign list list role role role role none none
GET  /projects/{project}/intake                                     sign list list role role yes  role yes  role
GET  /projects/{project}/matching                                   sign list list role role yes  yes  yes  role
GET  /projects/{project}/matching/run                               sign list list role role yes  role role role
GET  /projects/{project}/matching/{run}/report                      sign list list role role yes  yes  yes  role
GET  /projects/{project}/matching/{run}/report.pdf                  sign list list role role yes  yes  yes  role
GET  /projects/{project}/matching/{run}/review                      sign list list role role none none none role
GET  /projects/{project}/requests                                   sign list list yes  yes  role yes  yes  yes
GET  /projects/{project}/requests/{request}                         sign list list yes  own  role own  yes  role
GET  /projects/{project}/requests/{request}/leaving/{name}          sign list list none own  role own  none role
GET  /projects/{project}/destruction                                sign list list role role yes  yes  yes  yes
GET  /projects/{project}/destruction/early                          sign list list role role yes  role yes  role
GET  /projects/{project}/destruction/{name}                         sign list list role role none none none none
GET  /projects/{project}/destruction/{name}/certificate.pdf         sign list list role role none none none none
GET  /projects/{project}/destruction/{name}/certificate.json        sign list list role role none none none none
GET  /projects/{project}/ledger                                     sign list list role role role yes  yes  yes
GET  /projects/{project}/ledger/checkpoint                          sign list list role role role yes  yes  yes
GET  /projects/{project}/ledger/receipts/{name}                     sign list list role role role none none none
POST /programme/complain                                            sign form form form form form form form form
POST /programme/cases/{case}/act                                    sign none none none none none none none none
POST /programme/cases/{case}/{kind}/answer                          sign form form form form form form form form
POST /programme/interruptions/announce                              sign rep  rep  rep  rep  rep  yes  rep  rep
POST /programme/interruptions/{name}/back                           sign form form form form form form form form
POST /programme/exceptions/grant                                    sign rep  rep  rep  rep  rep  rep  form rep
POST /programme/exceptions/met                                      sign rep  rep  rep  rep  rep  rep  form rep
POST /agreements/{agreement}/register                               sign rep  rep  rep  rep  rep  rep  form rep
POST /open-data/write                                               sign rep  rep  rep  rep  rep  rep  form rep
POST /ledger/verify                                                 sign role role role role role yes  yes  yes
POST /messages/read                                                 sign yes  yes  yes  yes  yes  yes  yes  yes
POST /agency/{agency}/suspend                                       sign role role role role role form role role
POST /agency/{agency}/reinstate                                     sign role role role role role form role role
POST /agency/{agency}/notices/{project}/{name}/secured              sign form form form form form form form form
POST /incidents/{case}/step                                         sign role role role role role role form form
POST /incidents/open                                                sign rep  rep  rep  rep  rep  rep  yes  rep
POST /incidents/report                                              sign rep  rep  rep  rep  rep  rep  form rep
POST /incidents/hold                                                sign rep  rep  rep  rep  rep  rep  yes  rep
POST /incidents/lift                                                sign rep  rep  rep  rep  rep  rep  yes  rep
POST /projects/{project}/notices/{name}/supplement                  sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/notices/{name}/affects                     sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/notices/{name}/review                      sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/notices/{name}/resolve                     sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/decisions/refuse-element                   sign list list role role role form form role
POST /projects/{project}/decisions/{kind}/ask                       sign list list role role role form form role
POST /projects/{project}/decisions/{kind}/available                 sign list list role role role form form role
POST /projects/{project}/decisions/{kind}/answer                    sign list list role role role form form role
POST /projects/{project}/people/enlist                              sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/people/{person}/exhibits/{kind}/record     sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/exhibits/{kind}/sign                       sign list list form form form form form form
POST /projects/{project}/people/{person}/review                     sign rep  rep  rep  rep  rep  rep  rep  rep
POST /projects/{project}/people/{person}/reinstate                  sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/people/{person}/approve                    sign list list role role role yes  form form
POST /projects/{project}/people/{person}/withdraw                   sign list list role role role yes  form form
POST /projects/{project}/papers/add                                 sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/papers/sign                                sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/papers/designate                           sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/papers/{name}/tick                         sign rep  rep  rep  rep  rep  rep  none rep
POST /projects/{project}/papers/{name}/verify                       sign rep  rep  rep  rep  rep  rep  none rep
POST /projects/{project}/papers/{name}/withdraw                     sign rep  rep  rep  rep  rep  rep  none rep
POST /projects/{project}/intake/schedule                            sign rep  rep  rep  rep  rep  rep  form rep
POST /projects/{project}/intake/keys                                sign rep  rep  rep  rep  form rep  rep  rep
POST /projects/{project}/tell                                       sign list list yes  yes  yes  yes  yes  yes
POST /projects/{project}/requests/collect                           sign list list yes  yes  role role role role
POST /projects/{project}/requests/{request}/rerun                   sign list list role own  role own  yes  role
POST /projects/{project}/requests/{request}/clear                   sign list list role own  role own  yes  role
POST /projects/{project}/requests/{request}/confirm                 sign list list role own  role form role role
POST /projects/{project}/requests/{request}/return                  sign list list role own  role yes  role role
POST /projects/{project}/requests/{request}/withdraw                sign list list form own  role form form role
POST /projects/{project}/requests/{request}/waive                   sign list list role own  role role form role
POST /projects/{project}/requests/{request}/publish                 sign list list role own  role role form role
POST /projects/{project}/requests/{request}/final-copy              sign list list role own  role form form role
POST /projects/{project}/destruction/early                          sign list list role role none role none role
POST /projects/{project}/destruction/{name}/signed                  sign rep  rep  rep  rep  rep  rep  none rep
POST /projects/{project}/ledger/verify                              sign list list role role role yes  yes  yes
POST /projects/{project}/matching/run                               sign list list role role form role role role
POST /projects/{project}/matching/cut                               sign list list role role yes  role role role
POST /projects/{project}/matching/{run}/agree                       sign list list role role role form role role
POST /projects/{project}/matching/{run}/open-review                 sign list list role role yes  role role role
POST /projects/{project}/matching/{run}/close-review                sign list list role role form role role role
GET  /openapi.json                                                  sign yes  yes  yes  yes  yes  yes  yes  yes
GET  /static/enclave.css                                            yes  yes  yes  yes  yes  yes  yes  yes  yes
"""
"""What each is answered in a project in force, in the words of `routes.WORDS`; forms are sent in this order.

``sign``: sign in first; ``list``: not on the project's list; ``role``: not of this role; ``own``: another's request;
``rep``: does not speak for the party; ``none``: there is none;
``form``: let through, and refused for what the form says or lacks; ``yes``: answered.
"""
STANDS_STILL = """
GET /projects/{project}/matching/run wren:WHY anna:WHY hubert:WHY sam:WHY olga:WHY audrey:WHY
POST /projects/{project}/matching/run wren:WHY anna:WHY hubert:WHY sam:WHY olga:WHY audrey:WHY
POST /projects/{project}/matching/cut wren:WHY anna:WHY hubert:WHY sam:WHY olga:WHY audrey:WHY
POST /projects/{project}/requests/collect wren:WHY anna:WHY hubert:WHY sam:WHY olga:WHY audrey:WHY
POST /projects/{project}/requests/{request}/rerun wren:WHY olga:WHY
POST /projects/{project}/requests/{request}/clear wren:WHY olga:WHY
POST /projects/{project}/requests/{request}/confirm wren:WHY sam:own olga:WHY
POST /projects/{project}/requests/{request}/return wren:WHY sam:own olga:WHY
POST /projects/{project}/requests/{request}/withdraw sam:own
POST /projects/{project}/requests/{request}/waive wren:WHY sam:own olga:WHY
POST /projects/{project}/requests/{request}/publish wren:WHY sam:own olga:WHY
POST /projects/{project}/requests/{request}/final-copy sam:own
POST /projects/{project}/matching/{run}/agree wren:WHY anna:WHY hubert:WHY sam:WHY olga:WHY audrey:WHY
POST /projects/{project}/matching/{run}/open-review wren:WHY anna:WHY hubert:WHY sam:WHY olga:WHY audrey:WHY
POST /projects/{project}/matching/{run}/close-review wren:WHY anna:WHY hubert:WHY sam:WHY olga:WHY audrey:WHY
"""
"""What is answered otherwise while a project stands still: its people are told why."""


def lines(table: str) -> dict[tuple[str, str], list[str]]:
    found = (line.split() for line in table.strip().splitlines())
    return {(method, path): words for method, path, *words in found if method in ("GET", "POST")}


def otherwise(table: str, why: str) -> dict[tuple[str, str], dict[str, str]]:
    found = lines(table.replace("WHY", why)).items()
    return {route: dict(each.split(":") for each in words) for route, words in found}


IN_FORCE = {route: dict(zip(PEOPLE, words, strict=True)) for route, words in lines(ANSWERS).items()}
COLLECT = ("POST", "/projects/{project}/requests/collect")
TELL = ("POST", "/projects/{project}/tell")
SIGN = ("POST", "/projects/{project}/exhibits/{kind}/sign")
ASK = ("POST", "/projects/{project}/decisions/{kind}/ask")
CLOSED = {
    route: dict.fromkeys(OF_THE_PROJECT, "stop")
    for route, words in IN_FORCE.items()
    if "{project}" in route[1]
    and route != TELL
    and words["stranger"] != "rep"
    and {words[each] for each in OF_THE_PROJECT} - {"none", "form"}
}
"""What is closed to whom is suspended, where anybody is let in at all."""
SPOKEN = {route: words for route, words in IN_FORCE.items() if words["stranger"] == "rep"}
OF_THE_PROGRAMME = ("/incidents/hold", "/incidents/lift", "/agreements/", "/open-data/", "/programme/")
SILENCED = {
    route: {"hubert": "rep"} | ({} if route[1].startswith(OF_THE_PROGRAMME) else {"olga": "rep"}) for route in SPOKEN
}
"""Nobody who is suspended speaks for the hub or the Operating Group on the project; olga does on the other one."""


def stand_still(tx: Transaction) -> None:
    incidents.hold_project(tx, PROJECT, "DSA VI.F", "olga")


def destroy(tx: Transaction) -> None:
    tx.write(replace(of(tx, PROJECT), destroyed_on=tx.today), Entry("clock", "destruction.done", PROJECT, PROJECT))


def take_approvals_back(tx: Transaction) -> None:
    for person in ("wren", "anna"):
        people.withdraw(tx, PROJECT, person, "SDE", "sam")


def suspend_everybody(tx: Transaction) -> None:
    for person in OF_THE_PROJECT:
        people.suspend(tx, PROJECT, person, "DSA VI.F.2", "opm")


STATES: dict[str, tuple[Callable[[Transaction], object], dict[tuple[str, str], dict[str, str]]]] = {
    "in force": (lambda _: None, {}),
    "stopped": (stand_still, otherwise(STANDS_STILL, "stop")),
    "destroyed": (destroy, {**otherwise(STANDS_STILL, "end"), ASK: {"sam": "end", "olga": "end"}}),
    "approvals taken back": (take_approvals_back, {COLLECT: {"wren": "lack", "anna": "lack"}}),
    "everybody suspended": (
        suspend_everybody,
        {
            **CLOSED,
            **SILENCED,
            ("GET", "/programme"): {"hubert": "role"},
            SIGN: dict.fromkeys(OF_THE_PROJECT, "stop"),
        },
    ),
}
"""What is done to the project and its people, and what is then answered otherwise.

Who is suspended here still stands for an agency, or governs, on the other project, and can still report a problem.
"""


@pytest.fixture(scope="module")
def two(matched: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the installation with another project beside it, and an agency's analyst on the first."""
    world = World(enlarge(matched, tmp_path_factory.mktemp("two") / "home", 2, 0), matched.good, matched.unsafe)
    enclave = world.enclave
    keep = partial(papers.seal, enclave.keystore, enclave.settings, enclave.settings.home / "letter.txt")
    with enclave.store.transaction() as tx:
        person = Person("anna", "Anna Invented", "Staff", "SDE", "anna@example.org", "555-0100", True)
        purpose = {"purpose": "b", "justification": "an invented study", "agency": "SDE", "until": date(2022, 12, 1)}
        people.enlist(tx, person, Listing("anna", PROJECT, Role.AGENCY_ANALYST, "2.h", **purpose), "opm")
        let_in(tx, PROJECT, "anna", government=True, keep=keep)
        for code in of(tx, PROJECT).policy.agencies:
            people.approve(tx, PROJECT, "anna", code, representative(code))
    yield world
    world.close()


@pytest.fixture
def own(two: World, tmp_path: Path) -> Iterator[World]:
    """Give a copy of it to change."""
    two.enclave.store.close()
    made = two.copy(tmp_path / "home")
    yield made
    made.close()


def test_every_route_of_the_application_has_a_line(two: World):
    of_signing_in = {("GET", "/login"), ("POST", "/sign-out")}
    found = routes.routes(routes.application(two))
    assert len(found) == len({*found}) and {*found} == IN_FORCE.keys() | of_signing_in
    assert {path for method, path in found if method == "POST"} == {*FORMS, "/sign-out"}
    assert {*PAGES} <= {path for _, path in found}


@pytest.mark.parametrize("state", STATES)
def test_everyone_is_answered_as_the_table_says(own: World, state: str):
    change, differently = STATES[state]
    with own.enclave.store.transaction() as tx:
        change(tx)
    expected = {route: words | differently.get(route, {}) for route, words in IN_FORCE.items()}
    assert asyncio.run(_answers(own)) == expected


async def _answers(world: World) -> dict[tuple[str, str], dict[str, str]]:
    app, found = routes.application(world), dict[tuple[str, str], dict[str, str]]()
    async with routes.all_signed_in(app, PEOPLE) as everybody:
        for method, path in IN_FORCE:
            for person, (browser, csrf) in everybody.items():
                form = {**routes.FIELDS, **routes.OF_ONE.get(path, {}), "csrf": csrf} if method == "POST" else None
                asked = {"format": "json"} if csrf else {}
                answer = await browser.request(method, routes.address(path, world), params=asked, data=form)
                found.setdefault((method, path), {})[person] = routes.said(answer)
    return found


def test_no_form_does_anything_without_the_token_of_ones_own_page(own: World):
    answers, entered = asyncio.run(_forged(own))
    wanted = {"no token": 403, "another's token": 403, "another site": 403, "as JSON": 415, "as a link": 405}
    expected = dict.fromkeys((*FORMS, "/sign-out"), wanted)
    for each in (COLLECT[1], *(f"/projects/{{project}}/papers/{what}" for what in ("add", "sign", "designate"))):
        expected[each] = wanted | {"as a link": 404}  # the address of a request, or a paper, of that name
    expected["/open-data/write"] = wanted | {"as a link": 404}  # the address of a package of that name
    expected["/projects/{project}/destruction/early"] = wanted | {"as a link": 200}  # its page, which only shows
    expected["/projects/{project}/matching/run"] = wanted | {"as a link": 403}  # of a page for the hub's staff
    assert answers == expected
    assert entered == {"page.refuse"}


async def _forged(world: World) -> tuple[dict[str, dict[str, int]], set[str]]:
    app, found = routes.application(world), dict[str, dict[str, int]]()
    with world.enclave.store.view() as view:
        before = view.frontier().size
    async with routes.signed_in(app, "olga") as (browser, mine), routes.signed_in(app, "sam") as (_, theirs):
        for path in (*FORMS, "/sign-out"):
            address, form = routes.address(path, world), {**routes.FIELDS, "csrf": mine}
            elsewhere = {"Sec-Fetch-Site": "cross-site"}
            tried = {
                "no token": await browser.post(address, data=routes.FIELDS),
                "another's token": await browser.post(address, data={**form, "csrf": theirs}),
                "another site": await browser.post(address, data=form, headers=elsewhere),
                "as JSON": await browser.post(address, json=form),
                "as a link": await browser.get(address, params=form),
            }
            found[path] = {how: answer.status_code for how, answer in tried.items()}
    with world.enclave.store.view() as view:
        return found, {entry["action"] for entry in view.entries(since=before)}


def test_script_in_any_form_is_text_on_every_page(own: World):
    pages, kept = asyncio.run(_written(own))
    assert [place for place, text in pages.items() if "<script" in text or "onmouseover=" in text] == []
    assert {path.rpartition("/")[2] for path in kept} >= {"approve", "clear", "return", "ask"}
    shown = html.escape(SCRIPT, quote=False).replace("'", "&#39;")
    assert {path for (_, path), text in pages.items() if shown in text} >= {
        "/projects/{project}/people", "/projects/{project}/decisions", "/projects/{project}/requests/{request}",
    }  # fmt: skip


async def _written(world: World) -> tuple[dict[tuple[str, str], str], list[str]]:
    """Write script into the fields of every form, sent by everybody; give all pages, and the forms that took it."""
    app, kept, pages = routes.application(world), list[str](), dict[tuple[str, str], str]()
    script = {**dict.fromkeys(("text", "reason", "comment", "looked_at"), SCRIPT), "until": "2022-12-31"}
    async with routes.all_signed_in(app, PEOPLE) as everybody:
        for path in (each for each in FORMS if not each.endswith("/withdraw")):  # which takes what was written away
            for browser, csrf in everybody.values():
                form = {**routes.FIELDS, **script, "csrf": csrf}
                if (await browser.post(routes.address(path, world), data=form)).status_code == 303:
                    kept.append(path)
        for person, (browser, csrf) in everybody.items():
            for path in PAGES if csrf else ():
                answer = await browser.get(routes.address(path, world))
                if "sandbox" not in answer.headers["content-security-policy"]:  # a document of ours runs nothing
                    pages[person, path] = answer.text
    return pages, kept
