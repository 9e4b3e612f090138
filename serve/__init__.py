"""FastAPI, the operational schema and the command line. Never imports ``pipelines``."""

import gc

# From the first import on: making hundreds of routes and their models is interrupted half a second long otherwise. What
# stays is frozen once the service is warm (``serve.app``).
gc.set_threshold(20_000, 50, 100)
