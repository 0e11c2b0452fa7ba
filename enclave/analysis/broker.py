"""The hub's one question, asked before a server starts and again while it runs.

What a person's server on a project is for follows from how they are listed: analysts analyse Resultant Data; the
hub's staff judge pairs where a review of the match is open, and try the match where none is. Nobody gets both.

Source: DSA VI.E; DSA XI; DSA VI.F.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from enclave import matching
from enclave.agreement import of
from enclave.analysis.ending import NONE, end
from enclave.analysis.seeing import hidden_from, narrowed
from enclave.analysis.session import Session, open_session, overfull, session_name
from enclave.errors import Refused
from enclave.ledger import Entry
from enclave.people import PERMITTED, Admission, Listing, may, reasons_against, sight_of
from enclave.resultant import delivery_of
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import Action, Role, project_id
from enclave.vault import Keystore


@dataclass(frozen=True)
class Broker:
    """Opens and closes sessions for the hub; the hub itself holds no key and reads no record."""

    store: Store
    keystore: Keystore
    settings: Settings

    def __deepcopy__(self, memo: object) -> Broker:
        """Stay the one broker: the hub copies its configuration for each server, and this stands in it."""
        return self

    def admit(self, username: str, project: str) -> Session:
        """Open a session for a person on a project.

        Raises
        ------
        Refused
            With every reason, which is also entered in the ledger.
        """
        project = project_id(project)
        try:
            with self.store.view() as view:
                admission = may(view, username, _purpose(view, username, project), project)
            if admission.action is Action.MATCH:
                return self._sit_down(admission)
            return open_session(self.store, self.keystore, self.settings, admission)
        except Refused as refusal:
            rules = {"rules": [f.rule for f in refusal.findings]}
            entry = Entry(username, "session.refuse", username, project, "DSA VI.E", "refused", details=rules)
            self.store.enter(entry)
            raise
        except Exception:
            # What was entered as opened was not; a ledger that takes nothing does not take this either.
            with suppress(Refused):
                self.store.enter(Entry(username, "session.fail", username, project, "DSA VI.E", "failed"))
            raise

    def refused(self, session: str, counts: Mapping[str, int]) -> None:
        """Enter what was refused at a server where identifiers are open: the first of each kind in a session.

        How often it was stands in the entry of the session's end, so nobody fills the ledger by trying.

        Source: EM VII.B.1.c.

        Parameters
        ----------
        counts : mapping of str to int
            By the glass' own words for what it refused; nothing a person sent is among them.
        """
        with self.store.transaction() as tx:
            matching.enter_refused(tx, session, counts)

    def release(
        self, session: str, counted: Mapping[str, int | str] = NONE, refused: Mapping[str, int] = NONE
    ) -> None:
        """Put a session away after its server stopped; what the glass counted of it is entered.

        Source: DSA III.C; ExA 4.b.

        Parameters
        ----------
        counted : mapping of str to int or str
            What a browser was shown today, how many cells were run and documents opened, and the digest of the code.
        refused : mapping of str to int
            As in `refused`, in all.
        """
        end(self.store, self.keystore, self.settings, session, counted, refused)

    def still_admitted(self, username: str, project: str) -> list[str]:
        """Give the reasons why a running session must end; empty while it may go on."""
        with self.store.view() as view:
            project = project_id(project)
            purpose = _purpose(view, username, project)
            reasons = [str(f) for f in reasons_against(view, username, purpose, project)]
            listing, name = view.get(Listing, f"{project}/{username}"), session_name(project, username)
            if purpose is Action.ANALYSE and listing is not None:
                reasons += _withheld(view, listing, self.settings.runtime / "sessions" / name)
        return reasons + overfull(self.settings, name)

    def projects(self, username: str) -> list[tuple[str, str]]:
        """Give number and title of each project whose list names a person for work in a room of it."""
        with self.store.view() as view:
            listings = view.find(Listing, person=username)
            opens = [one.project for one in listings if PERMITTED[one.role] & {Action.ANALYSE, Action.MATCH}]
            return [(project, of(view, project).policy.agreement.title) for project in opens]

    def revision(self) -> str:
        """Name the state of everything access depends on; it is another after every change, and on another day."""
        with self.store.view() as view:
            return f"{view.today} {view.frontier().size}"

    def _sit_down(self, admission: Admission) -> Session:
        with self.store.view() as view:
            open_place = matching.sit_down if matching.under_review(view, admission.project) else matching.try_out
        place = open_place(self.store, self.keystore, self.settings, admission)
        with self.store.view() as view:
            days_left = (admission.ends_on - view.today).days
        return Session(
            place.name, admission.project, admission.person, place.folder, admission.ends_on, place.mounts,
            days_left=days_left, clearance=place.purpose, only=place.notebook,
        )  # fmt: skip


def _withheld(view: View, listing: Listing, folder: Path) -> list[str]:
    """Give the reasons why what was delivered may not be worked with any more, or not as it was opened.

    Source: DSA VII; ExA 2.h.
    """
    try:
        delivery = delivery_of(view, listing.project)
    except Refused as refused:
        return [str(finding) for finding in refused.findings]
    return narrowed(folder, hidden_from(delivery, sight_of(view, listing)))


def _purpose(view: View, username: str, project: str) -> Action:
    listing = view.get(Listing, f"{project}/{username}")
    return Action.MATCH if listing is not None and listing.role is Role.HUB_STAFF else Action.ANALYSE
