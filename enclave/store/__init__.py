"""The only SQL: records of the rooms and the ledger, in SQLite or PostgreSQL."""

from enclave.store.moving import move, require_empty, upgrade
from enclave.store.records import Record, Store, Transaction, View
from enclave.store.schema import VERSION

__all__ = ["VERSION", "Record", "Store", "Transaction", "View", "move", "require_empty", "upgrade"]
