"""Stage raw samples with onnxruntime and numpy alone, and compare with the golden cases.

    python models/examples/python/stage.py staging/weights/staging_raw.onnx tests/golden/raw_*.json

Nothing of `staging` is imported: this is what a program of yours would do.
"""

import base64
import json
import os
import sys
from pathlib import Path

# onnxruntime 1.29 and newer send usage over the network unless told not to before the import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime

NAMES = ("W", "N1", "N2", "N3", "R")
EPOCH = {"acc": (960, 3), "ppg": (1920,), "temp": (120,), "heart_rate": (6,), "counts": (2,), "present": (5,)}


def decoded(entry):
    """The array of an entry of a case."""
    return np.frombuffer(base64.b64decode(entry["base64"]), "<f4").reshape(entry["shape"])


def main(model, *cases):
    """Stage every case; the number of those that differ."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    wrong = 0
    for path in cases:
        case = json.loads(Path(path).read_text(encoding="utf-8"))
        feed = {name: np.zeros((case["epochs"], *shape), np.float32) for name, shape in EPOCH.items()}
        feed |= {name: decoded(entry) for name, entry in case["inputs"].items()}
        probabilities, quality, stages = session.run(["probabilities", "quality", "stages"], feed)
        apart = max(
            np.abs(found - decoded(case["outputs"][name])).max()
            for name, found in (("probabilities", probabilities), ("quality", quality))
        )
        right = stages.tolist() == case["outputs"]["stages"] and apart <= 1e-3
        wrong += not right
        said = " ".join(NAMES[stage] if stage >= 0 else "-" for stage in stages[-8:])
        print(f"{Path(path).name}: {'right' if right else 'WRONG'}, values within {apart:.1g}; it ends with {said}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
