"""The list of leads for a person: figures and address in a line, the value's interval and the reasons below it.

Not here: which leads they are and the formats for programs (`leads`).
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.text import Text

from leadflow_pipelines.cli.console import about_dollars, out

GAP = "  "
INDENT = " " * 8
LEAST_ADDRESS = 20
REFUSED = "refused: "

_FIGURES: Mapping[str, Callable[[Mapping[str, Any]], str | None]] = {
    "points": lambda lead: str(lead["points"]),
    "chance": lambda lead: None if lead["probability"] is None else f"{lead['probability']:.1%}",
    "value": lambda lead: (
        None if lead["estimated_value_cents"] is None else about_dollars(lead["estimated_value_cents"])
    ),
}
_CLEARED = ("mail", "voice", "sms")


def print_leads(leads: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of `lead_list`, as wide as the terminal.

    A figure that no lead has is no column. An address that does not fit loses its state and ZIP first, then its end.
    """
    figures = {name: [tell(lead) or "-" for lead in leads] for name, tell in _FIGURES.items()}
    figures = {name: cells for name, cells in figures.items() if {*cells} != {"-"}}
    cleared = {name: [str(lead[f"cleared_{name}"]) for lead in leads] for name in _CLEARED}
    wide = {name: max(map(len, (name, *cells))) for name, cells in (figures | cleared).items()}
    room = out.width - sum(width + len(GAP) for width in wide.values())
    addresses = [_address(lead, max(room, LEAST_ADDRESS)) for lead in leads]
    wide["address"] = max(map(len, ("address", *addresses)))
    columns = {**figures, "address": addresses, **cleared}
    _line({name: name for name in columns}, wide, style="bold")
    for number, lead in enumerate(leads):
        _line({name: cells[number] for name, cells in columns.items()}, wide)
        for told in (_value(lead), "; ".join(reason["text"] for reason in lead["reasons"])):
            for line in textwrap.wrap(told, out.width, initial_indent=INDENT, subsequent_indent=INDENT):
                out.print(Text(line, style="dim"))
    _print_refusals(leads)
    out.print()


def _line(cells: Mapping[str, str], wide: Mapping[str, int], style: str = "") -> None:
    padded = (text.ljust(wide[name]) if name == "address" else text.rjust(wide[name]) for name, text in cells.items())
    out.print(Text(GAP.join(padded).rstrip(), style=style), soft_wrap=True)


def _address(lead: Mapping[str, Any], room: int) -> str:
    address: str = lead["address"] or f"parcel {lead['parcel_number'] or 'unknown'}"
    if len(address) > room and lead["city"]:
        street, city, _ = address.partition(f", {lead['city']}")
        address = street + city
    return address if len(address) <= room else address[: room - 1].rstrip(" ,") + "…"


def _value(lead: Mapping[str, Any]) -> str:
    """The id that `explain lead` takes, the interval of the value with its method, and the deal score."""
    told = [lead["property_id"]]
    if lead["estimated_value_cents"] is not None:
        low, high = (about_dollars(lead[f"value_{end}_cents"]) for end in ("low", "high"))
        told.append(f"80 % interval {low} to {high} ({lead['value_method']})")
    if lead["deal_score"] is not None:
        told.append(f"deal score {lead['deal_score']:.0f}")
    return ", ".join(told)


def _print_refusals(leads: Sequence[Mapping[str, Any]]) -> None:
    """Why homes have no value, once for all that have the same reason."""
    refused = Counter((lead["value_method"] or "").removeprefix(REFUSED) for lead in leads if _is_refused(lead))
    for why, count in refused.most_common():
        out.print(Text(f"{count:,} without a value: {why}", style="dim"))


def _is_refused(lead: Mapping[str, Any]) -> bool:
    return str(lead["value_method"] or "").startswith(REFUSED)
