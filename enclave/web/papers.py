"""The papers of a project, its signatures and who is designated: what is there, what each lacks, what is missing.

Source: EM VII.A.1.m; ExA 2.h; ExA 4.b; DSA III.B; DSA VI.E; DSA XII; EM II.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from starlette.exceptions import HTTPException

from enclave import agreement, papers, people
from enclave.agreement import Signature, exhibits
from enclave.app import Enclave
from enclave.errors import invalid
from enclave.papers import Paper
from enclave.people import Listing, Person
from enclave.people.register import GOVERNMENT
from enclave.people.status import DESIGNATION
from enclave.people.wanted import wanted
from enclave.scratch import scratch
from enclave.store import View
from enclave.terms import ANALYSTS, Role
from enclave.web.access import Place, Standing, look
from enclave.web.visit import Document, Done, Page, Visit

_PDF = b"%PDF-"


@dataclass(frozen=True)
class Kept:
    """One version of a paper.

    Parameters
    ----------
    id : str
        Names its document in an address.
    lacks : list of str
        What it lacks to stand today.
    open : mapping of item -> words
        What it must say, and nobody has ticked yet.
    ticked : int
        Items that are.
    verifies : bool
        Whether the person at the browser can say that they found it true.
    """

    id: str
    key: str
    since: date
    until: date | None
    names: str
    status: str
    added_on: date
    added_by: str
    sha256: str
    lacks: list[str]
    open: dict[str, str]
    ticked: int
    withdrawn: bool
    verifies: bool


@dataclass(frozen=True)
class Filed:
    """A paper that the project needs, or has.

    Parameters
    ----------
    about : str
        Login or organization; empty where the project says it all.
    stands : bool
    named : str
        What it must name, in words; empty where nothing.
    statuses : list of str
        The statuses it may have; empty where none.
    ends : bool
        Whether it may, or must, say until when it holds.
    added : bool
        Whether it is added here; signed exhibits come from the page of who signs, or from *People*.
    versions : list of Kept
        Newest first.
    """

    kind: str
    title: str
    clause: str
    about: str
    stands: bool
    named: str
    statuses: list[str]
    ends: bool
    added: bool
    versions: list[Kept]


@dataclass(frozen=True)
class Signing:
    """A party that signs: when it did, by which title, and who speaks for it.

    Parameters
    ----------
    speaks : str
        Login of the designated Representative; empty where there is none today.
    stewards : list of str
        Logins that can be designated.
    """

    party: str
    name: str
    title: str
    signed_on: date | None
    speaks: str
    since: date | None
    stewards: list[str]


@dataclass(frozen=True)
class Papers:
    """The papers of a project; `keeps` is whether the person at the browser keeps them.

    Parameters
    ----------
    approved_on : date or None
        When the agencies approved; nobody signs before.
    unsigned : list of str
        Parties that have still to sign; once it is effective, those that an amendment added.
    against : list of str
        Why nobody can sign today.
    """

    agreement: list[Filed]
    people: list[Filed]
    signing: list[Signing]
    approved_on: date | None
    effective_on: date | None
    unsigned: list[str]
    against: list[str]
    keeps: bool
    today: date


def show(visit: Visit) -> Page[Papers]:
    """Show what papers a project has, what they lack, and which are missing."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.PAPERS)
        known = standing.agreement
        missing = [] if known.approved_on else ["the agencies whose data are requested have not approved it"]
        missing += [f"{finding.where}: {finding.what}" for finding in agreement.not_attached(view, known.policy)]
        model = Papers(
            agreement=[_filed(view, standing, *series) for series in _of_agreement(view, standing)],
            people=[_filed(view, standing, *series) for series in dict.fromkeys(_of_people(view, standing))],
            signing=[_signing(view, standing, code) for code in known.policy.signatories],
            approved_on=known.approved_on,
            effective_on=known.effective_on,
            unsigned=list(known.unsigned),
            against=missing if known.unsigned else [],
            keeps=standing.role is Role.OPM,
            today=view.today,
        )
    return Page("papers", f"{standing.project} papers", model, standing)


def _of_agreement(view: View, standing: Standing) -> list[tuple[str, str]]:
    """Give kind and subject of the papers of the project itself: those it needs, and all others it has."""
    needed = [(name, "") for name in (*exhibits(view, standing.agreement.policy), "agreement")]
    had = sorted({(paper.kind, paper.about) for paper in view.find(Paper, standing.project) if not paper.about})
    return list(dict.fromkeys([*needed, *had]))


