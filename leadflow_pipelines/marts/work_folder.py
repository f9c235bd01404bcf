"""The folder in which an org's marts are built, held by one builder at a time on this machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def work_folder(home: Path, org_slug: str) -> Path:
    """One folder an org: what a build leaves is there to be explored until the org's next."""
    return home.absolute() / "work" / "marts" / org_slug


def build_note(work: Path) -> Path:
    """The file in which a build says what it was made of."""
    return work / "build.json"


def has_build(home: Path, org_slug: str) -> bool:
    """Whether some build of the org's marts has left its note: the next may find nothing to do."""
    return build_note(work_folder(home, org_slug)).exists()


@contextmanager
def held(work: Path, *, patiently: bool = True) -> Iterator[bool]:
    """Hold the folder; the kernel lets go of it when the holder dies. Yields whether it is held.

    Without patience a folder that somebody else holds is left to them.
    """
    work.mkdir(parents=True, exist_ok=True)
    handle = os.open(work / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if patiently else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
