"""The guard: the one path that every paid or remote call takes, and the money, order and patience it keeps.

Here: what stands between a question and a vendor. Not here: the vendors themselves (`sources`), their prices (`spend`).
"""

from leadflow_pipelines.providers.guard.guard import AHEAD, CONCURRENCY, STALE_AFTER, Guard, open_guard

__all__ = ["AHEAD", "CONCURRENCY", "STALE_AFTER", "Guard", "open_guard"]
