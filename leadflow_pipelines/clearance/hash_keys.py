"""The keys under which contacts are known again: from the settings, else from a file made on first use.

They lie outside the database, so that a copy of the database alone names nobody. Old versions are kept for ever:
whoever was suppressed under one stays so. Not here: the hash itself (`compliance/contact_hash`).
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import Settings

KEY_LENGTH = 32
FILE = Path("secrets/contact_hash_keys")
"""Below LEADFLOW_HOME; one line, as in the setting."""


def load_hash_keys(settings: Settings) -> HashKeys:
    """The keys that LEADFLOW_CONTACT_HASH_KEYS names, else those of `<home>/secrets/contact_hash_keys`.

    The file is made with one random key where it is not there, readable by its owner alone; of several processes
    that make it at once all read the same. Raises InvalidInput for keys that cannot be read, and for a file that
    others may read.
    """
    given = settings.contact_hash_keys
    if given is not None:
        return parse_hash_keys(given.get_secret_value(), "LEADFLOW_CONTACT_HASH_KEYS")
    path = settings.home / FILE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise InvalidInput(f"{path} may be read by others.", remedy=f"Run `chmod 600 {path}`.")
    return parse_hash_keys(path.read_text(encoding="ascii"), str(path))


def parse_hash_keys(text: str, where: str) -> HashKeys:
    """Keys from `1:hex,2:hex`; the last is the current one. Raises InvalidInput without repeating a key."""
    pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
    try:
        keys = {int(version): bytes.fromhex(key) for version, _, key in pairs}
        if len(keys) < len(pairs):
            raise ValueError("a version is named twice")
        return HashKeys(int(pairs[-1][0]), keys)
    except (ValueError, IndexError) as error:
        raise InvalidInput(
            f"{where} holds no usable keys.",
            remedy="Write version:key pairs like 1:<64 hexadecimal digits>,2:<64 more>; the last one is current.",
        ) from error


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"1:{secrets.token_hex(KEY_LENGTH)}\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
