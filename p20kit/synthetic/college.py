"""Enrolments at the Connecticut State Colleges and Universities, term by term."""

import numpy as np
import pandas as pd

from p20kit.synthetic.people import People, age_in, years
from p20kit.synthetic.streams import Ints, Texts, cumulative, draw, stream

LAST_TERM_YEAR = 2021
COLLEGES = (
    ("Asnuntuck Community College", 3),
    ("Capital Community College", 5),
    ("Gateway Community College", 9),
    ("Housatonic Community College", 7),
    ("Manchester Community College", 8),
    ("Middlesex Community College", 4),
    ("Naugatuck Valley Community College", 9),
    ("Northwestern Connecticut Community College", 2),
    ("Norwalk Community College", 8),
    ("Quinebaug Valley Community College", 2),
    ("Three Rivers Community College", 6),
    ("Tunxis Community College", 6),
)
UNIVERSITIES = (
    ("Central Connecticut State University", 13),
    ("Eastern Connecticut State University", 6),
    ("Southern Connecticut State University", 12),
    ("Western Connecticut State University", 6),
    ("Charter Oak State College", 2),
)
CIP_FAMILIES = ("11", "13", "14", "15", "19", "23", "24", "26", "42", "43", "45", "47", "48", "50", "51", "52", "54")
CIP_SHARES = cumulative(np.array([6, 8, 2, 4, 2, 3, 24, 5, 7, 6, 4, 1, 2, 4, 11, 13, 1]))


def terms(seed: int, people: People, who: Ints, ids: Texts) -> pd.DataFrame:
    """Write CSCU's analytical file, one row per person and term, sorted by generic identifier.

    Returns
    -------
    DataFrame
        GenericID, Institution, TermYear, TermSeason (Fall or Spring), Level, CIPFamily, DegreeAwarded (in the
        last term, else empty); text.
    """
    rng = stream(seed, "terms")
    size = len(who)
    names = np.array([name for name, _ in (*COLLEGES, *UNIVERSITIES)], dtype=object)
    weights = np.array([weight for _, weight in (*COLLEGES, *UNIVERSITIES)])
    institution = draw(rng, cumulative(weights), size)
    four_years = institution >= len(COLLEGES)
    later = np.minimum(rng.geometric(0.5, size) - 1, 12)
    begins = np.clip(years(people.birth[who]) + 18 + later, 2010, LAST_TERM_YEAR)
    graduate = four_years & (age_in(people.birth[who], 0) + begins >= 23) & (rng.random(size) < 0.6)
    wanted = np.where(four_years & ~graduate, 8, 4)
    taken = np.where(rng.random(size) < 0.5, wanted, rng.integers(1, wanted + 1))
    taken = np.minimum(taken, 1 + (LAST_TERM_YEAR - begins) * 2)
    person = np.repeat(np.arange(size), taken)
    number = np.arange(len(person)) - np.repeat(np.cumsum(taken) - taken, taken)
    last = number == taken[person] - 1
    finished = last & (taken[person] == wanted[person]) & (rng.random(len(person)) < 0.85)
    degree = np.select(
        [graduate, four_years, rng.random(size) < 0.25], ["Master", "Bachelor", "Certificate"], "Associate"
    )
    cip = np.array(CIP_FAMILIES, dtype=object)[draw(rng, CIP_SHARES, size)]
    return pd.DataFrame(
        {
            "GenericID": ids[person],
            "Institution": names[institution[person]],
            # Fall of the first year, spring of the next, and so on.
            "TermYear": (begins[person] + (number + 1) // 2).astype(str).astype(object),
            "TermSeason": np.where(number % 2 == 0, "Fall", "Spring").astype(object),
            "Level": np.where(graduate, "Graduate", "Undergraduate").astype(object)[person],
            "CIPFamily": cip[person],
            "DegreeAwarded": np.where(finished, degree.astype(object)[person], ""),
        }
    )
