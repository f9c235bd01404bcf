"""What every route needs: settings, database, clock, keys, and the org that this process serves.

One process serves one org: the messenger's credentials, which sign its webhooks, belong to that org. A path that names
another org leads nowhere, whoever signed it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.settings import Settings

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Door:
    """What a request meets behind the door."""

    settings: Settings
    database: Database
    org: Org
    keys: HashKeys
    clock: Clock

    def require_org(self, slug: str) -> Org:
        """The served org, where the path names it. Raises 404 for any other."""
        if slug != self.org.slug:
            raise HTTPException(404)
        return self.org


def door_of(request: Request) -> Door:
    """The door of the app that got the request."""
    door: Door = request.app.state.door
    return door


AtDoor = Annotated[Door, Depends(door_of)]
