"""One embedded cluster on disk: its folder, its data, its secrets, and which process serves it.

Starting and stopping belong to embedded.py. Everything here is cheap enough for every command: a warm check
reads three small files.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from leadflow_pipelines.database.server_files import ServerUser, state_folder
from leadflow_pipelines.errors import DatabaseUnavailable

HOST = "127.0.0.1"
SUPERUSER = "postgres"
LOGINS = (SUPERUSER, "leadflow_app", "leadflow_dispatcher", "leadflow_migrator", "leadflow_dagster")
PRIVATE_PREFIX = "cluster-"


@dataclass
class ServerSecrets:
    """What server.json holds: the port to ask for, each login's password, the roles.sql last applied."""

    port: int
    passwords: dict[str, str] = field(repr=False)
    roles_applied: str = ""


@dataclass(frozen=True)
class Postmaster:
    """The running server's main process, as its own pid file describes it."""

    pid: int
    port: int
    is_ready: bool


class Cluster:
    """The files of the embedded server that belongs to one LEADFLOW_HOME.

    `<home>/postgres/cluster` is the folder, or a link to a private one where the server's user cannot reach
    `<home>`. It holds `server.json` (0600), `server.log` and `data`.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "postgres"
        self.folder = self.root / "cluster"
        self.data_dir = self.folder / "data"
        self.log_file = self.folder / "server.log"
        self.pid_file = self.data_dir / "postmaster.pid"
        self._secrets_file = self.folder / "server.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the cluster alone among all processes; the kernel frees it when the holder dies."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseUnavailable(
                f"The embedded server's folder {self.root} cannot be used: {error.strerror}.",
                remedy="Set LEADFLOW_HOME to a folder of your own.",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def secrets(self) -> ServerSecrets:
        """Read server.json. Raises DatabaseUnavailable where it is missing or another user's."""
        try:
            return ServerSecrets(**json.loads(self._secrets_file.read_text()))
        except FileNotFoundError:
            raise DatabaseUnavailable(
                "The embedded Postgres was not started yet.", remedy="Run `leadflow db start`."
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise DatabaseUnavailable(
                f"{self._secrets_file} cannot be read: {error}.",
                remedy="Run as the user who started the embedded Postgres first, or set LEADFLOW_HOME to a "
                "folder of your own.",
            ) from error

    def write_secrets(self, content: ServerSecrets) -> None:
        """Replace server.json in one step, readable by ourselves only. Call it under the lock."""
        draft = self._secrets_file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(content), file, indent=1)
            file.flush()
            os.fsync(handle)
        draft.replace(self._secrets_file)

    def prepare(self, user: ServerUser) -> ServerSecrets:
        """Make the folder and its secrets where they are not there yet. Call it under the lock."""
        if not self.folder.is_dir():
            self.folder.unlink(missing_ok=True)  # a link whose target is gone
            self._make_folder(user)
        if not self._secrets_file.exists():
            if self.data_dir.exists():
                raise DatabaseUnavailable(
                    f"{self.data_dir} has data, but the passwords in {self._secrets_file} are gone.",
                    remedy=f"Restore that file, or move {self.folder} away to begin anew.",
                )
            self.write_secrets(ServerSecrets(port=0, passwords={}))
        content = self.secrets()
        if missing := set(LOGINS).difference(content.passwords):  # of a new cluster, or of logins that came later
            content.passwords |= {login: secrets.token_urlsafe(24) for login in missing}
            self.write_secrets(content)
        return content

    def _make_folder(self, user: ServerUser) -> None:
        if not user.is_dropped or user.can_reach(self.root):
            self.folder.mkdir()
            self.folder.chmod(0o711)
            return
        state = state_folder(user)
        self._discard_orphans(state)
        private = Path(tempfile.mkdtemp(prefix=PRIVATE_PREFIX, dir=state))
        (private / "home").write_text(str(self.home))
        private.chmod(0o711)
        self.folder.symlink_to(private)

    def _discard_orphans(self, state: Path) -> None:
        """Remove clusters of this very home that no link names: their LEADFLOW_HOME was deleted."""
        for marker in state.glob(f"{PRIVATE_PREFIX}*/home"):
            if marker.read_text() == str(self.home):
                orphan = marker.parent
                for pid in processes_in((orphan / "data").resolve()):
                    with suppress(ProcessLookupError):
                        os.kill(pid, 9)
                shutil.rmtree(orphan, ignore_errors=True)

    def remove(self) -> None:
        """Delete the stopped server's files, the private folder included."""
        if self.folder.is_symlink():
            shutil.rmtree(self.folder.resolve(), ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)

    def postmaster(self) -> Postmaster | None:
        """The live server of this data folder, or None: a pid file alone proves nothing."""
        try:
            lines = self.pid_file.read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
        except (OSError, ValueError, IndexError):
            return None
        if not is_working_in(pid, self.data_dir.resolve()):
            return None
        return Postmaster(pid, port, is_ready=len(lines) > 7 and lines[7].strip() == "ready")

    def has_crashed(self) -> bool:
        """Whether the server died without being stopped: its pid file is left, nobody serves it."""
        return self.pid_file.exists() and self.postmaster() is None


def is_working_in(pid: int, folder: Path) -> bool:
    """Whether that process lives and works in `folder`: the server's own processes do, a reused pid does not."""
    if Path("/proc/self/cwd").exists():
        try:
            return os.readlink(f"/proc/{pid}/cwd") == str(folder)
        except OSError:
            return False
    listing = ["ps", "-o", "command=", "-p", str(pid)]
    found = subprocess.run(listing, capture_output=True, text=True, check=False)  # noqa: S603
    return str(folder) in found.stdout


def processes_in(folder: Path) -> list[int]:
    """Pids that work in `folder`. Empty where the system has no /proc."""
    pids = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if is_working_in(pid, folder)]
