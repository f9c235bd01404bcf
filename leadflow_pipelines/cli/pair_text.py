"""Records and pairs in words that fit the terminal: shared by `leadflow review` and `leadflow explain merge`."""

import textwrap
from typing import TYPE_CHECKING, Any

from leadflow_pipelines.cli.console import out, show
from leadflow_pipelines.properties.record_lookup import SHORT_ID

if TYPE_CHECKING:
    from resources.workspace import Workspace

GUTTER = 3


def org_part(workspace: "Workspace") -> str:
    """What a suggested command needs besides, to work for this org."""
    return "" if workspace.org.slug == "default" else f" --org {workspace.org.slug}"


def short(record_id: str) -> str:
    """The beginning of an id, enough to name it."""
    return record_id[:SHORT_ID]


def say(text: str, *, indent: int = 0, style: str | None = None) -> None:
    """Text on stdout, wrapped at the terminal's width, each line indented."""
    width = max(40, out.width)
    for line in textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=" " * indent) or [""]:
        out.print(line, style=style, markup=False)


def say_beside(left: dict[str, Any], right: dict[str, Any], fields: dict[str, str], *, indent: int = 2) -> None:
    """Two records side by side, a field below the other; a value too long for its column goes on below."""
    name_width = max(map(len, fields.values())) + 2
    width = (max(60, out.width) - indent - name_width - GUTTER) // 2
    for field, name in fields.items():
        columns = [textwrap.wrap(show(record[field]), width) or [""] for record in (left, right)]
        for at in range(max(map(len, columns))):
            one, two = (lines[at] if at < len(lines) else "" for lines in columns)
            label = name if at == 0 else ""
            out.print(
                f"{' ' * indent}{label:<{name_width}}{one:<{width}}{' ' * GUTTER}{two}".rstrip(),
                markup=False,
            )
