"""A registry's files as they come: plain or zipped, one per area code, state or nation, cut into chunks of whole lines.

Here: opening and cutting, and the account of what could not be read. Not here: what a line means (`full_lists`,
`change_lists`, `tagged_files`).
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from leadflow_pipelines.errors import InvalidInput

Numbers = npt.NDArray[np.int64]
"""Ten-digit national numbers: 2025550100."""

CHUNK_BYTES = 8 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
MOST_FAULTS = 20
"""Faults that are told one by one; the others are counted."""
BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
FEWEST = 2_000_000_000
"""No area code begins with 0 or 1."""


@dataclass(frozen=True)
class Fault:
    """One line that could not be read. What stood there is not repeated: it may be somebody's number."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.problem}"


@dataclass
class Reading:
    """The account of reading some files: rows (blank lines and a heading are none), and what was rejected of them."""

    rows: int = 0
    rejected: int = 0
    faults: list[Fault] = field(default_factory=list)

    def reject(self, file: str, lines: Sequence[int], problem: str) -> None:
        """Counts these lines as rejected; the first few are kept for the telling."""
        self.rejected += len(lines)
        room = MOST_FAULTS - len(self.faults)
        self.faults += [Fault(file, line, problem) for line in lines[:room]]


@dataclass(frozen=True)
class Chunk:
    """Some whole lines (or tags) of a file. `first_line` is the number of the first one in the file."""

    file: str
    first_line: int
    data: bytes
    is_last: bool


@dataclass(frozen=True)
class ListFile:
    """One list: a file, or a member of a zipped one. `is_tagged`: XML."""

    name: str
    is_tagged: bool
    stream: IO[bytes]

    def chunks(self, cut_at: bytes = b"\n") -> Iterator[Chunk]:
        """The content in chunks that end behind a line, or for tagged files before a tag."""
        rest, line = b"", 1
        while True:
            block = self._read()
            data = rest + block
            if not block:
                yield Chunk(self.name, line, data, is_last=True)
                return
            end = data.rfind(cut_at)
            end = end + 1 if cut_at == b"\n" else max(end, 0)
            if len(data) - end > max(LONGEST_LINE, len(block)):
                at = line + data[:end].count(b"\n")
                raise InvalidInput(
                    f"{self.name}, line {at}: a line of more than a million characters.",
                    remedy="This is no registry file; take the one that the registry gave.",
                )
            whole, rest = data[:end], data[end:]
            if whole:
                yield Chunk(self.name, line, whole, is_last=False)
                line += whole.count(b"\n")

    def _read(self) -> bytes:
        try:
            return self.stream.read(CHUNK_BYTES)
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            raise InvalidInput(
                f"{self.name} is damaged: {error}.", remedy="Download it again; a cut-off list would miss numbers."
            ) from error


def open_lists(paths: Sequence[Path]) -> Iterator[ListFile]:
    """Each list in the files, in order; of a zipped file each member. Raises InvalidInput for what is no list."""
    for path in paths:
        if not path.is_file():
            raise InvalidInput(f"There is no file {path}.", remedy="Check the path.")
        if zipfile.is_zipfile(path):
            yield from _members(path)
        else:
            with path.open("rb") as stream:
                yield _begun(path.name, stream)


def _members(path: Path) -> Iterator[ListFile]:
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
        if not members:
            raise InvalidInput(f"{path.name} holds no file.", remedy="Download it again.")
        for member in members:
            if member.flag_bits & 1:
                raise InvalidInput(f"{path.name} is locked with a password.", remedy="Unzip it first.")
            with _opened(archive, member, path.name) as stream:
                yield _begun(f"{path.name}/{member.filename}", stream)


@contextmanager
def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[IO[bytes]]:
    try:
        stream = archive.open(member)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise InvalidInput(f"{name} cannot be unzipped: {error}.", remedy="Download it again.") from error
    with stream:
        yield stream


def _begun(name: str, stream: IO[bytes]) -> ListFile:
    """The list from its first byte that counts on; a byte order mark is none."""
    buffered = io.BufferedReader(_Raw(stream), CHUNK_BYTES)
    try:
        head = buffered.peek(64)[:64]
    except (zipfile.BadZipFile, EOFError) as error:
        raise InvalidInput(f"{name} is damaged: {error}.", remedy="Download it again.") from error
    if head.startswith(WIDE_BOMS) or b"\0" in head:
        raise InvalidInput(f"{name} is no plain text.", remedy="Save it as UTF-8, or take it as downloaded.")
    if head.startswith(BOM):
        buffered.read(len(BOM))
        head = head[len(BOM) :]
    return ListFile(name, head.lstrip().startswith(b"<"), buffered)


class _Raw(io.RawIOBase):
    """A stream that can be looked into without being taken from, whatever it reads from."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(target)  # type: ignore[arg-type]
        block = self._stream.read(len(view))
        view[: len(block)] = block
        return len(block)
