"""What a stretch that was broken off goes on from."""

from __future__ import annotations

import zipfile

import pytest

from staging.errors import InputError
from training.stretch import _last_pass


@pytest.mark.parametrize("damage", [lambda content: content[:5000], lambda content: b"junk"])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    last = tmp_path / "last.ckpt"
    with zipfile.ZipFile(last, "w") as parts:
        parts.writestr("weights", bytes(range(256)) * 100)
    assert _last_pass(tmp_path) == str(last)
    last.write_bytes(damage(last.read_bytes()))
    with pytest.raises(InputError, match=r"last\.ckpt: the checkpoint is damaged"):
        _last_pass(tmp_path)
