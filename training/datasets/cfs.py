"""Cleveland Family Study, visit 5: finger pulse wave with polysomnography; families, children to the old, many apnoeic.

The pulse wave is ``PlethWV`` (128 Hz), the oximeter's heart rate ``PULSE``, which stands in where the wave fails. There
is no movement.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from staging.errors import FormatError, StagingError
from training.datasets.nsrr import EVENTS, edf_sensors, files_by_name, scored_stages, scorings, unscored
from training.datasets.scoring import scored_part
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "CFS: Cleveland Family Study, National Sleep Research Resource, doi 10.25822/jmyx-mz90; Redline et al., AJRCCM 151 "
    "(1995) 682-687, doi 10.1164/ajrccm/151.3_Pt_1.682; Zhang et al., JAMIA 25 (2018) 1351-1358, doi "
    "10.1093/jamia/ocy064; by agreement with the resource"
)


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a subject."""
    files = files_by_name(folder, ["cfs-visit*.edf", f"cfs-visit*{EVENTS}"])
    yield from unscored(files, (".edf",))
    for night, events in scorings(files).items():
        edf = files.get(f"{night}.edf")
        if edf is None:
            yield FormatError(events, f"{night}.edf is missing", "download the recording too")
        else:
            yield NightSource(dataset="cfs", name=night, files=(events, edf), read=partial(_read, events, edf))


def _read(events: Path, edf: Path) -> ScoredRecording:
    reference, begin_s = scored_stages(events)
    recording = scored_part(edf_sensors(edf), begin_s, reference)
    subject = edf.stem.rpartition("-")[2]
    return ScoredRecording(dataset="cfs", subject=subject, recording=recording, reference=reference)
