"""The gateway as an application, and how it is served.

A router a subject; what more may come (sign-in, pages for customers) is a router more behind the same edge. Not here:
what the routes do.
"""

import contextlib
import datetime as dt

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy import text

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import find_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.gateway import link_routes, twilio_routes
from leadflow_pipelines.gateway.door import AtDoor, Clock, Door
from leadflow_pipelines.gateway.edge import Edge
from leadflow_pipelines.settings import Settings

HOST = "127.0.0.1"
MOST_AT_ONCE = 200
HEALTH_PATH = "/healthz"
STOP_SECONDS = 14
"""Longer than a STOP may take: a gateway that is stopped finishes what it began."""

health = APIRouter()


@health.get(HEALTH_PATH)
def healthz(door: AtDoor) -> JSONResponse:
    """200 where the gateway can do its work, that is, where Postgres answers."""
    with door.database.as_org(door.org.org_id) as connection:
        connection.execute(text("select 1"))
    return JSONResponse({"status": "ok"})


def create_app(settings: Settings, clock: Clock | None = None, *, database: Database | None = None) -> FastAPI:
    """The gateway of the settings' org. `clock` tells instants in UTC; the machine's own by default.

    Opens the database, migrated, where none is given. Raises InvalidInput where the org does not exist,
    DatabaseUnavailable where Postgres cannot be reached.
    """
    database = database or open_database(settings)
    org = find_org(database, settings.org)
    app = FastAPI(title="LeadFlow gateway", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.door = Door(settings, database, org, load_hash_keys(settings), clock or _now)
    for router in (health, twilio_routes.router, link_routes.router):
        app.include_router(router)
    app.add_exception_handler(RequestValidationError, _no_such_place)
    is_https = (settings.public_url or "").startswith("https://")
    app.add_middleware(Edge, org=org.slug, is_https=is_https)
    return app


def serve(settings: Settings, *, host: str = HOST, port: int) -> None:
    """Serves until interrupted, on this machine alone unless another host is named: TLS is a proxy's work."""
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        access_log=False,  # its lines hold addresses, and so tokens
        log_config=None,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=STOP_SECONDS,
        lifespan="off",
    )
    with contextlib.suppress(KeyboardInterrupt):  # it stopped in order and then raises what it was stopped by
        uvicorn.Server(config).run()


def _no_such_place(_: Request, __: Exception) -> JSONResponse:
    """A path whose parts are no ids leads nowhere; FastAPI would repeat what was sent."""
    return JSONResponse({"detail": "Not Found"}, 404)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
