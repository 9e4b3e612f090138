"""Alembic's entry: runs on the connection that ``serve.kernel.migrate`` hands over."""

from alembic import context

from serve.kernel.tables import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
