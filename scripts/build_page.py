"""Build the page that stages recordings in a browser: one HTML file that needs no network and no other file.

    python -m scripts.build_page [--out FILE] [--modules DIR]

It holds the raw graph, onnxruntime-web (WebAssembly) and the scripts of ``staging/web``, bundled by esbuild; npm brings
these three packages at the versions in ``staging/web/package-lock.json``. Constants, words and definitions are not
written twice: they are taken from `staging` here.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import staging
from staging import heart
from staging.architecture import definitions
from staging.errors import InputError, StagingError
from staging.files import write_atomically
from staging.hypnogram import CLASSES
from staging.model_files import export_model
from staging.motion import MIN_COUNTS_RATE_HZ
from staging.pulse import MIN_PULSE_RATE_HZ
from staging.raw import AROUND_S
from staging.readers.e4 import E4_STREAMS, SIMULATED_MARK
from staging.readers.plain_schema import PLAIN_TABLES, TIME_COLUMNS
from staging.recording import MAX_STEP_S
from staging.report.page import NOT_MEDICAL
from staging.scored import HEADLINES, ROWS, SENSOR_NAMES, STAGE_NAMES
from staging.stager import BRIDGED_GAP_EPOCHS, OVERLAP_EPOCHS
from staging.tracks import GOOD_COVERAGE, HEART_RATE_STEP_S, SENSORS

__all__ = ["METRICS", "bundle", "contract", "install", "main", "page", "words"]

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "staging" / "web"
STYLES = (ROOT / "staging" / "report" / "report.css", WEB / "page.css")

RUNTIME = "onnxruntime-web"
WASM = f"{RUNTIME}/dist/ort-wasm-simd-threaded.wasm"

METRICS = (
    *("tib_min", "tst_min", "spt_min", "sol_min", "waso_min", "se_pct", "rem_latency_min", "unscored_min", "w_min"),
    *("n1_min", "n1_pct", "n2_min", "n2_pct", "n3_min", "n3_pct", "r_min", "r_pct"),
)
"""What ``staging/web/metrics.js`` computes."""


def main(arguments: list[str] | None = None) -> int:
    """Build the page, and say where it is and what it weighs."""
    parser = argparse.ArgumentParser(prog="python -m scripts.build_page", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "staging.html", help="default: build/staging.html")
    parser.add_argument("--modules", type=Path, default=ROOT / "build" / "web", help="where npm installs")
    options = parser.parse_args(arguments)
    try:
        text = page(install(options.modules))
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(options.out, text)
    except StagingError as error:
        print(f"build_page: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(text.encode()) / 1e6:.1f} MB")
    return 0


def install(folder: Path) -> Path:
    """The packages of the lock file in a folder of their own.

    Parameters
    ----------
    folder : path
        Made if it is not there; used as it is where it holds these versions already.

    Returns
    -------
    Path
        ``node_modules``.

    Raises
    ------
    InputError
        If npm is absent or cannot bring them.
    """
    folder = folder.resolve()
    lock = (WEB / "package-lock.json").read_bytes()
    done = folder / "installed.json"
    if not (done.is_file() and done.read_bytes() == lock):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WEB / name, folder / name)
        # No script of a package is run: what is needed of them is files.
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)
        done.write_bytes(lock)
    return folder / "node_modules"


def bundle(entry: str, modules: Path) -> str:
    """One of the scripts with all that it imports, as one classic script.

    Raises
    ------
    InputError
        If esbuild fails.
    """
    options = ["--bundle", "--minify", "--format=iife", "--target=es2022", "--log-level=error", "--legal-comments=none"]
    # The runtime looks for its own files beside its own address. All of them are given to it, so that the address need
    # only be one: a worker made of a page's text has none. Nothing is ever loaded from here: the policy forbids it.
    origin = "https://page.invalid"
    options += [f'--define:location.origin="{origin}"', f'--define:import.meta.url="{origin}/{entry}"']
    return _run([str(modules / ".bin" / "esbuild"), str(WEB / entry), *options], WEB, NODE_PATH=str(modules)).strip()


def page(modules: Path) -> str:
    """The whole HTML document.

    Parameters
    ----------
    modules : path
        Of `install`.
    """
    with tempfile.TemporaryDirectory() as folder:
        model, description = export_model("raw", folder)
        told = contract(json.loads(description.read_text("utf-8")))
        graph = model.read_bytes()
    script = bundle("page.js", modules)
    if "</script" in script.lower():
        raise InputError("page.js", "holds the end of a script element", "write it in two pieces")
    style = "".join(path.read_text("utf-8") for path in STYLES)
    identity = f"{told['model']['name']} {told['model']['version']}"
    versions = {
        name: json.loads((modules / name / "package.json").read_text("utf-8"))["version"]
        for name in (RUNTIME, "fflate")
    }
    parts = {
        "policy": _policy(style, script),
        "version": html.escape(staging.__version__),
        "tables": ", ".join(table.file for table in PLAIN_TABLES),
        "not_medical": html.escape(NOT_MEDICAL),
        "model": html.escape(identity),
        "runtime": versions[RUNTIME],
        "fflate": versions["fflate"],
        "style": style,
        "contract": json.dumps({"contract": told, "words": words()}, ensure_ascii=False).replace("<", "\\u003c"),
        "worker": base64.b64encode(bundle("worker.js", modules).encode()).decode(),
        "wasm": _packed((modules / WASM).read_bytes()),
        "model_file": _packed(graph),
        "script": script,
    }
    text = (WEB / "index.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], text)


def contract(described: dict[str, Any]) -> dict[str, Any]:
    """What the scripts need to know of the model and of the package, JSON-able.

    Parameters
    ----------
    described : dict
        What stands beside an exported raw graph.
    """
    return {
        "model": described["model"],
        "inputs": described["inputs"],
        "epochs": {**described["epochs"], "overlap": OVERLAP_EPOCHS, "bridged": BRIDGED_GAP_EPOCHS},
        "epoch_s": described["epoch_s"],
        "sensors": list(SENSORS),
        "around_s": AROUND_S,
        "longest_step_s": MAX_STEP_S,
        "slowest_hz": {"counts": MIN_COUNTS_RATE_HZ, "pulse": MIN_PULSE_RATE_HZ},
        "heart": {
            "step_s": HEART_RATE_STEP_S,
            "good_coverage": GOOD_COVERAGE,
            "ibi_range_s": heart.IBI_RANGE_S,
            "local_beats": heart.LOCAL_BEATS,
            "most_deviation": heart.MAX_DEVIATION,
            "watch_window_s": heart.WATCH_WINDOW_S,
            "watch_delay_s": heart.WATCH_DELAY_S,
            "least_window_coverage": heart.MIN_WINDOW_COVERAGE,
            "longest_gap_s": heart.MAX_GAP_S,
            "usual_steps_bridged": heart.USUAL_STEPS_BRIDGED,
            "longest_slow_gap_s": heart.MAX_GAP_OF_SLOW_DEVICE_S,
        },
        "e4": {
            "streams": {channel: stream._asdict() for channel, stream in E4_STREAMS.items()},
            "simulated_mark": SIMULATED_MARK.decode(),
        },
        "plain": {
            "tables": [{**table._asdict(), "file": table.file} for table in PLAIN_TABLES],
            "times": list(TIME_COLUMNS),
        },
    }


def words() -> dict[str, Any]:
    """What people call things, and what each metric means by the catalogue of `staging.architecture`."""
    known = definitions()
    return {
        "rows": [str(stage) for stage in ROWS[len(CLASSES[5])]],
        "stages": {str(stage): name for stage, name in STAGE_NAMES.items()},
        "sensors": dict(SENSOR_NAMES),
        "headlines": HEADLINES,
        "metrics": {
            name: {
                "unit": known[name].unit,
                "decimals": known[name].decimals,
                "definition": known[name].definition,
                "source": known[name].source,
            }
            for name in METRICS
        },
    }


def _policy(style: str, script: str) -> str:
    """Nothing may load or be sent; the one style, the one script and its worker may run, and compile WebAssembly."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}' 'wasm-unsafe-eval'; "
        "worker-src blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _run(command: list[str], folder: Path, **environment: str) -> str:
    program = Path(command[0]).name
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise InputError(program, "is not installed", "install Node.js 20 or newer, which brings npm") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise InputError(program, f"failed: {said}", "check the network and the versions in staging/web/package.json")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
