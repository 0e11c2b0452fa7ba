"""The catalogue of open data: what was published to the public, described as DCAT-US 3 asks, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from enclave.errors import Invalid, Refused
from enclave.ledger import Entry
from enclave.publication import Catalogue, Publication, State, is_public, verify_package, write_catalogue
from enclave.settings import OpenData
from tests.release.world import PROJECT, REQUEST, World

SCHEMA = json.loads((Path(__file__).parents[1] / "golden" / "dcat-us-3.schema.json").read_text("utf-8"))
ADDRESS = "https://data.example.gov/p20win/"
TERMS = OpenData(
    address=ADDRESS, publisher="Office of Invention", contact="P20 WIN Operating Group", email="p20win@example.gov",
    license="https://creativecommons.org/publicdomain/zero/1.0/",
)  # fmt: skip
PACKAGE = f"{PROJECT}-{REQUEST}"


def written(world: World, folder: Path, actor: str = "opm") -> Catalogue:
    return write_catalogue(world.store, world.settings.model_copy(update={"open_data": TERMS}), folder, actor)


def refused(world: World, folder: Path, actor: str = "opm") -> list[str]:
    with pytest.raises(Refused) as caught:
        written(world, folder, actor)
    assert not folder.exists()
    return [finding.rule for finding in caught.value.findings]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def public(world: World) -> World:
    """Publish a request to the public."""
    world.publish(world.reviewed("Public, policy makers"))
    return world


@pytest.fixture
def catalogue(public: World, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Give its catalogue, read."""
    folder = written(public, tmp_path / "open").folder
    return folder, json.loads((folder / "catalog.json").read_text("utf-8"))


def test_it_is_valid_dcat_us_3_and_says_whom_to_ask(catalogue: tuple[Path, dict[str, Any]]) -> None:
    _, said = catalogue
    jsonschema.validate(said, SCHEMA, format_checker=jsonschema.FormatChecker())
    (dataset,) = said["dataset"]
    assert dataset["title"] == "Diplomas & programmes, by school"
    assert dataset["contactPoint"]["hasEmail"] == "mailto:p20win@example.gov"
    assert (dataset["issued"], dataset["accessRights"]) == ("2022-06-15", "public")
    assert dataset["provenance"] == ["SDE: as of 2022-04-11"] and "Hemlock is hidden." in dataset["description"]
    assert dataset["rights"][0].startswith("This work would not be possible")
    assert {"P20 WIN", PROJECT, "Gender"} <= set(dataset["keyword"])


def names(said: Any) -> Iterator[str]:
    if isinstance(said, dict):
        for name, value in said.items():
            yield name if not name.startswith("@") else value if name == "@type" else ""
            yield from names(value)
    elif isinstance(said, list):
        for each in said:
            yield from names(each)


def test_every_word_of_it_has_a_meaning_in_its_own_context(catalogue: tuple[Path, dict[str, Any]]) -> None:
    _, said = catalogue
    context = said.pop("@context")
    assert set(names(said)) - {""} <= set(context)
    for meaning in context.values():
        term = meaning["@id"] if isinstance(meaning, dict) else meaning
        assert term.startswith("http") or term.partition(":")[0] in context


def test_every_address_leads_to_the_file_it_describes(catalogue: tuple[Path, dict[str, Any]], public: World) -> None:
    folder, said = catalogue
    (dataset,) = said["dataset"]
    listed = [dataset["describedBy"], *dataset["distribution"]]
    assert [(d["format"], d["mediaType"]) for d in listed[:2]] == [("CSV", "text/csv"), ("CSV", "text/csv")]
    for distribution in listed:
        body = (folder / distribution["downloadURL"].removeprefix(ADDRESS)).read_bytes()
        assert distribution["byteSize"] == str(len(body))
        assert distribution["checksum"]["checksumValue"] == hashlib.sha256(body).hexdigest()
    assert (folder / dataset["landingPage"]["accessURL"].removeprefix(ADDRESS)).is_file()
    for package in (folder / PACKAGE, folder / f"{PACKAGE}.zip"):
        assert verify_package(package, public.hub_keys.public).request_id == REQUEST


def test_its_page_is_plain_and_its_links_stay_within(catalogue: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = catalogue
    page = (folder / "index.html").read_text("utf-8")
    assert "Diplomas &amp; programmes, by school" in page and "<script" not in page
    links = [part.partition('"')[0] for part in page.split('href="')[1:]]
    assert links and all(link.startswith("mailto:") or (folder / link).is_file() for link in links)


@pytest.mark.parametrize(
    ("audience", "public"),
    [
        ("public", True), ("Public, policy makers", True), ("policy makers and the general public.", True),
        ("Programme managers", False), ("public school administrators", False), ("", False),
        ("not for the public", False), ("stakeholders; prospective students and their families", False),
        ("the republic", False),
    ],
)  # fmt: skip
def test_only_words_that_mean_everybody_are_the_public(audience: str, public: bool) -> None:
    assert is_public(audience) is public


def test_what_was_published_to_stakeholders_is_not_in_it(world: World, tmp_path: Path) -> None:
    world.publish(world.reviewed("Programme managers"))
    assert refused(world, tmp_path / "open") == ["nothing-public"]


@pytest.mark.parametrize("state", [State.BEGUN, State.VOID])
def test_a_package_that_is_not_out_is_not_in_it(public: World, tmp_path: Path, state: State) -> None:
    with public.store.transaction() as tx:
        (published,) = tx.find(Publication)
        tx.write(
            replace(published, state=state), Entry("recover", "publication.state", REQUEST, PROJECT, "DSA VI.G.1")
        )
    assert refused(public, tmp_path / "open") == ["nothing-public"]


def test_a_package_that_was_touched_keeps_all_of_it_from_being_written(public: World, tmp_path: Path) -> None:
    table = public.settings.home / "published" / PACKAGE / "results" / "t1.csv"
    table.write_bytes(table.read_bytes().replace(b"Hemlock,", b"Hemlock,3"))
    assert refused(public, tmp_path / "open") == ["package-files"]
    assert public.actions("publication")[-1] == "publication.refuse"


def test_written_again_it_is_the_same_and_what_is_no_more_in_it_is_gone(public: World, tmp_path: Path) -> None:
    first = files_of(written(public, tmp_path / "open").folder)
    (tmp_path / "open" / "stale.csv").write_text("an earlier one")
    second = written(public, tmp_path / "open")
    assert files_of(second.folder) == first
    assert [path.name for path in tmp_path.iterdir() if "open" in path.name] == ["open"]


def test_nothing_but_a_catalogue_is_replaced(public: World, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(Invalid):
        written(public, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("actor", ["rae", "sde-steward", "hub", "nobody"])
def test_the_operating_group_writes_it(public: World, tmp_path: Path, actor: str) -> None:
    assert refused(public, tmp_path / "open", actor) == ["spokesman"]


def test_it_is_entered_with_what_is_in_it(public: World, tmp_path: Path) -> None:
    made = written(public, tmp_path / "open")
    with public.store.view() as view:
        (entry,) = view.entries(action="publication.catalogue")
    assert (entry["actor"], entry["details"]) == (
        "opm", {"sha256": made.sha256, "packages": 1, "requests": [REQUEST]}
    )  # fmt: skip


def test_without_an_address_there_is_none(public: World, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        write_catalogue(public.store, public.settings, tmp_path / "open", "opm")
    assert "[open_data]" in caught.value.findings[0].next
