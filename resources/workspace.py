"""An org's place of work: its settings, database, lake and identity, opened once per process."""

from dataclasses import dataclass
from functools import lru_cache

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, find_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.lake import Lake, open_lake
from leadflow_pipelines.settings import Settings


@dataclass(frozen=True)
class Workspace:
    """Plain objects of one org."""

    settings: Settings
    org: Org
    database: Database
    lake: Lake


@lru_cache(maxsize=8)
def open_workspace(settings: Settings, org_slug: str) -> Workspace:
    """Start and migrate the database if need be and open the org's lake.

    Raises InvalidInput where the org does not exist, DatabaseUnavailable where Postgres cannot be reached.
    """
    database = open_database(settings)
    return Workspace(settings, find_org(database, org_slug), database, open_lake(settings, org_slug))
