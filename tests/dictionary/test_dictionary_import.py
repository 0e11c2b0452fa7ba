"""The programme's data dictionary: a look-alike always, the real workbook where it lies beside the checkout."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from enclave import dictionary
from enclave.errors import Invalid
from enclave.store import Store
from tests import registry

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "p20win" / "P20WIN_Data_Dictionary.xlsx"
HEADER = ("Click to View More", "Agency", "Program", "Data Category", "Data Element Name",
          "Data Element Definition", "Data Type", "Years Available")  # fmt: skip
ROWS = (
    ("State Department of Education (SDE)", "SLDS", "Student", "SASID", "State id", "varchar", "2006-07 To Present"),
    ("State Department of Education", "Adult Education", "Student", "Gender", "As reported", "Not Available", "N/A"),
    ("Department of Labor (DOL)", "Wages", "Wage", "SSN", "Nine\n\ndigits", "CHAR 9", "July 2003 - Current"),
    ("Office of Higher Education (OHE)", "Not Available", "Aid", "Award", "Amount", "Numeric", "2010 - 2017"),
)  # fmt: skip


def workbook(path: Path, rows: tuple[tuple[str, ...], ...] = ROWS, header: tuple[str, ...] = HEADER) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(header))
    for row in rows:
        sheet.append(["&oplus;", *row])
    book.save(path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    kept = Store(registry.address(tmp_path), lambda: date(2022, 4, 20))
    yield kept
    kept.close()


SOURCES = [
    pytest.param(None, {"DOL": 1, "OHE": 1, "SDE": 2}, id="look-alike"),
    *([pytest.param(REAL, {"SDE": 151, "DOL": 147, "JB-CSSD": 448}, id="real")] if REAL.is_file() else []),
]


@pytest.mark.parametrize(("source", "counts"), SOURCES)
def test_two_spellings_of_an_agency_are_folded_to_one(
    store: Store, tmp_path: Path, source: Path | None, counts: dict[str, int]
) -> None:
    with store.transaction() as tx:
        imported = dictionary.import_dictionary(tx, source or workbook(tmp_path / "d.xlsx"), "opm-1")
    assert imported.counts.items() >= counts.items()
    (spelling,) = [finding for finding in imported.findings if finding.rule == "agency-spelling"]
    assert "State Department of Education (SDE)" in spelling.what
    with store.view() as view:
        assert dictionary.by_agency(view) == imported.counts
        own = dictionary.elements(view, "sde")
        entries = list(view.entries(action="dictionary.import"))
    assert len(own) == counts["SDE"]
    assert {(e.agency, e.code) for e in own} == {("State Department of Education", "SDE")}
    assert sum(entry["details"]["elements"] for entry in entries) == sum(imported.counts.values())


@pytest.mark.parametrize("source", [path for path in [REAL] if path.is_file()])
def test_the_programmes_own_workbook_is_read_whole(source: Path) -> None:
    found = dictionary.read_dictionary(source)
    assert len(found) == 1593
    assert len({e.code for e in found}) == 12
    assert all(e.name and e.code == e.code.upper() for e in found)
    assert not [e.years for e in found if e.years and e.first_year is None]
    assert not [e for e in found if "&oplus;" in str(e)]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2009 to 2024", (2009, 2024)),
        ("2021-2022", (2021, 2022)),
        ("2016-", (2016, None)),
        ("2006-07 To Present", (2006, None)),
        ("2010 - Current (Data quality better 2018 - Current)", (2010, None)),
        ("Sept 2023 - Current", (2023, None)),
        ("", (None, None)),
        ("since long ago", (None, None)),
    ],
)
def test_untidy_years(text: str, years: tuple[int | None, int | None]) -> None:
    assert dictionary.parse_years(text) == years


def test_what_is_not_stated_stays_empty(tmp_path: Path) -> None:
    by_name = {e.name: e for e in dictionary.read_dictionary(workbook(tmp_path / "d.xlsx"))}
    assert (by_name["Gender"].data_type, by_name["Gender"].years, by_name["Award"].program) == ("", "", "")
    assert by_name["SSN"].definition == "Nine\n\ndigits"


def test_a_new_import_takes_the_place_of_the_one_before(store: Store, tmp_path: Path) -> None:
    for rows in (ROWS, ROWS[:3]):
        with store.transaction() as tx:
            dictionary.import_dictionary(tx, workbook(tmp_path / "d.xlsx", rows), "opm-1")
    with store.view() as view:
        assert dictionary.by_agency(view) == {"DOL": 1, "SDE": 2}
        with pytest.raises(Invalid):
            dictionary.elements(view, "OHE")


def test_what_came_went_or_is_defined_otherwise_is_entered_with_the_import(store: Store, tmp_path: Path) -> None:
    first, second, *rest = ROWS
    other = (*first[:4], "The State's own id", *first[5:])
    moved = ("State Department of Education", "SLDS", *second[2:])
    for rows in (ROWS, ROWS, (other, moved, *rest)):
        with store.transaction() as tx:
            dictionary.import_dictionary(tx, workbook(tmp_path / "d.xlsx", rows), "opm-1")
    with store.view() as view:
        found = [e["details"] for e in view.entries(action="dictionary.import") if e["object"] == "SDE"]
    differ = [{k: v for k, v in each.items() if k not in ("elements", "sha256")} for each in found]
    changes = {"added": ["SLDS: Gender"], "removed": ["Adult Education: Gender"], "changed": ["SLDS: SASID"]}
    assert differ == [{"version": 1}, {"version": 1}, {"version": 2, **changes}]


def test_what_is_no_dictionary(tmp_path: Path) -> None:
    text = tmp_path / "d.xlsx"
    text.write_text("Agency\tProgram\n")
    nameless = (*ROWS, ("Department of Labor (DOL)", "Wages", "Wage", "", "?", "", ""))
    for path in (
        text,
        tmp_path / "absent.xlsx",
        workbook(tmp_path / "columns.xlsx", header=HEADER[:5]),
        workbook(tmp_path / "nameless.xlsx", nameless),
    ):
        with pytest.raises(Invalid):
            dictionary.read_dictionary(path)
