"""Every setting, read and validated once.

Settings come from the environment, then from `.env` in the working directory. No other package reads
LeadFlow's names there.
"""

from leadflow_pipelines.settings.example import env_example
from leadflow_pipelines.settings.loading import get_settings, load_settings, use_settings
from leadflow_pipelines.settings.model import ORG_SLUG_PATTERN, PREFIX, PROJECT_ROOT, Settings

__all__ = [
    "ORG_SLUG_PATTERN",
    "PREFIX",
    "PROJECT_ROOT",
    "Settings",
    "env_example",
    "get_settings",
    "load_settings",
    "use_settings",
]
