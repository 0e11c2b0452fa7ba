"""What a Data Sharing Agreement says, as data. An unknown key refuses; nothing falls back.

Each class is one part of `policies/agreements/<DR>.yaml`. Where the document is silent the file says `assumed:`
with a reason, and the reason travels with the policy.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """Base of all parts: frozen, strict about keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PartyKind(StrEnum):
    """What a party is under the agreement."""

    AGENCY = "participating agency"
    HUB = "data integration hub"
    RECIPIENT = "data recipient"
    SCHOOL = "school"


class Party(Part):
    """A party, with the title of its Representative (DSA XII); never a person's name.

    Parameters
    ----------
    government : bool
        An agency or office of the State, a state university among them.
    education : bool
        Its data are education records, as they are taken to be where nobody says otherwise (ExA 2.h, c).
    legal_basis : str
        Which law lets it share (DSA III.A).
    dissemination : str
        What it permits and limits when results are published, beside the size of cells (EM XI.A).
    """

    code: str
    name: str
    kind: PartyKind
    representative: str = ""
    government: bool = True
    education: bool = True
    legal_basis: str = ""
    dissemination: str = ""


class Requestor(Part):
    """Who asks for the data (ExA 2.a), as the form names the person."""

    name: str
    title: str
    organization: str
    address: str
    email: str
    telephone: str


class Discussion(Part):
    """With whom of an agency the request was discussed, by title (ExA 1.f)."""

    agency: str
    who: str


class Benefit(Part):
    """What the State has of it, and whose programmes it audits or evaluates (ExA 3.c)."""

    text: str
    evaluates: tuple[str, ...]


class Agenda(Part):
    """The place of the request in a research agenda; it goes before others where there is one (EM XI.A)."""

    of: Literal["learning agenda", "agency", "none"]
    place: str


class ReviewBoard(Part):
    """Whether an Institutional Review Board must approve, and why or why not (DSA VI.A)."""

    needed: bool
    why: str


class Standard(Part):
    """The element of an adopted standard that an element goes with (SDP 7.a, 7.c).

    Parameters
    ----------
    of : str
        The standard: CEDS, the Common Education Data Standards.
    id, name : str
        Of its element.
    version : str
        Of the standard, where it matters; its ids stay.
    """

    of: str
    id: str
    name: str
    version: str = ""

    def __str__(self) -> str:
        """Give it in a line."""
        return " ".join(filter(None, (self.of, self.version, self.id, self.name)))


class Element(Part):
    """One row of the table of data elements.

    Source: ExA elements; DSA VI.A.

    Parameters
    ----------
    name : str
        Column header as approved.
    matching : bool
        For matching purposes only, never shared with the Data Recipient.
    links_as : str
        Role in linkage (``last_name``, ``dob`` ...) where it may be used for matching.
    kind : str
        How its values look; `codes` or `pattern` narrow it.
    made_by_hub : bool
        Comes from the schools' finder files and not from the agency (ExA 3.a, note; ExA memo).
    uc : bool
        Confidential UC Information (DSA I): no unit records for non-government persons.
    sensitive : bool
        No displayed group may be wholly in one of its categories.
    employer : bool
        It identifies employers: for counting them, never released.
    standard : Standard, optional
        What it goes with in an adopted standard; None where nobody has said.
    assumed : str
        Why it stands here though the document does not name it.
    """

    name: str
    definition: str
    matching: bool = False
    links_as: str = ""
    kind: Literal["text", "code", "integer", "money", "date"] = "text"
    codes: tuple[str, ...] = ()
    pattern: str = ""
    questions: tuple[str, ...] = ()
    uc: bool = False
    sensitive: bool = False
    employer: bool = False
    made_by_hub: bool = False
    standard: Standard | None = None
    assumed: str = ""


class EncodingTerms(Part):
    """How names become Bloom filters where an agency sends encodings: see `p20kit.linkage.encoding.Encoding`."""

    bits: Literal[64, 128, 256, 512, 1024, 2048, 4096] = 256
    draws: int = Field(default=64, ge=16, le=64)


class FileLayout(Part):
    """A file an agency sends: its contents, its elements in order, and what makes a row unique.

    `encoded` promises that the agency sends encodings of the elements and not the elements (EM IX).
    """

    agency: str
    contents: Literal["matching", "analytical", "finder"]
    elements: tuple[str, ...]
    unique: tuple[str, ...]
    encoded: bool = False
    assumed: str = ""


