"""Contracts of leads: signals, scores, contacts and cleared lists."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

CHANNELS = ("sms", "voice", "mail", "email")
REASONS = pl.List(pl.Struct({"signal": pl.String, "points": pl.Int32, "text": pl.String}))
VALUE_COMPS = {
    "parcel_id": pl.String(),
    "sale_date": pl.Date(),
    "sale_price_cents": pl.Int64(),
    "distance_m": pl.Float64(),
    "age_days": pl.Int32(),
    "living_sqft": pl.Float64(),
    "adjustment": pl.Float64(),
    "adjusted_price_cents": pl.Int64(),
    "nearness": pl.String(),
}
"""A comparable sale behind a value; parcel_id is its property_id, adjustment the factor from its price to this home,
nearness the narrowest place that both share."""

ENRICHED_LEADS = Contract(
    name="enriched_leads",
    text="A property with its signals. An unknown signal is null, never false.",
    columns={
        "zip": shared.ZIP,
        "day": shared.DAY,
        "property_id": shared.PROPERTY_ID,
        "address": column(pl.String, "Situs address on one line."),
        "city": shared.ADDRESS_PARTS["city"],
        "state": shared.ADDRESS_PARTS["state"],
        "parcel_number": shared.PARCEL["parcel_number"],
        **shared.OWNER,
        "owner_type": column(
            pl.String,
            "person, company, trust, public or unknown, read from the name.",
            pa.Check.isin(["person", "company", "trust", "public", "unknown"]),
            required=True,
        ),
        "owner_form": column(
            pl.String,
            "owner_type in more detail: a person may be one person, a couple, co_owners or an estate.",
            pa.Check.isin(["person", "couple", "co_owners", "estate", "company", "trust", "public", "unknown"]),
        ),
        "owner_id": column(
            pl.String,
            "One owner of several properties: the same name and mailing address, or one registered company or public "
            "body of a state. Null where no owner is named.",
        ),
        "owner_parcel_count": column(
            pl.Int32, "Properties of that owner among the org's properties of the day.", pa.Check.ge(1)
        ),
        "is_absentee": column(pl.Boolean, "The owner's mail goes elsewhere than to the property."),
        "is_out_of_state": column(pl.Boolean, "The owner's mail goes to another state."),
        "is_entity_owned": column(pl.Boolean, "A company or trust owns it."),
        "is_tax_delinquent": column(pl.Boolean, "On a tax-delinquent list."),
        "is_pre_foreclosure": column(pl.Boolean, "On a pre-foreclosure list."),
        "is_probate": column(
            pl.Boolean,
            "On a probate list, in a state where the org lets such lists count (LEADFLOW_PROBATE_STATES). Never read "
            "from a name.",
        ),
        "is_vacant": column(pl.Boolean, "Reported vacant, or on a vacancy list."),
        "has_code_violation": column(pl.Boolean, "On a code-violation list."),
        "tenure_years": column(pl.Float64, "Years since the latest sale or transfer.", pa.Check.ge(0), unit="years"),
        "estimated_value_cents": column(
            pl.Int64, "Value estimate; null until a value model earns it.", unit="US cents"
        ),
        "value_low_cents": column(pl.Int64, "Low end of its 80 % interval.", unit="US cents"),
        "value_high_cents": column(pl.Int64, "High end of its 80 % interval.", unit="US cents"),
        "value_method": column(
            pl.String, "How the value came about, or `refused: why`; null until a value model earns it."
        ),
        "value_comps": column(pl.List(pl.Struct(VALUE_COMPS)), "Comparable sales behind the value, the nearest first."),
        "market_value_cents": shared.VALUE["market_value_cents"],
        "assessed_cents": shared.VALUE["assessed_cents"],
        "sale_date": shared.VALUE["sale_date"],
        "sale_price_cents": shared.VALUE["sale_price_cents"],
        "equity_share": column(
            pl.Float64, "(market value - open loan) / market value, where a source gives both.", pa.Check.le(1)
        ),
        "loan_age_years": column(
            pl.Float64,
            "Years since the open loan was made or recorded. Null where no source dates it, where none is open, and "
            "where the property was sold since.",
            pa.Check.ge(0),
            unit="years",
        ),
        **shared.BUILDING,
        "neighborhood": shared.NEIGHBORHOOD,
        "list_codes": shared.LIST_CODES,
        "stacked_list_count": column(
            pl.Int32, "Distinct lists and list-like signals that hold the property.", pa.Check.ge(0), required=True
        ),
        "sources": column(pl.List(pl.String), "Sources that know the property.", required=True),
        "cost_cents": shared.COST_CENTS,
    },
    key=("day", "property_id"),
    personal=("owner_name", "mailing_street", "address"),
)

LEAD_SCORES = Contract(
    name="lead_scores",
    text="How promising a lead is, with the reasons. Points rank; a probability appears once a model earns it.",
    columns={
        "zip": shared.ZIP,
        "day": shared.DAY,
        "property_id": shared.PROPERTY_ID,
        "points": column(pl.Int32, "Scorecard points, 0 to 100.", pa.Check.in_range(0, 100), required=True),
        "rank_in_zip": column(pl.Int32, "1 is the best lead of the ZIP that day.", pa.Check.ge(1), required=True),
        "probability": column(
            pl.Float64, "Probability of a sale within 12 months; null until a model earns it.", pa.Check.in_range(0, 1)
        ),
        "deal_score": column(pl.Float64, "Deal score; null until a value model earns it."),
        "reasons": column(REASONS, "What added points, most first.", required=True),
        "model_version": column(pl.String, "Model or scorecard that scored.", required=True),
        "run_id": shared.RUN_ID,
    },
    key=("day", "property_id"),
    volatile=("run_id",),
)

LEAD_CONTACTS = Contract(
    name="lead_contacts",
    text="Ways to reach a lead's owner: mailing address from the record, phones and e-mails from skip tracing.",
    columns={
        "zip": shared.ZIP,
        "day": shared.DAY,
        "property_id": shared.PROPERTY_ID,
        "contact_point_id": column(pl.String, "Hash of the lead and the contact point.", required=True),
        "kind": column(
            pl.String, "phone, email or mailing.", pa.Check.isin(["phone", "email", "mailing"]), required=True
        ),
        "person_name": column(pl.String, "Person the vendor ties to it, or the owner of record."),
        "phone_e164": column(pl.String, "Phone number.", shared.E164),
        "line_type": column(
            pl.String, "mobile, landline, voip or null where unknown.", pa.Check.isin(["mobile", "landline", "voip"])
        ),
        "email": column(pl.String, "E-mail address, lower case."),
        **{name: col for name, col in shared.OWNER.items() if name != "owner_name"},
        "is_on_dnc": column(pl.Boolean, "The vendor's do-not-call answer; null is unknown and counts as a hit."),
        "is_litigator": column(pl.Boolean, "The vendor's litigator answer; null is unknown."),
        "is_reachable": column(pl.Boolean, "The vendor's reachability answer."),
        "source": shared.SOURCE,
        "fetched_at": shared.FETCHED_AT,
        "cost_cents": shared.COST_CENTS,
    },
    key=("day", "contact_point_id"),
    personal=("person_name", "phone_e164", "email", "mailing_street"),
    volatile=("fetched_at",),
)

OUTREACH_LISTS = Contract(
    name="outreach_lists",
    text="One row per lead, contact point and channel: cleared or blocked under the dated rules, with reasons. "
    "Cleared under the configured rules; not legal advice.",
    columns={
        "zip": shared.ZIP,
        "day": shared.DAY,
        "property_id": shared.PROPERTY_ID,
        "contact_point_id": column(pl.String, "Contact point, as in lead_contacts.", required=True),
        "channel": column(
            pl.String, "sms, voice (dialled by hand), mail or email.", pa.Check.isin(list(CHANNELS)), required=True
        ),
        "verdict": column(pl.String, "cleared or blocked.", pa.Check.isin(["cleared", "blocked"]), required=True),
        "reason_codes": column(pl.List(pl.String), "Every reason that blocks; empty when cleared.", required=True),
        "contact_value": column(pl.String, "Phone, e-mail or mailing address of the contact point.", required=True),
        "person_name": column(pl.String, "Person to ask for."),
        "zones": column(pl.List(pl.String), "Every plausible IANA zone of the person."),
        "states": column(pl.List(pl.String), "Every plausible state of the person."),
        "calling_windows": column(
            pl.String, "Weekly windows inside all zones and states, JSON; null for mail and e-mail."
        ),
        "next_open_at": column(
            UTC_INSTANT, "First instant at which a call or text may start; null where none applies."
        ),
        "valid_until": column(UTC_INSTANT, "After this instant the clearance no longer holds.", required=True),
        "rule_version": column(pl.String, "Version of the rules that decided.", required=True),
        "evidence_hash": column(pl.String, "Hash of everything the decision looked at.", required=True),
    },
    key=("day", "contact_point_id", "channel"),
    personal=("contact_value", "person_name"),
    volatile=("next_open_at", "valid_until", "evidence_hash"),
)
