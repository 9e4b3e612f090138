"""The dashboard page: static files of ``serve/pages``, which ask the API for everything they show."""
