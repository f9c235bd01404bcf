"""The facts of a lead as `leadflow explain lead` shows them."""

import datetime as dt

from leadflow_pipelines.cli.explain import facts_of

SEEN = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


def test_a_sales_price_stands_beside_its_date_and_money_is_dollars() -> None:
    told = [{"field": field, "source": "roll", "observed_at": SEEN} for field in ("sale_date", "year_built")]
    home = {"sale_date": dt.date(2025, 3, 2), "sale_price_cents": 11_200_000, "year_built": 1995, "provenance": told}
    assert facts_of(home) == [
        ("sale_date", dt.date(2025, 3, 2), "roll", SEEN.date()),
        ("sale_price", "$112,000.00", "roll", SEEN.date()),
        ("year_built", "1995", "roll", SEEN.date()),
    ]
