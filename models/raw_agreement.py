"""How well the raw graph agrees with `staging.stage`, and the simulated nights on which its export must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from staging.raw import RawModel, raw_inputs
from staging.recording import Recording
from staging.simulate import simulate_night
from staging.stager import stage
from staging.tracks import MIN_EPOCHS, SENSORS

__all__ = ["MAX_DIFFERENCE", "MIN_SAME_STAGE", "RawAgreement", "compare", "simulated_recordings"]

MIN_SAME_STAGE = 0.995
MAX_DIFFERENCE = 0.02
"""How well the graph must agree with `staging.stage`: share of epochs of the same stage, and probabilities."""


@dataclass(frozen=True, kw_only=True)
class RawAgreement:
    """The raw graph against `staging.stage` on one recording.

    Attributes
    ----------
    n_epochs : int
    n_other : int
        Epochs of another stage, or staged by one of them alone.
    largest : float
        Largest difference of a probability, where both staged.
    quality : float
        Largest difference of a sensor's usable share.
    """

    n_epochs: int
    n_other: int
    largest: float
    quality: float

    @property
    def passes(self) -> bool:
        """Whether it is good enough to ship; a NaN is not."""
        return self.n_other <= (1 - MIN_SAME_STAGE) * self.n_epochs and self.largest <= MAX_DIFFERENCE


def compare(model: RawModel, recording: Recording, network: Path | None = None) -> RawAgreement:
    """How well the graph agrees with `staging.stage` on a recording of up to 13 h.

    Parameters
    ----------
    model : RawModel
        The graph.
    recording : Recording
        Of 10 min to 13 h.
    network : path, optional
        The network's own file; the shipped one otherwise.
    """
    expected = stage(recording, model=network)
    found = model.run(raw_inputs(recording))
    stages = expected.indices()
    both = (stages >= 0) & (found.stages >= 0)
    assert expected.probabilities is not None
    differences = np.abs(found.probabilities - expected.probabilities)[both]
    shares = np.stack([expected.coverage[sensor] for sensor in SENSORS], axis=1)
    return RawAgreement(
        n_epochs=len(stages),
        n_other=int((stages != found.stages).sum()),
        largest=float(differences.max(initial=0.0)),
        quality=float(np.abs(shares - found.quality).max()),
    )


def simulated_recordings() -> Iterator[tuple[str, Recording]]:
    """Nights that the gate tries: several lengths, and every sensor missing once."""
    for duration_h in (MIN_EPOCHS / 120, 0.5, 3.0, 8.0, 12.5):
        yield f"{duration_h:.2g} h", simulate_night(1, duration_h=duration_h).recording
    whole = simulate_night(4, duration_h=2.0)
    for name in ("acc", "ppg", "temp"):
        yield f"2 h without {name}", whole.recording.replace(**{name: None})
    yield "2 h of acc alone", whole.recording.replace(ppg=None, temp=None)
    yield "2 h of ppg alone", whole.recording.replace(acc=None, temp=None)
    yield "2 h of a watch", whole.watch
    yield "2 h of a watch's heart rate", whole.watch.replace(counts=None)
    yield "2 h of a watch's counts", whole.watch.replace(hr=None)
