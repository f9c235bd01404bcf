"""What the simulated Twilio knows of a number: its line type, and whether it has a new owner.

Source of the shapes: Twilio's OpenAPI description of Lookups v2. Not here: texts.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

E164 = re.compile(r"\+[1-9]\d{6,14}")
OURS = ("line_type_intelligence", "reassigned_number")
OTHERS = (
    "caller_name", "sim_swap", "call_forwarding", "line_status", "identity_match", "sms_pumping_risk",
    "phone_number_quality_score", "pre_fill",
)  # fmt: skip
LINE_TYPES = (("mobile", 70), ("landline", 82), ("fixedVoip", 90), ("nonFixedVoip", 100))
"""Line types, with the share in percent of the numbers up to them."""
REASSIGNED = (("no", 94), ("yes", 97), ("no_data_available", 100))
MAGIC: Mapping[str, tuple[str | None, str | None]] = {
    "+15005558001": ("mobile", "yes"),
    "+15005558002": ("mobile", "no_data_available"),
    "+15005558003": ("landline", "no"),
    "+15005558004": ("mobile", "no"),
    "+15005558005": (None, None),
}
"""Numbers whose line type and new owner are fixed; None: the lookup of that field fails."""
FAILED = 60600


def lookup(number: str, query: Mapping[str, str], seed: int) -> dict[str, Any]:
    """The answer of GET /v2/PhoneNumbers/{number}."""
    is_valid = E164.fullmatch(number) is not None and (not number.startswith("+1") or len(number) == 12)
    wanted = [name for name in query.get("Fields", "").split(",") if name] if is_valid else []
    dice = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=2).digest()
    line_type, has_new_owner = MAGIC.get(number, (_drawn(LINE_TYPES, dice[0]), _drawn(REASSIGNED, dice[1])))
    return {
        "calling_country_code": "1" if number.startswith("+1") else None,
        "country_code": "US" if is_valid and number.startswith("+1") else None,
        "phone_number": number,
        "national_format": f"({number[2:5]}) {number[5:8]}-{number[8:]}" if is_valid else None,
        "valid": is_valid,
        "validation_errors": [] if is_valid else ["INVALID_LENGTH"],
        **dict.fromkeys(OTHERS),
        "line_type_intelligence": _line(line_type) if OURS[0] in wanted else None,
        "reassigned_number": _owner(has_new_owner, query.get("LastVerifiedDate")) if OURS[1] in wanted else None,
        "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{number}",
    }


def _line(line_type: str | None) -> dict[str, Any]:
    return {
        "type": line_type,
        "carrier_name": "Simulated Carrier" if line_type else None,
        "mobile_country_code": "311" if line_type == "mobile" else None,
        "mobile_network_code": "000" if line_type == "mobile" else None,
        "error_code": None if line_type else FAILED,
    }


def _owner(has_new_owner: str | None, verified: str | None) -> dict[str, Any]:
    """Without a day to compare with, nothing is known."""
    day = f"{verified[:4]}-{verified[4:6]}-{verified[6:8]}" if verified and re.fullmatch(r"\d{8}", verified) else None
    return {
        "last_verified_date": day,
        "is_number_reassigned": has_new_owner if day else "no_data_available",
        "error_code": None if has_new_owner else str(FAILED),
    }


def _drawn(shares: tuple[tuple[str, int], ...], die: int) -> str:
    return next(name for name, up_to in shares if die * 100 < up_to * 256)
