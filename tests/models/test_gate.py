"""What every exported file must pass, and that nothing else is written."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from models.gate import MAX_DIFFERENCE, ParityError, agreement, missing_patterns, write_gated
from staging.errors import OutputError


def a_model() -> onnx.ModelProto:
    """The identity, with what an exporter leaves in a graph."""
    node = helper.make_node("Identity", ["x"], ["probabilities"], doc_string='File "/home/me/net.py", line 3')
    node.metadata_props.add(key="pkg.torch.onnx.stack_trace", value='File "/home/me/net.py", line 3')
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 5]) for name in ("x", "probabilities"))
    graph = helper.make_graph([node], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10, producer_name="me")


def test_a_file_that_passes_is_written_with_its_metadata_and_nothing_of_the_machine(tmp_path):
    path = tmp_path / "new" / "model.onnx"
    asked = []
    assert write_gated(a_model(), {"a key": "a value"}, path, lambda file: asked.append(file) or 1e-6) == 1e-6
    assert asked[0].parent == path.parent
    assert asked[0] != path, "the gate sees the file before it has its name"
    model = onnx.load(path)
    assert {entry.key: entry.value for entry in model.metadata_props} == {"a key": "a value"}
    assert "/home/me" not in str(model)
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ParityError("no"), KeyboardInterrupt()], ids=["refused", "broken off"])
def test_a_file_that_does_not_pass_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"the old one")

    def gate(_):
        raise error

    with pytest.raises(type(error)):
        write_gated(a_model(), {}, path, gate)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert path.read_bytes() == b"the old one"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="ascii")
    with pytest.raises(OutputError, match=r"model\.onnx"):
        write_gated(a_model(), {}, tmp_path / "file" / "model.onnx", lambda _: 0.0)


PROBABILITIES = np.array([[0.7, 0.1, 0.1, 0.05, 0.05], [0.2, 0.3, 0.3, 0.1, 0.1]], np.float32)


@given(st.floats(0, 0.9 * MAX_DIFFERENCE))
def test_differences_of_rounding_pass_and_are_told(difference):
    found = PROBABILITIES.copy()
    found[0, :2] += np.array([difference, -difference], np.float32)
    assert agreement("here", PROBABILITIES, found) == pytest.approx(difference, abs=1e-7)


@pytest.mark.parametrize("damage", ["value", "stage", "shape", "nan"])
def test_anything_else_does_not(damage):
    expected, found = PROBABILITIES.copy(), PROBABILITIES.copy()
    if damage == "value":
        found[0, :2] += np.array([-2e-4, 2e-4], np.float32)
    elif damage == "stage":  # within the tolerance, but by more than rounding, and N1 becomes N2
        expected[1, 1] += 4e-5
        found[1, 2] += 4e-5
    elif damage == "shape":
        found = found[:1]
    else:
        found[1, 3] = np.nan
    with pytest.raises(ParityError, match="20 epochs with ppg: "):
        agreement("20 epochs with ppg", expected, found)


def test_a_tie_may_fall_either_way():
    found = PROBABILITIES.copy()
    found[1, 2] += 1e-6
    assert agreement("here", PROBABILITIES, found) < 1e-5


def test_every_set_of_sensors_is_tried_none_and_all_among_them():
    patterns = dict(missing_patterns(("a", "b", "c")))
    assert len(patterns) == 8
    assert patterns[()] == "no sensor"
    assert patterns[(0, 2)] == "a, c"
    assert patterns[(0, 1, 2)] == "a, b, c"
