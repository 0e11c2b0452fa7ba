"""Whether a request says everything that it must before anyone is asked for an answer.

Source: EM II; EM XI.A; ExA 3.c; ExA 3.d; DSA VI.A; DSA XII.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from enclave.agreement.model import Agreement, PartyKind
from enclave.errors import Finding, Invalid


@dataclass(frozen=True)
class Item:
    """One thing a request says or does not say.

    Parameters
    ----------
    wanted : str
        In words.
    where : str
        Place in `policies/agreements/<DR>.yaml`.
    said : bool
    next : str
        What is to be done where it is not said.
    """

    wanted: str
    clause: str
    where: str
    said: bool
    next: str = "Write it into the file."

    @property
    def finding(self) -> Finding:
        """What is not said, with its next step."""
        return Finding("incomplete", self.clause, self.where, f"it lacks {self.wanted}", self.next)


def completeness(agreement: Agreement) -> tuple[Item, ...]:
    """Tick off what the Enterprise MOU and the request form want of a request: first the six of EM II.

    Source: EM II; EM XI.A; ExA 1.f; ExA 2.a; ExA 3.c; ExA 3.d; DSA III.A; DSA VI.A; DSA XII.
    """
    six = (
        Item("its objectives", "EM II", "purpose", bool(agreement.purpose.strip())),
        Item("its methodology", "EM II", "method", bool(agreement.method.strip())),
        Item("its data fields", "EM II", "elements", any(agreement.elements.values())),
        Item("a data security plan", "EM II", "security_plan", bool(agreement.security_plan.strip())),
        Item("a dissemination plan", "EM II", "reports", bool(agreement.reports)),
        Item("a timeline", "EM II", "retention", agreement.retention.destroy_by > agreement.approved_on),
    )
    return (*six, *_of_form(agreement), *_of_parties(agreement), *_of_software(agreement))


def hold_complete(agreement: Agreement) -> None:
    """Turn away a request that lacks something.

    Source: EM II; EM XI.A.

    Raises
    ------
    Invalid
        With everything it lacks.
    """
    if missing := [item.finding for item in completeness(agreement) if not item.said]:
        raise Invalid(agreement.dr, missing)


def _of_form(agreement: Agreement) -> Iterator[Item]:
    requestor, benefit, agenda, board = (
        agreement.requestor, agreement.benefit, agreement.agenda, agreement.review_board,
    )  # fmt: skip
    named = requestor is not None and all(str(part).strip() for part in requestor.model_dump().values())
    yield Item("the requestor's name, title and contact", "ExA 2.a", "requestor", named)
    discussed = bool(agreement.discussed_with) and all(each.who.strip() for each in agreement.discussed_with)
    yield Item("with whom it was discussed", "ExA 1.f", "discussed_with", discussed)
    yield Item("its benefit", "ExA 3.c", "benefit.text", benefit is not None and bool(benefit.text.strip()))
    state = {party.code for party in agreement.parties if party.government and party.kind is PartyKind.AGENCY}
    evaluated = benefit is not None and bool(state & set(benefit.evaluates))
    wanted = "a state agency whose programmes it audits or evaluates: of others alone it is not approved"
    yield Item(wanted, "ExA 3.c", "benefit.evaluates", evaluated)
    placed = agenda is not None and bool(agenda.place.strip())
    yield Item("its place in the research agenda", "EM XI.A", "agenda", placed)
    said = board is not None and bool(board.why.strip())
    yield Item("whether a review board must approve it, and why", "DSA VI.A", "review_board", said)


def _of_parties(agreement: Agreement) -> Iterator[Item]:
    for party in agreement.parties:
        if party.kind is PartyKind.SCHOOL:
            continue
        title = bool(party.representative.strip())
        yield Item(f"the Representative of {party.code}", "DSA XII", f"parties.{party.code}.representative", title)
        if party.kind is PartyKind.AGENCY:
            where = f"parties.{party.code}"
            basis, limits = bool(party.legal_basis.strip()), bool(party.dissemination.strip())
            yield Item(f"the legal basis on which {party.code} shares", "DSA III.A", f"{where}.legal_basis", basis)
            wanted = f"what {party.code} permits and limits when results are published"
            yield Item(wanted, "EM XI.A", f"{where}.dissemination", limits)


def _of_software(agreement: Agreement) -> Iterator[Item]:
    """Hold what is declared against what the lab has: both images are made of the same pinned packages."""
    for name in agreement.software:
        next = "Declare what the lab has, Python or one of its packages, or have it put into the lab and ask again."
        yield Item(f"{name} in the lab", "ExA 3.d", "software", _in_the_lab(name), next)


def _in_the_lab(name: str) -> bool:
    if name.casefold() == "python":
        return True
    try:
        distribution(name)
    except (PackageNotFoundError, ValueError):
        return False
    return True
