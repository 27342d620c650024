"""Simulated physiological nights, and days around them, for demonstrations, tests and pre-training.

Everything here is simulated from a seed by a published and measured model of sleep physiology
(`staging.simulate.parameters` has every number with its source). No accuracy may be claimed on simulated nights.
"""

from __future__ import annotations

from staging.simulate.days import DaysParameters, SimulatedDays, SimulatedSleep, simulate_days
from staging.simulate.e4 import write_e4_zip
from staging.simulate.hypnogram import simulate_stages
from staging.simulate.night import SimulatedNight, simulate_night
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.physiology import with_out_of_bed
from staging.simulate.tracks import SimulatedTracks, simulate_tracks

__all__ = [
    "DEFAULT",
    "DaysParameters",
    "Parameters",
    "SimulatedDays",
    "SimulatedNight",
    "SimulatedSleep",
    "SimulatedTracks",
    "simulate_days",
    "simulate_night",
    "simulate_stages",
    "simulate_tracks",
    "with_out_of_bed",
    "write_e4_zip",
]
