"""What Alembic runs: the revisions, on the connection that `hub.database` opened, in its transaction."""

from alembic import context

from core import schema
from hub.migrations.compare import same_type

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    compare_type=same_type,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
