"""Run migrations in the transaction of whoever asked for them: `enclave.store.schema.migrate`."""

from __future__ import annotations

from alembic import context

from enclave.store.schema import SCHEMA

context.configure(connection=context.config.attributes["connection"], target_metadata=SCHEMA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
