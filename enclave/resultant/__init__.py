"""Resultant Data: approved elements of the people asked for, under new ids, sealed with the project's own key."""

from enclave.resultant.cutting import cut, project_key
from enclave.resultant.delivery import (
    Column,
    Delivery,
    Limitation,
    SealedTable,
    delivered,
    delivery_of,
    open_table,
    seals,
)
from enclave.resultant.scope import not_asked_for

__all__ = [
    "Column",
    "Delivery",
    "Limitation",
    "SealedTable",
    "cut",
    "delivered",
    "delivery_of",
    "not_asked_for",
    "open_table",
    "project_key",
    "seals",
]
