"""Every reason a clearance or a calling time may give: what it means and what a person can do about it.

Here: words for people. Not here: the conditions (`clear_contacts`, `calling_time`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One reason code in words: a sentence, and the remedy."""

    code: str
    text: str
    remedy: str


CLEARANCE_REASONS = {
    reason.code: reason
    for reason in (
        Reason("suppressed", "The contact point is on the org's suppression list.",
               "None: suppression does not expire. Use another lawful way, or leave the lead."),
        Reason("jurisdiction_hold", "The org holds all contact to a plausible state of the person for now.",
               "Wait until the hold is lifted (`leadflow hold list`)."),
        Reason("consent_revoked", "The person withdrew consent, and gave none since.",
               "Leave the person alone unless they give a new consent."),
        Reason("no_consent", "No first-party consent for this channel and purpose is on record.",
               "Collect one, or use mail, or a call dialled by hand where the lists allow it."),
        Reason("consent_expired", "A consent for this channel is on record but no longer holds.",
               "Ask for a new consent."),
        Reason("consent_insufficient", "The kind of consent on record is too weak for this channel.",
               "Ask for a signed consent that names the org; `express_written` is the kind."),
        Reason("consent_other_purpose", "A consent on record was given for another purpose.",
               "Ask for a consent for this purpose."),
        Reason("consent_other_org", "A consent on record names another organisation; it cannot be passed on.",
               "Ask for a consent that names the org, or set the org's name (`leadflow profile set`)."),
        Reason("invalid_phone", "The phone number is missing or not a possible US number.",
               "Correct the number at its source, or trace the owner again."),
        Reason("not_us_number", "The area code is none of the US area codes in the rules.",
               "Check the number; if the area code is new, add it to the area-code table."),
        Reason("not_geographic", "A toll-free, personal or premium number: it may ring anywhere.",
               "Use a number with a geographic area code."),
        Reason("not_mobile", "The line is not a mobile line, so it takes no text messages.",
               "Call by hand, or use a mobile number."),
        Reason("line_type_unknown", "No source says what kind of line it is.",
               "Say so in your file of own people (line_type), or trace the owner anew."),
        Reason("not_reachable", "The vendor reports the number as unreachable.",
               "Trace the owner again for a number in service."),
        Reason("dnc_listed", "The number is on a do-not-call list, and no signed consent lifts that.",
               "Use mail, or collect a signed consent that names the org."),
        Reason("dnc_unknown", "There is no do-not-call answer for the number; unknown counts as a hit.",
               "Import the lists, or buy the answer: `leadflow dnc needed --buy`."),
        Reason("dnc_stale", "The do-not-call answer is older than the law's safe harbour allows.",
               "Import a newer list, or buy the answer: `leadflow dnc needed --buy`."),
        Reason("litigator", "The number belongs to a known telemarketing litigant.", "None: do not call or text."),
        Reason("litigator_unknown", "No source says whether the number belongs to a known litigant.",
               "Use a vendor that answers it; unknown counts as a hit."),
        Reason("reassigned", "The number has a new holder since the person gave it.",
               "Leave the number alone: its new holder agreed to nothing."),
        Reason("reassigned_unknown",
               "The consent relied on is older than 30 days, and no fresh answer says that the number is still theirs.",
               "Have it checked: `leadflow dnc needed --buy`, for own people with --campaign."),
        Reason("wireless_restricted",
               "A plausible state bars cold calls to wireless numbers, and the line is not known to be a landline.",
               "Collect a consent, or use mail."),
        Reason("state_unknown", "A plausible place of the person lies in no state the rules know, or in none at all.",
               "Complete the mailing address; territories and military mail have no calling rule."),
        Reason("zone_unknown", "No time zone is known for a plausible place of the person.",
               "Complete the mailing address."),
        Reason("no_calling_window", "No hour of the week suits every plausible state and zone at once.",
               "Narrow down where the person lives, or use mail."),
        Reason("invalid_email", "The e-mail address is missing or malformed.", "Correct the address at its source."),
        Reason("address_incomplete", "The mailing address lacks its street, city, state or ZIP.",
               "Complete the address from another source."),
    )
}  # fmt: skip

SENDING_REASONS = {
    reason.code: reason
    for reason in (
        Reason("cap_24h", "The person was contacted as often in 24 hours as the org allows itself.",
               "Wait until the oldest of those attempts is 24 hours ago."),
        Reason("cap_7d", "The person was contacted as often in seven days as the org allows itself.",
               "Wait until the oldest of those attempts is seven days ago."),
        Reason("cap_state", "The person was contacted as often in 24 hours as a plausible state allows.",
               "Wait until the oldest of those attempts is 24 hours ago."),
        Reason("campaign_unregistered", "The sender is not registered with the carriers for this use.",
               "Register brand and campaign, then add the sender (`leadflow sender add`)."),
    )
}  # fmt: skip

CALLING_TIME_REASONS = {
    reason.code: reason
    for reason in (
        Reason("no_state", "No state is known for the person.", "Complete the mailing address."),
        Reason("no_zone", "No time zone is known for the person.", "Complete the mailing address."),
        Reason("unknown_state", "The rules know no calling hours for {0}.", "Complete or correct the address."),
        Reason("unknown_zone", "{0} is no time zone.", "Use an IANA name such as America/Chicago."),
        Reason("hours", "It is outside the calling hours of {0} in {1}.", "Wait for the next opening."),
        Reason("holiday", "{1} is a holiday on which {0} may not be called.", "Wait for the next opening."),
        *(
            Reason(f"{day}day", f"No calls to {{0}} on a {day.capitalize()}day.", "Wait for the next opening.")
            for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
        ),
    )
}


PASSING = frozenset({"jurisdiction_hold", "cap_24h", "cap_7d", "cap_state", "hours", "holiday"})
"""Reasons that time or an operator takes away, so that a message may wait."""


def is_passing(code: str) -> bool:
    """Whether a message blocked by this alone waits for its next chance instead of being given up."""
    stem = code.partition(":")[0]
    return stem in PASSING or stem.endswith("day")


def explain_reason(code: str) -> Reason:
    """The reason behind a code, whole (`sunday:AL`) or bare (`no_consent`), in words.

    Raises KeyError for a code that no rule gives.
    """
    if found := CLEARANCE_REASONS.get(code) or SENDING_REASONS.get(code):
        return found
    stem, *details = code.split(":", 2)
    reason = CALLING_TIME_REASONS[stem]
    return Reason(code, reason.text.format(*details), reason.remedy)
