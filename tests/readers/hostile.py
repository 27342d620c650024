"""What every reader owes to damaged files."""

from __future__ import annotations

import contextlib
from pathlib import Path

import staging
from staging.errors import InputError


def assert_read_or_refused(path: Path, **options: str) -> None:
    """A recording with something in it, or an error made for the user: never another exception."""
    with contextlib.suppress(InputError):
        assert staging.read(path, **options).channels()
