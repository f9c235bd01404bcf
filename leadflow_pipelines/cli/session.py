"""What nearly every command needs first: settings, logs, correlation id, and the org's workspace."""

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from leadflow_pipelines.cli.console import ProgressHandler
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import Settings, load_settings, use_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from resources.workspace import Workspace


def start(org: str | None = None, *, process: str = "cli", **overrides: object) -> Settings:
    """Read the settings (options win), start logs and error reports."""
    from leadflow_pipelines.observability import configure_logging, init_error_reports
    from leadflow_pipelines.observability.progress import PROGRESS_LOGGER

    settings = load_settings(**({"org": org} if org else {}), **overrides)
    use_settings(settings)
    configure_logging(settings, process=process)
    init_error_reports(settings, process=process)
    watched = logging.getLogger(PROGRESS_LOGGER)
    if not any(isinstance(handler, ProgressHandler) for handler in watched.handlers):
        watched.addHandler(ProgressHandler())
    return settings


def open_session(org: str | None = None) -> "Workspace":
    """The org's workspace, its database started and migrated."""
    from resources.workspace import open_workspace

    settings = start(org)
    return open_workspace(settings, settings.org)


@contextmanager
def in_org(org: str | None) -> Iterator[tuple["Workspace", "Connection"]]:
    """The org's workspace and one transaction of it, for commands that are one act: committed unless it raises."""
    workspace = open_session(org)
    with workspace.database.as_org(workspace.org.org_id) as connection:
        yield workspace, connection


def parse_day(text: str | None, settings: Settings) -> dt.date:
    """The day an option names, today where it names none. Raises InvalidInput for no date and for the future."""
    today = dt.datetime.now(settings.zone).date()
    if text is None:
        return today
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"--day {text!r} is not a date.", remedy="Write it like 2026-11-21.") from error
    if day > today:
        raise InvalidInput(f"--day {day} lies in the future; today is {today} in {settings.timezone}.")
    return day
