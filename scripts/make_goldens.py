"""Write the cases that programs in every language stage and compare: tests/golden/raw_NAME.json.

    python -m scripts.make_goldens

The samples are simulated; the results are those of the shipped raw graph in onnxruntime, so that this is run again
after another model has been shipped. A file holds one case:

- ``epochs``: how many epochs of 30 s;
- ``inputs``: by name, a tensor's ``shape`` and its values, float32, little-endian, row by row, in ``base64``; an input
  that is not named is all zero;
- ``outputs``: ``probabilities`` and ``quality`` in the same form, ``stages`` as a list of numbers.

A program is right if its stages are the same and its probabilities differ by 0.001 at most.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.files import write_atomically
from staging.raw import RAW_CHANNELS, RawInputs, RawModel, raw_inputs
from staging.simulate import simulate_night

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "golden"
NOTICE = "simulated: made by scripts/make_goldens.py, no accuracy may be claimed on it"


def cases() -> dict[str, RawInputs]:
    """A wristband's raw sensors, the same with gaps, and a watch that gives nothing raw."""
    night = simulate_night(9, duration_h=0.35)
    whole = raw_inputs(night.recording)
    arrays = {name: array.copy() for name, array in whole.arrays().items()}
    arrays["ppg"][5, 300:900] = np.nan
    arrays["acc"][8:11] = np.nan
    arrays["temp"][20:, :60] = np.nan
    arrays["present"][30:34, list(RAW_CHANNELS).index("ppg")] = 0.0
    watch = raw_inputs(simulate_night(9, duration_h=1.0).watch)
    return {"sensors": whole, "gaps": RawInputs(**arrays), "watch": watch}


def encoded(array: NDArray[np.float32]) -> dict[str, object]:
    """Shape and values of an array."""
    content = np.ascontiguousarray(array, dtype="<f4").tobytes()
    return {"shape": list(array.shape), "base64": base64.b64encode(content).decode("ascii")}


def decoded(entry: dict[str, object]) -> NDArray[np.float32]:
    """The array of an entry."""
    content = base64.b64decode(str(entry["base64"]))
    return np.frombuffer(content, dtype="<f4").reshape(np.array(entry["shape"])).astype(np.float32)


def main() -> None:
    """Write the cases."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    model = RawModel()
    for name, inputs in cases().items():
        found = model.run(inputs)
        # Zeros of channels that are not there would fill most of a file; every program makes them itself.
        there = {
            key: encoded(array)
            for key, array in inputs.arrays().items()
            if key == "present" or inputs.present[:, list(RAW_CHANNELS).index(key)].any()
        }
        content = {
            "notice": NOTICE,
            "model": model.spec.version,
            "epochs": len(inputs),
            "inputs": there,
            "outputs": {
                "probabilities": encoded(found.probabilities),
                "quality": encoded(found.quality),
                "stages": found.stages.tolist(),
            },
        }
        path = FOLDER / f"raw_{name}.json"
        write_atomically(path, json.dumps(content, indent=1) + "\n")
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
