"""The one seed of a run, printed by pytest and replayed with TILELOOM_SEED."""

import os

SEED = int(os.environ.get("TILELOOM_SEED", "20240607"))
