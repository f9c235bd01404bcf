"""How many examples a property is tried on: few in every run, many with `make test-all`.

Here are the properties whose one example costs 0.1 s and more, as their subject is made for thousands of rows.
"""

from hypothesis import settings

USUAL, THOROUGH = 100, 400
"""Examples of a property that names no number, in the two profiles that conftest.py registers."""


def tried(times: int) -> settings:
    """So many examples in the usual profile, four times as many in the thorough one."""
    return settings(max_examples=times * settings().max_examples // USUAL)
