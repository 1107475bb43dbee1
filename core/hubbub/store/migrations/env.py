"""Run migrations on the connection that `hubbub.store.migrate` hands over."""

from alembic import context

from hubbub.store.tables import metadata

# The transaction is the caller's: everything, or nothing, is done.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
