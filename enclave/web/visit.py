"""What every page has in hand, and what it gives back: one model, shown as HTML or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from enclave import board, egress, incidents, intake, matching, people, review
from enclave.agreement import InForce, Version
from enclave.app import Enclave
from enclave.calendar import STATE_TIME
from enclave.destruction import Destruction
from enclave.errors import invalid
from enclave.papers import Paper
from enclave.people import Admission, may
from enclave.publication import Publication
from enclave.resultant import Delivery
from enclave.scratch import scratch
from enclave.store import Record, View
from enclave.terms import Action
from enclave.web.access import Place, Standing, look
from enclave.web.identity import SignedIn
from enclave.web.posted import Sent

_LONGEST = 4000
SHOWN: tuple[type[Record], ...] = (
    InForce, Version, people.Listing, people.Person, people.Membership, people.Deviation, people.Hold, Paper,
    intake.Holding, intake.TurnedAway, intake.Transmission, intake.SenderKey, matching.MatchRun, matching.Review,
    Delivery,
    egress.ReleaseRequest, egress.Rerun, egress.Answered, egress.Clearance, review.Case, Publication, Destruction,
    board.Motion, board.Proposal, incidents.Case, incidents.Notice, incidents.Interruption,
)  # fmt: skip
"""What pages are made of: read once, and from then on what changed of it (`enclave.store.kept`)."""


class Model(Protocol):
    """What a page shows: a frozen dataclass, each field a name in its template."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True)
class Visit:
    """A request by a person who is signed in.

    Parameters
    ----------
    path : mapping
        Parts of the address.
    form : mapping of name -> values
        Of a POST; empty for a GET.
    hub : str
        Path of the hub's pages, where the labs are started.
    query : mapping
        What is asked for behind the address's question mark.
    documents : mapping of name -> Sent
        What came with the form.
    """

    enclave: Enclave
    me: SignedIn
    path: Mapping[str, str]
    form: Mapping[str, list[str]] = field(default_factory=dict)
    hub: str = "/hub/"
    query: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, Sent] = field(default_factory=dict)

    @property
    def project(self) -> str:
        """The Data Request number of the address."""
        return self.path["project"]

    def text(self, name: str) -> str:
        """Give a field of the form as one trimmed text; empty when it is missing."""
        return next(iter(self.form.get(name, ())), "").strip()[:_LONGEST]

    def asked(self, name: str) -> str:
        """Give what the address asks for under a name, trimmed; empty when it asks nothing."""
        return self.query.get(name, "").strip()[:_LONGEST]

    def day(self, name: str, clause: str) -> date:
        """Give a field of the form as a day.

        Raises
        ------
        Invalid
            If it is none; the clause is that of what is asked for.
        """
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            next = "Choose it in the form, or write it as 2026-03-31."
            raise invalid("form", "day", clause, "a day is missing or malformed", next, name) from None

    def moment(self, name: str, clause: str) -> datetime:
        """Give a field of the form as a moment, typed as Connecticut's clocks have it, in UTC; now where it is empty.

        Raises
        ------
        Invalid
            If it is none; the clause is that of what is asked for.
        """
        if not self.text(name):
            return datetime.now(UTC)
        try:
            return datetime.fromisoformat(self.text(name)).replace(tzinfo=STATE_TIME).astimezone(UTC)
        except ValueError:
            next = "Choose it in the form, or write it as 2026-03-31T14:30."
            raise invalid("form", "time", clause, "a time is malformed", next, name) from None

    @contextmanager
    def document(self, name: str, clause: str) -> Iterator[Path]:
        """Give what came with the form as a file on the runtime tmpfs, gone afterwards; seen by the scanner, if any.

        Raises
        ------
        Invalid
            If nothing came; the clause is that of what is asked for.
        Refused
            If the scanner does not find it clean.
        """
        sent, settings = self.documents.get(name), self.enclave.settings
        if sent is None:
            raise invalid(
                "form", "document", clause, "no document came with it", "Choose a file that holds it.", name
            )
        with scratch(settings.runtime, "posted") as folder:
            path = folder / f"{name}{sent.ending}"
            path.write_bytes(sent.content)
            if settings.scanner:
                intake.scan(path, settings.scanner, name)
            yield path

    @contextmanager
    def view(self) -> Iterator[View]:
        """Look at records and ledger as they are now, with all at hand that pages show."""
        with self.enclave.store.view() as view:
            view.load(*SHOWN)
            yield view

    def admitted(self, action: Action) -> Admission:
        """Ask the one question for the person at the browser; who is not on the list is told that and no more."""
        with self.view() as view:
            look(view, self.me.name, self.project, Place.PROJECT)
            return may(view, self.me.name, action, self.project)


M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """A page: the name of its template, its title, and the model that both HTML and JSON show.

    What a page gives stands in its function's type: the names of OpenAPI are read off it.
    """

    template: str
    title: str
    model: M
    standing: Standing | None = None


@dataclass(frozen=True)
class Document:
    """A document of ours served as it is, in a sandbox of its own: it loads and runs nothing.

    `content` is a file that was kept, or what was made for this one visit.
    """

    content: Path | bytes
    media_type: str = "text/html"
    download: str = ""
    """Name under which a browser saves it; empty for what it shows itself."""


@dataclass(frozen=True)
class Done:
    """Something was done: where to go on to, and the sentence to say there."""

    path: str
    said: str


Show = Callable[[Visit], Page[Any] | Document]
Act = Callable[[Visit], Page[Any] | Done]
