"""A simulated business with known truth: three invented companies over 24 months (words: docs/data/demo.md)."""

from pipelines.demo.profiles import Size
from pipelines.demo.simulation import Simulation, simulate

__all__ = ["Simulation", "Size", "simulate"]
