"""FastAPI, the operational schema and the command line. Never imports ``pipelines``."""
