"""A simulated business with known truth: three invented companies over 24 months (docs/data/demo.md)."""

from pipelines.demo.increments import increment
from pipelines.demo.loading import LoadRefused, LoadReport, Login, extend, load
from pipelines.demo.profiles import Size
from pipelines.demo.simulation import Simulation, simulate

__all__ = [
    "LoadRefused",
    "LoadReport",
    "Login",
    "Simulation",
    "Size",
    "extend",
    "increment",
    "load",
    "simulate",
]
