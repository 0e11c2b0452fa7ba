"""The files are in the programme's format: names, columns, widths, codes, no quotation marks."""

import re
from datetime import date

import pytest

from p20kit import synthetic
from p20kit.synthetic.tables import table

COLUMNS = {
    "SDE.matching": "GenericID SASID FirstName MiddleName LastName DOB Gender",
    "SDE.analytical": "GenericID AmericanIndianOrAlaskaNative Asian BirthYear BlackOrAfricanAmerican ELL "
    "FreeReducedLunchEligible Gender HispanicOrLatino IsExitTypeGraduated LastReportingDistrictName "
    "NativeHawaiianOrOtherPacificIslander RaceEthnicityReportingText SpecialEd White FallOfYear SIFYear "
    "Administered_FallOfYear Administered_SIFYear LastReportingSchoolName CohortStartFallOfYear CohortStartGrade",
    "DOL.matching": "GenericID SSN FirstName MiddleName LastName DOB Gender",
    "DOL.analytical": "GenericID WageYear WageQuarter QuarterlyWages EmployerID EmployerNAICS",
    "CSCU.matching": "GenericID SSN SASID FirstName MiddleName LastName DOB Gender",
    "CSCU.analytical": "GenericID Institution TermYear TermSeason Level CIPFamily DegreeAwarded",
}
PATTERNS = {
    "SASID": r"[1-9]\d{9}",
    "SSN": r"\d{9}",
    "DOB": r"(19|20)\d{6}",
    "Gender": "[MFU]",
    "BirthYear": r"(199|200)\d",
    "ELL": "[YN]",
    "IsExitTypeGraduated": "[YN]",
    "White": "[YN]",
    "FallOfYear": r"20\d\d",
    "Administered_SIFYear": r"20\d\d",
    "CohortStartGrade": "9|10|11|12",
    "WageYear": "2018|2019|2020|2021",
    "WageQuarter": "[1-4]",
    "QuarterlyWages": r"\d+\.\d\d",
    "EmployerID": "DOLE-[A-Z2-7]{16}",
    "EmployerNAICS": r"\d{3}",
    "TermSeason": "Fall|Spring",
    "Level": "Graduate|Undergraduate",
    "CIPFamily": r"\d\d",
    "DegreeAwarded": "Associate|Bachelor|Certificate|Master",
}
MAY_BE_EMPTY = {"MiddleName", "Administered_FallOfYear", "Administered_SIFYear", "DegreeAwarded"}
MAY_BE_EMPTY_ELSEWHERE = {"DOL.matching": {"DOB"}, "CSCU.matching": {"DOB", "SSN", "SASID"}}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_codes_and_generic_identifiers(written, read, name):
    agency = name.split(".")[0]
    frame = read(written.paths[name])
    assert list(frame.columns) == COLUMNS[name].split()
    assert frame["GenericID"].str.fullmatch(rf"{agency}-[A-Z2-7]{{16}}").all()
    assert frame["GenericID"].is_monotonic_increasing
    empty = {column for column in frame if (frame[column] == "").any()}
    assert empty <= MAY_BE_EMPTY | MAY_BE_EMPTY_ELSEWHERE.get(name, set())
    for column in set(frame) & set(PATTERNS):
        values = frame.loc[frame[column] != "", column]
        assert values.str.fullmatch(PATTERNS[column]).all(), column


def test_names_of_the_files(written):
    assert {key: path.name for key, path in written.paths.items()} == {
        key: f"{key.split('.')[0]}.0034.04_11_2022.{key.split('.')[1]}" for key in COLUMNS
    }
    assert all(re.fullmatch(r"LEA-[A-Z-]+\.0034\.04_11_2022\.finder", path.name) for path in written.finder)
    assert len(set(written.finder)) == 32


def test_plain_text_without_quotation_marks(written):
    for path in [*written.paths.values(), *written.finder]:
        content = path.read_bytes()
        assert b'"' not in content and b"'" not in content and b"\r" not in content
        assert content.endswith(b"\n") and not content.startswith(b"\xef\xbb\xbf")
        content.decode("utf-8")


