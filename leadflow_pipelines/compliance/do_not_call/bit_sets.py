"""Numbers as bits: ten million for each area code, in one memory-mapped file of an immutable folder.

At the registry's density (9 % of the numbers of an area code) a bit each takes less room than any list of numbers,
and one look answers. Not here: which versions there are, and which of them answers for whom (`registry_lists`).
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl

from leadflow_pipelines.compliance.do_not_call.list_files import Numbers
from leadflow_pipelines.errors import InvalidInput

PER_AREA_CODE = 10_000_000
ROW_BYTES = PER_AREA_CODE // 8
BITS_FILE, MANIFEST_FILE = "numbers.bits", "manifest.json"
FORMAT = 1
AREA_CODES = 1_000
AT_ONCE = 1 << 17
"""Numbers looked up together: what is worked out on the way stays in the cache of a core."""

Row = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Applied:
    """What became of a change list: additions and deletions, and how many of each said what was so already."""

    added: int
    deleted: int
    already_there: int
    not_there: int


@dataclass
class BitSets:
    """A list of numbers. `answers_all`: an area code without a row has no listed number; else nothing is known of it.

    The rows of an opened list are mapped and cannot be changed: a change makes a copy of its row.
    """

    answers_all: bool = False
    rows: dict[int, Row] = field(default_factory=dict)

    def cover(self, area_codes: Iterable[int]) -> None:
        """Says that the list answers for these area codes, even where it holds no number of them."""
        for code in area_codes:
            self.rows.setdefault(code, np.zeros(ROW_BYTES, np.uint8))

    def add(self, numbers: Numbers) -> None:
        """Lists the numbers; that one is there already is nothing."""
        for code, places in _by_area_code(numbers):
            self.cover([code])
            self._set(code, places, True)

    def apply(self, changes: pl.DataFrame) -> Applied:
        """Applies CHANGES, one row a number. Raises InvalidInput for an area code that the list does not answer for."""
        numbers, is_added = changes["number"].to_numpy(), changes["is_added"].to_numpy()
        unknown = np.setdiff1d(numbers // PER_AREA_CODE, [*self.rows])
        if unknown.size and not self.answers_all:
            told = ", ".join(map(str, unknown[:5]))
            raise InvalidInput(
                f"The change list names area codes that the list it changes does not hold: {told}.",
                remedy="Import the full lists of these area codes first, all in one command.",
            )
        was_there = self.contains(numbers)
        for is_addition in (False, True):
            for code, places in _by_area_code(numbers[is_added == is_addition]):
                self.cover([code])
                self._set(code, places, is_addition)
        return Applied(
            added=int((is_added & ~was_there).sum()),
            deleted=int((~is_added & was_there).sum()),
            already_there=int((is_added & was_there).sum()),
            not_there=int((~is_added & ~was_there).sum()),
        )

    def _set(self, code: int, places: Numbers, is_listed: bool) -> None:
        """Sets the bits of these places, which are in order and each there once."""
        if not self.rows[code].flags.writeable:
            self.rows[code] = np.array(self.rows[code])
        at = places >> 3
        begins = np.flatnonzero(np.diff(at, prepend=-1))
        bits = np.bitwise_or.reduceat(np.left_shift(np.uint8(1), (places & 7).astype(np.uint8)), begins)
        row = self.rows[code]
        if is_listed:
            row[at[begins]] |= bits
        else:
            row[at[begins]] &= ~bits

    def contains(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Whether each number is listed; what lies outside the rows is not."""
        found = np.zeros(numbers.size, np.bool_)
        for code in np.unique(numbers // PER_AREA_CODE):
            if code in self.rows:
                of_code = numbers // PER_AREA_CODE == code
                place = numbers[of_code] % PER_AREA_CODE
                found[of_code] = (self.rows[code][place >> 3] >> (place & 7).astype(np.uint8)) & 1
        return found

    @property
    def count(self) -> int:
        """Numbers listed."""
        return sum(int(np.bitwise_count(row.view(np.uint64)).sum(dtype=np.int64)) for row in self.rows.values())

    def digest(self) -> str:
        """sha256 of what the list says: equal lists have equal digests."""
        told = hashlib.sha256(f"{FORMAT}:{self.answers_all}".encode())
        for code, row in sorted(self.rows.items()):
            told.update(b"%d:" % code)
            told.update(row.data)
        return told.hexdigest()


@dataclass(frozen=True)
class MappedBits:
    """A published list, opened to be read: every row in one mapped array, row_of an area code or -1."""

    path: Path
    answers_all: bool
    row_of: npt.NDArray[np.int64]
    bits: Row
    numbers: int

    @property
    def mapped_bytes(self) -> int:
        """How much of the address space it takes; the system keeps of it in memory what is asked for."""
        return self.bits.size

    def contains(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Whether each ten-digit number is listed; one of another area code is not."""
        found = np.empty(numbers.size, np.bool_)
        for begin in range(0, numbers.size, AT_ONCE):
            some = numbers[begin : begin + AT_ONCE]
            code = some // PER_AREA_CODE
            row = self.row_of[code]
            place = some + (row - code) * PER_AREA_CODE
            place[row < 0] = 0
            hit = np.right_shift(self.bits[place >> 3], (place & 7).astype(np.uint8)) & np.uint8(1)
            found[begin : begin + AT_ONCE] = hit.astype(np.bool_) & (row >= 0)
        return found

    def changeable(self) -> BitSets:
        """The list as the beginning of another: its rows stay mapped until they change."""
        codes = np.flatnonzero(self.row_of >= 0)
        rows = self.bits.reshape(-1, ROW_BYTES)
        return BitSets(self.answers_all, {int(code): rows[self.row_of[code]] for code in codes})


def publish_bit_sets(sets: BitSets, folder: Path) -> None:
    """Writes the list into `folder`, which must not be there yet: whole, or not at all, and never changed again.

    Written under another name, brought to the disk, then renamed. Where another process was first, its folder stays.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    unfinished.mkdir()
    try:
        codes = sorted(sets.rows)
        with (unfinished / BITS_FILE).open("wb") as file:
            for code in codes:
                file.write(sets.rows[code].data)
            _bring_to_disk(file.fileno())
        manifest = {"format": FORMAT, "answers_all": sets.answers_all, "area_codes": codes, "numbers": sets.count}
        with (unfinished / MANIFEST_FILE).open("wb") as file:
            file.write(orjson.dumps(manifest))
            _bring_to_disk(file.fileno())
        try:
            unfinished.rename(folder)
        except OSError:
            if not (folder / MANIFEST_FILE).is_file():
                raise
        _sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def open_bit_sets(folder: Path) -> MappedBits:
    """Maps a published list. Raises InvalidInput where it is missing or not whole."""
    try:
        manifest: Mapping[str, Any] = orjson.loads((folder / MANIFEST_FILE).read_bytes())
        codes = manifest["area_codes"]
        size = (folder / BITS_FILE).stat().st_size
    except (OSError, orjson.JSONDecodeError, KeyError) as error:
        raise InvalidInput(
            f"The do-not-call list {folder.name} is not where it was put.", remedy="Restore it, or import it again."
        ) from error
    if manifest.get("format") != FORMAT or size != len(codes) * ROW_BYTES:
        raise InvalidInput(f"The do-not-call list {folder.name} is damaged.", remedy="Restore it, or import it again.")
    row_of = np.full(AREA_CODES, -1, np.int64)
    row_of[codes] = np.arange(len(codes))
    bits: Row = np.memmap(folder / BITS_FILE, np.uint8, "r") if codes else np.zeros(ROW_BYTES, np.uint8)
    return MappedBits(folder, manifest["answers_all"], row_of, bits.view(np.ndarray), manifest["numbers"])


def _by_area_code(numbers: Numbers) -> Iterable[tuple[int, Numbers]]:
    """Area codes, each with the places of its numbers in order; a number that is there twice is there once."""
    if not numbers.size:
        return
    ordered = numbers if (np.diff(numbers) > 0).all() else np.unique(numbers)
    codes = ordered // PER_AREA_CODE
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    for begin, end in zip(begins, [*begins[1:], ordered.size], strict=True):
        yield int(codes[begin]), ordered[begin:end] - codes[begin] * PER_AREA_CODE


def _bring_to_disk(descriptor: int) -> None:
    os.fsync(descriptor)
    os.fchmod(descriptor, 0o444)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
