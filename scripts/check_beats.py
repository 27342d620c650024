"""How well beats are found in real PPG: against an ECG, and against a device's own beats.

    python -m scripts.check_beats ../shared/data

reads ``ppg/bidmc_01/bidmc_01_Signals.csv`` (BIDMC record 01: finger PPG and ECG lead II of one patient, 125 Hz, 8 min)
and ``e4/BVP.csv`` with ``e4/IBI.csv`` (an Empatica E4 on the wrist of somebody awake and moving, 61 min; the device
itself gives intervals for a tenth of the time, the only reference there is).

Beats are paired after a constant delay, the median distance of a pulse from the beat of the heart it follows, each
with the nearest within a tolerance. Intervals are compared where two pairs follow each other without a beat between.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.heart import clean_intervals
from staging.pulse import beat_intervals, find_beats, signal_quality
from staging.recording import EPOCH_S, Signal

TOLERANCE_S = 0.15
GOOD_QUALITY = 0.9


@dataclass(frozen=True, kw_only=True)
class BeatAgreement:
    """Found beats against reference beats.

    `sensitivity` and `ppv` are shares 0-1; `delay_s` is what the found beats lag by; interval errors are found less
    reference, absolute, median and 95th percentile; heart rates are 60 over the mean of clean intervals.
    """

    n_reference: int
    n_found: int
    delay_s: float
    sensitivity: float
    ppv: float
    interval_error_ms: float
    interval_error_95_ms: float
    heart_rate_bpm: float
    heart_rate_error_bpm: float


@dataclass(frozen=True, kw_only=True)
class DeviceAgreement:
    """Found beats against a device's inter-beat intervals.

    `matched` is the share of the device's beats that were found, `interval_matched` that of its intervals of which
    both ends were found as neighbours; differences are found less device, absolute, median and 95th percentile.
    """

    n_intervals: int
    n_found: int
    matched: float
    interval_matched: float
    interval_difference_ms: float
    interval_difference_95_ms: float
    covered_by_device: float
    covered_by_quality: float


def r_peaks(ecg: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Times of the R peaks of a clean ECG in s.

    The band of the QRS complex (5-20 Hz), its squared slope averaged over 0.12 s, peaks of that above a fifth of its
    97th percentile and 0.3 s apart, and about each the highest point of the band-passed ECG, between samples by a
    parabola. (After Pan J., Tompkins W.J., IEEE Trans. Biomed. Eng. 32 (1985) 230-236, doi 10.1109/TBME.1985.325532.)
    """
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import butter, find_peaks, sosfiltfilt

    band = sosfiltfilt(butter(2, (5.0, 20.0), "bandpass", fs=rate_hz, output="sos"), ecg)
    energy = uniform_filter1d(np.gradient(band) ** 2, round(0.12 * rate_hz))
    near, _ = find_peaks(energy, distance=round(0.3 * rate_hz), height=0.2 * np.percentile(energy, 97))
    about = np.arange(-round(0.1 * rate_hz), round(0.1 * rate_hz) + 1)
    windows = np.clip(near[:, None] + about, 1, len(band) - 2)
    top = windows[np.arange(len(near)), band[windows].argmax(axis=1)]
    rise, fall = band[top] - band[top - 1], band[top] - band[top + 1]
    return np.unique(top + (rise - fall) / (2 * (rise + fall))) / rate_hz


