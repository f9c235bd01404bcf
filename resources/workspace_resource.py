"""The workspace as Dagster's assets, jobs and sensors are handed it.

What a workspace is stands in workspace.py, so that a command that runs no asset need not import Dagster.
"""

import dagster as dg

from leadflow_pipelines.settings import get_settings
from resources.workspace import Workspace, open_workspace


class WorkspaceResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Hands out the workspace of the org a code location works for."""

    org: str

    def open(self) -> Workspace:
        """The org's workspace under the settings of this process."""
        return open_workspace(get_settings(), self.org)
