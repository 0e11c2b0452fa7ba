"""Two agencies spell one person differently; the standard spelling is one."""

import pandas as pd
import pyarrow as pa
import pytest

from p20kit.linkage import RoleError
from p20kit.linkage.elements import usable_roles
from p20kit.linkage.nicknames import formal_names, nicknames
from p20kit.linkage.standardise import date_parts, identifiers, sound, standardise, surname_tokens

ROLES = {"first_name": "first", "last_name": "last", "dob": "dob", "sex": "sex", "ssn": "ssn"}


def a_file(**columns: list[str | None]) -> pd.DataFrame:
    length = len(next(iter(columns.values())))
    empty: dict[str, list[str | None]] = {column: [""] * length for column in ROLES.values()}
    return pd.DataFrame(empty | columns)


@pytest.mark.parametrize(
    ("written", "tokens", "suffix"),
    [
        ("García-López", ("GARCIA", "LOPEZ"), None),
        ("de la Cruz Peña", ("DELACRUZ", "PENA"), None),
        ("O'Brien", ("OBRIEN",), None),
        ("Mc Donald Jr.", ("MCDONALD",), "JR"),
        ("Smith III", ("SMITH",), "III"),
        ("St", ("ST",), None),
        ("Li", ("LI",), None),
        ("", (), None),
        ("Иванов", ("ИВАНОВ",), None),
    ],
)
def test_surnames_come_apart_into_tokens_and_suffix(written, tokens, suffix):
    assert surname_tokens(written) == (tokens, suffix)


@pytest.mark.parametrize(
    ("written", "standard"),
    [
        ("20050307", "20050307"),
        ("2005-03-07", "20050307"),
        ("3/7/2005", "20050307"),
        ("20051307", "20051307"),
        ("00000000", None),
        ("99999999", None),
        ("2005", None),
        ("", None),
    ],
)
def test_dates_in_three_formats(written, standard):
    assert date_parts(written) == standard


@pytest.mark.parametrize(
    "placeholder",
    [
        "000123456",
        "666123456",
        "912345678",
        "123006789",
        "123450000",
        "111111111",
        "123456789",
        "078051120",
        "",
        "none",
    ],
)
def test_a_placeholder_identifies_nobody(placeholder):
    assert identifiers(pa.array([placeholder])).to_pylist() == [None]


def test_a_real_number_keeps_its_leading_zero():
    assert identifiers(pa.array(["040-12-3456"])).to_pylist() == ["040123456"]


def test_a_number_many_records_carry_is_nulled_and_counted():
    numbers = ["041234567"] * 6 + ["041234568", "041234569"]
    side = standardise(a_file(ssn=numbers), ROLES)
    assert side.frame["ssn"].notna().tolist() == [False] * 6 + [True, True]
    assert side.nulled == {"ssn": 6}
    assert side.completeness["ssn"] == 0.25


def test_a_second_given_name_is_a_middle_name_where_none_is_given():
    side = standardise(a_file(first=["Ana Maria", "Ana", None]), ROLES)
    assert side.frame["fn"].tolist()[:2] == ["ANA", "ANA"]
    assert side.frame["mn"].dropna().to_dict() == {0: "MARIA"}
    assert side.frame["fn"].isna().tolist() == [False, False, True]


def test_a_middle_name_or_suffix_of_its_own_column_goes_before_one_behind_another_name():
    columns = {"first": ["Ponce Bailey", "Ana Maria"], "last": ["Smith Jr", "Smith Jr"]}
    file = a_file(**columns).assign(middle=["Anthony", None], suffix=["Sr", None])
    roles = ROLES | {"middle_name": "middle", "suffix": "suffix"}
    for order in (roles, dict(reversed(roles.items()))):
        frame = standardise(file, order).frame
        assert frame["mn"].tolist() == ["ANTHONY", "MARIA"]
        assert frame["suffix"].tolist() == ["SR", "JR"]


def test_day_and_month_swap_only_where_both_are_months():
    side = standardise(a_file(dob=["20050307", "20050317", "20050303"]), ROLES)
    assert side.frame["dob_swapped"].dropna().to_dict() == {0: "20050703"}


def test_nicknames_overlap_in_a_formal_name():
    assert set(formal_names("BOB")) & set(formal_names("ROBERT")) == {"ROBERT"}
    assert not set(formal_names("BOB")) & set(formal_names("WILLIAM"))
    assert formal_names("UNHEARD") == ("UNHEARD",)
    pairs = set(nicknames())
    assert {("BOB", "ROBERT"), ("ROBERT", "BOB"), ("BOB", "ROB")} <= pairs
    assert all(one != other and set(formal_names(one)) & set(formal_names(other)) for one, other in pairs)


def test_names_that_sound_alike_share_a_code():
    assert sound("ROBERT") == sound("RUPERT") == "R163"
    assert sound("TYMCZAK") == "T522"
    assert sound("李") is None


def test_a_role_only_one_file_holds_is_left_out_and_named():
    used, missing = usable_roles(ROLES, ["first", "last", "dob", "ssn"], ["first", "last", "dob", "sex"])
    assert list(used) == ["first_name", "last_name", "dob"]
    assert list(missing) == ["sex", "ssn"]


def test_too_few_or_unknown_roles_are_refused():
    with pytest.raises(RoleError, match="needs first_name, last_name and one of dob"):
        usable_roles(ROLES, ["first", "last", "sex"], ["first", "last", "dob", "sex"])
    with pytest.raises(RoleError, match="unknown roles: shoe_size"):
        usable_roles({"shoe_size": "shoe"}, ["shoe"], ["shoe"])
