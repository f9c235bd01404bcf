"""Settings read from the environment and `.env`, and the ones this process runs under.

A fault is reported with all others at once, each with its remedy, before anything starts.
"""

import difflib
import os
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from leadflow_pipelines.errors import InvalidSettings
from leadflow_pipelines.settings.example import plain
from leadflow_pipelines.settings.model import PREFIX, Settings


def load_settings(**overrides: Any) -> Settings:
    """Read and validate the settings; keyword overrides win over the environment.

    Raises InvalidSettings naming every fault: wrong values, unknown LEADFLOW_ names, missing companions.
    """
    faults = _unknown_names()
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        faults += [_describe(fault) for fault in error.errors()]
    if faults:
        raise InvalidSettings(faults)
    return settings


class _Process:
    """The settings this process runs under, once they are known."""

    settings: Settings | None = None


def get_settings() -> Settings:
    """The settings of this process, read once."""
    if _Process.settings is None:
        _Process.settings = load_settings()
    return _Process.settings


def use_settings(settings: Settings) -> None:
    """Run this process under these settings: a command's options win over the environment."""
    _Process.settings = settings


def _unknown_names() -> list[str]:
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    given = {name.upper() for name in (*os.environ, *dotenv_values(".env")) if name.upper().startswith(PREFIX)}
    faults = []
    for name in sorted(given.difference(known)):
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean {close[0]}?" if close else "See .env.example for the names there are."
        faults.append(f"{name}: no such setting. {remedy}")
    return faults


def _describe(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return f"{message}."
    field = str(fault["loc"][0])
    default = Settings.model_fields[field].default
    secret = "SecretStr" in str(Settings.model_fields[field].annotation)
    given = "" if secret else f" (given: {fault['input']!r})"
    remedy = "Set it, or leave it out." if default is None else f"Default: {plain(default)}"
    return f"{PREFIX}{field.upper()}: {message}{given}. {remedy}"
