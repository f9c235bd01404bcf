"""What the versions of one registry say of phone numbers: for each area code the newest version that answers for it.

Null is no answer: an area code that no version covers, or no US number. Unknown counts as a hit, and that is decided
elsewhere (`clear_contacts`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from leadflow_pipelines.compliance.do_not_call.bit_sets import AREA_CODES, PER_AREA_CODE, MappedBits
from leadflow_pipelines.compliance.do_not_call.list_files import FEWEST, Numbers

E164_LENGTH = 12
NO_NUMBER = 0


@dataclass(frozen=True)
class ListVersion:
    """One imported list. `as_of`: the day on which the registry wrote it."""

    version_id: str
    as_of: dt.date
    bits: MappedBits


@dataclass(frozen=True)
class RegistryLists:
    """The versions of one registry, the newest first."""

    versions: Sequence[ListVersion]

    def listed(self, phones: pl.Series) -> pl.Series:
        """Whether each E.164 phone is listed; null where no version answers for it. A row for each, in order."""
        found, answering = self.look_up(national_numbers(phones))
        return pl.select(pl.when(pl.Series(answering >= 0)).then(pl.Series(found)).alias("is_listed")).to_series()

    def as_of(self, phones: pl.Series) -> pl.Series:
        """The day of the version that answers for each phone; null where none does."""
        days = pl.Series("as_of", [version.as_of for version in self.versions], pl.Date)
        return self._told(days, phones)

    def version_of(self, phones: pl.Series) -> pl.Series:
        """The version that answers for each phone; null where none does."""
        return self._told(pl.Series("version_id", [one.version_id for one in self.versions], pl.String), phones)

    def look_up(self, numbers: Numbers) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
        """For each national number whether it is listed, and the place of the version that says so, -1 for none."""
        answering = self._answering(numbers)
        found = np.zeros(numbers.size, np.bool_)
        for place, version in enumerate(self.versions):
            asked = answering == place
            if asked.all():
                found = version.bits.contains(numbers)
            elif asked.any():
                found[asked] = version.bits.contains(numbers[asked])
        return found, answering

    def _told(self, values: pl.Series, phones: pl.Series) -> pl.Series:
        place = pl.Series(self._answering(national_numbers(phones)), dtype=pl.Int32)
        return values.gather(place.set(place < 0, None))

    def _answering(self, numbers: Numbers) -> npt.NDArray[np.int32]:
        """The place of the version that answers for each number, or -1."""
        return self._version_of_code[numbers // PER_AREA_CODE]

    @cached_property
    def _version_of_code(self) -> npt.NDArray[np.int32]:
        answering = np.full(AREA_CODES, -1, np.int32)
        for place, version in reversed(list(enumerate(self.versions))):
            answering[slice(None) if version.bits.answers_all else version.bits.row_of >= 0] = place
        answering[: FEWEST // PER_AREA_CODE] = -1
        return answering


def national_numbers(phones: pl.Series) -> Numbers:
    """The ten digits of each US number in E.164 form; 0 for anything else."""
    phone = pl.col("phone")
    digits = pl.when(phone.str.starts_with("+1") & (phone.str.len_bytes() == E164_LENGTH)).then(phone.str.slice(2))
    number = digits.cast(pl.Int64, strict=False).fill_null(NO_NUMBER)
    told = phones.alias("phone").to_frame().select(pl.when(number >= FEWEST).then(number).otherwise(NO_NUMBER))
    return told.to_series().to_numpy()
