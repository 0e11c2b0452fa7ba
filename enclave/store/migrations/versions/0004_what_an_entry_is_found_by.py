"""What an entry is found by, and the record that changed with it: a search and a change are read without its body.

Source: EM XVII.B.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

LONGEST = 100
_AT_ONCE = 10_000
_LEDGER = sa.table("ledger", sa.column("seq"), sa.column("body"), sa.column("actor"), sa.column("object"))


def upgrade() -> None:
    """Add the columns and fill those of a search; nobody kept a record of the entries that are there."""
    for name, length in (("actor", LONGEST), ("object", LONGEST), ("kind", 40), ("key", 200)):
        op.add_column("ledger", sa.Column(name, sa.String(length), nullable=False, server_default=""))
    _let_through(opened=True)
    _fill(op.get_bind())
    _let_through(opened=False)
    op.drop_index("ix_ledger_project_seq", "ledger")
    op.create_index("ix_ledger_project_parts", "ledger", ["project", "seq", "actor", "action", "object"])


def _fill(connection: sa.Connection) -> None:
    there = _LEDGER.c.seq == sa.bindparam("at")
    update = sa.update(_LEDGER).where(there).values(actor=sa.bindparam("by"), object=sa.bindparam("on"))
    query = sa.select(_LEDGER.c.seq, _LEDGER.c.body).order_by(_LEDGER.c.seq).limit(_AT_ONCE)
    last = -1
    while rows := connection.execute(query.where(_LEDGER.c.seq > last)).all():
        found = [(row.seq, json.loads(row.body)) for row in rows]
        connection.execute(
            update, [{"at": seq, "by": _cut(entry["actor"]), "on": _cut(entry["object"])} for seq, entry in found]
        )
        last = rows[-1].seq


def _cut(text: str) -> str:
    return text.lower()[:LONGEST]


def _let_through(*, opened: bool) -> None:
    """Lift what keeps entries as they are, or put it back: the new columns are none of an entry's."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"alter table ledger {'disable' if opened else 'enable'} trigger ledger_no_change")
    elif opened:
        op.execute("drop trigger ledger_no_update")
    else:
        op.execute(
            "create trigger ledger_no_update before update on ledger "
            "begin select raise(abort, 'the ledger is append-only'); end"
        )
