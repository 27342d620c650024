"""The scripts of the page in Node, and the whole page in a headless browser."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.build_page import WEB, contract, install, page
from staging.errors import InputError
from staging.model_files import export_model
from tests.conftest import ROOT
from tests.web.chromium import Page, browser, find_chromium

Run = Callable[..., Any]

# Arrays come back as lists, and NaN, which JSON cannot say, as text.
_WRAP = """
import {{ readFileSync }} from "node:fs";
const given = JSON.parse(readFileSync(0, "utf-8"));
const listed = (value) =>
  ArrayBuffer.isView(value) ? Array.from(value) : value instanceof Map ? Object.fromEntries(value) : value;
const result = await (async () => {{
{code}
}})();
process.stdout.write(JSON.stringify(result, (key, value) => {{
  const made = listed(value);
  return typeof made === "number" && Number.isNaN(made) ? "NaN" : made;
}}));
"""


@pytest.fixture(scope="session")
def node() -> Run:
    """Runs the body of an async function in Node on JSON-able values, which it finds in `given`."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed")

    def run(code: str, given: object = None, *, imports: str = "") -> Any:
        lines = "".join(f'import * as {name} from "{(WEB / name).as_uri()}.js";\n' for name in imports.split())
        done = subprocess.run(
            [program, "--input-type=module", "-e", lines + _WRAP.format(code=code)],
            input=json.dumps(given, allow_nan=False),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page knows of the model and the package."""
    _, description = export_model("raw", tmp_path_factory.mktemp("model"))
    return json.loads(json.dumps(contract(json.loads(description.read_text("utf-8")))))


@pytest.fixture(scope="session")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, with packages that npm brings once; skipped where there is no npm, network or browser."""
    find_chromium()
    folder = ROOT / "build" / "web"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes
            modules = install(folder)
    except InputError as error:
        pytest.skip(f"the page cannot be built: {error}")
    path = tmp_path_factory.mktemp("page") / "staging.html"
    path.write_text(page(modules), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def chromium(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page in a browser, opened from disk once: it stages one recording after another."""
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened.open(built_page)


@pytest.fixture
def tab(chromium: Page, tmp_path: Path) -> Page:
    """The page; files that it offers go to the test's folder, and what was logged before is forgotten."""
    chromium.command("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    chromium.log.clear()
    return chromium.look()
