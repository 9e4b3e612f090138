"""A simulated business with known truth: three invented companies over 24 months (docs/data/demo.md)."""

from pipelines.demo.increment import increment
from pipelines.demo.load import LoadRefused, LoadReport, Login, extend, load
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
