"""What a process tells about itself: log lines, error reports, and the id that ties them together.

Metrics of the business (leads, spend) are tables and marts, not log lines.
"""

from leadflow_pipelines.observability.correlation import (
    bind_correlation,
    carry_correlation,
    current_correlation,
    current_correlation_id,
    new_correlation_id,
)
from leadflow_pipelines.observability.error_reports import (
    flush_error_reports,
    init_error_reports,
    report_error,
)
from leadflow_pipelines.observability.logs import configure_logging
from leadflow_pipelines.observability.scrubbing import Scrubber

__all__ = [
    "Scrubber",
    "bind_correlation",
    "carry_correlation",
    "configure_logging",
    "current_correlation",
    "current_correlation_id",
    "flush_error_reports",
    "init_error_reports",
    "new_correlation_id",
    "report_error",
]
