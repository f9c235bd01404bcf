"""The embedded server in ordinary use: who may start it, where its files lie, what it lets in."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from leadflow_pipelines.database import server_files
from leadflow_pipelines.database.cluster import is_working_in
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import EmbeddedServer
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.settings import load_settings

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")

RACE = """
import os, sys
from pathlib import Path
from leadflow_pipelines.database.embedded import EmbeddedServer
racers = []
for _ in range(10):
    racer = os.fork()
    if racer == 0:
        os.write(1, f"{EmbeddedServer(Path(sys.argv[1])).start().pid}\\n".encode())
        os._exit(0)
    racers.append(racer)
for racer in racers:
    os.waitpid(racer, 0)
"""
START_AND_STAY = """
import sys, time
from pathlib import Path
from leadflow_pipelines.database.embedded import EmbeddedServer
print(EmbeddedServer(Path(sys.argv[1])).start().pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def running(home: Path, database: Database) -> EmbeddedServer:
    """The session's server."""
    return EmbeddedServer(home)


@pytest.fixture(scope="module")
def spare(home: Path) -> Iterator[EmbeddedServer]:
    """A server that tests of this module may stop."""
    server = EmbeddedServer(home / "servers" / f"spare-{os.getpid()}")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def state_root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands for /var/lib."""
    folder = Path(tempfile.mkdtemp(prefix="leadflow-state-"))
    folder.chmod(0o755)
    monkeypatch.setattr(server_files, "STATE_ROOTS", (folder,))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    """A folder like /root: nobody else enters."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


def superuser(server: EmbeddedServer, database: str = "postgres") -> psycopg.Connection:
    address = server.address()
    return psycopg.connect(
        host=address.host, port=address.port, user="postgres", dbname=database,
        password=server.password("postgres"), autocommit=True,
    )  # fmt: skip


def test_ten_racing_starters_make_one_server_that_outlives_them(own_server: EmbeddedServer) -> None:
    home = str(own_server.cluster.home)
    race = subprocess.run([sys.executable, "-c", RACE, home], capture_output=True, text=True, check=True)
    pids = race.stdout.split()
    assert len(pids) == 10, race.stderr
    assert len(set(pids)) == 1
    assert own_server.start().pid == int(pids[0])
    with superuser(own_server) as session:
        databases = {name for (name,) in session.execute("select datname from pg_database")}
    assert {"leadflow", "dagster"} <= databases


def test_killing_the_starter_leaves_the_server_running(spare: EmbeddedServer) -> None:
    spare.stop()
    command = [sys.executable, "-c", START_AND_STAY, str(spare.cluster.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        os.killpg(starter.pid, signal.SIGKILL)
    assert spare.status().is_ready
    assert spare.start().pid == pid
    with superuser(spare) as session:
        assert session.execute("select 1").fetchone() == (1,)


def test_a_server_never_started_is_reported_as_such(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    assert server.status().is_running is False
    assert server.stop() is False
    with pytest.raises(DatabaseUnavailable, match="leadflow db start"):
        server.address()
    assert list(tmp_path.iterdir()) == []


def test_status_and_stop_tell_what_is(spare: EmbeddedServer) -> None:
    address = spare.start()
    assert spare.status().address == address
    assert spare.stop() is True
    assert spare.stop() is False
    assert spare.status().is_running is False
    with pytest.raises(DatabaseUnavailable, match="leadflow db start"):
        Database(load_settings(home=spare.cluster.home)).url("app")


def test_its_secrets_are_readable_by_ourselves_only(running: EmbeddedServer) -> None:
    file = running.cluster.folder / "server.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.cluster.data_dir.stat().st_mode) == 0o700
    passwords = running.cluster.secrets().passwords
    assert len(set(passwords.values())) == len(passwords)
    environment = Path(f"/proc/{running.start().pid}/environ").read_bytes()
    assert b"LEADFLOW" not in environment


def test_it_listens_on_loopback_and_waits_for_the_disk(spare: EmbeddedServer) -> None:
    spare.start()
    with superuser(spare) as session:
        shown = [session.execute(f"show {name}").fetchone() for name in
                 ("listen_addresses", "unix_socket_directories", "fsync", "synchronous_commit")]  # fmt: skip
    assert shown == [("127.0.0.1",), ("",), ("on",), ("on",)]


def test_it_asks_for_the_password(running: EmbeddedServer) -> None:
    address = running.start()
    for login in ("postgres", "leadflow_app", "leadflow_dispatcher", "leadflow_migrator", "leadflow_dagster"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host=address.host, port=address.port, user=login, password="guess", dbname="leadflow")


def test_a_refused_statement_leaves_no_personal_data_in_the_log(running: EmbeddedServer) -> None:
    with superuser(running) as session:
        session.execute("create temp table people (name text primary key)")
        session.execute("insert into people values ('Ada Example')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute("insert into people values ('Ada Example')")
    log = running.cluster.log_file.read_text()
    assert "duplicate key" in log
    assert "Ada Example" not in log


def test_a_managed_server_is_used_and_no_embedded_one_started(tmp_path: Path) -> None:
    managed = Database(
        load_settings(
            home=tmp_path,
            database_url="postgres://app:a@db.example/leadflow",
            database_owner_url="postgresql://owner:b@db.example/leadflow",
            dagster_database_url="postgresql://dagster:c@db.example/dagster",
        )
    )
    assert managed.url("app") == managed.adbc_uri() == "postgresql://app:a@db.example/leadflow"
    assert managed.url("owner") == "postgresql://owner:b@db.example/leadflow"
    assert managed.url("dagster") == "postgresql+psycopg2://dagster:c@db.example/dagster"
    assert managed.embedded is None
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_managed_server_is_reported_with_its_remedy(tmp_path: Path) -> None:
    url = "postgresql://app:secret@127.0.0.1:9/leadflow"
    settings = load_settings(home=tmp_path, database_url=url, database_owner_url=url, dagster_database_url=url)
    with pytest.raises(DatabaseUnavailable, match="leadflow doctor") as caught, Database(settings).anonymous():
        pass
    assert "secret" not in str(caught.value)


@as_root
def test_below_a_closed_folder_its_data_lie_where_the_server_reaches_them(
    closed_folder: Path, state_root: Path
) -> None:
    """And they go when that home is deleted: a new home does not find the old one's rows."""
    server = EmbeddedServer(closed_folder / "home")
    try:
        first = server.start()
        assert first.data_dir.is_relative_to(state_root)
        assert Path(f"/proc/{first.pid}").stat().st_uid == first.data_dir.stat().st_uid != 0
        assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(state_root.stat().st_mode) == 0o755
        assert EmbeddedServer(closed_folder / "home").start() == first
        shutil.rmtree(closed_folder / "home")
        second = server.start()
        assert second.data_dir != first.data_dir
        assert not first.data_dir.exists()
        assert not is_working_in(first.pid, first.data_dir)
    finally:
        server.remove()
    assert list(state_root.glob("leadflow/cluster-*")) == []


@as_root
def test_programs_below_a_closed_folder_are_copied_once(
    closed_folder: Path, state_root: Path, own_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = server_files._site_packages()
    for name in (server_files.PACKAGE, f"{server_files.PACKAGE}.libs"):
        unneeded = shutil.ignore_patterns("include", "pginstall", "*.a")
        shutil.copytree(installed / name, closed_folder / name, ignore=unneeded, symlinks=True)
    monkeypatch.syspath_prepend(closed_folder)
    address = own_server.start()
    program = Path(os.readlink(f"/proc/{address.pid}/exe"))
    assert program.is_relative_to(state_root)
    assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700
    copies = list((state_root / "leadflow").iterdir())
    own_server.stop()
    own_server.start()
    assert list((state_root / "leadflow").iterdir()) == copies
    assert len(copies) == 1
