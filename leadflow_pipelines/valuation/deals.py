"""What a deal on a home would make under stated assumptions: the 70 % rule and BRRRR, in integer cents.

One set of formulas for a single lead (plain integers) and for a frame (Polars expressions): both give the same cents.
Values come from elsewhere; nothing here estimates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any, Final

import polars as pl

from leadflow_pipelines.errors import InvalidInput

_AMOUNTS: Final = ("value_cents", "arv_cents", "arv_low_cents", "repair_cost_cents", "asking_cents", "rent_cents")
BPS: Final = 10_000
PAYMENT_SCALE: Final = 1_000_000_000
# Beyond these the products of a frame would leave 64 bits.
MOST_CENTS: Final = 100_000_000_00
MOST_BPS, MOST_MONTHS, MOST_YEARS = 20_000, 60, 50
# A flip at the rule's price scores 50; each 0.4 % of the after-repair value above or below it is a point.
BPS_OF_A_POINT: Final = 40
# BRRRR: half of the points for money that comes back at the refinance, half for cash flow, a point per 20 dollars.
CASH_FLOW_OF_A_POINT_CENTS: Final = 20_00


def _assume(default: int, why: str) -> Any:
    return field(default=default, metadata={"why": why})


@dataclass(frozen=True)
class DealAssumptions:
    """Every number a deal score rests on, in basis points, cents, months or years; each can be overridden."""

    rule_bps: int = _assume(7_000, "the 70 % rule of house flipping: 30 % covers financing, selling and profit")
    assignment_fee_cents: int = _assume(0, "a wholesaler's own fee, off the offer; none unless the user charges one")
    purchase_of_value_bps: int = _assume(10_000, "without an asking price the home is bought at its estimated value")
    buying_cost_bps: int = _assume(200, "title, transfer, inspection: 1.5–3 % of the price in most states")
    holding_months: int = _assume(6, "purchase to refinance: works plus the usual six months of seasoning")
    holding_rate_bps: int = _assume(1_100, "annual interest of short-term (hard money) loans, 10–12 % in 2025")
    refinance_ltv_bps: int = _assume(7_500, "usual ceiling of cash-out loans on rented one- to four-family homes")
    refinance_cost_bps: int = _assume(250, "lender and title at the refinance, 2–3 % of the loan")
    loan_rate_bps: int = _assume(725, "annual rate of a 30-year loan on a rental, about a point above owners' loans")
    loan_years: int = _assume(30, "the usual amortisation")
    rent_of_arv_bps: int = _assume(75, "monthly rent where none is given; the 1 % rule is rarely met since 2021")
    vacancy_bps: int = _assume(800, "of rent: one month a year")
    management_bps: int = _assume(900, "of rent: managers charge 8–10 %")
    upkeep_bps: int = _assume(1_000, "of rent: repairs and replacements")
    property_tax_bps: int = _assume(110, "of value a year: near the US mean effective rate")
    insurance_bps: int = _assume(60, "of value a year: landlord cover")

    def __post_init__(self) -> None:
        limits = {
            "_bps": (0, MOST_BPS),
            "_cents": (0, MOST_CENTS),
            "_months": (0, MOST_MONTHS),
            "_years": (1, MOST_YEARS),
        }
        faults = []
        for item in fields(self):
            value, (least, most) = getattr(self, item.name), limits["_" + item.name.rsplit("_", 1)[1]]
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                faults.append(f"{item.name} is {value!r}, not a whole number from {least} to {most}")
        if faults:
            raise InvalidInput("The assumptions cannot be used: " + "; ".join(faults) + ".")

    def explained(self) -> list[dict[str, str | int]]:
        """One row per assumption: name, value, why."""
        return [{"name": f.name, "value": getattr(self, f.name), "why": str(f.metadata["why"])} for f in fields(self)]

    @property
    def payment_factor(self) -> int:
        """Monthly payment per cent of loan, in billionths, from the exact annuity."""
        months, rate = self.loan_years * 12, Fraction(self.loan_rate_bps, BPS * 12)
        exact = Fraction(1, months) if not rate else rate / (1 - 1 / (1 + rate) ** months)
        return round(exact * PAYMENT_SCALE)


@dataclass(frozen=True)
class Deal:
    """One lead's figures, all in cents; scores from 0 to 100. `cash_on_cash_bps` is None where no cash stays in."""

    max_offer_cents: int
    purchase_cents: int
    margin_cents: int
    margin_low_cents: int
    flip_score: int
    rent_cents: int
    cash_in_cents: int
    loan_cents: int
    cash_left_cents: int
    monthly_cash_flow_cents: int
    cash_on_cash_bps: int | None
    brrrr_score: int
    deal_score: int


def score_deal(
    *,
    value_cents: int,
    arv_cents: int,
    arv_low_cents: int,
    repair_cost_cents: int,
    asking_cents: int | None = None,
    rent_cents: int | None = None,
    assumptions: DealAssumptions | None = None,
) -> Deal:
    """The deal on one home; the same cents as `deal_scores` gives its row. Raises InvalidInput for impossible money."""
    given = {"value_cents": value_cents, "arv_cents": arv_cents, "arv_low_cents": arv_low_cents}
    given |= {"repair_cost_cents": repair_cost_cents, "asking_cents": asking_cents or 0, "rent_cents": rent_cents or 0}
    for name, cents in given.items():
        if not 0 <= cents <= MOST_CENTS or (cents == 0 and name in ("value_cents", "arv_cents")):
            raise InvalidInput(f"{name} is {cents}: no price of a home in cents.")
    terms = assumptions or DealAssumptions()
    purchase = asking_cents if asking_cents is not None else _share(value_cents, terms.purchase_of_value_bps)
    rent = rent_cents if rent_cents is not None else _share(arv_cents, terms.rent_of_arv_bps)
    figures = _figures(purchase, arv_cents, arv_low_cents, repair_cost_cents, rent, terms)
    left, flow = figures["cash_left_cents"], figures["monthly_cash_flow_cents"]
    flip = _bounded(figures["flip_points"], 100)
    brrrr = _bounded(figures["money_back_points"], 50) + _bounded(figures["cash_flow_points"], 50)
    named = {name: value for name, value in figures.items() if not name.endswith("_points")}
    return Deal(
        **named,
        flip_score=flip,
        cash_on_cash_bps=flow * 12 * BPS // left if left > 0 else None,
        brrrr_score=brrrr,
        deal_score=max(flip, brrrr),
    )