def _of_people(view: View, standing: Standing) -> Iterator[tuple[str, str]]:
    """Give kind and subject of the papers that access of those on the list asks for."""
    for listing in sorted(view.find(Listing, standing.project), key=lambda each: each.person):
        person = view.get(Person, listing.person)
        if person is None or listing.role not in ANALYSTS | {Role.HUB_STAFF}:
            continue
        yield from ((signed, person.id) for signed in people.SIGNED.values())
        yield "training", person.id
        if any(each.rule == "contract" for each in wanted(view, listing, standing.agreement)):
            yield "contract", person.organization
        if person.government:
            yield GOVERNMENT, person.id


def _filed(view: View, standing: Standing, name: str, about: str) -> Filed:
    kind = papers.kind_of(name)
    project = standing.project if kind.of_project else ""
    versions = papers.versions(view, name, project, about)
    return Filed(
        kind=name,
        title=kind.title,
        clause=kind.clause,
        about=about,
        stands=papers.standing(view, name, project, about) is not None,
        named=kind.names,
        statuses=list(kind.statuses),
        ends=kind.ends or bool(kind.statuses),
        added=not kind.by,
        versions=[_kept(view, standing, paper) for paper in reversed(versions)],
    )


def _kept(view: View, standing: Standing, paper: Paper) -> Kept:
    me, seen_by = standing.listing.person, {paper.added.by, paper.about}
    return Kept(
        id=_id(paper),
        key=paper.key,
        since=paper.since,
        until=paper.until,
        names=paper.names,
        status=paper.status,
        added_on=paper.added.on,
        added_by=paper.added.by,
        sha256=paper.kept.sha256,
        lacks=paper.lacks(view.today),
        open={item: words for item, words in paper.of.items.items() if item not in paper.ticked},
        ticked=len(paper.ticked),
        withdrawn=paper.withdrawn is not None,
        verifies=paper.of.second and not paper.seen and not paper.withdrawn and me not in seen_by,
    )


def _signing(view: View, standing: Standing, code: str) -> Signing:
    known = standing.agreement
    party, signed = known.policy.party(code), next((s for s in known.signatures if s.party == code), None)
    designated = papers.standing(view, DESIGNATION, standing.project, code)
    return Signing(
        party=code,
        name=party.name if party else "",
        title=signed.title if signed else "",
        signed_on=signed.signed_on if signed else None,
        speaks=people.representative(view, standing.project, code),
        since=designated.since if designated else None,
        stewards=[
            listing.person
            for listing in view.find(Listing, standing.project, role=Role.STEWARD, suspension=None)
            if listing.agency == code
        ],
    )


def document(visit: Visit) -> Document:
    """Give a paper's document as it was when it was added, to keep or to open elsewhere."""
    with visit.view() as view:
        paper = _paper(view, look(view, visit.me.name, visit.project, Place.PAPERS), visit.path["name"])
    return as_kept(paper, kept_content(visit.enclave, paper))


def kept_content(enclave: Enclave, paper: Paper) -> bytes:
    """Give what a paper's document holds, after its digests were found to be those entered."""
    with scratch(enclave.settings.runtime, "paper") as folder:
        opened = folder / "document"
        papers.open_document(enclave.keystore, enclave.settings, paper, opened)
        return opened.read_bytes()


def as_kept(paper: Paper, content: bytes) -> Document:
    """Give a paper's document as a file to save; nothing of it is shown here."""
    name = paper.key.replace("/", "-").replace(" ", "-")
    if content.startswith(_PDF):
        return Document(content, "application/pdf", f"{name}.pdf")
    return Document(content, "application/octet-stream", name)


def add(visit: Visit) -> Done:
    """Seal a document and enter it as the next version of a paper."""
    _let(visit)
    kind, about = papers.kind_of(visit.text("kind")), visit.text("about")
    since, until = (visit.day(name, kind.clause) if visit.text(name) else None for name in ("since", "until"))
    enclave = visit.enclave
    with visit.document("document", kind.clause) as path, enclave.store.transaction() as tx:
        standing = _keeper(visit, tx)
        if kind.by or not _belongs(tx, standing, visit.text("kind"), about):
            raise HTTPException(404)
        kept = papers.seal(enclave.keystore, enclave.settings, path)
        paper = papers.add(
            tx, visit.text("kind"), kept, visit.me.name, project=visit.project if kind.of_project else "",
            about=about, since=since, until=until, names=visit.text("names"), status=visit.text("status"),
        )  # fmt: skip
        said = "; ".join(paper.lacks(tx.today)) or "it stands"
    return _back(visit, f"{paper.key} is kept, sealed: {said}.")