def paired(
    reference_s: NDArray[np.float64], found_s: NDArray[np.float64], tolerance_s: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of reference and found beats that are each other's nearest, no further apart than the tolerance."""

    def nearest(these: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.int64]:
        after = np.clip(np.searchsorted(among, these), 1, len(among) - 1)
        return np.where(these - among[after - 1] <= among[after] - these, after - 1, after)

    if min(len(reference_s), len(found_s)) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = nearest(reference_s, found_s)
    mutual = nearest(found_s, reference_s)[found] == np.arange(len(reference_s))
    close = np.abs(found_s[found] - reference_s) <= tolerance_s
    kept = np.flatnonzero(mutual & close)
    return kept, found[kept]


def compare_beats(
    reference_s: NDArray[np.float64], found_s: NDArray[np.float64], tolerance_s: float = TOLERANCE_S
) -> BeatAgreement:
    """Beats of a PPG against those of an ECG of the same heart.

    Reference beats outside the found ones, at the very ends of the recording, do not count.
    """
    following = np.searchsorted(found_s, reference_s)
    inside = following < len(found_s)
    delay_s = float(np.median(found_s[following[inside]] - reference_s[inside]))
    pulses_s = found_s - delay_s
    reference_s = reference_s[(reference_s >= pulses_s[0] - tolerance_s) & (reference_s <= pulses_s[-1] + tolerance_s)]
    reference, found = paired(reference_s, pulses_s, tolerance_s)
    next_to = (np.diff(reference) == 1) & (np.diff(found) == 1)
    error_ms = 1000 * np.abs((np.diff(pulses_s[found]) - np.diff(reference_s[reference]))[next_to])
    rates = [float(60 / clean_intervals(beat_intervals(beats)).values.mean()) for beats in (reference_s, pulses_s)]
    return BeatAgreement(
        n_reference=len(reference_s),
        n_found=len(found_s),
        delay_s=delay_s,
        sensitivity=len(reference) / len(reference_s),
        ppv=len(found) / len(found_s),
        interval_error_ms=float(np.median(error_ms)),
        interval_error_95_ms=float(np.percentile(error_ms, 95)),
        heart_rate_bpm=rates[0],
        heart_rate_error_bpm=rates[1] - rates[0],
    )


def bidmc(folder: Path) -> dict[str, BeatAgreement]:
    """Agreement on BIDMC record 01: of all beats, and of those in epochs of good quality."""
    table = np.genfromtxt(folder / "ppg" / "bidmc_01" / "bidmc_01_Signals.csv", delimiter=",", skip_header=1)
    rate_hz = float(table[0, 0])
    ppg = Signal(samples=table[:, 3], rate_hz=rate_hz, unit="a.u.")
    reference_s, found_s = r_peaks(table[:, 6], rate_hz), find_beats(ppg)
    n_epochs = int(ppg.end_s // EPOCH_S)
    good = signal_quality(ppg, found_s, n_epochs) >= GOOD_QUALITY

    def in_good_epochs(beats_s: NDArray[np.float64]) -> NDArray[np.float64]:
        epoch = (beats_s // EPOCH_S).astype(int)
        return beats_s[good[np.minimum(epoch, n_epochs - 1)] & (epoch < n_epochs)]

    everywhere = compare_beats(reference_s, found_s)
    # An epoch's pulses are those of heartbeats a delay earlier.
    kept = in_good_epochs(reference_s + everywhere.delay_s) - everywhere.delay_s
    return {
        "all of it": everywhere,
        f"epochs of quality {GOOD_QUALITY:g} and more ({good.sum()} of {n_epochs})": compare_beats(
            kept, in_good_epochs(found_s)
        ),
    }


def empatica(folder: Path) -> DeviceAgreement:
    """Agreement with the intervals that an Empatica E4 gave itself."""
    bvp = np.loadtxt(folder / "e4" / "BVP.csv")
    ends_s, length_s = np.loadtxt(folder / "e4" / "IBI.csv", delimiter=",", skiprows=1).T
    ppg = Signal(samples=bvp[2:], rate_hz=float(bvp[1]), unit="a.u.")
    found_s = find_beats(ppg)
    quality = signal_quality(ppg, found_s, int(ppg.end_s // EPOCH_S))
    begins_s = ends_s - length_s
    after = np.clip(np.searchsorted(found_s, ends_s), 1, len(found_s) - 1)
    lag_s = np.stack([found_s[after] - ends_s, found_s[after - 1] - ends_s])
    delay_s = np.median(np.take_along_axis(lag_s, np.abs(lag_s).argmin(axis=0)[None], axis=0))
    pulses_s = found_s - delay_s
    at_end, end = paired(ends_s, pulses_s, TOLERANCE_S)
    at_begin, begin = paired(begins_s, pulses_s, TOLERANCE_S)
    both, i, j = np.intersect1d(at_end, at_begin, return_indices=True)
    neighbours = end[i] - begin[j] == 1
    found_length_s = (pulses_s[end[i]] - pulses_s[begin[j]])[neighbours]
    difference_ms = 1000 * np.abs(found_length_s - length_s[both][neighbours])
    return DeviceAgreement(
        n_intervals=len(ends_s),
        n_found=len(found_s),
        matched=len(at_end) / len(ends_s),
        interval_matched=float(neighbours.sum() / len(ends_s)),
        interval_difference_ms=float(np.median(difference_ms)),
        interval_difference_95_ms=float(np.percentile(difference_ms, 95)),
        covered_by_device=float(length_s.sum() / ppg.duration_s),
        covered_by_quality=float(np.nanmean(quality)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Beats found in real PPG against an ECG and against a device.")
    parser.add_argument("data", type=Path, help="folder that holds ppg/bidmc_01 and e4")
    folder = parser.parse_args(arguments).data
    for file in ("ppg/bidmc_01/bidmc_01_Signals.csv", "e4/BVP.csv", "e4/IBI.csv"):
        if not (folder / file).is_file():
            print(f"{folder / file}: not there; give the folder that holds ppg/bidmc_01 and e4", file=sys.stderr)
            return 2
    for part, agreement in bidmc(folder).items():
        print(
            f"BIDMC 01 against ECG, {part}\n"
            f"  {agreement.n_reference} heartbeats, {agreement.n_found} found, {agreement.delay_s:.3f} s later\n"
            f"  sensitivity {agreement.sensitivity:.4f}, PPV {agreement.ppv:.4f}\n"
            f"  interval error, median {agreement.interval_error_ms:.1f} ms, "
            f"95 % below {agreement.interval_error_95_ms:.1f} ms\n"
            f"  heart rate {agreement.heart_rate_bpm:.2f} bpm, error {agreement.heart_rate_error_bpm:+.3f} bpm"
        )
    device = empatica(folder)
    print(
        f"Empatica E4 against its own intervals\n"
        f"  {device.n_intervals} intervals, {device.n_found} beats found\n"
        f"  beats found {device.matched:.3f}, whole intervals {device.interval_matched:.3f}\n"
        f"  interval difference, median {device.interval_difference_ms:.1f} ms, "
        f"95 % below {device.interval_difference_95_ms:.1f} ms (the device counts in 15.6 ms)\n"
        f"  time covered: by the device {device.covered_by_device:.3f}, by believable beats "
        f"{device.covered_by_quality:.3f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
