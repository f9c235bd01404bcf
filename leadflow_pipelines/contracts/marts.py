"""Contracts of the marts that BI reads. dbt builds them; these say what a reader may rely on."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.backtest_marts import BACKTEST_MARTS
from leadflow_pipelines.contracts.contract import CENTS, Contract, column
from leadflow_pipelines.contracts.evidence import PROPERTY_CONFLICTS
from leadflow_pipelines.contracts.leads import ENRICHED_LEADS, LEAD_SCORES, VALUE_COMPS
from leadflow_pipelines.contracts.model_months import MART_MODEL_MONTHS
from leadflow_pipelines.contracts.outreach import CAMPAIGN_COUNTS

ORG = shared.ORG


def _count(text: str) -> pa.Column:
    return column(pl.Int64, text, pa.Check.ge(0), required=True)


def _money(text: str) -> pa.Column:
    return column(CENTS, text, pa.Check.ge(0), unit="US cents", required=True)


def _sum(text: str) -> pa.Column:
    """Money of the org's business: whole cents, more than a vendor's bill may hold."""
    return column(pl.Int64, text, pa.Check.ge(0), unit="US cents", required=True)


MART_LEADS = Contract(
    name="mart_leads",
    text="The latest day of every lead: property, signals, score, reasons, and how many ways to reach it are cleared.",
    columns={
        "org": ORG,
        "zip": shared.ZIP,
        "day": shared.DAY,
        "property_id": shared.PROPERTY_ID,
        **{
            name: ENRICHED_LEADS.columns[name]
            for name in (
                "address",
                "city",
                "state",
                "parcel_number",
                "owner_name",
                "owner_type",
                "owner_id",
                "owner_parcel_count",
                "mailing_street",
                "mailing_city",
                "mailing_state",
                "mailing_zip5",
                "is_absentee",
                "is_out_of_state",
                "is_tax_delinquent",
                "is_pre_foreclosure",
                "is_probate",
                "is_vacant",
                "has_code_violation",
                "tenure_years",
                "stacked_list_count",
                "estimated_value_cents",
                "value_low_cents",
                "value_high_cents",
                "value_method",
                "market_value_cents",
                "assessed_cents",
                "sale_date",
                "sale_price_cents",
                "equity_share",
                "loan_age_years",
                "year_built",
                "living_sqft",
            )
        },
        "points": LEAD_SCORES.columns["points"],
        "rank_in_zip": LEAD_SCORES.columns["rank_in_zip"],
        "probability": LEAD_SCORES.columns["probability"],
        "deal_score": LEAD_SCORES.columns["deal_score"],
        "reasons": column(pl.String, "What added points, most first, separated by semicolons.", required=True),
        "model_version": LEAD_SCORES.columns["model_version"],
        "conflicting_fields": column(
            pl.String,
            "Fields on which its sources contradict each other, by commas; who says what is in mart_conflicts. Null "
            "where they agree.",
        ),
        "comps": _count("Comparable sales behind the value; they stand in mart_value_comps."),
        "cleared_mail": _count("Mailing addresses cleared for mail."),
        "cleared_voice": _count("Phones cleared for manually dialled calls."),
        "cleared_sms": _count("Phones cleared for text messages."),
        "cleared_email": _count("E-mail addresses cleared for e-mail."),
        "cost_cents": _money("What the lead cost to find and reach."),
    },
    key=("org", "property_id"),
    personal=("owner_name", "mailing_street", "address"),
)

MART_VALUE_COMPS = Contract(
    name="mart_value_comps",
    text="The comparable sales behind the values of mart_leads, one row each: what was sold, when, how far off, and "
    "what its price says this home is worth.",
    columns={
        "org": ORG,
        "zip": shared.ZIP,
        "day": shared.DAY,
        "property_id": shared.PROPERTY_ID,
        "comp_number": column(pl.Int32, "1 is the comparable sale most alike.", pa.Check.ge(1), required=True),
        "comp_property_id": column(pl.String, "The property that was sold, by the id it has now.", required=True),
        "comp_address": column(pl.String, "Its address on one line; null where it is none of the org's any more."),
        "sale_date": column(VALUE_COMPS["sale_date"], "Day of its sale.", required=True),
        "sale_price_cents": column(
            VALUE_COMPS["sale_price_cents"], "Its price.", pa.Check.gt(0), unit="US cents", required=True
        ),
        "distance_m": column(
            VALUE_COMPS["distance_m"], "How far away; null without coordinates.", pa.Check.ge(0), unit="metres"
        ),
        "nearness": column(
            VALUE_COMPS["nearness"], "The narrowest place that both share: same building, street, ZIP and so on."
        ),
        "age_days": column(VALUE_COMPS["age_days"], "Days from its sale to the day of the price level.", unit="days"),
        "living_sqft": column(VALUE_COMPS["living_sqft"], "Its living area.", pa.Check.gt(0), unit="square feet"),
        "adjustment": column(
            VALUE_COMPS["adjustment"],
            "Factor from its price to this home, for time, size and the rest.",
            pa.Check.gt(0),
        ),
        "adjusted_price_cents": column(
            VALUE_COMPS["adjusted_price_cents"], "Its price times that factor.", pa.Check.gt(0), unit="US cents"
        ),
    },
    key=("org", "property_id", "comp_number"),
    personal=("comp_address",),
)

MART_ZIP_SUMMARY = Contract(
    name="mart_zip_summary",
    text="One row per ZIP and day: how much is known, how good it is, what it cost.",
    columns={
        "org": ORG,
        "zip": shared.ZIP,
        "day": shared.DAY,
        "leads": _count("Leads of the ZIP that day."),
        "leads_scored": _count("Leads with at least one point."),
        "median_points": column(pl.Float64, "Median score.", pa.Check.in_range(0, 100)),
        "absentee_leads": _count("Leads whose owner's mail goes elsewhere."),
        "tax_delinquent_leads": _count("Leads on a tax-delinquent list."),
        "stacked_leads": _count("Leads on two or more lists."),
        "median_market_value_cents": column(pl.Int64, "Median market value per the sources.", unit="US cents"),
        "cost_cents": _money("What the ZIP's leads cost."),
    },
    key=("org", "zip", "day"),
)

MART_LEAD_FUNNEL = Contract(
    name="mart_lead_funnel",
    text="From source rows to leads that may be contacted, per ZIP and day: records known so far, then properties.",
    columns={
        "org": ORG,
        "zip": shared.ZIP,
        "day": shared.DAY,
        "stage": column(
            pl.String,
            "records, properties, leads, contactable, cleared.",
            pa.Check.isin(["records", "properties", "leads", "contactable", "cleared"]),
            required=True,
        ),
        "stage_number": column(pl.Int32, "Order of the stage, from 1.", required=True),
        "items": _count("Items that reached the stage."),
    },
    key=("org", "zip", "day", "stage"),
)

MART_PROVIDER_SPEND = Contract(
    name="mart_provider_spend",
    text="Spend per provider, ZIP and day, from the ledger: calls, hits of the cache, outcomes, cost.",
    columns={
        "org": ORG,
        "provider": column(pl.String, "Provider that was called.", required=True),
        "zip": column(pl.String, "ZIP the call was for; `many` for a call that covers several.", required=True),
        "day": shared.DAY,
        "calls": _count("Calls answered by the provider or attempted."),
        "cache_hits": _count("Calls answered from the cache, free."),
        "failed_calls": _count("Calls that ended in an error or an unknown outcome."),
        "records": _count("Items returned."),
        "cost_cents": _money("Settled spend, unknown outcomes counted at their worst case."),
        "leads": _count("Leads of which the provider first told that day; each lead once per provider."),
        "field_values": _count("Field values, phones and e-mails that stand today and were told that day."),
        "median_latency_ms": column(pl.Float64, "Median time of a live call.", pa.Check.ge(0), unit="milliseconds"),
    },
    key=("org", "provider", "zip", "day"),
)

MART_COMPLIANCE_AUDIT = Contract(
    name="mart_compliance_audit",
    text="Every clearance decision counted by channel, verdict and reason, under which rule version. Not legal advice.",
    columns={
        "org": ORG,
        "zip": shared.ZIP,
        "day": shared.DAY,
        "channel": column(pl.String, "sms, voice, mail or email.", required=True),
        "verdict": column(pl.String, "cleared or blocked.", required=True),
        "reason_code": column(pl.String, "One blocking reason, or `cleared`.", required=True),
        "rule_version": column(pl.String, "Version of the rules that decided.", required=True),
        "contact_points": _count("Contact points with that verdict and reason; one may carry several reasons."),
    },
    key=("org", "zip", "day", "channel", "verdict", "reason_code", "rule_version"),
)

MART_FIELDS = Contract(
    name="mart_fields",
    text="What is known of each field per ZIP and source: how many values stand, how many are stale, what they cost.",
    columns={
        "org": ORG,
        "zip": shared.ZIP,
        "source": shared.SOURCE,
        "field": column(pl.String, "Field as provenance names it, or phone and email.", required=True),
        "as_of": column(pl.Date, "Day as of which values are stale.", required=True),
        "max_age_days": column(pl.Int32, "Older than so many days is stale; null: no rule.", unit="days"),
        "field_values": _count("Values of the field that stand and are this source's."),
        "stale_values": _count("Those that the source neither told nor confirmed within max_age_days."),
        "oldest_on": column(pl.Date, "Day on which the oldest was last told or confirmed.", required=True),
        "newest_on": column(pl.Date, "Day on which the newest was last told or confirmed.", required=True),
        "cost_cents": _money("What the source's records of the ZIP cost, spread evenly over the values it gave."),
    },
    key=("org", "zip", "source", "field"),
)

MART_CAMPAIGN_PERFORMANCE = Contract(
    name="mart_campaign_performance",
    text="Per campaign, step and channel: what was queued, sent, delivered, blocked and why, and what came back.",
    columns={"org": ORG, **CAMPAIGN_COUNTS.columns},
    key=("org", "campaign", "step", "channel"),
)

MART_CONFLICTS = Contract(
    name="mart_conflicts",
    text=PROPERTY_CONFLICTS.text,
    columns={"org": ORG, **PROPERTY_CONFLICTS.columns},
    key=("org", *PROPERTY_CONFLICTS.key),
    personal=PROPERTY_CONFLICTS.personal,
)

MART_OWNERS = Contract(
    name="mart_owners",
    text="One row per owner: what kind, and what the org's leads on their latest day say of the properties held.",
    columns={
        "org": ORG,
        "owner_id": column(pl.String, ENRICHED_LEADS.columns["owner_id"].description, required=True),
        "owner_type": ENRICHED_LEADS.columns["owner_type"],
        "owner_form": ENRICHED_LEADS.columns["owner_form"],
        **{
            name: column(pl.String, f"{col.description.rstrip('.')}, as with the property of the smallest id.")
            for name, col in shared.OWNER.items()
        },
        "properties": _count("Properties held."),
        "zips": column(pl.String, "ZIPs in which they lie, sorted, by commas.", required=True),
        "zip_count": _count("How many ZIPs."),
        "absentee_properties": _count("Properties to which the owner's mail does not go; unknown ones do not count."),
        "out_of_state_properties": _count("Properties in another state than the owner's mail goes to."),
        "stacked_properties": _count("Properties on two or more lists."),
        "market_value_cents": column(
            pl.Int64, "Sum of the market values that sources tell; null where they tell none.", unit="US cents"
        ),
        "best_points": column(pl.Int32, "Score of the best of the leads.", pa.Check.in_range(0, 100), required=True),
    },
    key=("org", "owner_id"),
    personal=("owner_name", "mailing_street"),
)


def _lift(what: str) -> dict[str, pa.Column]:
    """The difference of two shares with its interval, for a contact group and a hold-out."""
    null = "Null where either group is empty."
    return {
        f"{what}_lift": column(
            pl.Float64,
            f"{what}: share of the contact group minus share of those held out. {null}",
            pa.Check.in_range(-1, 1),
        ),
        f"{what}_lift_low": column(
            pl.Float64, f"Low end of its 95 % interval (Newcombe, from Wilson's). {null}", pa.Check.in_range(-1, 1)
        ),
        f"{what}_lift_high": column(pl.Float64, f"High end of that interval. {null}", pa.Check.in_range(-1, 1)),
    }


MART_LEAD_OUTCOMES = Contract(
    name="mart_lead_outcomes",
    text="Per ZIP and month: leads contacted and what came of leads in the month; and what became, so far, of the "
    "leads of campaigns that began in it, beside those held out.",
    columns={
        "org": ORG,
        "zip": shared.ZIP,
        "month": column(pl.Date, "First day of the month.", required=True),
        "leads_contacted": _count("Leads that a campaign first wrote to or called in the month."),
        "interested": _count("Leads that showed interest in the month."),
        "not_interested": _count("Leads that declined."),
        "not_the_owner": _count("Leads whose contact turned out to be somebody else's."),
        "appointments": _count("Leads with an appointment."),
        "offers": _count("Leads with an offer."),
        "contracts": _count("Leads with a contract."),
        "deals": _count("Leads bought."),
        "sold_elsewhere": _count("Leads of which somebody noted that another bought."),
        "priced_offers": _count("Offers with an amount."),
        "offered_cents": _sum("Sum of the offers' amounts."),
        "priced_contracts": _count("Contracts with an amount."),
        "contracted_cents": _sum("Sum of the contracts' amounts."),
        "priced_deals": _count("Deals with an amount."),
        "deal_cents": _sum("Sum of the deals' amounts."),
        "contact_group": _count("Leads of campaigns that began in the month and were not held out, reached or not."),
        "contact_group_responded": _count("Those with interest, an appointment, an offer, a contract or a deal since."),
        "contact_group_deals": _count("Those bought since."),
        "contact_group_sold": _count("Those sold since, to anybody: by a noted deal or sale, or a recorded sale."),
        "held_out": _count("Leads of those campaigns that were left alone."),
        "held_out_responded": _count("Those with interest, an appointment, an offer, a contract or a deal since."),
        "held_out_deals": _count("Those bought since."),
        "held_out_sold": _count("Those sold since, to anybody."),
        **_lift("responded"),
        **_lift("deals"),
        **_lift("sold"),
    },
    key=("org", "zip", "month"),
)

MARTS = (
    MART_LEADS,
    MART_VALUE_COMPS,
    MART_ZIP_SUMMARY,
    MART_LEAD_FUNNEL,
    MART_PROVIDER_SPEND,
    MART_FIELDS,
    MART_CONFLICTS,
    MART_OWNERS,
    MART_COMPLIANCE_AUDIT,
    MART_CAMPAIGN_PERFORMANCE,
    MART_LEAD_OUTCOMES,
    *BACKTEST_MARTS,
    MART_MODEL_MONTHS,
)
