"""A recipe is JSON, and its dimensions follow from it."""

from __future__ import annotations

import dataclasses
import json

from models.waveform import WaveformNet, WaveformShape
from models.waveform_spec import WaveformSpec, from_json_values
from training.waveform_recipe import WaveformRecipe


def test_the_dimensions_are_those_of_the_inputs_and_the_widths():
    spec = WaveformSpec(
        version=1,
        ppg_per_epoch=256,
        acc_per_epoch=128,
        temperature_per_epoch=3,
        ppg_band_hz=(0.1, 4.0),
        acc_cut_hz=2.0,
    )
    shape = WaveformRecipe(spec=spec, width=8, encoder_width=6, learnt_width=4, dropout=0.3).shape()
    assert (shape.ppg_per_epoch, shape.acc_per_epoch, shape.temperature_per_epoch) == (256, 128, 3)
    assert (shape.width, shape.encoder_width, shape.learnt_width, shape.dropout) == (8, 6, 4, 0.3)
    assert WaveformNet(shape).shape == shape


def test_what_a_run_writes_is_enough_to_make_its_networks_again():
    recipe = WaveformRecipe(width=32)
    written = json.loads(recipe.to_json())
    assert WaveformShape(**from_json_values(written["shape"])) == recipe.shape()
    assert WaveformSpec(**from_json_values(written["spec"])) == recipe.spec
    assert written["changes"] == dataclasses.asdict(recipe.changes)


def test_a_recipe_without_changes_says_so():
    assert json.loads(WaveformRecipe(changes=None).to_json())["changes"] is None
