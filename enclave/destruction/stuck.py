"""What a destruction, or another part of a round of the clocks, stumbled over: told once a day; nothing else waits.

Source: DSA VI.H; DSA III.F.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from enclave.errors import EnclaveError, Finding
from enclave.ledger import Entry
from enclave.store import Store

STUCK = "destruction.stuck"
"""Entered where data that must be destroyed are still there."""
_SILENT = {"key-service", "key-volume"}


@dataclass(frozen=True)
class Guard:
    """Lets each of several things fail by itself.

    Parameters
    ----------
    action : str
        Under which it is entered, and told.
    stuck : list of Finding
        Why those that failed did; the next round of the clocks tries again.
    """

    store: Store
    actor: str
    action: str = STUCK
    stuck: list[Finding] = field(default_factory=list)

    @property
    def silent(self) -> bool:
        """Tell whether the place of the keys did not answer."""
        return any(finding.rule in _SILENT for finding in self.stuck)

    @contextmanager
    def over(self, about: str, project: str, clause: str) -> Iterator[None]:
        """Enter what goes wrong here, whatever it is, the first time on a day; what comes after goes on.

        Source: DSA VI.H; DSA III.F.3.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one that cannot be finished stops no other
            findings = error.findings if isinstance(error, EnclaveError) else ()
            self.stuck.extend(findings or [_stumbled(about, clause, error)])
            self._enter(about, project, clause, sorted({finding.rule for finding in findings}) or [_kind(error)])

    def _enter(self, about: str, project: str, clause: str, why: list[str]) -> None:
        with self.store.transaction() as tx:
            known = tx.entries(project=project, action=self.action)
            if (about, tx.today.isoformat(), why) not in [
                (e["object"], e["day"], e["details"]["why"]) for e in known
            ]:
                tx.append(Entry(self.actor, self.action, about, project, clause, "stuck", {"why": list(why)}))


def _stumbled(about: str, clause: str, error: Exception) -> Finding:
    what = f"it cannot be finished: {error if isinstance(error, EnclaveError) else _kind(error)}"
    return Finding("stuck", clause, about, what, "See to what stands in its way; the clocks try again by themselves.")


def _kind(error: Exception) -> str:
    return type(error).__name__
