"""A universe of invented people, the agencies' files about them, and the truth."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from p20kit.synthetic import college, files, jobs, records, wages
from p20kit.synthetic.errors import ErrorModel
from p20kit.synthetic.people import ROLES, People, age_in, populate
from p20kit.synthetic.schools import enrol
from p20kit.synthetic.streams import Floats, Ints, Texts, generic_ids, sample, stream
from p20kit.synthetic.students import Students, analytical, careers
from p20kit.synthetic.tables import table

AGENCIES = ("SDE", "DOL", "CSCU")
CONTENTS = ("matching", "analytical")
STUDENTS_WITH_WAGES = 0.575
YEAR_END = 2022.0


@dataclass(frozen=True)
class Membership:
    """Who is in an agency's file: persons and generic identifiers, in ascending order of the identifier."""

    person: Ints
    generic_id: Texts


@dataclass(frozen=True)
class Universe:
    """Invented people and what three agencies know of them; made by `universe`.

    Attributes
    ----------
    seed : int
    errors : ErrorModel
    people : People
    students : Students
    members : dict
        `Membership` by agency (SDE, DOL, CSCU).
    """

    seed: int
    errors: ErrorModel
    people: People
    students: Students
    members: dict[str, Membership]

    @property
    def truth(self) -> pd.DataFrame:
        """Which generic identifier is whom: columns person, agency, generic_id; kept out of every file."""
        parts = [
            pd.DataFrame({"person": members.person, "agency": agency, "generic_id": members.generic_id})
            for agency, members in self.members.items()
        ]
        return pd.concat(parts, ignore_index=True).sort_values(["person", "agency"], ignore_index=True, kind="stable")

    def matching(self, agency: str) -> pd.DataFrame:
        """Return the matching file of `agency`, one row per person, all text, missing = empty."""
        members = self.members[agency]
        rng = stream(self.seed, "matching", agency)
        # Recorded in the order of persons, filed in the order of generic identifiers.
        order = np.argsort(members.person, kind="stable")
        who = members.person[order]
        identifiers: dict[str, Texts] = {}
        if agency == "SDE":
            identifiers["SASID"] = records.padded(self.students.sasid[who], 10)
        else:
            write = records.wage_ssns if agency == "DOL" else records.college_ssns
            identifiers["SSN"] = write(rng, self.people.ssn[who], self.errors)
        if agency == "CSCU":
            identifiers["SASID"] = records.college_sasids(rng, self._sasids(who), self.errors)
        held = records.recorded(rng, agency, self.people, who, self.errors)
        frame = pd.DataFrame({"GenericID": members.generic_id[order], **identifiers})
        return pd.concat([frame, held], axis=1).sort_values("GenericID", ignore_index=True)

    def analytical(self, agency: str) -> Iterator[pa.Table]:
        """Yield the analytical file of `agency` in pieces, sorted by generic identifier, all text."""
        members = self.members[agency]
        if agency == "SDE":
            register = self.matching("SDE")
            order = np.argsort(members.person, kind="stable")
            frame = analytical(self.seed, self.people, self.students, register.iloc[order])
            frame.insert(0, "GenericID", members.generic_id[order])
            yield files.text_table(frame.sort_values("GenericID", ignore_index=True))
        elif agency == "CSCU":
            yield files.text_table(college.terms(self.seed, self.people, members.person, members.generic_id))
        else:
            programme = np.zeros(len(self.people), dtype=bool)
            programme[: len(self.students.programme)] = self.students.programme
            firms = wages.employers(self.seed, len(members.person))
            yield from wages.wage_rows(
                self.seed, self.people, members.person, programme[members.person], members.generic_id, firms
            )

    def finders(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield the schools' finder tables as (code of the school, SASID and FLAG_ column).

        A school with no participant in a year yields a table without rows: it answers all the same.

        Source: ExA 3.a; ExA memo.
        """
        codes = table("schools")["code"].to_numpy()
        for row in table("finders").to_dict("records"):
            at_school = codes[self.students.starts.school] == row["school"]
            listed = at_school & self.students.flagged(row["rule"], row["fall"])
            sasids = records.padded(np.sort(self.students.sasid[listed]), 10)
            ones = np.full(len(sasids), "1", dtype=object)
            yield row["school"], pd.DataFrame({"SASID": sasids, row["element"]: ones})

    def write(
        self,
        directory: Path,
        *,
        dr: str = "0034",
        as_of: date,
        progress: Callable[[str, float], None] | None = None,
    ) -> files.AgencyFiles:
        """Write every agency's and school's file, and the truth, into `directory`.

        The tables of one school have one file name, so each finder file stands in a folder named after its
        flag: `finder/FLAG_MP2021/LEA-HAMDEN.0034.04_11_2022.finder`.

        Parameters
        ----------
        directory : Path
            Made if need be; files of the same name are replaced.
        dr : str
            Number of the data request, in every file name.
        as_of : date
            As-of date, in every file name.
        progress : callable, optional
            Told what is being written and the share done so far.
        """
        return files.write_universe(self, directory, dr=dr, as_of=as_of, progress=progress)

    def write_job(
        self, directory: Path, *, agencies: Sequence[str] = ("SDE", "DOL"), project: str = "DR-0000"
    ) -> Path:
        """Write a match job of these people, on which a method can be written with any code; give its `job.json`.

        `match_pair` and `match_many` run on it with ``job`` set to the directory. `truth.parquet` beside it says
        which generic identifier is whom.

        Source: EM VII.B.1.c.

        Parameters
        ----------
        directory : Path
            Made if need be; files of the same name are replaced.
        agencies : sequence of str
            Whose files are matched, in order.
        project : str
            Number of a data request, as the report shows it.
        """
        return jobs.write_job(self, directory, agencies, project)

    def _sasids(self, who: Ints) -> Ints:
        """SASIDs of everybody in `who`: those who went to other schools have one as well."""
        own = stream(self.seed, "other sasids").integers(1_000_000_000, 10_000_000_000, len(self.people))
        own[: len(self.students.sasid)] = self.students.sasid
        return np.asarray(own[who])


def universe(
    *,
    students: int,
    wage_earners: int,
    seed: int,
    college_students: int | None = None,
    errors: ErrorModel | None = None,
) -> Universe:
    """Make a universe of invented people.

    Parameters
    ----------
    students : int
        Persons in the SDE file, at least 14.
    wage_earners : int
        Persons in the DOL file, at least 1; 57.5 % of the students are among them, unless that
        would be more than 80 % of the wage earners.
    seed : int
        Not negative. The same seed and sizes give the same people and the same bytes.
    college_students : int, optional
        Persons in the CSCU file; half as many as `students` unless given.
    errors : ErrorModel, optional

    Raises
    ------
    ValueError
        If a size or the seed is too small.
    """
    if students < 14 or wage_earners < 1 or seed < 0 or (college_students or 0) < 0:
        raise ValueError("a universe needs at least 14 students, 1 wage earner and a seed that is not negative")
    errors = errors or ErrorModel()
    college_size = students // 2 if college_students is None else college_students
    starts = enrol(stream(seed, "enrolment"), students)
    adults = max(wage_earners, college_size, 20)
    people = populate(stream(seed, "people"), starts, adults, errors.surname_changed)
    chosen = {
        "SDE": np.arange(students),
        "DOL": _wage_earners(stream(seed, "wage earners"), people, students, wage_earners),
        "CSCU": _college_students(stream(seed, "college students"), people, students, college_size),
    }
    members = {}
    for agency, person in chosen.items():
        ids = generic_ids(stream(seed, "generic identifiers", agency), agency, len(person))
        order = np.argsort(ids)
        members[agency] = Membership(person[order], ids[order])
    return Universe(seed, errors, people, careers(seed, people, starts), members)


def _wage_earners(rng: np.random.Generator, people: People, students: int, wanted: int) -> Ints:
    """Choose who has a wage record: the older a student the likelier; parents and siblings; others."""
    age = age_in(people.birth, YEAR_END)
    likely = np.where(age < 15.3, 1e-6, 0.9 / (1 + np.exp(-(age - 18.4) / 1.5)))
    own = min(round(students * STUDENTS_WITH_WAGES), int(wanted * 0.8))
    of_students = sample(rng, likely[:students], own)
    related = np.flatnonzero((people.role > 0) & (people.role < ROLES.index("other")))
    kin = min(round(len(related) * 0.45), int((wanted - own) * 0.35))
    of_kin = related[sample(rng, likely[related], kin)]
    others = np.flatnonzero(people.role == ROLES.index("other"))
    of_others = others[sample(rng, likely[others], wanted - own - kin)]
    return np.concatenate([of_students, of_kin, of_others])


def _college_students(rng: np.random.Generator, people: People, students: int, wanted: int) -> Ints:
    """Choose who studied at CSCU: two in five from the SDE file, the others mostly in their twenties."""
    age = age_in(people.birth, YEAR_END)
    weight: Floats = np.where(age < 18, 0.0, np.interp(age, [18, 20, 28, 40, 60], [0.6, 1, 0.6, 0.1, 0.01]))
    own = min(round(wanted * 0.4), int(np.count_nonzero(weight[:students])))
    rest = np.flatnonzero(people.role >= ROLES.index("sibling"))
    elsewhere = min(wanted - own, int(np.count_nonzero(weight[rest])))
    return np.concatenate([sample(rng, weight[:students], own), rest[sample(rng, weight[rest], elsewhere)]])
