"""The requests that one call becomes where the vendor fills every page: what a plan must reckon with at worst.

Nothing here asks anyone.
"""

from collections.abc import Iterator
from typing import Any

from leadflow_pipelines.providers.source import Source
from leadflow_pipelines.spend.call import Call

MOST_PAGES = 1_000
"""No source asks for more pages of one thing."""


def most_pages(source: Source, call: Call) -> Iterator[Call]:
    """The call and every page that may follow it.

    Pages are told as full where their size was asked for, and as short as can be where the vendor chooses it.
    """
    page: Call | None = call
    for number in range(MOST_PAGES):
        if page is None:
            return
        yield page
        filled: dict[str, Any] = {"returned": page.most_items, "page_size": 1, "pages": MOST_PAGES}
        place = {"digest": str(number), "last_id": number}
        page = source.follow_up(page, {**page.parameters, **filled, **place}, page.most_items)
