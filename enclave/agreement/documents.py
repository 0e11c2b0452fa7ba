"""What the documents of an agreement say, transcribed as far as their parts must agree.

`policies/documents/<DR>.yaml` holds the words of the documents; the agreement beside it holds what was taken.
"""

from __future__ import annotations

from pydantic import Field

from enclave.agreement.model import Part


class Statement(Part):
    """What one clause says of a subject.

    Parameters
    ----------
    subject : str
        What is said is compared with everything else that is said of it.
    clause : str
    says : str or tuple of str
        A sentence, or a list of names.
    may_mean : tuple of str
        Readings, where the words allow more than one.
    definition : bool
        It defines a word or a term.
    """

    subject: str
    clause: str
    says: str | tuple[str, ...]
    may_mean: tuple[str, ...] = ()
    definition: bool = False


class Reference(Part):
    """A clause that names another: where it stands, what it names, and what it wants to find there."""

    clause: str
    to: str
    about: str


class NamedParty(Part):
    """A party as a clause names it, in its roles."""

    name: str
    clause: str
    roles: tuple[str, ...]


class Row(Part):
    """A row of the table of data elements as it was filled in; empty where it was not."""

    name: str
    agency: str
    source: str = ""
    type: str = ""
    format: str = ""
    questions: tuple[str, ...] = ()


class Documents(Part):
    """The whole of one `policies/documents/<DR>.yaml`.

    Parameters
    ----------
    dr : str
    headings : dict of str to str
        Clause to its heading, of the clauses that references name or should name.
    references : tuple of Reference
    parties : tuple of NamedParty
    statements : tuple of Statement
    used : dict of str to tuple of str
        Clause to the columns it speaks of.
    elements : tuple of Row
    """

    dr: str
    headings: dict[str, str] = Field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    parties: tuple[NamedParty, ...] = ()
    statements: tuple[Statement, ...]
    used: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    elements: tuple[Row, ...]
