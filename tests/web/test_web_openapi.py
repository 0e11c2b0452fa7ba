"""The description of the pages is true: what each gives, to each role, is what it says, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import jsonschema
import pytest
import requests

from demo.hub_client import LONGEST
from enclave import incidents
from enclave.review import Statement
from enclave.web import FORMS, PAGES
from tests.web.browser import Browser, served
from tests.web.world import OPEN_DATA, PROJECT, World

PEOPLE = ("wren", "rita", "hubert", "sam", "dora", "wes", "olga", "audrey", "nora")


@pytest.fixture(scope="module")
def lived_in(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, World]]:
    """Give pages on which something stands: a review open and half confirmed, a refusal, messages, a problem."""
    world = built.copy(tmp_path_factory.mktemp("openapi") / "home").with_settings(open_data=OPEN_DATA)
    with served(world) as base:
        olga, sam = Browser(base, "olga"), Browser(base, "sam")
        olga.send(f"/requests/{world.good}/clear")
        olga.send(f"/requests/{world.unsafe}/clear")
        digest = sam.of(f"/requests/{world.good}", format="json").json()["case"]["digest"]
        sam.send(f"/requests/{world.good}/confirm", digest=digest, statement=[str(s) for s in Statement])
        Browser(base, "hubert").send("/matching/match-01/open-review")
        for kind in ("problem", "question"):
            told = Browser(base, "wren").send("/tell", kind=kind, text="A page with tables lay open.")
            assert told.status_code == 303
        now = datetime.now(UTC)
        with world.enclave.store.transaction() as tx:
            incidents.complain(tx, "SDE", "Printed files lay open in a corridor.", now, now, "olga")
            incidents.announce(tx, "DOL-HUB", "The lab stops for two hours on Saturday.", now, now, "hubert")
        world.on(date(2022, 4, 26))
        olga.send(f"/requests/{world.good}/publish")
        world.enclave.go_round()
        yield base, world
    world.close()


@pytest.fixture(scope="module")
def said(lived_in: tuple[str, World]) -> Any:
    """Give the description."""
    return Browser(lived_in[0], "nora").see("openapi.json").json()


def held(said: Any, schema: Any, body: Any) -> None:
    jsonschema.validate(body, {**schema, "components": said["components"]}, format_checker=jsonschema.FormatChecker())


def opened(path: str, world: World) -> str:
    parts = {
        "project": PROJECT, "request": world.good, "run": "match-01", "name": "1", "agency": "SDE", "person": "wren",
        "kind": "c", "agreement": PROJECT,
    }  # fmt: skip
    return path.format(**parts).removeprefix("/")


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_gives_is_what_it_says(said: Any, lived_in: tuple[str, World], path: str):
    base, world = lived_in
    answers = said["paths"][path]["get"]["responses"]
    page = answers["200"]["content"].get("application/json")
    seen = set()
    for person in PEOPLE:
        answer = Browser(base, person).see(opened(path, world), format="json")
        seen.add(answer.status_code)
        if answer.status_code != 200:
            held(said, answers[str(answer.status_code)]["content"]["application/json"]["schema"], answer.json())
        elif page is not None:
            held(said, page["schema"], answer.json())
    assert page is None or 200 in seen


def test_a_refused_request_and_an_outbox_give_what_they_say(said: Any, lived_in: tuple[str, World]):
    base, world = lived_in
    path = "/projects/{project}/requests/{request}"
    schema = said["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    for person in ("wren", "olga"):
        held(said, schema, Browser(base, person).of(f"/requests/{world.unsafe}", format="json").json())


def test_a_field_that_is_not_described_would_be_noticed(said: Any, lived_in: tuple[str, World]):
    home = Browser(lived_in[0], "wren").see(format="json").json()
    schema = said["paths"]["/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    for wrong in ({**home, "ssn": "x"}, {k: v for k, v in home.items() if k != "cards"}, {**home, "today": "soon"}):
        with pytest.raises(jsonschema.ValidationError):
            held(said, schema, wrong)
    home["cards"][0]["clocks"][0]["left"] = "many"
    with pytest.raises(jsonschema.ValidationError):
        held(said, schema, home)


def test_every_page_and_form_is_described_with_its_parts(said: Any):
    assert said["openapi"].startswith("3.1") and said["servers"] == [{"url": "/services/enclave"}]
    assert set(said["paths"]) == {*PAGES, *FORMS}
    operations = [(path, operation) for path, methods in said["paths"].items() for operation in methods.values()]
    assert len({operation["operationId"] for _, operation in operations}) == len(operations)
    for path, operation in operations:
        assert operation["summary"], path
        parts = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
        assert parts == re.findall(r"{(\w+)}", path)
    names = set(re.findall(r"#/components/schemas/([\w.-]+)", str(said)))
    assert names <= set(said["components"]["schemas"])


def test_who_is_not_signed_in_gets_no_description(lived_in: tuple[str, World]):
    assert requests.get(f"{lived_in[0]}openapi.json", timeout=LONGEST).status_code == 401
