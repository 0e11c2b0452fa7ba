"""The compiled policy: frozen, hashed, never looser than the Enterprise MOU's floor."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import BaseModel, ConfigDict

from enclave.agreement.cohorts import without_scope
from enclave.agreement.documents import Documents
from enclave.agreement.lint import Conflict, lint
from enclave.agreement.model import (
    AgencyTerms,
    Agreement,
    CellTerms,
    Element,
    FileLayout,
    KindOfData,
    Party,
    PartyKind,
    Retention,
    School,
)
from enclave.agreement.sources import load
from enclave.calendar import add_months
from enclave.errors import Finding, Invalid, Refused, refuse
from enclave.terms import GENERIC_ID, project_id

FLOOR = CellTerms(
    minimum_count=6, minimum_base=20, zeros="shown", minimum_employers=3, dominance_share=0.80, p_percent=15.0
)
"""A project may be stricter than DSA III.G.2, never looser."""

_LONGEST_MATCH_RETENTION = 10
_SHORTEST_REVIEW = 10


class Policy(BaseModel):
    """What an agreement comes to, after its agencies' terms were merged to the strictest.

    Source: DSA I (precedence); EM XIV.A; EM XVIII.F.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    agreement: Agreement
    cells: CellTerms
    columns: dict[str, CellTerms] = {}
    retention: Retention

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over the canonical JSON of everything in the policy; every decision carries it."""
        return hashlib.sha256(rfc8785.dumps(self.model_dump(mode="json"))).hexdigest()

    @property
    def project(self) -> str:
        """The Data Request number."""
        return self.agreement.dr

    @cached_property
    def agencies(self) -> tuple[str, ...]:
        """Codes of the Participating Agencies that provide data."""
        return tuple(p.code for p in self.agreement.parties if p.kind is PartyKind.AGENCY)

    @property
    def recipient(self) -> str:
        """Code of the Data Recipient."""
        return next(p.code for p in self.agreement.parties if p.kind is PartyKind.RECIPIENT)

    @cached_property
    def signatories(self) -> tuple[str, ...]:
        """Codes of those whose signature the agreement needs: agencies, hub, recipient (EM II)."""
        return tuple(p.code for p in self.agreement.parties if p.kind is not PartyKind.SCHOOL)

    @property
    def needs_review_board(self) -> bool:
        """Whether an Institutional Review Board must approve (DSA VI.A)."""
        return self.agreement.review_board is not None and self.agreement.review_board.needed

    @property
    def terms(self) -> dict[str, Any]:
        """Give the cell suppression policy as plain values, for `p20kit.CellPolicy.of`.

        Columns are named as delivered ("sde.Gender"). What says no source may be made of any column: it is held to
        the strictest terms of all, and as if it were sensitive.

        Source: DSA III.G.2; DSA VI.D.2; DSA II.F.
        """
        sensitive = [
            f"{agency.lower()}.{element.name}"
            for agency, elements in self.agreement.elements.items()
            for element in elements
            if element.sensitive and not element.matching
        ]
        columns = {name: _plain(cells) for name, cells in sorted(self.columns.items())}
        if columns:
            columns["*"] = _plain(_strictest([self.cells, *self.columns.values()]))
        return _plain(self.cells) | {
            "sensitive": [*sorted(sensitive), *(["*"] if sensitive else [])],
            "columns": columns,
        }

    def party(self, code: str) -> Party | None:
        """Give a party by its code, or None."""
        return next((p for p in self.agreement.parties if p.code == code), None)

    def element(self, agency: str, name: str) -> Element | None:
        """Give an approved element, or None."""
        return next((e for e in self.agreement.elements.get(agency, ()) if e.name == name), None)

    def layout(self, agency: str, contents: str) -> FileLayout | None:
        """Give the layout of a file an agency may send, or None."""
        files = self.agreement.files
        return next((f for f in files if (f.agency, f.contents) == (agency, contents)), None)

    def school(self, code: str) -> School | None:
        """Give a school by its code, or None."""
        return next((s for s in self.agreement.schools if s.code == code), None)

    def expected(self) -> tuple[tuple[str, str], ...]:
        """Give (source, contents) of every file the hub must have before it matches (EM XII)."""
        agencies = tuple((f.agency, f.contents) for f in self.agreement.files if f.contents != "finder")
        schools = tuple((s.code, "finder") for s in self.agreement.schools if s.finder)
        return agencies + schools

    def without(self, refused: Mapping[str, Collection[str]]) -> Policy:
        """Take out elements that agencies do not share: of tables, files and groups; what it says of them goes too.

        Source: EM VIII.

        Raises
        ------
        Invalid
            If a file, or the persons asked for, could not be told apart or encoded without them.
        """
        agreement = self.agreement
        files = tuple(_without(layout, refused.get(layout.agency, ())) for layout in agreement.files)
        kept = {
            agency: tuple(e for e in elements if e.name not in refused.get(agency, ()))
            for agency, elements in agreement.elements.items()
        }
        gone = {name for names in refused.values() for name in names}
        groups = tuple(name for name in agreement.match_groups if name not in gone)
        kinds = tuple(_kind_without(kind, refused) for kind in agreement.kinds_of_data)
        changed = {"elements": kept, "files": files, "match_groups": groups, "kinds_of_data": kinds}
        agreement = agreement.model_copy(update=changed)
        _resolve(agreement)
        out = {f"{agency.lower()}.{name}" for agency, names in refused.items() for name in names}
        columns = {name: cells for name, cells in self.columns.items() if name not in out}
        # made anew: a copy would keep the hash of what it was
        return Policy(agreement=agreement, cells=self.cells, columns=columns, retention=self.retention)

    def tightened(self, cells: CellTerms, match_days: int) -> Policy:
        """Give the policy with the stricter of each term; match data are kept for `match_days` business days at most.

        Source: EM XIII.B; EM XIV.A.
        """
        days = min(match_days, self.retention.match_data_business_days)
        return Policy(
            agreement=self.agreement,
            cells=_strictest([self.cells, cells]),
            columns={name: _strictest([asked, cells]) for name, asked in self.columns.items()},
            retention=self.retention.model_copy(update={"match_data_business_days": days}),
        )

    def ends_on(self, delivered_on: date | None = None) -> date:
        """Give the last day of access: the earliest of project end, destroy date and months after delivery.

        Source: DSA XI; DSA VI.H; ExA 4.a.
        """
        days = [self.retention.project_end, self.retention.destroy_by]
        if delivered_on is not None:
            days.append(add_months(delivered_on, self.retention.months_after_delivery))
        return min(days)


def compile_agreement(policies: Path, dr: str) -> Policy:
    """Compile one agreement with the terms of its agencies into a policy.

    Source: DSA I; EM II; EM XI; EM XIV.A; EM XVIII.F.

    Parameters
    ----------
    policies : Path
        Folder with ``agreements/<DR>.yaml`` and ``agencies/<code>.yaml``.
    dr : str
        Data Request number.

    Raises
    ------
    Invalid
        If a file is missing, a key unknown, a reference (element, question, party) does not resolve, or the
        documents, where they are transcribed, say something in two ways of which the agreement takes none.
    Refused
        If it asks fewer than two agencies, or a term is looser than the floor.
    """
    dr = project_id(dr)
    agreement = load(policies / "agreements" / f"{dr}.yaml", Agreement)
    codes = [p.code for p in agreement.parties if p.kind is PartyKind.AGENCY]
    terms = [load(policies / "agencies" / f"{code}.yaml", AgencyTerms) for code in codes]
    _hold_parties(agreement)
    _resolve(agreement)
    if still := [conflict.finding for conflict in _conflicts(policies, agreement) if not conflict.taken]:
        raise Invalid(dr, still)
    everyone = [agreement.cells, *(term.cells for term in terms)]
    columns = _columns(agreement, terms)
    for cells in (*everyone, *columns.values()):
        _hold_floor(dr, cells)
    match_days = min(agreement.retention.match_data_business_days, *(t.match_data_business_days for t in terms))
    if match_days > _LONGEST_MATCH_RETENTION or agreement.retention.review_business_days < _SHORTEST_REVIEW:
        raise _looser(dr, "DSA III.F.3", "a period")
    retention = agreement.retention.model_copy(update={"match_data_business_days": match_days})
    cells = _strictest(everyone)
    stricter = {name: _strictest([cells, asked]) for name, asked in columns.items()}
    return Policy(agreement=agreement, cells=cells, columns=stricter, retention=retention)


def _columns(agreement: Agreement, terms: list[AgencyTerms]) -> dict[str, CellTerms]:
    """Give what agencies, and the agreement of a kind of data, ask of single elements, by their names as delivered.

    Source: EM XIV.A; SDP 4.a.
    """
    asked: dict[str, list[CellTerms]] = {}
    for agency in terms:
        for element in agreement.elements.get(agency.code, ()):
            if element.name in agency.columns:
                asked.setdefault(f"{agency.code.lower()}.{element.name}", []).append(agency.columns[element.name])
    for kind in agreement.kinds_of_data:
        for code, names in kind.elements.items():
            for name in names:
                asked.setdefault(f"{code.lower()}.{name}", []).append(kind.cells)
    return {name: _strictest(every) for name, every in asked.items()}


def conflicts_of(policies: Path, dr: str) -> tuple[Conflict, ...]:
    """Find what the documents of an agreement leave open or say in two ways, with the readings it takes.

    Source: DSA I; EM XVIII.F.

    Raises
    ------
    Invalid
        If the agreement or the transcript of its documents is missing or malformed.
    """
    dr = project_id(dr)
    agreement = load(policies / "agreements" / f"{dr}.yaml", Agreement)
    load(policies / "documents" / f"{dr}.yaml", Documents)
    return _conflicts(policies, agreement)


def _conflicts(policies: Path, agreement: Agreement) -> tuple[Conflict, ...]:
    path = policies / "documents" / f"{agreement.dr}.yaml"
    return lint(load(path, Documents), agreement.assumed) if path.exists() else ()


def _hold_parties(agreement: Agreement) -> None:
    """Refuse a request that is no matter of the programme: it takes two agencies, the hub and a recipient."""
    of_kind = {kind: [p for p in agreement.parties if p.kind is kind] for kind in PartyKind}
    agencies = of_kind[PartyKind.AGENCY]
    if len(agencies) < 2:
        whom = f"the {agencies[0].name}" if agencies else "the agency whose data are wanted"
        what = f"it asks {len(agencies)} agencies for data, and the programme joins those of two or more"
        raise refuse(agreement.dr, "two-agencies", "EM XI", what, f"Ask {whom} directly.")
    missing = [
        Finding("party", "EM II", "parties", f"there is not one {kind}", "Name who signs as such.")
        for kind in (PartyKind.HUB, PartyKind.RECIPIENT)
        if len(of_kind[kind]) != 1
    ]
    if missing:
        raise Invalid(agreement.dr, missing)


def _resolve(agreement: Agreement) -> None:
    """Check that everything referred to exists: elements of files, questions of elements, columns of the scope."""
    findings = [*_unknown_elements(agreement), *_unknown_questions(agreement), *_repeated_elements(agreement)]
    findings += [*_kinds_of_data(agreement), *_encodings(agreement), *without_scope(agreement)]
    if findings:
        raise Invalid(agreement.dr, findings)


def _without(layout: FileLayout, refused: Collection[str]) -> FileLayout:
    """Take elements out of a file; what makes its rows unique stays named, and is found missing."""
    return layout.model_copy(update={"elements": tuple(name for name in layout.elements if name not in refused)})


def _kind_without(kind: KindOfData, refused: Mapping[str, Collection[str]]) -> KindOfData:
    left = {
        agency: tuple(name for name in names if name not in refused.get(agency, ()))
        for agency, names in kind.elements.items()
    }
    return kind.model_copy(update={"elements": left})


def _unknown_elements(agreement: Agreement) -> list[Finding]:
    findings = []
    for layout in agreement.files:
        names = {e.name for e in agreement.elements.get(layout.agency, ())}
        for name in (*layout.elements, *layout.unique):
            if name not in names and name != GENERIC_ID:
                where = f"files.{layout.agency}.{layout.contents}"
                what = f"element {name} is not in the table of data elements"
                findings.append(Finding("element-reference", "ExA elements", where, what, "Add or remove it."))
    return findings


def _unknown_questions(agreement: Agreement) -> list[Finding]:
    known = {q.id for q in agreement.questions}
    return [
        Finding("question-reference", "ExA 3.b", f"elements.{agency}.{e.name}", f"{q} is no question", "Add it.")
        for agency, elements in agreement.elements.items()
        for e in elements
        for q in e.questions
        if q not in known
    ]


def _repeated_elements(agreement: Agreement) -> list[Finding]:
    return [
        Finding("element-once", "ExA elements", f"elements.{agency}", f"{name} is listed twice", "List it once.")
        for agency, elements in agreement.elements.items()
        for name in {e.name for e in elements}
        if sum(e.name == name for e in elements) > 1
    ]


def _kinds_of_data(agreement: Agreement) -> list[Finding]:
    """Check that a kind of data is of elements that are delivered: what is only matched stands in no table."""
    known = {(agency, e.name) for agency, elements in agreement.elements.items() for e in elements if not e.matching}
    return [
        Finding(
            "kind-of-data", "SDP 4.a", f"kinds_of_data.{kind.name}", f"{agency}.{name} is not delivered", "Mend it."
        )
        for kind in agreement.kinds_of_data
        for agency, names in kind.elements.items()
        for name in names
        if (agency, name) not in known
    ]


def _encodings(agreement: Agreement) -> list[Finding]:
    """Check that what is promised as encodings can be encoded, and matched with what the others send."""
    promised = [layout for layout in agreement.files if layout.encoded]
    findings = []
    for layout in promised:
        where, own = f"files.{layout.agency}.{layout.contents}", agreement.elements.get(layout.agency, ())
        roles = {e.links_as for e in own if e.name in layout.elements}
        if layout.contents != "matching" or not {"first_name", "last_name", "dob"} <= roles:
            what = "only a matching file with first name, surname and date of birth can be sent as encodings"
            findings.append(Finding("encoding-roles", "EM IX", where, what, "Send it in the clear."))
        if any(e.made_by_hub for e in own):
            what = "the schools' flags are joined by SASID, which the hub would not have"
            findings.append(Finding("encoding-flags", "ExA memo", where, what, "Let the agency make the flags."))
    clear = {f.agency for f in agreement.files if f.contents == "matching" and not f.encoded}
    if promised and clear:
        what = f"identifiers of {', '.join(sorted(clear))} cannot be matched with encodings"
        findings.append(Finding("encoding-all", "EM XII", "files", what, "Encode every matching file, or none."))
    return findings


def _hold_floor(dr: str, cells: CellTerms) -> None:
    if (
        cells.minimum_count < FLOOR.minimum_count
        or cells.minimum_base < FLOOR.minimum_base
        or cells.minimum_employers < FLOOR.minimum_employers
        or not 0 < cells.dominance_share <= FLOOR.dominance_share
        or not FLOOR.p_percent <= cells.p_percent <= 100
    ):
        raise _looser(dr, "DSA III.G.2", "a cell size")


def _looser(dr: str, clause: str, what: str) -> Refused:
    return refuse(
        dr, "policy-floor", clause, f"{what} is looser than the documents allow",
        "A project may be stricter, never looser.",
    )  # fmt: skip


def _strictest(everyone: list[CellTerms]) -> CellTerms:
    """Merge to the strictest (EM XIV.A; DSA VI.D.2 "most stringent cell size allowable")."""
    return CellTerms(
        minimum_count=max(c.minimum_count for c in everyone),
        minimum_base=max(c.minimum_base for c in everyone),
        zeros="hidden" if any(c.zeros == "hidden" for c in everyone) else "shown",
        minimum_employers=max(c.minimum_employers for c in everyone),
        dominance_share=min(c.dominance_share for c in everyone),
        p_percent=max(c.p_percent for c in everyone),
        assumed="; ".join(c.assumed for c in everyone if c.assumed),
    )


def _plain(cells: CellTerms) -> dict[str, Any]:
    """Give terms as plain values, without the reasons."""
    return cells.model_dump(mode="json", exclude={"assumed"})
