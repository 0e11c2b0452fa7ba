"""Use of open data is counted: what the portal tells is held against what was published, and shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from enclave.errors import EnclaveError, Refused
from enclave.ledger import Entry
from enclave.publication import Publication, State, Uptake, count, read_downloads, uptakes, write_catalogue
from enclave.reports import yearly, yearly_page
from tests.release.test_catalogue import PACKAGE, TERMS
from tests.release.world import PROJECT, REQUEST, World

HEAD = "package,month,downloads\n"


@pytest.fixture
def public(world: World) -> World:
    """Publish a request to the public on 15 June 2022; it is August now."""
    world.publish(world.reviewed("Public, policy makers"))
    world.today = date(2022, 8, 20)
    return world


def told(world: World, lines: str, actor: str = "opm") -> list[Uptake]:
    file = world.settings.home / "portal.csv"
    file.write_text(HEAD + lines, "utf-8")
    with world.store.transaction() as tx:
        return count(tx, read_downloads(file), actor)


def refused(world: World, lines: str, actor: str = "opm") -> list[tuple[str, str, str]]:
    with pytest.raises(EnclaveError) as caught:
        told(world, lines, actor)
    return [(finding.rule, finding.where, finding.clause) for finding in caught.value.findings]


def kept(world: World) -> list[Uptake]:
    with world.store.view() as view:
        return uptakes(view)


def entered(world: World) -> list[tuple[str, str, dict[str, object]]]:
    with world.store.view() as view:
        return [(e["actor"], e["object"], dict(e["details"])) for e in view.entries(action="publication.count")]


def test_what_the_portal_counted_is_kept_and_entered(public: World):
    assert [(each.package, each.total, each.last) for each in kept(public)] == [(PACKAGE, 0, "")]
    told(public, f"{PACKAGE},2022-06,40\n{PACKAGE},2022-07,118\n")
    assert kept(public) == [Uptake(REQUEST, PROJECT, PACKAGE, {"2022-06": 40, "2022-07": 118})]
    assert entered(public) == [("opm", REQUEST, {"months": ["2022-06", "2022-07"], "downloads": [40, 118]})]


def test_a_month_is_told_again_with_more_and_what_stands_is_not_entered_again(public: World):
    told(public, f"{PACKAGE},2022-07,118\n{PACKAGE},2022-08,0\n")
    assert told(public, f"{PACKAGE},2022-07,118\n{PACKAGE},2022-08,0\n") == [] and len(entered(public)) == 1
    told(public, f"{PACKAGE},2022-07,118\n{PACKAGE},2022-08,31\n")
    assert kept(public)[0].months == {"2022-07": 118, "2022-08": 31}
    assert entered(public)[-1][2] == {"months": ["2022-08"], "downloads": [31]}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("DR-0034-out-9999,2022-07,1", "not-open"),
        (f"{REQUEST},2022-07,1", "not-open"),
        (f"{PACKAGE},2022-09,1", "future"),
        (f"{PACKAGE},2022-05,1", "before-publication"),
        (f"{PACKAGE},2022-07,117", "fewer"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_of_the_file_is_entered(public: World, line: str, rule: str):
    told(public, f"{PACKAGE},2022-07,118\n")
    before = kept(public)
    assert refused(public, f"{PACKAGE},2022-08,5\n{line}\n") == [(rule, "line 3", "SDP 10.c")]
    assert kept(public) == before and len(entered(public)) == 1


def test_everything_that_cannot_be_is_said_at_once(public: World):
    lines = f"{PACKAGE},2022-09,1\nnothing,2022-07,1\n{PACKAGE},2022-05,1\n"
    assert [rule for rule, *_ in refused(public, lines)] == ["future", "not-open", "before-publication"]


def test_what_went_to_stakeholders_or_is_not_out_is_no_open_data(world: World):
    world.publish(world.reviewed("Programme managers"))
    assert refused(world, f"{PACKAGE},2022-06,1\n") == [("not-open", "line 2", "SDP 10.c")] and kept(world) == []


@pytest.mark.parametrize("state", [State.BEGUN, State.VOID])
def test_what_is_not_out_is_not_counted(public: World, state: State):
    with public.store.transaction() as tx:
        (published,) = tx.find(Publication)
        entry = Entry("recover", "publication.state", REQUEST, PROJECT, "DSA VI.G.1")
        tx.write(replace(published, state=state), entry)
    assert [rule for rule, *_ in refused(public, f"{PACKAGE},2022-07,1\n")] == ["not-open"]


@pytest.mark.parametrize(
    ("lines", "rule", "where"),
    [
        (f"{PACKAGE},2022-7,1\n", "line", "line 2"),
        (f"{PACKAGE},2022-13,1\n", "line", "line 2"),
        (f"{PACKAGE},2022-07,-1\n", "line", "line 2"),
        (f"{PACKAGE},2022-07,1.5\n", "line", "line 2"),
        (f"{PACKAGE},2022-07,\u0661\n", "line", "line 2"),
        (f"{PACKAGE},2022-07\n", "line", "line 2"),
        ("\n", "line", "line 2"),
        (f"{PACKAGE},2022-07,1\n{PACKAGE},2022-07,2\n", "twice", "line 3"),
        (f'{PACKAGE},2022-07,"1\n', "csv", ""),
        ("x" * 1_000_001, "size", ""),
    ],
)
def test_a_line_that_is_none_is_named(public: World, lines: str, rule: str, where: str):
    assert refused(public, lines) == [(rule, where, "SDP 10.c")]


@pytest.mark.parametrize("body", [b"", b"month,package,downloads\n", b"\xff\xfe", b"package;month;downloads\n"])
def test_a_file_of_another_kind_is_invalid(tmp_path: Path, body: bytes):
    (tmp_path / "portal.csv").write_bytes(body)
    with pytest.raises(EnclaveError) as caught:
        read_downloads(tmp_path / "portal.csv")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("actor", ["rae", "sde-steward", "hub", "nobody"])
def test_the_operating_group_tells_it(public: World, actor: str):
    with pytest.raises(Refused):
        told(public, f"{PACKAGE},2022-07,1\n", actor)
    assert entered(public) == []


def test_it_stands_with_the_open_data_and_in_the_report_of_its_year(public: World, tmp_path: Path):
    public.today = date(2023, 2, 1)
    told(public, f"{PACKAGE},2022-07,1118\n{PACKAGE},2023-01,7\n")
    settings = public.settings.model_copy(update={"open_data": TERMS})
    folder = write_catalogue(public.store, settings, tmp_path / "open", "opm").folder
    assert "taken 1,125 times, counted up to 2023-01" in (folder / "index.html").read_text("utf-8")
    with public.store.view() as view:
        of_year = {year: yearly(view, public.settings, year) for year in (2021, 2022, 2023)}
    assert [[times for _, times in each.taken] for each in of_year.values()] == [[], [1118], [7]]
    assert f'<th scope="row">{PACKAGE}</th><td class="n">1,118</td><td class="n">1,125</td>' in yearly_page(
        of_year[2022]
    )
