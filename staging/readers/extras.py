"""Libraries that only some formats need: loaded when such a file is read, and asked for in one line when absent."""

from __future__ import annotations

import importlib
from types import ModuleType

from staging.errors import FormatError

__all__ = ["library"]


def library(module: str, extra: str, where: str) -> ModuleType:
    """The library that decodes a format.

    Parameters
    ----------
    module : str
        Its name as it is imported.
    extra : str
        The extra of this package that installs it.
    where : str
        The file that needs it, as errors name it.

    Raises
    ------
    FormatError
        If it is not installed or cannot be loaded: says how to install it.

    Examples
    --------
    >>> library("fastavro_of_no_one", "avro", "night.avro")
    Traceback (most recent call last):
    staging.errors.FormatError: night.avro: is read with fastavro_of_no_one, which is not installed; \
pip install "staging[avro]"
    """
    mend = f'pip install "staging[{extra}]"'
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise FormatError(where, f"is read with {missing.partition('.')[0]}, which is not installed", mend) from error
    except ImportError as error:
        raise FormatError(where, f"is read with {module}, which cannot be loaded ({error})", mend) from error
