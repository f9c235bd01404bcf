"""What every test may ask for: one embedded Postgres for the whole session, settings, a fresh org.

The developer's own settings and data are out of reach: LEADFLOW_* is emptied, and the home is a new folder.
"""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql

from leadflow_pipelines.cli import COLLECT_EVERY
from leadflow_pipelines.database.cluster import SUPERUSER
from leadflow_pipelines.database.connections import LOGINS, Database
from leadflow_pipelines.database.embedded import DATABASE, EmbeddedServer
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.providers.sandbox import process as sandbox_process
from leadflow_pipelines.settings import PREFIX, Settings, get_settings, load_settings
from tests.examples import THOROUGH, USUAL

HOME = f"{PREFIX}HOME"
KEPT = {f"{PREFIX}TEST_DATA"}
HOME_PREFIX = "leadflow-tests-"
SANDBOX_READY_SECONDS = 120.0
"""On a machine that does much else, simulated vendors took more than the 20 s that a user waits for them."""
LOOPBACK = ("127.", "::1", "localhost")

hypothesis.settings.register_profile("usual", deadline=None, max_examples=USUAL)  # shared machines stall for seconds
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=THOROUGH)
hypothesis.settings.load_profile("usual")  # `--hypothesis-profile thorough` outweighs it


def pytest_xdist_auto_num_workers() -> int:
    """Half as many workers again as cores: a worker often waits for Postgres, Dagster or a browser.

    On two cores three workers kept 1.6 of them busy (4,362 tests in 17.5 min); two had kept 1.2 busy, in a suite
    that was dearer then, so that the two times cannot be compared.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + cores // 2


def pytest_configure(config: pytest.Config) -> None:
    """Before anything reads the settings: the first process makes the home, xdist's workers inherit it."""
    gc.set_threshold(COLLECT_EVERY)  # as the command does
    sys.addaudithook(_refuse_the_outside)
    sandbox_process.READY_SECONDS = SANDBOX_READY_SECONDS
    Settings.model_config["env_file"] = None
    if hasattr(config, "workerinput"):
        return
    _remove_homes_of_killed_sessions()
    for name in set(os.environ):
        if name.startswith(PREFIX) and name not in KEPT:
            del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix=f"{HOME_PREFIX}{os.getpid()}-"))
    home.chmod(0o711)  # the server's user passes through where we are root
    os.environ[HOME] = str(home)
    os.environ[f"{PREFIX}ENVIRONMENT"] = "test"


def pytest_collection_finish() -> None:
    """Thousands of tests and all that they import live to the end: looking through them for garbage every 700 objects
    took a quarter of the processor time.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that made the home removes it, server and all; xdist's workers have ended by now."""
    gc.unfreeze()  # else extensions report all of it as leaked
    if not hasattr(config, "workerinput") and HOME in os.environ:
        _remove_home(Path(os.environ[HOME]))


def _remove_home(home: Path) -> None:
    EmbeddedServer(home.resolve()).remove()
    shutil.rmtree(home, ignore_errors=True)


def _remove_homes_of_killed_sessions() -> None:
    for home in Path(tempfile.gettempdir()).glob(f"{HOME_PREFIX}*"):
        pid = home.name.removeprefix(HOME_PREFIX).split("-")[0]
        with suppress(FileNotFoundError):  # another session that starts just now removes it too
            if home.stat().st_uid == os.getuid() and not Path(f"/proc/{pid}").exists():
                _remove_home(home)


def _refuse_the_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not host.startswith(LOOPBACK):
            raise RuntimeError(f"A test tried to reach {host}; tests stay on loopback.")


@pytest.fixture(scope="session")
def home() -> Path:
    """The session's LEADFLOW_HOME, where its Postgres lives. Files of one test belong into tmp_path."""
    return get_settings().home


@pytest.fixture
def settings(home: Path, tmp_path: Path) -> Settings:
    """Settings with the session's Postgres and a lake and inbox of the test's own."""
    return load_settings(home=home, lake_url=str(tmp_path / "lake"), watch_dir=tmp_path / "inbox")


@pytest.fixture(scope="session")
def database(home: Path) -> Iterator[Database]:
    """The session's Postgres: started, migrated, shared by all workers.

    It is gone with the session, so it waits for no disk and lets nobody compute long over a password. Tests of what
    survives a crash have a server of their own.
    """
    opened = open_database(load_settings(home=home))
    assert opened.embedded
    _make_quick(opened.embedded)
    yield opened
    opened.dispose()


def _make_quick(server: EmbeddedServer) -> None:
    address = server.address()
    with psycopg.connect(
        host=address.host, port=address.port, user=SUPERUSER, dbname=DATABASE,
        password=server.password(SUPERUSER), autocommit=True,
    ) as superuser:  # fmt: skip
        superuser.execute("select pg_advisory_lock(1)")  # every worker does it
        for setting, value in (("fsync", "off"), ("full_page_writes", "off"), ("scram_iterations", 1)):
            superuser.execute(f"alter system set {setting} = {value}")
        superuser.execute("select pg_reload_conf()")
        superuser.execute("set scram_iterations = 1")
        for login in LOGINS.values():  # a login and its check took 10 ms of two processes
            to = sql.SQL("alter role {} password {}").format(sql.Identifier(login), sql.Literal(server.password(login)))
            superuser.execute(to)


@pytest.fixture
def own_server(home: Path) -> Iterator[EmbeddedServer]:
    """A server of the test's own, not started; removed with its data at the end."""
    server = EmbeddedServer(home / "servers" / uuid4().hex)
    yield server
    server.remove()


@pytest.fixture
def org(database: Database) -> Org:
    """A fresh org that no other test knows."""
    return create_org(database, f"t{uuid4().hex[:12]}")
