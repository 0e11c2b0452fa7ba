"""A change of law: the terms of all projects become stricter at once, with the day and the reason, and stay so.

No party is asked: all have agreed to comply. What is registered, approved or amended later is held to it as well.

Source: EM XIII.B.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from enclave.agreement import CellTerms, InForce, Policy, Version
from enclave.board.motion import digest
from enclave.errors import invalid, refuse
from enclave.ledger import Details, Entry
from enclave.people import hold_to_party
from enclave.store import Transaction, View
from enclave.terms import Role

_CLAUSE = "EM XIII.B"


@dataclass(frozen=True)
class ChangeOfLaw:
    """What the law asks of every project since a day.

    Parameters
    ----------
    cells : CellTerms
        A term that is not changed stands at its loosest.
    match_days : int
        Business days for which match data may be kept at most.
    """

    KIND: ClassVar[str] = "change-of-law"
    number: int
    cells: CellTerms
    match_days: int
    reason: str
    since: date
    by: str
    project: str = ""

    @property
    def key(self) -> str:
        """The number."""
        return f"law-{self.number:03}"


def change_law(tx: Transaction, cells: CellTerms, match_days: int, reason: str, actor: str) -> list[InForce]:
    """Hold every project to stricter terms from now on; give those whose terms changed.

    Source: EM XIII.B.

    Raises
    ------
    Refused
        If it changes no project's terms, or who enters it is not of the Operating Group.
    Invalid
        If there is no reason.
    """
    hold_to_party(tx, "change of law", actor, _CLAUSE, role=Role.OPM)
    if not reason.strip():
        raise invalid("change of law", "reason", _CLAUSE, "it is empty", "Name the law and what it asks.")
    law = ChangeOfLaw(len(tx.find(ChangeOfLaw)) + 1, cells, match_days, reason.strip(), tx.today, actor)
    details: Details = {
        "cells": [f"{name} {value}" for name, value in cells.model_dump(exclude={"assumed"}).items()],
        "match_days": match_days, "reason_sha256": digest(law.reason),
    }  # fmt: skip
    tx.write(law, Entry(actor, "agreement.law", law.key, "", _CLAUSE, details=details))
    changed = [_held_to(tx, agreement, law) for agreement in tx.find(InForce, destroyed_on=None)]
    found = [agreement for agreement in changed if agreement is not None]
    if not found:
        what = "every project's terms are as strict already"
        raise refuse("change of law", "no-change", _CLAUSE, what, "Nothing is to change.")
    return found


def under_law(view: View, policy: Policy) -> Policy:
    """Give a policy as strict as every change of law since asks.

    Source: EM XIII.B.
    """
    for law in view.find(ChangeOfLaw):
        policy = policy.tightened(law.cells, law.match_days)
    return policy


def _held_to(tx: Transaction, agreement: InForce, law: ChangeOfLaw) -> InForce | None:
    policy, project = agreement.policy.tightened(law.cells, law.match_days), agreement.project
    if policy.hash == agreement.policy.hash:
        return None
    details: Details = {"version": agreement.version, "policy": agreement.policy.hash}
    old = Version(project, agreement.version, agreement.policy, tx.today)
    tx.write(old, Entry(law.by, "agreement.keep-version", old.key, project, _CLAUSE, details=details))
    agreement = replace(agreement, policy=policy, version=agreement.version + 1)
    details = {"version": agreement.version, "policy": policy.hash, "law": law.key}
    tx.write(agreement, Entry(law.by, "agreement.tighten", project, project, _CLAUSE, details=details))
    return agreement
