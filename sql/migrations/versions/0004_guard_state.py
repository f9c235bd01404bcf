"""What the guard of every process shares: monthly and per-run budgets, breakers and rates of providers."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one, whose `%` are not placeholders."""
    statements = Path(__file__).with_suffix(".sql").read_text()
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statements)
