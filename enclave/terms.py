"""Frozen words that every room speaks, and the labelled points at which a step can be interrupted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from enclave.errors import invalid

GENERIC_ID = "GenericID"
"""Column of the generic identifier in an agency's file (EM XII.B)."""

UNIT = "P20ID"
"""Column that names a person in Resultant Data: random, of one project only (DSA I; EM XII)."""

HUB = "DOL-HUB"
"""The Data Integration Hub as a party; DOL as Participating Agency is another one (conflict L3)."""

MAILBOX = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
"""What an address of mail looks like where it is put into a letter; quoted names and comments are left out."""

_PROJECT = re.compile(r"DR-\d{4}")
_PARTY = re.compile(r"[A-Z][A-Z0-9-]{1,39}")


class Role(StrEnum):
    """What a person is on a project; the clock is no person, and acts with nobody present."""

    RESEARCHER = "researcher"
    AGENCY_ANALYST = "agency-analyst"
    HUB_STAFF = "hub-staff"
    STEWARD = "steward"
    OPM = "opm"
    AUDITOR = "auditor"
    CLOCK = "clock"


ANALYSTS = frozenset({Role.RESEARCHER, Role.AGENCY_ANALYST})
"""Roles that work with Resultant Data in the lab."""


class Action(StrEnum):
    """What a person may ask to do."""

    ANALYSE = "analyse"
    REQUEST = "request"
    RECEIVE = "receive"
    MATCH = "match"
    AGREE = "agree"
    CUT = "cut"
    CHECK = "check"
    CONFIRM = "confirm"
    PUBLISH = "publish"
    DESTROY = "destroy"
    DECIDE = "decide"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class ApprovedNotebook:
    """The one notebook that may run where identifiers are open.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    name : str
        Its file's name.
    cells : frozenset of str
        The code of its cells, character for character as it was approved.
    numbers : str
        The one of them in which a number may be another; empty where none may.
    """

    name: str
    cells: frozenset[str]
    numbers: str = ""


def project_id(text: str) -> str:
    """Give the Data Request number in its one spelling, ``DR-0034``.

    Raises
    ------
    Invalid
        If the text is not a Data Request number.
    """
    candidate = text.strip().upper()
    if candidate.isdigit():
        candidate = f"DR-{candidate:0>4}"
    if not _PROJECT.fullmatch(candidate):
        raise invalid(
            "data request number", "project-id", "ExA 1.c", "not of the form DR-0034",
            "Write DR- and four digits.",
        )  # fmt: skip
    return candidate


def party_id(text: str) -> str:
    """Give a party's code in its one spelling (``SDE``, ``DOL``, ``DOL-HUB``, ``LEA-HAMDEN``)."""
    candidate = text.strip().upper()
    if not _PARTY.fullmatch(candidate):
        raise invalid(
            "party", "party-id", "DSA preamble", "not a party's code",
            "Use the code of the agreement, for example SDE.",
        )  # fmt: skip
    return candidate


def _nobody_listens(label: str) -> None:
    """Do nothing: in production no one watches the points."""


_listener: Callable[[str], None] = _nobody_listens


def reached(label: str) -> None:
    """Say that a labelled point of a step has been reached.

    The crash tests end the process here, so that recovery is proven at each point and not by luck.
    """
    _listener(label)


def listen(listener: Callable[[str], None]) -> None:
    """Be told of every labelled point in this process."""
    global _listener
    _listener = listener