def tick(visit: Visit) -> Done:
    """Enter that a paper says what it must, item by item."""
    with visit.enclave.store.transaction() as tx:
        paper = _paper(tx, _keeper(visit, tx), visit.path["name"])
        items = visit.form.get("item", [])
        if not items:
            what = "none of its items is ticked"
            raise invalid(paper.key, "paper-item", paper.of.clause, what, "Tick what the document says.", "item")
        for item in items:
            paper = papers.tick(tx, paper.key, item, visit.me.name)
        said = "; ".join(paper.lacks(tx.today)) or "it stands"
    return _back(visit, f"{paper.key}: {said}.")


def verify(visit: Visit) -> Done:
    """Say as the second person that the attestation of somebody's employment was found true."""
    with visit.enclave.store.transaction() as tx:
        paper = _paper(tx, _keeper(visit, tx), visit.path["name"])
        if paper.kind != GOVERNMENT:
            raise HTTPException(404)
        people.verify_status(tx, paper.about, visit.me.name)
    return _back(visit, f"The employment of {paper.about} by the State is verified.")


def withdraw(visit: Visit) -> Done:
    """Take a paper back from today on; what rested on it ends."""
    with visit.enclave.store.transaction() as tx:
        paper = _paper(tx, _keeper(visit, tx), visit.path["name"])
        papers.withdraw(tx, paper.key, visit.me.name)
    return _back(visit, f"{paper.key} is withdrawn; it stays in the files.")


def sign(visit: Visit) -> Done:
    """Record that a party signed the agreement, by title; the last signature brings it into force."""
    _let(visit)
    signature = Signature(visit.text("party"), visit.text("title"), visit.day("signed_on", "EM II"))
    if not signature.title:
        what = "the title of who signed is missing"
        raise invalid(visit.project, "title", "EM II", what, "Give the title, never a name.", "title")
    with visit.enclave.store.transaction() as tx:
        _keeper(visit, tx)
        known = agreement.sign(tx, visit.project, signature, visit.me.name)
    left = f"Still to sign: {', '.join(known.unsigned)}." if known.unsigned else f"Effective {known.effective_on}."
    return _back(visit, f"{signature.party} signed on {signature.signed_on}. {left}")


def designate(visit: Visit) -> Done:
    """Record whom a party designated in writing to speak for it; the other parties are told."""
    _let(visit)
    party, person, since = visit.text("party"), visit.text("person"), visit.day("since", "DSA XII")
    enclave = visit.enclave
    with visit.document("document", "DSA XII") as path, enclave.store.transaction() as tx:
        _keeper(visit, tx)
        kept = papers.seal(enclave.keystore, enclave.settings, path)
        people.designate(tx, visit.project, party, person, kept, since, visit.me.name)
    return _back(visit, f"{person} speaks for {party} from {since}. The other parties are told.")


def _let(visit: Visit) -> None:
    """Ask before the form is read: a document is looked at by a scanner, and that is not done for everybody."""
    with visit.view() as view:
        _keeper(visit, view)


def _keeper(visit: Visit, view: View) -> Standing:
    """Let the Operating Group of the project keep its papers, and nobody else."""
    people.hold_to_party(view, visit.project, visit.me.name, "EM XVIII.P", role=Role.OPM, project=visit.project)
    return look(view, visit.me.name, visit.project, Place.PAPERS)


def _paper(view: View, standing: Standing, name: str) -> Paper:
    """Give a paper of this project, or of somebody on its list, by the name of its document."""
    for paper in view.find(Paper):
        if _id(paper) == name and (
            paper.project == standing.project or _belongs(view, standing, paper.kind, paper.about)
        ):
            return paper
    raise HTTPException(404)


def _belongs(view: View, standing: Standing, kind: str, about: str) -> bool:
    """Tell whether a paper of this kind and subject is of the project, or of somebody's access to it."""
    if papers.kind_of(kind).of_project:
        return True
    return (kind, about) in set(_of_people(view, standing))


def _id(paper: Paper) -> str:
    return paper.kept.sealed.partition(".")[0]


def _back(visit: Visit, said: str) -> Done:
    return Done(f"projects/{visit.project}/papers", said)
