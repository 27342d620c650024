"""What the waveform network is fed, as it travels with the model."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from models.waveform_spec import DEFAULT_WAVEFORMS, WaveformSpec, from_json_values
from staging.recording import EPOCH_S

SPECS = st.builds(
    WaveformSpec,
    version=st.integers(1, 9),
    ppg_per_epoch=st.integers(1, 4096),
    acc_per_epoch=st.integers(1, 4096),
    temperature_per_epoch=st.integers(1, 120),
    ppg_band_hz=st.tuples(st.floats(0, 1), st.floats(1, 20)),
    acc_cut_hz=st.floats(0.1, 20),
)


@given(SPECS)
def test_a_spec_comes_back_from_json_as_it_was(spec):
    assert WaveformSpec(**from_json_values(json.loads(json.dumps(dataclasses.asdict(spec))))) == spec


def test_bands_of_the_default_lie_below_half_of_the_new_rates():
    assert DEFAULT_WAVEFORMS.ppg_band_hz[1] < DEFAULT_WAVEFORMS.ppg_per_epoch / EPOCH_S / 2
    assert DEFAULT_WAVEFORMS.acc_cut_hz < DEFAULT_WAVEFORMS.acc_per_epoch / EPOCH_S / 2
