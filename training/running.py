"""Where and how a fit runs, which changes nothing in what is learnt but rounding."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from staging.errors import InputError

__all__ = ["Running"]


@dataclass(frozen=True, kw_only=True)
class Running:
    """Hardware and logs.

    Attributes
    ----------
    accelerator : str
        As Lightning names it: ``"auto"``, ``"cpu"``, ``"gpu"``, ``"mps"``.
    devices, nodes : int
        Processes on each machine, and machines. They share each batch of the recipe, so that a step stays what it is.
    strategy : str
        As Lightning names it: ``"auto"``, ``"ddp"``.
    precision : str
        As Lightning names it: ``"32-true"``, ``"bf16-mixed"``, ``"16-mixed"``.
    tensorboard : bool
        Write TensorBoard's files beside the CSV.
    progress : bool
        Show progress bars.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    tensorboard: bool = False
    progress: bool = False

    def __post_init__(self) -> None:
        for name in ("devices", "nodes"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name} {getattr(self, name)}", "there is no such number of them", "give 1 or more")
        if self.tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise InputError("--tensorboard", "tensorboard is not installed", "pip install -e '.[tensorboard]'")

    def check_shares(self, batch_size: int) -> None:
        """Refuse to share batches between more processes than they have nights."""
        processes = self.devices * self.nodes
        if processes > batch_size:
            raise InputError(
                f"{processes} devices",
                f"they share batches of {batch_size} nights",
                "give fewer devices or a larger --batch-size",
            )
