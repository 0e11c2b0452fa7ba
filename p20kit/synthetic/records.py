"""What an agency wrote down about a person: the matching identifiers, with the errors of its form."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from p20kit.synthetic.errors import ErrorModel
from p20kit.synthetic.misspelling import misspell
from p20kit.synthetic.people import HISPANIC, ROLES, People
from p20kit.synthetic.streams import Bools, Dates, Ints, Texts
from p20kit.synthetic.tables import names, nicknames

WAGE_RECORD_WIDTH = 20
PLACEHOLDER_SSN = 999_999_999


@dataclass(frozen=True)
class Form:
    """How an agency's form takes names.

    Attributes
    ----------
    share : float
        Share of the error model's recording errors.
    loses : float
        Share of its shortened middle names and second surnames.
    married : bool
        Whether the file holds the married surname of former students.
    upper, width
        Capitals; characters kept of a name (None: all).
    dob_optional, initials : bool
        The date of birth may be absent; an initial passes for a first name.
    """

    share: float
    loses: float
    married: bool
    upper: bool
    width: int | None
    dob_optional: bool
    initials: bool


def form(agency: str, errors: ErrorModel) -> Form:
    """Return the form of `agency` (SDE, DOL or CSCU)."""
    forms = {
        "SDE": Form(errors.sde_share, 0.12, False, False, None, False, False),
        "DOL": Form(1.0, 1.0, True, True, WAGE_RECORD_WIDTH, True, True),
        "CSCU": Form(errors.cscu_share, 0.4, False, False, None, True, False),
    }
    return forms[agency]


def recorded(rng: np.random.Generator, agency: str, people: People, who: Ints, errors: ErrorModel) -> pd.DataFrame:
    """Write the names, date of birth and sex of `who` as `agency` holds them.

    Returns
    -------
    DataFrame
        FirstName, MiddleName, LastName, DOB (YYYYMMDD), Gender (M, F, U); text, missing = empty; in the
        order of `who`.
    """
    paper = form(agency, errors)
    pool = names().given
    first = pool[people.given[who]].copy()
    middle = np.where(people.middle[who] >= 0, pool[people.middle[who]], "").astype(object)
    last = _last_names(rng, people, who, errors, paper)
    _first_name_errors(rng, first, middle, errors, paper.share)
    _shorten_middle(rng, middle, errors, paper.loses)
    if paper.initials:
        cut = np.flatnonzero(_happens(rng, errors.first_initial, first != ""))
        first[cut] = [name[:1] for name in first[cut]]
    for text in (first, middle, last):
        slip = np.flatnonzero(_happens(rng, errors.typo * paper.share, _long(text)))
        text[slip] = misspell(rng, text[slip])
    swapped = _happens(rng, errors.swapped_names * paper.share, np.ones(len(who), dtype=bool))
    first[swapped], last[swapped] = last[swapped].copy(), first[swapped].copy()
    return pd.DataFrame(
        {
            "FirstName": _written(first, paper),
            "MiddleName": _written(middle, paper),
            "LastName": _written(last, paper),
            "DOB": _dates_of_birth(rng, people.birth[who], errors, paper),
            "Gender": _genders(rng, people.female[who], errors, paper.share),
        }
    )


def _long(text: Texts) -> Bools:
    return np.fromiter((len(word) > 1 for word in text), dtype=bool, count=len(text))


def _happens(rng: np.random.Generator, rate: float, possible: Bools) -> Bools:
    return np.asarray(possible & (rng.random(len(possible)) < rate))


def _last_names(rng: np.random.Generator, people: People, who: Ints, errors: ErrorModel, paper: Form) -> Texts:
    pool, size = names().surnames, len(who)
    current, second, married = people.surname[who], people.second_surname[who], people.married_surname[who]
    known = (married >= 0) & (paper.married | (people.role[who] != ROLES.index("student")))
    known &= ~_happens(rng, errors.surname_not_updated, known)
    last = pool[np.where(known, married, current)].copy()
    chance = rng.random(size)
    only_second = chance < errors.second_surname_only * paper.loses
    dropped = chance < (errors.second_surname_only + errors.second_surname_dropped) * paper.loses
    both = (second >= 0) & ~known & ~dropped
    joiner = np.where((people.race[who] == HISPANIC) & (rng.random(size) < 0.65), " ", "-")
    last[both] = last[both] + joiner[both] + pool[second[both]]
    alone = (second >= 0) & ~known & only_second
    last[alone] = pool[second[alone]]
    suffix = _happens(rng, errors.suffix_recorded, people.junior[who] == 1)
    last[suffix] = last[suffix] + " Jr"
    return last


def _first_name_errors(
    rng: np.random.Generator, first: Texts, middle: Texts, errors: ErrorModel, share: float
) -> None:
    short = nicknames()
    pick = rng.random(len(first))
    has_short = np.fromiter((name in short for name in first), dtype=bool, count=len(first))
    for row in np.flatnonzero(_happens(rng, errors.nickname * share, has_short)):
        choices = short[first[row]]
        first[row] = choices[int(pick[row] * len(choices))]
    instead = _happens(rng, errors.middle_as_first * share, middle != "")
    first[instead] = middle[instead]
    middle[instead] = ""


def _shorten_middle(rng: np.random.Generator, middle: Texts, errors: ErrorModel, loses: float) -> None:
    chance = rng.random(len(middle))
    absent = chance < errors.middle_missing * loses
    initial = np.flatnonzero(~absent & (chance < (errors.middle_missing + errors.middle_initial) * loses))
    middle[absent] = ""
    middle[initial] = [name[:1] for name in middle[initial]]


def _dates_of_birth(rng: np.random.Generator, birth: Dates, errors: ErrorModel, paper: Form) -> Texts:
    months = birth.astype("datetime64[M]")
    year = months.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (birth - months.astype("datetime64[D]")).astype(np.int64) + 1
    swap = _happens(rng, errors.dob_day_month * paper.share, (day <= 12) & (day != month))
    month, day = np.where(swap, day, month), np.where(swap, month, day)
    wrong = _happens(rng, errors.dob_digit * paper.share, ~swap)
    part = rng.integers(0, 3, len(birth))
    # Another day or month of 28 days, so that the wrong date is still a date; one year to either side.
    other_day = (np.minimum(day, 28) - 1 + rng.integers(1, 28, len(birth))) % 28 + 1
    other_month = (month - 1 + rng.integers(1, 12, len(birth))) % 12 + 1
    other_year = year + np.where(rng.random(len(birth)) < 0.5, 1, -1)
    month = np.where(wrong & (part == 1), other_month, month)
    year = np.where(wrong & (part == 2), other_year, year)
    day = np.where(wrong & (part == 0), other_day, np.where(wrong, np.minimum(day, 28), day))
    assumed = _happens(rng, errors.dob_first_of_january * paper.dob_optional, ~(swap | wrong))
    month, day = np.where(assumed, 1, month), np.where(assumed, 1, day)
    missing = _happens(rng, errors.dob_missing * paper.dob_optional, np.ones(len(birth), dtype=bool))
    written = np.array([str(number) for number in (year * 10_000 + month * 100 + day).tolist()], dtype=object)
    written[missing] = ""
    return written


def _genders(rng: np.random.Generator, female: Ints, errors: ErrorModel, share: float) -> Texts:
    everyone = np.ones(len(female), dtype=bool)
    wrong = _happens(rng, errors.sex_wrong * share, everyone)
    unknown = _happens(rng, errors.sex_unknown * share, everyone)
    letters = np.array(["M", "F"], dtype=object)[np.where(wrong, 1 - female, female)]
    letters[unknown] = "U"
    return np.asarray(letters, dtype=object)


def _written(text: Texts, paper: Form) -> Texts:
    written = np.empty(len(text), dtype=object)
    if paper.upper:
        written[:] = [word.upper()[: paper.width].rstrip() for word in text]
    else:
        written[:] = text
    return written


def wage_ssns(rng: np.random.Generator, ssn: Ints, errors: ErrorModel) -> Texts:
    """Write the SSNs of a wage file: some with a wrong digit, never two records under one number."""
    written = ssn.copy()
    wrong = np.flatnonzero(_happens(rng, errors.ssn_wrong, np.ones(len(ssn), dtype=bool)))
    written[wrong] = _wrong_digit(rng, ssn[wrong])
    _, firsts = np.unique(written, return_index=True)
    clash = np.ones(len(ssn), dtype=bool)
    clash[firsts] = False
    while clash.any():
        # Both parties of a clash go back to their own numbers, which are distinct.
        shared = np.isin(written, written[clash])
        written[shared] = ssn[shared]
        _, firsts = np.unique(written, return_index=True)
        clash = np.ones(len(ssn), dtype=bool)
        clash[firsts] = False
    return padded(written, 9)


def college_ssns(rng: np.random.Generator, ssn: Ints, errors: ErrorModel) -> Texts:
    """Write the SSNs of a college file: some missing, some wrong, a few placeholders."""
    everyone = np.ones(len(ssn), dtype=bool)
    wrong = _happens(rng, errors.ssn_wrong, everyone)
    number = ssn.copy()
    number[wrong] = _wrong_digit(rng, ssn[wrong])
    number[_happens(rng, errors.ssn_placeholder, everyone)] = PLACEHOLDER_SSN
    written = padded(number, 9)
    written[_happens(rng, errors.ssn_missing, everyone)] = ""
    return written


def college_sasids(rng: np.random.Generator, sasid: Ints, errors: ErrorModel) -> Texts:
    """Write the SASIDs of a college file: present for a part, a few with a wrong digit."""
    everyone = np.ones(len(sasid), dtype=bool)
    wrong = _happens(rng, errors.sasid_wrong, everyone)
    number = sasid.copy()
    number[wrong] = _wrong_digit(rng, sasid[wrong])
    written = padded(number, 10)
    written[~_happens(rng, errors.sasid_present, everyone)] = ""
    return written


def _wrong_digit(rng: np.random.Generator, numbers: Ints) -> Ints:
    power = 10 ** rng.integers(0, 6, len(numbers))
    digit = numbers // power % 10
    return np.asarray(numbers + ((digit + rng.integers(1, 10, len(numbers))) % 10 - digit) * power)


def padded(numbers: Ints, width: int) -> Texts:
    """Write whole numbers with leading zeros."""
    return np.array([f"{number:0{width}d}" for number in numbers.tolist()], dtype=object)
