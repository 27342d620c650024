"""What a run's folder holds: JSON and weights, read so that a missing or damaged file is named."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.restore import shape_from
from models.sequence import SequenceNet
from staging.errors import InputError, OutputError

__all__ = [
    "FINISHED",
    "RUN_FILE",
    "fold_folder",
    "load_networks",
    "load_weights",
    "make_folder",
    "member_file",
    "read_json",
    "read_run",
    "understood",
]

RUN_FILE = "run.json"
"""What a run was made from (`training.provenance.describe_run`)."""

FINISHED = "give the folder of a finished run"


def make_folder(folder: Path) -> None:
    """Make a folder, if it is not there; that nothing can be written in it is better known before hours of fitting.

    Raises
    ------
    OutputError
        If it cannot be made, or nothing can be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, f"the folder cannot be made ({error.strerror})", "choose another") from None
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(folder, f"nothing can be written in it ({error.strerror})", "choose another") from None


def member_file(folder: Path, number: int) -> Path:
    """Where the weights of a network of a run are."""
    return folder / f"member_{number}.pt"


def fold_folder(run: Path, number: int) -> Path:
    """Where a fold's networks are, in the folder of ``evaluate --run``."""
    return run / f"fold_{number}"


@contextmanager
def understood(file: Path, mend: str) -> Iterator[None]:
    """While use is made of what a file says: what it lacks, or says in another form, becomes an error that names it.

    Raises
    ------
    InputError
        In place of what a missing key or a value of another type raises.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        said = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise InputError(file, f"it does not say what it should ({said})", mend) from error


def read_json(file: Path, *, keys: Collection[str] = (), mend: str = "make it again") -> Any:
    """Content of a JSON file.

    Parameters
    ----------
    file : path
        The file.
    keys : collection of str
        That it must have.
    mend : str
        What to do where it cannot be read.

    Raises
    ------
    InputError
        If it is missing, damaged, or has not got the keys.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(file.parent, f"{file.name} is missing", mend) from None
    except (OSError, ValueError) as error:
        raise InputError(file.parent, f"its {file.name} cannot be read ({error})", mend) from None
    if keys and not (isinstance(content, dict) and set(keys) <= set(content)):
        raise InputError(file.parent, f"its {file.name} has not got {', '.join(keys)}", mend)
    return content


def read_run(folder: Path) -> dict[str, Any]:
    """What a run says it was made from.

    Raises
    ------
    InputError
        If the folder is none of a run.
    """
    keys = ("commit", "seed", "recipe", "data", "groups", "hypnograms")
    read: dict[str, Any] = read_json(folder / RUN_FILE, keys=keys, mend=FINISHED)
    return read


def load_weights(net: nn.Module, file: Path) -> None:
    """Put the weights of a file into a network.

    Raises
    ------
    InputError
        If it is missing, damaged, or of another network.
    """
    try:
        net.load_state_dict(torch.load(file, weights_only=True))
    except FileNotFoundError:
        raise InputError(file.parent, f"{file.name} is missing", "give the folder of a finished fit") from None
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(file, f"its weights cannot be read ({reason})", "remove the file, and run it again") from None


def load_networks(folder: Path, recipe: dict[str, Any]) -> list[SequenceNet]:
    """The finished networks of a fit, in evaluation mode.

    Parameters
    ----------
    folder : path
        Of the fit.
    recipe : dict
        Its recipe, as JSON has it.

    Raises
    ------
    InputError
        If one of them is missing or damaged.
    """
    members = []
    for number in range(recipe["members"]):
        net = SequenceNet(shape_from(recipe["shape"]))
        load_weights(net, member_file(folder, number))
        members.append(net.eval())
    return members
