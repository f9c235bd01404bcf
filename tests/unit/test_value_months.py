"""Values beside the prices then paid: which months speak against a model, and which are chance."""

from datetime import date

import polars as pl
import pytest

from leadflow_pipelines.model_watch.value_months import CLOSED, value_alerts, value_months

PRICE = 20_000_000


def closed(values: list[int | None], *, half_width: float = 0.3) -> pl.DataFrame:
    """Homes of one month that sold at PRICE, with these values."""
    value = pl.Series("value_cents", values, pl.Int64)
    frame = pl.DataFrame({"value_cents": value}).with_columns(
        version=pl.lit("value-1"), property_id=pl.int_range(pl.len()).cast(pl.String), month=pl.lit(date(2026, 5, 1)),
        low_cents=(value * (1 - half_width)).cast(pl.Int64), high_cents=(value * (1 + half_width)).cast(pl.Int64),
        price_cents=pl.lit(PRICE, pl.Int64),
    )  # fmt: skip
    return frame.select(*CLOSED)


def around(times: float, count: int, *, off: float = 0.1) -> list[int | None]:
    """Values as often above as below `times` the price, by `off`."""
    return [int(PRICE * times * (1 + (off if place % 2 else -off))) for place in range(count)]


def codes(frame: pl.DataFrame, error_at_fit: float | None = 0.12) -> list[str]:
    return [alert.code for alert in value_alerts(value_months(frame), error_at_fit)]


def test_a_month_as_it_was_judged_says_nothing() -> None:
    months = value_months(closed([*around(1.0, 100), None, None]))
    row = months.row(0, named=True)
    assert (row["homes"], row["refused"]) == (102, 2)
    assert row["median_error"] == pytest.approx(0.1)
    assert row["coverage"] == 1
    assert row["width"] == pytest.approx(0.6)
    assert value_alerts(months, 0.12) == []


def test_intervals_that_are_too_narrow_raise_an_alert() -> None:
    assert codes(closed(around(1.0, 100, off=0.12), half_width=0.05)) == ["coverage"]


def test_prices_that_moved_raise_an_alert() -> None:
    assert codes(closed(around(0.85, 100, off=0.01))) == ["bias"]
    assert codes(closed(around(1.18, 100, off=0.01), half_width=0.4)) == ["bias"]


def test_errors_that_grew_raise_an_alert_and_a_refusal_is_one() -> None:
    assert codes(closed(around(1.0, 100, off=0.25), half_width=0.5)) == ["error"]
    assert codes(closed([*around(1.0, 40), *[None] * 45])) == ["error"]
    assert codes(closed(around(1.0, 100, off=0.25), half_width=0.5), None) == []
    assert codes(closed(around(1.0, 34, off=0.20), half_width=0.5)) == []  # so few may miss by that by chance


def test_a_handful_of_sales_raises_none() -> None:
    assert codes(closed(around(0.5, 12))) == []
