"""What was put out to the public stands on its page with its entry, and the catalogue is written from there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.web.browser import Browser, publish, served
from tests.web.keyboard import Sit
from tests.web.world import OPEN_DATA, World


@pytest.fixture(scope="module")
def put_out(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give an installation that says where open data are served, in which a package was put out to the public."""
    folder = tmp_path_factory.mktemp("open")
    terms = OPEN_DATA.model_copy(update={"folder": folder / "served"})
    world = built.copy(folder / "home").with_settings(open_data=terms)
    with served(world) as base:
        publish(base, world.good)
    yield world
    world.close()


def test_what_the_installation_does_not_say_is_asked_for(pages: str):
    olga = Browser(pages, "olga")
    assert "enclave.toml" in olga.see("open-data").text and "Nothing was put out" in olga.see("open-data").text
    assert olga.post("open-data/write").status_code == 422
    assert olga.see("open-data/out-aaaaaaaaaaaa").status_code == 404


def test_a_public_package_is_listed_and_written_into_the_catalogue_with_the_keyboard(sit: Sit, put_out: World):
    with served(put_out) as base:
        for person in ("sam", "wren", "hubert"):
            assert Browser(base, person).see("open-data").status_code == 403
            assert Browser(base, person).post("open-data/write").status_code == 403
        assert Browser(base, "audrey").post("open-data/write").status_code == 403
        olga = sit(base, "olga")
        olga.go("Open data")
        olga.look_round()
        assert "not yet" in olga.page.inner_text("main") and "never" in olga.page.inner_text("main")
        olga.press("Write the catalogue")
        assert olga.said() == "The catalogue is written anew: 1 packages."
        model = Browser(base, "audrey").see("open-data", format="json").json()
        assert [(each["request"], each["listed"]) for each in model["public"]] == [(put_out.good, True)]
        assert model["written"]["by"] == "olga" and model["others"] == 0 and not model["writes"]
        entry = Browser(base, "audrey").see(f"open-data/{put_out.good}", format="json").json()["entry"]
        terms = put_out.enclave.settings.open_data
        assert terms is not None and terms.folder is not None
        catalogue = json.loads((terms.folder / "catalog.json").read_text("utf-8"))
        assert catalogue["dataset"] == [entry]
        assert Browser(base, "olga").see(f"open-data/{put_out.unsafe}").status_code == 404


def test_a_package_that_is_not_as_it_was_put_out_has_no_entry(put_out: World):
    (table,) = (put_out.enclave.settings.home / "published").rglob(f"results/{put_out.good}_1.csv")
    whole = table.read_bytes()
    table.chmod(0o600)
    table.write_bytes(whole + b"9\n")
    with served(put_out) as base:
        olga = Browser(base, "olga")
        assert olga.see(f"open-data/{put_out.good}").status_code == 403
        assert olga.post("open-data/write").status_code == 403
    table.write_bytes(whole)
