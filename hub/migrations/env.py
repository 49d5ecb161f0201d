"""What Alembic runs: the revisions, on the connection that `hub.database` opened, in its transaction."""

from alembic import context

from hub.migrations.compare import same_type
from hub.migrations.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=same_type,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
