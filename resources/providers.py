"""The guarded way to the vendors: cache, budget, retries and the ledger, for one org."""

import datetime as dt
from collections.abc import Callable

import dagster as dg

from leadflow_pipelines.providers.guard import Guard, open_guard
from resources.workspace import Workspace


class ProvidersResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Hands out the guard. A provider without a key is reported as not configured and skipped."""

    def guard(self, workspace: Workspace, clock: Callable[[], dt.datetime]) -> Guard:
        """A guard over the providers that this installation has keys for; use it in a `with`."""
        return open_guard(
            database=workspace.database,
            org_id=workspace.org.org_id,
            raw=workspace.lake.raw,
            settings=workspace.settings,
            clock=clock,
            is_simulated=workspace.org.is_simulated,
        )
