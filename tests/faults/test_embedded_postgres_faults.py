"""The embedded server after things went wrong: killed, robbed of its port, half made, misled by old files."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from leadflow_pipelines.database.cluster import processes_in
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import EmbeddedServer, ServerAddress
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.settings import load_settings

PATIENCE_SECONDS = 60.0
START = """
import sys
from pathlib import Path
from leadflow_pipelines.database.embedded import EmbeddedServer
EmbeddedServer(Path(sys.argv[1])).start()
"""


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[EmbeddedServer]:
    """A server that the tests of this module kill in turn."""
    victim = EmbeddedServer(home / "servers" / f"victim-{os.getpid()}")
    yield victim
    victim.remove()


@pytest.fixture
def address(server: EmbeddedServer) -> ServerAddress:
    return server.start()


@pytest.fixture
def database(server: EmbeddedServer, address: ServerAddress) -> Iterator[Database]:
    opened = Database(load_settings(home=server.cluster.home))
    with opened.as_owner() as connection:
        connection.execute(text("set local role leadflow_owner"))
        connection.execute(text("create table if not exists leadflow.marks (mark text)"))
        connection.execute(text("truncate leadflow.marks"))
        connection.execute(text("grant select, insert on leadflow.marks to leadflow_app"))
    yield opened
    opened.dispose()


def write_mark(database: Database, mark: str) -> None:
    with database.anonymous() as connection:
        connection.execute(text("insert into leadflow.marks values (:mark)"), {"mark": mark})


def marks(database: Database) -> list[str]:
    with database.anonymous() as connection:
        return list(connection.execute(text("select mark from leadflow.marks")).scalars())


def kill(address: ServerAddress) -> None:
    """SIGKILL the postmaster and wait until it and its sessions are gone."""
    os.kill(address.pid, signal.SIGKILL)
    wait_until(lambda: not processes_in(address.data_dir))


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_killed_server_recovers_what_was_committed(
    server: EmbeddedServer, database: Database, address: ServerAddress
) -> None:
    write_mark(database, "committed")

    def lose_the_server_midway() -> None:
        with database.anonymous() as connection:
            connection.execute(text("insert into leadflow.marks values ('open')"))
            kill(address)
            connection.execute(text("select 1"))

    with pytest.raises(DatabaseUnavailable, match="went away"):
        lose_the_server_midway()
    assert server.start().pid != address.pid
    assert marks(database) == ["committed"]


def test_a_connection_to_a_killed_server_starts_it_again(database: Database, address: ServerAddress) -> None:
    write_mark(database, "committed")
    kill(address)
    assert marks(database) == ["committed"]


def test_a_killed_session_process_costs_no_data(database: Database, address: ServerAddress) -> None:
    """Postgres restarts itself when one of its processes is killed; we wait, and start no second one."""
    write_mark(database, "committed")
    with database.anonymous() as connection:
        session = connection.execute(text("select pg_backend_pid()")).scalar_one()
    os.kill(session, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{session}").exists())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            assert marks(database) == ["committed"]
            break
        except DatabaseUnavailable:
            continue
    assert database.embedded is not None
    assert database.embedded.start().pid == address.pid


@pytest.mark.parametrize("holder", ["stranger", "nobody"])
def test_a_stale_pid_file_is_seen_through(
    server: EmbeddedServer, database: Database, address: ServerAddress, holder: str
) -> None:
    write_mark(database, "committed")
    kill(address)
    owner = address.data_dir.stat().st_uid
    who = {"user": owner} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], **who) as stranger:
        lines = server.cluster.pid_file.read_text().splitlines()
        lines[0] = str(stranger.pid)
        server.cluster.pid_file.write_text("\n".join(lines) + "\n")
        if holder == "nobody":
            stranger.kill()
            stranger.wait()
        assert server.status().is_running is False
        assert server.start().pid != stranger.pid
        stranger.kill()
    assert marks(database) == ["committed"]


def test_alive_but_not_ready_means_wait(server: EmbeddedServer, address: ServerAddress) -> None:
    pid_file = server.cluster.pid_file
    ready = pid_file.read_text()
    pid_file.write_text(ready.replace("ready   ", "starting"))
    assert server.status().is_running
    assert not server.status().is_ready
    timer = threading.Timer(0.2, pid_file.write_text, [ready])
    timer.start()
    assert server.start() == address
    assert server.status().is_ready
    timer.join()


def test_a_taken_port_is_left_to_its_holder(server: EmbeddedServer, database: Database) -> None:
    write_mark(database, "committed")
    before = server.start()
    server.stop()
    with socket.create_server((before.host, before.port)):
        after = server.start()
        assert after.port != before.port
        assert marks(database) == ["committed"]
    server.stop()
    assert server.start().port == after.port


def test_a_stopped_server_stays_stopped(server: EmbeddedServer, database: Database) -> None:
    server.stop()
    with pytest.raises(DatabaseUnavailable, match="leadflow db start"):
        marks(database)
    assert server.status().is_running is False


def test_a_server_that_cannot_start_shows_the_end_of_its_log(server: EmbeddedServer, address: ServerAddress) -> None:
    server.stop()
    version = server.cluster.data_dir / "PG_VERSION"
    right = version.read_text()
    version.write_text("9.6\n")
    try:
        with pytest.raises(DatabaseUnavailable, match=r"incompatible(.|\n)*server\.log"):
            server.start()
    finally:
        version.write_text(right)


def test_lost_passwords_are_reported_and_no_data_touched(server: EmbeddedServer, address: ServerAddress) -> None:
    server.stop()
    file = server.cluster.folder / "server.json"
    content = file.read_text()
    file.unlink()
    try:
        with pytest.raises(DatabaseUnavailable, match=r"move .* away to begin anew"):
            server.start()
    finally:
        file.write_text(content)
    assert server.start().data_dir == address.data_dir


def test_new_roles_reach_a_running_server(server: EmbeddedServer, address: ServerAddress) -> None:
    """An update of the product brings a new roles.sql: the next start applies it, without a restart."""
    file = server.cluster.folder / "server.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"roles_applied": "older"}))
    with Database(load_settings(home=server.cluster.home)).as_owner() as connection:
        connection.execute(text("select 1"))
    assert server.start() == address
    assert json.loads(file.read_text())["roles_applied"] != "older"


def test_initdb_killed_midway_is_begun_anew(own_server: EmbeddedServer) -> None:
    cluster = own_server.cluster
    with subprocess.Popen([sys.executable, "-c", START, str(cluster.home)]) as starter:
        wait_until(lambda: any(cluster.folder.glob("data.new-*/global/pg_control")))
        starter.kill()
    assert not cluster.data_dir.exists()
    own_server.start()
    with Database(load_settings(home=cluster.home)).anonymous() as connection:
        assert connection.execute(text("select current_user")).scalar() == "leadflow_app"
    own_server.stop()
    own_server.start()
    assert list(cluster.folder.glob("data.new-*")) == []
