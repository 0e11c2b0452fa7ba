"""Entries of a project by action and by number: pages stay quick when a project has thousands.

Source: EM XVII.B.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Put two indexes in the place of one."""
    op.drop_index("ix_ledger_project", "ledger")
    op.create_index("ix_ledger_project_action", "ledger", ["project", "action"])
    op.create_index("ix_ledger_project_seq", "ledger", ["project", "seq"])
