"""The list of leads for a person: whole at 80 columns and wider, silent of what nobody knows."""

import io
import re

import pytest
from rich.console import Console

from leadflow_pipelines.cli import lead_table
from leadflow_pipelines.cli.lead_table import print_leads

REASONS = [
    {"signal": "model", "points": 30, "text": "Chance of a sale within 12 months 12.4 %, 2.5 times the market's 5 %"},
    {"signal": "tax_delinquent", "points": 20, "text": "Property tax delinquent"},
    {"signal": "tenure_15", "points": 10, "text": "Owned for 20 years"},
]
PLAIN = {
    "property_id": "p_0176248392ec18c54b73", "points": 62, "probability": None, "deal_score": None, "reasons": REASONS,
    "address": "4727 BACKSTRETCH BLVD # 12, ANTIOCH, TN 37013", "city": "ANTIOCH", "parcel_number": "091 07",
    "estimated_value_cents": None, "value_low_cents": None, "value_high_cents": None, "value_method": None,
    "cleared_mail": 1, "cleared_voice": 2, "cleared_sms": 0,
}  # fmt: skip
VALUED = {
    **PLAIN, "probability": 0.124, "deal_score": 71.4, "value_method": "comps+model", "value_low_cents": 165_432_10,
    "estimated_value_cents": 193_210_00, "value_high_cents": 1_225_999_00,
}  # fmt: skip


def printed(monkeypatch: pytest.MonkeyPatch, width: int, *leads: dict[str, object]) -> list[str]:
    file = io.StringIO()
    monkeypatch.setattr(lead_table, "out", Console(file=file, width=width, highlight=False))
    print_leads(leads)
    return file.getvalue().rstrip().split("\n")


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_lead_is_a_line_of_figures_then_its_value_then_why(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    head, figures, value, *why = printed(monkeypatch, width, VALUED)
    assert max(map(len, (head, figures, value, *why))) <= width
    assert head.split() == ["points", "chance", "value", "address", "mail", "voice", "sms"]
    assert figures.split()[:3] == ["62", "12.4%", "$193,000"]
    assert figures.split()[-3:] == ["1", "2", "0"]
    told = "p_0176248392ec18c54b73, 80 % interval $165,000 to $1,230,000 (comps+model), deal score 71"
    reasons = "; ".join(reason["text"] for reason in REASONS)
    assert " ".join(" ".join((value, *why)).split()) == f"{told} {reasons}"
    assert all(line.startswith(lead_table.INDENT) for line in (value, *why))


@pytest.mark.parametrize(
    ("width", "address"),
    [(120, "4727 BACKSTRETCH BLVD # 12, ANTIOCH, TN 37013"), (84, "4727 BACKSTRETCH BLVD # 12, ANTIOCH"),
     (72, "4727 BACKSTRETCH BLVD # 12…")],
)  # fmt: skip
def test_an_address_gives_up_its_state_first_and_its_end_last(
    monkeypatch: pytest.MonkeyPatch, width: int, address: str
) -> None:
    figures = printed(monkeypatch, width, VALUED)[1]
    assert re.search(r"\$193,000  (.*?)  +1 ", figures).group(1).rstrip() == address  # type: ignore[union-attr]
    assert len(figures) <= width


def test_what_no_lead_has_is_no_column_and_what_one_lacks_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, 80, PLAIN)[0].split() == ["points", "address", "mail", "voice", "sms"]
    lines = printed(monkeypatch, 80, VALUED, PLAIN)
    assert [line.split()[:3] for line in lines if "BACKSTRETCH" in line] == [
        ["62", "12.4%", "$193,000"],
        ["62", "-", "-"],
    ]


def test_a_home_without_an_address_shows_its_parcel(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "parcel 091 07" in printed(monkeypatch, 80, {**PLAIN, "address": None, "city": None})[1]


def test_why_homes_have_no_value_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {**PLAIN, "value_method": "refused: no sales history in this market"}
    lines = printed(monkeypatch, 80, refused, refused, {**refused, "value_method": "refused: too few sales"}, VALUED)
    assert lines[-2:] == ["2 without a value: no sales history in this market", "1 without a value: too few sales"]


def test_text_of_sources_is_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "[bold]1[/bold] OAK" in printed(monkeypatch, 80, {**PLAIN, "address": "[bold]1[/bold] OAK"})[1]
