"""The rules as one day has them, whatever day a decision was made: for asking what that day's rules would have said.

Here: the tables' text with every row in force that day in force for ever, and the others gone. Not here: whose rules
they are (`clearance/rule_store`), deciding again (`replay`).
"""

import csv
import io
from collections.abc import Mapping
from datetime import date

from leadflow_pipelines.compliance.holidays import is_in_force
from leadflow_pipelines.compliance.rule_tables import optional_date

FROM, TO = "effective_from", "effective_to"


def frozen_on(texts: Mapping[str, str], day: date) -> dict[str, str]:
    """The tables' text as of `day`, without ends; tables without dates stay as they are."""
    return {name: _frozen(text, day) for name, text in texts.items()}


def _frozen(text: str, day: date) -> str:
    reader = csv.DictReader(text.splitlines(), strict=True)
    names = list(reader.fieldnames or ())
    if FROM not in names:
        return text
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in reader:
        if is_in_force(optional_date(row[FROM]), optional_date(row[TO]), day):
            writer.writerow({**row, FROM: "", TO: ""})
    return out.getvalue()
