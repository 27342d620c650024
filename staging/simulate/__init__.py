"""Simulated physiological nights, for demonstrations, tests and pre-training.

Everything here is simulated from a seed by a published and measured model of sleep physiology
(`staging.simulate.parameters` has every number with its source). No accuracy may be claimed on simulated nights.
"""

from __future__ import annotations

from staging.simulate.hypnogram import simulate_stages
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.tracks import SimulatedTracks, simulate_tracks, with_out_of_bed

__all__ = ["DEFAULT", "Parameters", "SimulatedTracks", "simulate_stages", "simulate_tracks", "with_out_of_bed"]
