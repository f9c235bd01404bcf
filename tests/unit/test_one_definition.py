"""A word that several modules of clearing and outreach write or compare stands in one of them."""

import ast
from collections import defaultdict
from pathlib import Path

import leadflow_pipelines

ROOT = Path(leadflow_pipelines.__file__).parent
SLICES = ("clearance", "compliance", "outreach")
ITS_OWN = {"CHANNEL"}
"""Which channel a module is about: two may be about the same."""


def test_no_word_is_defined_twice() -> None:
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in (file for slice_ in SLICES for file in (ROOT / slice_).rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign([ast.Name(name)], value) if name not in ITS_OWN and _is_words(value):
                    places[name, ast.unparse(value)].append(str(path.relative_to(ROOT)))
    assert places["ERASED", "'erased'"]
    assert {what: where for what, where in places.items() if len(where) > 1} == {}


def _is_words(value: ast.expr) -> bool:
    try:
        told = ast.literal_eval(value)
    except ValueError:
        return False
    return bool(told) and all(isinstance(one, str) for one in (told if isinstance(told, tuple) else [told]))
