"""The database itself refuses to change or delete an entry: against mistakes, not against its owner.

Source: EM XVII.B.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

WORDS = "the ledger is append-only"


def upgrade() -> None:
    """Put a trigger on what would change an entry, and on what would delete one."""
    if op.get_bind().dialect.name == "sqlite":
        for deed in ("update", "delete"):
            op.execute(
                f"create trigger ledger_no_{deed} before {deed} on ledger begin select raise(abort, '{WORDS}'); end"
            )
    else:
        op.execute(
            "create function ledger_is_append_only() returns trigger language plpgsql as "
            f"$$ begin raise exception '{WORDS}'; end $$"
        )
        op.execute(
            "create trigger ledger_no_change before update or delete or truncate on ledger "
            "for each statement execute function ledger_is_append_only()"
        )