class Table(Part):
    """A table of one school's finder file: a flag for each student listed (ExA memo)."""

    flag: str
    definition: str


class Cohort(Part):
    """Students beginning in a grade in an academic year (ExA 3.a, second table)."""

    starting_fall: int
    starting_grade: int


class School(Part):
    """A school of ExA 3.a or of the memo, its grades, cohorts, finder tables and what is not asked of it."""

    code: str
    name: str
    grades: tuple[int, ...] = ()
    cohorts: tuple[Cohort, ...] = ()
    finder: tuple[Table, ...] = ()
    withholds: tuple[str, ...] = ()
    assumed: str = ""


class Question(Part):
    """A research question (ExA 3.b)."""

    id: str
    text: str
    assumed: str = ""


class Report(Part):
    """A document that will use the data, and for whom (ExA 3.e)."""

    id: str
    title: str
    audience: str
    indicators: tuple[str, ...]


class CellTerms(Part):
    """The cell suppression policy (DSA III.G.2, VI.D.2) with its recorded interpretations.

    Counts are of distinct individuals, shares of one employer's part in a total, percents of the p-percent rule.
    """

    minimum_count: int
    minimum_base: int
    zeros: Literal["hidden", "shown"] = "hidden"
    minimum_employers: int = 3
    dominance_share: float = 0.80
    p_percent: float = 15.0
    assumed: str = ""


class KindOfData(Part):
    """A kind of data that needs stricter rules, the elements it is of, and the rules (SDP 4.a).

    Parameters
    ----------
    elements : mapping of agency to tuple of str
        Elements of the agreement.
    cells : CellTerms
        Hold wherever one of them stands in a table; what else holds there stays, and of each term the strictest.
    why : str
        What makes it of a kind of its own.
    """

    name: str
    elements: dict[str, tuple[str, ...]]
    cells: CellTerms
    why: str


class Retention(Part):
    """Dates and periods after which data go (DSA VI.H, XI; ExA 4.a; DSA III.F.3)."""

    project_end: date
    destroy_by: date
    months_after_delivery: int
    match_data_business_days: int
    review_business_days: int


class Assumption(Part):
    """Something the document does not say and the policy had to."""

    about: str
    taken: str
    reason: str


class Agreement(Part):
    """The whole of one `policies/agreements/<DR>.yaml`.

    `submitted_on` is the day of the form (ExA 1.a), `revised_on` that of the memo which revises it (ExA memo),
    `approved_on` that of DSA VI.A. What the form asks and a file does not say is found before anyone is asked
    (`agreement.completeness`), not when it is read: a request is written over some time.

    Parameters
    ----------
    method : str
        How the data are analysed (ExA 3.d); `methods` are those against re-identification (ExA 3.f).
    security_plan : str
        How the risk of re-identification is kept small (EM II).
    """

    dr: str
    title: str
    purpose: str
    method: str = ""
    security_plan: str = ""
    requestor: Requestor | None = None
    discussed_with: tuple[Discussion, ...] = ()
    benefit: Benefit | None = None
    agenda: Agenda | None = None
    review_board: ReviewBoard | None = None
    submitted_on: date | None = None
    revised_on: date | None = None
    approved_on: date
    parties: tuple[Party, ...]
    elements: dict[str, tuple[Element, ...]]
    files: tuple[FileLayout, ...]
    schools: tuple[School, ...] = ()
    cross_section_fall: int | None = None
    questions: tuple[Question, ...]
    reports: tuple[Report, ...]
    methods: tuple[str, ...]
    software: tuple[str, ...]
    match_groups: tuple[str, ...] = ()
    encoding: EncodingTerms = EncodingTerms()
    cells: CellTerms
    kinds_of_data: tuple[KindOfData, ...] = ()
    retention: Retention
    acknowledgement: str
    assumed: tuple[Assumption, ...] = ()

    @property
    def without_standard(self) -> tuple[str, ...]:
        """Name the elements of which nobody has said what they go with in an adopted standard (SDP 7.c)."""
        return tuple(f"{a}.{e.name}" for a, elements in self.elements.items() for e in elements if not e.standard)


class AgencyTerms(Part):
    """What one Participating Agency asks in every agreement (EM XIV.A); `policies/agencies/<code>.yaml`.

    `columns` holds what it asks of tables in which one of its elements stands, beyond what it asks of all.
    """

    code: str
    name: str
    cells: CellTerms
    columns: dict[str, CellTerms] = Field(default_factory=dict)
    match_data_business_days: int = Field(default=10)
