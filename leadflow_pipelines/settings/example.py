"""What settings look like written down: `.env.example`."""

from pathlib import Path
from typing import Any

from leadflow_pipelines.settings.model import PREFIX, PROJECT_ROOT, Settings


def plain(value: Any) -> str:
    """A default as one would write it; paths within the project relative to it."""
    if value is None:
        return ""
    if isinstance(value, Path) and value.is_relative_to(PROJECT_ROOT):
        return str(value.relative_to(PROJECT_ROOT))
    return str(value)


def env_example() -> str:
    """The text of `.env.example`: each setting with its description and default, commented out."""
    lines = [
        "# Every setting of LeadFlow. Copy to .env and uncomment what you change; the environment wins.",
        "# Written by `make env-example` from leadflow_pipelines/settings; do not edit by hand.",
    ]
    for name, field in Settings.model_fields.items():
        lines += ["", f"# {field.description}", f"# {PREFIX}{name.upper()}={plain(field.default)}"]
    return "\n".join(lines) + "\n"
