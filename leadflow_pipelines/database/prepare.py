"""From settings to a database that is ready: started, migrated, with its first org.

Commands, runs and tests all open the database here.
"""

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.migrate import migrate
from leadflow_pipelines.database.orgs import create_org, list_orgs
from leadflow_pipelines.settings import Settings

DEFAULT_ORG = "default"
DEMO_ORG = "demo"


def open_database(settings: Settings) -> Database:
    """Start the embedded server where no other is set, migrate, and make the first orgs.

    The org `default` is always there; `demo`, which is simulated, once a process works for it. Every other
    org is made by `leadflow org create`. Raises DatabaseUnavailable with what to do.
    """
    database = Database(settings)
    if database.embedded:
        database.embedded.start()
    migrate(database)
    wanted = {DEFAULT_ORG, DEMO_ORG} if settings.org == DEMO_ORG else {DEFAULT_ORG}
    for slug in sorted(wanted.difference(org.slug for org in list_orgs(database))):
        create_org(database, slug, is_simulated=slug == DEMO_ORG)
    return database
