"""`python -m leadflow_pipelines.contracts` writes the data dictionary and dbt's documentation of the tables."""

import sys

from leadflow_pipelines.contracts.documentation import ROOT, write_documents

for changed in write_documents():
    sys.stdout.write(f"wrote {changed.relative_to(ROOT)}\n")
