"""How many SMS a text is: GSM-7 where its alphabet has every character, UCS-2 otherwise.

Source: 3GPP TS 23.038 (alphabet, extension table) and 23.040 (a text of several parts loses 6 octets of each part to
the header that joins them). Not here: what a segment costs, which texts are allowed.
"""

from dataclasses import dataclass
from typing import Literal

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENSION = frozenset("\f^{}\\[~]|€")
"""An escape and a second septet each; the two are never parted."""
GSM_7_SINGLE, GSM_7_PART = 160, 153
UCS_2_SINGLE, UCS_2_PART = 70, 67


@dataclass(frozen=True)
class Segments:
    """`units`: septets or 16-bit units of the text; `units_left`: what still fits without another segment."""

    count: int
    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    units_left: int


def segments(text: str) -> Segments:
    """The segments of a text; an empty one is one segment."""
    if all(character in GSM_7 or character in GSM_7_EXTENSION for character in text):
        sizes = [2 if character in GSM_7_EXTENSION else 1 for character in text]
        return _cut("GSM-7", sizes, GSM_7_SINGLE, GSM_7_PART)
    sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return _cut("UCS-2", sizes, UCS_2_SINGLE, UCS_2_PART)


def _cut(encoding: Literal["GSM-7", "UCS-2"], sizes: list[int], single: int, part: int) -> Segments:
    """Parts are filled in turn; a character of two units that does not fit whole begins the next."""
    units = sum(sizes)
    if units <= single:
        return Segments(1, encoding, units, single - units)
    count, filled = 1, 0
    for size in sizes:
        if filled + size > part:
            count, filled = count + 1, 0
        filled += size
    return Segments(count, encoding, units, part - filled)
