"""Alembic's entry: the connection comes from `catalogue.setup`, never from a file."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from catalogue.db import Instant
from catalogue.models import Base


def render_item(kind: str, obj: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Migrations name plain types only, so that they still run when our own have changed."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(obj, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
