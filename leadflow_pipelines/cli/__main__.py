"""`python -m leadflow_pipelines.cli` is the `leadflow` command."""

from leadflow_pipelines.cli import main

main()
