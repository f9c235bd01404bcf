"""Full lists: one number a line, `2025550100` or `202,5550100`, or tagged; read as bytes, a chunk at a time.

250 M lines are 3 GB: lines that are all alike are read by their columns, others sign by sign, never one by one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from leadflow_pipelines.compliance.do_not_call.list_files import FEWEST, Chunk, Numbers, Reading, open_lists
from leadflow_pipelines.compliance.do_not_call.tagged_files import tagged_numbers

DIGIT, SPACE, OTHER = 1, 0, 2
NEWLINE, ZERO = 10, 48
SIGNS = np.full(256, OTHER, np.uint8)
SIGNS[[*b" \t\r\n,;\"'()-.+\x1a"]] = SPACE
SIGNS[[*b"0123456789"]] = DIGIT
"""What a sign counts as. Separators and quotes are ignored, and the end-of-file sign of old systems."""
DIGITS = 10


def read_full(paths: Sequence[Path], reading: Reading) -> Iterator[Numbers]:
    """The numbers of full lists, in batches. What cannot be read is rejected in `reading`; the good rows come all the
    same. Raises InvalidInput for a file that is no list.
    """
    for file in open_lists(paths):
        if file.is_tagged:
            for batch in tagged_numbers(file, reading):
                yield batch["number"].to_numpy()
            continue
        is_beginning = True
        for chunk in file.chunks():
            numbers, is_beginning = _numbers(chunk, reading, is_beginning)
            yield numbers


def _numbers(chunk: Chunk, reading: Reading, is_beginning: bool) -> tuple[Numbers, bool]:
    """The numbers of a chunk, and whether nothing but blank lines has been seen so far."""
    data = np.frombuffer(chunk.data if chunk.data.endswith(b"\n") else chunk.data + b"\n", np.uint8)
    ends = np.flatnonzero(data == NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    alike = _alike(data, ends, starts)
    if alike is not None:
        reading.rows += alike.size
        return alike, False
    return _sign_by_sign(data, starts, chunk, reading, is_beginning)


def _alike(data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> Numbers | None:
    """The numbers where every line has its ten digits in the same columns; None where some line differs."""
    width = int(ends[0]) + 1
    if width * ends.size != data.size or (ends - starts != width - 1).any():
        return None
    lines = data.reshape(-1, width)
    signs = SIGNS[lines[0]]
    columns = np.flatnonzero(signs == DIGIT)
    others = np.flatnonzero(signs != DIGIT)
    if columns.size != DIGITS or (signs == OTHER).any() or (lines[:, others] != lines[0, others]).any():
        return None
    numbers = np.zeros(len(lines), np.int64)
    for column in columns:
        digit = lines[:, column] - np.uint8(ZERO)  # wraps: what is no digit becomes more than 9
        if (digit > 9).any():
            return None
        numbers = numbers * 10 + digit
    return None if (numbers < FEWEST).any() else numbers


def _sign_by_sign(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], chunk: Chunk, reading: Reading, is_beginning: bool
) -> tuple[Numbers, bool]:
    signs = SIGNS[data]
    is_digit = signs == DIGIT
    digits = np.add.reduceat(is_digit, starts, dtype=np.int64)
    strange = np.add.reduceat(signs == OTHER, starts, dtype=np.int64)
    is_row = (digits > 0) | (strange > 0)
    if is_beginning and is_row.any():
        first = int(np.argmax(is_row))
        is_row[first] = digits[first] > 0  # a heading names columns and holds no digit
    first_digits = np.flatnonzero(is_digit)
    begins = np.cumsum(digits) - digits
    eleven = np.flatnonzero((digits == DIGITS + 1) & (strange == 0))
    has_country = eleven[data[first_digits[begins[eleven]]] == ZERO + 1]
    is_digit[first_digits[begins[has_country]]] = False
    digits[has_country] = DIGITS
    is_whole = is_row & (strange == 0) & (digits == DIGITS)
    lengths = np.diff(np.append(starts, data.size))
    told = (data[is_digit & np.repeat(is_whole, lengths)] - ZERO).reshape(-1, DIGITS)
    numbers = np.zeros(len(told), np.int64)
    for column in range(DIGITS):
        numbers = numbers * 10 + told[:, column]
    possible = numbers >= FEWEST
    reading.rows += int(is_row.sum())
    _reject(chunk, reading, is_row & (strange > 0), "holds signs that no number has")
    _reject(chunk, reading, is_row & (strange == 0) & (digits != DIGITS), "does not hold the ten digits of a number")
    _reject(chunk, reading, np.flatnonzero(is_whole)[~possible], "an area code does not begin with 0 or 1")
    return numbers[possible], is_beginning and not is_row.any()


def _reject(chunk: Chunk, reading: Reading, lines: npt.NDArray[np.bool_] | npt.NDArray[np.int64], why: str) -> None:
    places = np.flatnonzero(lines) if lines.dtype == np.bool_ else lines
    reading.reject(chunk.file, (places + chunk.first_line).tolist(), why)
