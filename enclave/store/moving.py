"""A registry and its ledger brought to this program's version, or moved to another database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date

import sqlalchemy as sa

from enclave.errors import refuse
from enclave.ledger import Entry, root_of
from enclave.store.records import Store, Transaction
from enclave.store.schema import FRONTIER, LEDGER, RECORDS, VERSION, connect, migrate, version


def upgrade(address: str, today: date, actor: str) -> str:
    """Bring a database to this program's version and enter that, in one transaction.

    Source: EM XVII.B.

    Returns
    -------
    str
        The version it had.
    """
    engine = connect(address)
    try:
        with engine.begin() as connection:
            found = version(connection) or "none"
            if found != VERSION:
                migrate(connection)
                details = {"from": found, "to": VERSION}
                Transaction(connection, today).append(
                    Entry(actor, "store.upgrade", VERSION, clause="EM XVII.B", details=details)
                )
    finally:
        engine.dispose()
    return found


def require_empty(store: Store) -> None:
    """Refuse a database in which a registry stands: two ledgers cannot share one.

    Source: EM XVII.B.

    Raises
    ------
    Refused
        If it holds a record or an entry.
    """
    with store.view() as view:
        if view.frontier().size or next(view.rows(RECORDS), None):
            raise refuse(
                "registry", "database-not-empty", "EM XVII.B", "the database holds a registry already",
                "Name an empty database.",
            )  # fmt: skip


def move(store: Store, address: str, today: Callable[[], date], actor: str) -> int:
    """Copy records and ledger into an empty database, the entry that says so with them.

    Source: EM XVII.B.

    Parameters
    ----------
    store : Store
        Its last entry is that it was moved; nothing may be entered there afterwards.
    address : str
        SQLAlchemy address of an empty database.
    today : callable
    actor : str

    Returns
    -------
    int
        Entries of the ledger.

    Raises
    ------
    Refused
        If the other database holds anything, or what arrived is not what was sent; then nothing was done.
    """
    with closing(Store(address, today)) as other:
        require_empty(other)
        with store.transaction() as here, other.transaction() as there:
            backend = sa.make_url(address).get_backend_name()
            here.append(Entry(actor, "store.move", backend, clause="EM XVII.B"))
            for table in (RECORDS, LEDGER, FRONTIER):
                there.fill(table, here.rows(table))
            frontier = there.frontier()
            if root_of(there.leaves()) != here.frontier().root() or frontier != here.frontier():
                raise refuse(
                    "registry", "ledger-proof", "EM XVII.B", "what arrived does not give the ledger's root",
                    "Keep the old database, and open an incident.",
                )  # fmt: skip
    return frontier.size
