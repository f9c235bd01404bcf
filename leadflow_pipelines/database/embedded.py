"""The embedded Postgres: start it, stop it, say how it does.

Whoever needs the server first starts it, under a lock; it outlives every client. What lies on disk is
cluster.py, where its programs come from is server_files.py.
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadflow_pipelines.database.cluster import (
    HOST,
    SUPERUSER,
    Cluster,
    Postmaster,
    ServerSecrets,
    is_working_in,
    processes_in,
)
from leadflow_pipelines.database.server_files import ServerUser, server_programs, server_user
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.settings import PROJECT_ROOT

DATABASE = "leadflow"
DAGSTER_DATABASE = "dagster"
ROLES_SQL = PROJECT_ROOT / "sql/roles.sql"

READY_SECONDS = 120.0
"""Replaying the log after a kill took 0.2 s on a small database; a large one may take minutes."""
STOP_SECONDS = 30.0
POLL_SECONDS = 0.01
LAUNCHES = 5
LOG_BYTES = 10_000_000
DRAFT_PREFIX = "data.new-"

CONFIGURATION = f"""\
# Written by LeadFlow; edits are overwritten at the next start.
listen_addresses = '{HOST}'
unix_socket_directories = ''
max_connections = 100
password_encryption = 'scram-sha-256'
shared_buffers = '160MB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
wal_buffers = '16MB'
max_wal_size = '1GB'
fsync = on
synchronous_commit = on
wal_level = 'minimal'            # no replica: loads into tables made in the same transaction skip the log
max_wal_senders = 0
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_error_verbosity = 'terse'    # DETAIL lines would carry people's data into the log
log_min_error_statement = 'panic'
"""
ACCESS = "# Written by LeadFlow: loopback only, every login with its password.\n" + "".join(
    f"host all all {address} scram-sha-256\n" for address in ("127.0.0.1/32", "::1/128")
)


@dataclass(frozen=True)
class ServerAddress:
    """Where the running server listens and keeps its data."""

    host: str
    port: int
    pid: int
    data_dir: Path


@dataclass(frozen=True)
class ServerStatus:
    """How the server does; `address` is None where it does not run."""

    is_running: bool
    is_ready: bool
    address: ServerAddress | None
    log_file: Path


class EmbeddedServer:
    """The Postgres that belongs to one LEADFLOW_HOME."""

    def __init__(self, home: Path) -> None:
        self.cluster = Cluster(home)

    def start(self) -> ServerAddress:
        """Make sure that the server runs and its roles are current; return its address.

        Safe from any number of processes at once. Raises DatabaseUnavailable with the end of the server's log.
        """
        return self._serving() or self._start_alone()

    def address(self) -> ServerAddress:
        """Where the server listens. A crashed one is started again; one that was stopped stays so.

        Raises DatabaseUnavailable where the server was stopped or never started.
        """
        if address := self._serving():
            return address
        if self.cluster.has_crashed() or self.cluster.postmaster():
            return self.start()
        raise DatabaseUnavailable("The embedded Postgres is stopped.", remedy="Run `leadflow db start`.")

    def status(self) -> ServerStatus:
        """How the server does, without starting it."""
        found = self.cluster.postmaster()
        return ServerStatus(
            is_running=found is not None,
            is_ready=found is not None and found.is_ready,
            address=self._address(found) if found else None,
            log_file=self.cluster.log_file,
        )

    def stop(self) -> bool:
        """Stop the server, open transactions rolled back; False where it did not run."""
        if not self.cluster.root.exists():
            return False
        with self.cluster.lock():
            found = self.cluster.postmaster()
            if found is None:
                return False
            for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.kill(found.pid, how)
                if self._wait_gone(found.pid, STOP_SECONDS):
                    return True
        raise DatabaseUnavailable(
            f"The embedded Postgres (process {found.pid}) does not stop.",
            remedy=f"See {self.cluster.log_file}.",
        )

    def remove(self) -> None:
        """Stop the server and delete its data. Nothing of it comes back."""
        self.stop()
        self.cluster.remove()

    def password(self, login: str) -> str:
        """The password of a login made here. Raises DatabaseUnavailable where there is none."""
        known = self.cluster.secrets().passwords
        if login not in known:
            raise DatabaseUnavailable(f"The embedded Postgres knows no password of the login {login}.")
        return known[login]

    def keep_password(self, login: str, password: str) -> str:
        """Remember a new login's password and return the one that holds: an earlier one stays."""
        with self.cluster.lock():
            content = self.cluster.secrets()
            kept = content.passwords.setdefault(login, password)
            self.cluster.write_secrets(content)
        return kept

    def _serving(self) -> ServerAddress | None:
        found = self.cluster.postmaster()
        if found is None or not found.is_ready or self.cluster.secrets().roles_applied != _roles_version():
            return None
        return self._address(found)

    def _address(self, found: Postmaster) -> ServerAddress:
        return ServerAddress(HOST, found.port, found.pid, self.cluster.data_dir.resolve())

    def _start_alone(self) -> ServerAddress:
        user = server_user()
        with self.cluster.lock():
            content = self.cluster.prepare(user)
            programs = server_programs(user)
            for leftover in self.cluster.folder.glob(f"{DRAFT_PREFIX}*"):  # of starters killed midway
                shutil.rmtree(leftover, ignore_errors=True)
            if not self.cluster.data_dir.exists():
                self._make_data(programs, user, content)
            address = self._address(self._launch_until_ready(programs, user, content))
            if content.roles_applied != _roles_version():
                self._apply_roles(address, content)
            return address

    def _make_data(self, programs: Path, user: ServerUser, content: ServerSecrets) -> None:
        """Make the data folder with its databases under a temporary name, then rename it.

        Killed midway, the next start begins anew. The databases are made before anything is synced to disk,
        which halves their time.
        """
        draft = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=self.cluster.folder.resolve()))
        os.chown(draft, user.uid, user.gid)
        reader, writer = os.pipe()
        if user.is_dropped:
            os.fchown(reader, user.uid, user.gid)  # opened again by its /dev/fd name, so it must be the user's
        os.write(writer, content.passwords[SUPERUSER].encode())
        os.close(writer)
        try:
            _run(
                user, programs / "initdb", "--pgdata", draft, "--username", SUPERUSER,
                f"--pwfile=/dev/fd/{reader}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions", "--no-sync",
                pass_fds=(reader,),
            )  # fmt: skip
            databases = f"create database {DATABASE}\ncreate database {DAGSTER_DATABASE}\n"
            _run(user, programs / "postgres", "--single", "-F", "-D", draft, "template1", input=databases)
            _run(user, programs / "initdb", "--pgdata", draft, "--sync-only")
        finally:
            os.close(reader)
        draft.rename(self.cluster.data_dir)

    def _launch_until_ready(self, programs: Path, user: ServerUser, content: ServerSecrets) -> Postmaster:
        """Wait for the server that runs, or launch one; on another port where the last is taken."""
        deadline = time.monotonic() + READY_SECONDS
        launches = 0
        process: subprocess.Popen[bytes] | None = None
        while time.monotonic() < deadline:
            found = self.cluster.postmaster()
            if found and found.is_ready:
                if process:
                    process.returncode = 0  # no longer ours to wait for: it outlives us
                return found
            if found is None and (process is None or process.poll() is not None):
                if launches == LAUNCHES:
                    break
                launches += 1
                self._clear_stale_pid_file()
                content.port = _free_port(content.port if launches == 1 else 0)
                self.cluster.write_secrets(content)
                process = self._launch(programs, user, content.port)
            time.sleep(POLL_SECONDS)
        raise DatabaseUnavailable(
            f"The embedded Postgres does not become ready. The end of its log:\n{self._log_end()}",
            remedy=f"See {self.cluster.log_file}; `leadflow doctor` checks disk and memory.",
        )

    def _launch(self, programs: Path, user: ServerUser, port: int) -> subprocess.Popen[bytes]:
        data_dir = self.cluster.data_dir.resolve()
        for name, text in (("postgresql.conf", CONFIGURATION), ("pg_hba.conf", ACCESS)):
            (data_dir / name).write_text(text)  # the files are initdb's: owner and mode stay
        log = self.cluster.log_file
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603
                [programs / "postgres", "-D", data_dir, "-p", str(port)],
                stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, start_new_session=True, **_as(user),
            )  # fmt: skip
        finally:
            os.close(handle)

    def _clear_stale_pid_file(self) -> None:
        """Let a dead server's sessions end, then remove its pid file where a stranger has the pid now.

        Postgres itself clears the file of a dead process, but takes a stranger of the same user for a server.
        Sessions notice their server's death within milliseconds; data under a live one must not be opened.
        """
        data_dir = self.cluster.data_dir.resolve()
        deadline = time.monotonic() + STOP_SECONDS
        while processes_in(data_dir):
            if self.cluster.postmaster():
                return
            if time.monotonic() > deadline:
                for pid in processes_in(data_dir):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        self.cluster.pid_file.unlink(missing_ok=True)

    def _wait_gone(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while is_working_in(pid, self.cluster.data_dir.resolve()):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _log_end(self) -> str:
        with suppress(OSError):
            return self.cluster.log_file.read_text(errors="replace")[-1200:].strip()
        return "(no log)"

    def _apply_roles(self, address: ServerAddress, content: ServerSecrets) -> None:
        """Make the roles of roles.sql and set their passwords, as superuser. Safe to repeat."""
        import psycopg  # noqa: PLC0415 - 60 ms that only a first start pays
        from psycopg import sql  # noqa: PLC0415

        with psycopg.connect(
            host=address.host, port=address.port, user=SUPERUSER, dbname=DATABASE,
            password=content.passwords[SUPERUSER], autocommit=True,
        ) as connection:  # fmt: skip
            connection.execute(ROLES_SQL.read_bytes())
            for name, password in content.passwords.items():
                if connection.execute("select from pg_roles where rolname = %s", [name]).rowcount:
                    statement = sql.SQL("alter role {} password {}")
                    connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))
            connection.execute("alter database dagster owner to leadflow_dagster")
            connection.execute("revoke all on database dagster from public")
        content.roles_applied = _roles_version()
        self.cluster.write_secrets(content)


def _roles_version() -> str:
    return hashlib.sha256(ROLES_SQL.read_bytes()).hexdigest()[:16]


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((HOST, port))
                return int(probe.getsockname()[1])
    raise DatabaseUnavailable("No free port on loopback.")


def _run(user: ServerUser, program: Path, *arguments: str | Path, **options: Any) -> None:
    """Run one of the server's programs to its end. Raises DatabaseUnavailable with what it said."""
    done = subprocess.run(  # noqa: S603
        [program, *arguments], capture_output=True, text=True, check=False, **options, **_as(user)
    )
    if done.returncode != 0:
        raise DatabaseUnavailable(
            f"{program.name} failed while the embedded Postgres was made: {done.stderr.strip()[-800:]}.",
            remedy="Check that the disk of LEADFLOW_HOME has 200 MB left and that the folder may be written.",
        )


def _as(user: ServerUser) -> dict[str, Any]:
    """How the server's programs run: as `user`, from a folder anyone may enter, without our environment."""
    dropped = {"user": user.uid, "group": user.gid, "extra_groups": []} if user.is_dropped else {}
    return {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}, "umask": 0o077, **dropped}
