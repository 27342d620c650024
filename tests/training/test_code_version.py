from __future__ import annotations

import pytest

from tests.conftest import ROOT
from training.code_version import code_files, code_version
from training.datasets import DATASETS

FILES = {
    "app/__init__.py": "from app import unused_by_modules\n",
    "app/unused_by_modules.py": "",
    "app/main.py": "from app import near\nimport lib.deep\nTABLE = {'a': 'app.registered'}\n",
    "app/near.py": "def late():\n    from .far import thing\n    return thing\n",
    "app/far.py": "import numpy, json\nthing = 1\n",
    "app/registered.py": "from lib import VALUE\n",
    "app/apart.py": "",
    "lib/__init__.py": "VALUE = 1\n",
    "lib/deep.py": "import app.main\n",
}


@pytest.fixture
def checkout(tmp_path):
    def write(**changes: str):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changes.get(name.removesuffix(".py").replace("/", "_"), text), encoding="utf-8")
        return folder

    return write


def test_all_that_is_imported_counts_however_late_and_far_and_nothing_else(checkout):
    root = checkout()
    found = [path.relative_to(root).as_posix() for path in code_files("app.main", root)]
    assert found == ["app/far.py", "app/main.py", "app/near.py", "app/registered.py", "lib/__init__.py", "lib/deep.py"]


@pytest.mark.parametrize("module", ["app_main", "app_near", "app_far", "app_registered", "lib___init__", "lib_deep"])
def test_a_change_in_any_of_it_is_another_version(checkout, module):
    name = next(name for name in FILES if name.removesuffix(".py").replace("/", "_") == module)
    changed = checkout(**{module: FILES[name] + "# changed\n"})
    assert code_version("app.main", changed) != code_version("app.main", checkout())


@pytest.mark.parametrize("module", ["app_apart", "app_unused_by_modules", "app___init__"])
def test_a_change_elsewhere_is_not(checkout, module):
    assert code_version("app.main", checkout(**{module: "changed = 1\n"})) == code_version("app.main", checkout())


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_code_of_a_set_is_its_reader_and_all_that_makes_tracks(dataset):
    found = {path.relative_to(ROOT).as_posix() for path in code_files(f"training.datasets.{dataset}")}
    tracks = ("tracks", "pulse", "heart", "motion", "temperature", "grid", "recording", "readers/source")
    assert {f"staging/{name}.py" for name in tracks} - {"staging/readers/source.py"} <= found
    assert {f"training/datasets/{dataset}.py", "training/night.py"} <= found
    assert not found & {"staging/cli.py", "staging/stager.py", "staging/features.py", "training/fit.py"}
    others = {f"training/datasets/{other}.py" for other in DATASETS if other != dataset}
    assert not found & others
