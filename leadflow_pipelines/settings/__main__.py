"""`python -m leadflow_pipelines.settings` prints `.env.example`."""

import sys

from leadflow_pipelines.settings import env_example

sys.stdout.write(env_example())
