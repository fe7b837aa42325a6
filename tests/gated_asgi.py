"""The project's server, which also knows the jobs of gated_jobs.py."""

from config.asgi import application
from tests import gated_jobs

__all__ = ["application", "gated_jobs"]