def test_one_record_per_individual(written, read):
    for name in ("SDE.matching", "SDE.analytical", "DOL.matching", "CSCU.matching"):
        assert read(written.paths[name])["GenericID"].is_unique
    assert read(written.paths["SDE.matching"])["SASID"].is_unique
    assert read(written.paths["DOL.matching"])["SSN"].is_unique
    wages = read(written.paths["DOL.analytical"])
    assert not wages.duplicated(["GenericID", "WageYear", "WageQuarter", "EmployerID"]).any()


@pytest.mark.parametrize("agency", ["SDE", "DOL", "CSCU"])
def test_both_files_of_an_agency_hold_the_same_persons(written, read, agency):
    matching, analytical = (read(written.paths[f"{agency}.{contents}"]) for contents in ("matching", "analytical"))
    assert set(matching["GenericID"]) == set(analytical["GenericID"])


def test_generic_identifiers_are_unrelated_to_identifiers(written, read):
    frame = read(written.paths["DOL.matching"])
    rank = frame["GenericID"].rank()
    for identifier in (frame["SSN"], frame["LastName"], frame["DOB"]):
        assert abs(rank.corr(identifier.rank())) < 0.04
    rows = zip(frame["GenericID"].str[4:], frame["SSN"], frame["LastName"], strict=True)
    assert not any(ssn[-6:] in code or (len(last) > 5 and last in code) for code, ssn, last in rows)


def test_wage_records_are_cut_to_their_width(written, read):
    frame = read(written.paths["DOL.matching"])
    for column in ("FirstName", "MiddleName", "LastName"):
        assert frame[column].str.len().max() <= 20
        assert (frame[column] == frame[column].str.upper()).all()


def test_years_of_the_analytical_file_agree(written, read):
    frame = read(written.paths["SDE.analytical"])
    assert (frame["SIFYear"].astype(int) == frame["FallOfYear"].astype(int) + 1).all()
    assert (frame["FallOfYear"].astype(int) >= frame["CohortStartFallOfYear"].astype(int)).all()
    tested = frame[frame["Administered_FallOfYear"] != ""]
    assert (tested["Administered_SIFYear"].astype(int) == tested["Administered_FallOfYear"].astype(int) + 1).all()
    assert frame["BirthYear"].astype(int).between(1991, 2008).all()


def test_race_text_and_flags_agree(written, read):
    frame = read(written.paths["SDE.analytical"])
    flags = ["AmericanIndianOrAlaskaNative", "Asian", "BlackOrAfricanAmerican", "White"]
    marked = (frame[[*flags, "NativeHawaiianOrOtherPacificIslander"]] == "Y").sum(axis=1)
    text = frame["RaceEthnicityReportingText"]
    assert ((text == "Hispanic/Latino of any race") == (frame["HispanicOrLatino"] == "Y")).all()
    assert (marked[text == "Two or More Races"] >= 2).all()
    assert (frame.loc[text == "Asian", "Asian"] == "Y").all()


def test_finder_files_hold_students_of_the_school(world, written, read):
    schools = table("schools")["code"].to_numpy()[world.students.starts.school]
    sasids = {school: set(world.students.sasid[schools == school].astype(str)) for school in set(schools)}
    for path in written.finder:
        frame = read(path)
        flag = path.parent.name
        assert list(frame.columns) == ["SASID", flag] and re.fullmatch(r"FLAG_(MP|COMP)\d{4}", flag)
        assert (frame[flag] == "1").all() and frame["SASID"].is_unique
        assert set(frame["SASID"]) <= sasids[path.name.split(".")[0]]


def test_a_school_without_participants_sends_an_empty_table(tmp_path, read):
    small = synthetic.universe(students=14, wage_earners=14, seed=1)
    written = small.write(tmp_path, as_of=date(2022, 4, 11))
    assert len(written.finder) == 32
    assert any(read(path).empty for path in written.finder)