def deal_scores(leads: pl.DataFrame, assumptions: DealAssumptions | None = None) -> pl.DataFrame:
    """`leads` plus the columns of `Deal`, row for row; null where value, after-repair value or repairs
    are null, or an amount is none that a home could have (below 0 or beyond 100 million dollars).

    Reads value_cents, arv_cents, arv_low_cents, repair_cost_cents (Int64) and, where present, asking_cents and
    rent_cents. Raises InvalidInput where a column is missing.
    """
    missing = [name for name in ("value_cents", "arv_cents", "arv_low_cents", "repair_cost_cents") if name not in leads]
    if missing:
        raise InvalidInput(f"Leads without {', '.join(missing)} cannot be scored.")
    terms = assumptions or DealAssumptions()
    column = {name: pl.col(name).cast(pl.Int64) for name in leads.columns if name.endswith("_cents")}
    purchase = _share(column["value_cents"], terms.purchase_of_value_bps)
    rent = _share(column["arv_cents"], terms.rent_of_arv_bps)
    purchase = pl.coalesce(column["asking_cents"], purchase) if "asking_cents" in column else purchase
    rent = pl.coalesce(column["rent_cents"], rent) if "rent_cents" in column else rent
    figures = _figures(purchase, column["arv_cents"], column["arv_low_cents"], column["repair_cost_cents"], rent, terms)
    left, flow = pl.col("cash_left_cents"), pl.col("monthly_cash_flow_cents")
    halves = pl.col("money_back_points").clip(0, 50) + pl.col("cash_flow_points").clip(0, 50)
    scored = leads.select(**figures).select(
        *(name for name in figures if not name.endswith("_points")),
        pl.col("flip_points").clip(0, 100).alias("flip_score"),
        pl.when(left > 0).then(flow * 12 * BPS // left).alias("cash_on_cash_bps"),
        halves.alias("brrrr_score"),
        pl.max_horizontal(pl.col("flip_points").clip(0, 100), halves).alias("deal_score"),
    )
    amounts = [name for name in column if name in _AMOUNTS]
    is_possible = leads.select(
        pl.all_horizontal(
            pl.all_horizontal(column[name].is_not_null() & (column[name] > 0) for name in ("value_cents", "arv_cents")),
            pl.all_horizontal(column[name].is_not_null() for name in ("arv_low_cents", "repair_cost_cents")),
            pl.all_horizontal(column[name].is_between(0, MOST_CENTS).fill_null(True) for name in amounts),
        )
    ).to_series()
    blanked = scored.select(pl.when(is_possible).then(pl.col(item.name)).alias(item.name) for item in fields(Deal))
    return leads.drop(blanked.columns, strict=False).hstack(blanked)


def _figures(
    purchase: Any, arv: Any, arv_low: Any, repairs: Any, rent: Any, terms: DealAssumptions
) -> Mapping[str, Any]:
    """The formulas, for integers and for expressions of integers alike. `//` rounds down for both."""
    max_offer = _share(arv, terms.rule_bps) - repairs - terms.assignment_fee_cents
    margin = max_offer - purchase
    margin_low = _share(arv_low, terms.rule_bps) - repairs - terms.assignment_fee_cents - purchase
    spent = purchase + _share(purchase, terms.buying_cost_bps) + repairs
    cash_in = spent + spent * terms.holding_rate_bps * terms.holding_months // (BPS * 12)
    loan = _share(arv, terms.refinance_ltv_bps)
    cash_left = cash_in - (loan - _share(loan, terms.refinance_cost_bps))
    running = _share(rent, terms.vacancy_bps + terms.management_bps + terms.upkeep_bps)
    yearly = _share(arv, terms.property_tax_bps + terms.insurance_bps)
    payment = (loan * terms.payment_factor + PAYMENT_SCALE // 2) // PAYMENT_SCALE
    cash_flow = rent - running - yearly // 12 - payment
    return {
        "max_offer_cents": max_offer,
        "purchase_cents": purchase,
        "margin_cents": margin,
        "margin_low_cents": margin_low,
        "rent_cents": rent,
        "cash_in_cents": cash_in,
        "loan_cents": loan,
        "cash_left_cents": cash_left,
        "monthly_cash_flow_cents": cash_flow,
        "flip_points": 50 + margin * BPS // arv // BPS_OF_A_POINT,
        "money_back_points": (cash_in - cash_left) * 50 // (cash_in + 1),
        "cash_flow_points": 25 + cash_flow // CASH_FLOW_OF_A_POINT_CENTS,
    }


def _share(cents: Any, bps: int) -> Any:
    """A share of an amount, to the nearest cent, halves up."""
    return (cents * bps + BPS // 2) // BPS


def _bounded(points: int, most: int) -> int:
    return max(0, min(most, points))
