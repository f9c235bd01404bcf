"""The one clock. Domain code takes `now` as an argument; this is where it comes from."""

import datetime as dt

import dagster as dg

from leadflow_pipelines.compliance.instants import aware


class ClockResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The present instant; `fixed_at` (ISO 8601 with offset) stops it, for tests and replays."""

    fixed_at: str | None = None

    def now(self) -> dt.datetime:
        """The present instant in UTC. Raises ValueError for a `fixed_at` without offset."""
        if self.fixed_at is None:
            return dt.datetime.now(dt.UTC)
        return aware(dt.datetime.fromisoformat(self.fixed_at))
