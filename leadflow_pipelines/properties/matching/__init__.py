"""Matching: which spellings are one address, how sure that is, and what contradicts it.

Here: candidates → levels of agreement → weights → clusters under constraints, and what operators decided. Not here:
exact keys and property ids (`resolve`).
"""

from leadflow_pipelines.properties.matching.candidates import FEATURES
from leadflow_pipelines.properties.matching.clustering import connected_components
from leadflow_pipelines.properties.matching.decisions import DECISION_COLUMNS, join_clusters, part_clusters
from leadflow_pipelines.properties.matching.match_alike import match_alike
from leadflow_pipelines.properties.matching.touched import touched

__all__ = [
    "DECISION_COLUMNS",
    "FEATURES",
    "connected_components",
    "join_clusters",
    "match_alike",
    "part_clusters",
    "touched",
]
