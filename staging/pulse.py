"""PPG -> heartbeats, inter-beat intervals, how far they can be believed, and whether there was a pulse at all.

Assumptions
-----------
- Only the pulse's shape and rhythm count: any unit, offset, gain and slow drift will do.
- The polarity does not change within a recording. Which it is, is read from the shape: a pulse rises faster than it
  falls, and its crest is narrower than its trough.
- A beat is timed at the middle of its upstroke, some 0.2-0.3 s after the heart's own beat. Only distances between
  beats matter here, so that delay stays in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.grid import bin_share, runs, within_runs
from staging.heart import IBI_RANGE_S
from staging.recording import EPOCH_S, Events, FloatArray, Signal

__all__ = [
    "MIN_PULSE_RATE_HZ",
    "band_pass",
    "beat_intervals",
    "believable_intervals",
    "find_beats",
    "signal_quality",
    "wear",
]

MIN_PULSE_RATE_HZ = 16.0
"""Below this rate an upstroke cannot be timed, and no beats are given."""

PULSE_BAND_HZ = (0.5, 5.0)
PULSE_ORDER = 2
PULSE_REACH_S = 5.0
"""Elgendi's filter, but for its upper edge of 8 Hz: at 5 Hz noise moves the upstroke a tenth less, and slow pulses
with a second hump are told from quick ones more often. Beyond 5 s the filter feels nothing (4 millionths); so much is
mirrored at the recording's ends."""

WORKING_RATE_HZ = 30.0
"""Faster recordings are averaged down to this or a little more: of the band, six times its upper edge is plenty."""

PEAK_WINDOW_S = 0.111
BEAT_WINDOW_S = 0.667
BEAT_WINDOW_RANGE_S = (0.4, 1.4)
BEAT_WINDOW_STEP = 1.25
THRESHOLD = 0.01
"""Elgendi's two windows, the second for beats 1 s apart and scaled to the rhythm within limits, in steps of a quarter;
and his offset, 2 % of the mean square of the pulse's positive half, which is 0.5 here."""

BRIDGE_S = 0.2
"""Longest run of missing samples across which a beat is still looked for."""

FLAT_S = 0.6
"""A value repeated for this long is a sensor without signal, not a pulse."""

SPIKE_BENDS = 8.0
SPIKE_PERCENTILE = 95
SPIKE_ALONE = 1.5
SPIKE_SAMPLES = 20_000
"""A sample that leaves its neighbours' mean by 8 times what 95 % of all samples do is a glitch; upstrokes reach 4.
So many samples, evenly spread, are enough to know the 95 %."""

SIZE_WINDOW = 15
SIZE_PERCENTILE = 25
MAX_SIZE = 4.0
MIN_SIZE_SHARE = 0.05
"""A pulse is measured in its own size, the lower quartile of 15 one-second RMS values, and its square is cut at 4 of
it: so a jerk hides no beats but its own. A size below a twentieth of the recording's median is no pulse."""

RHYTHM_RATE_HZ = 15.0
RHYTHM_WINDOW_S = 8.0
RHYTHM_HOP_S = 2.0
RHYTHM_RANGE_S = (0.3, 2.1)
RHYTHM_MIN_CORRELATION = 0.7
RHYTHM_FIRST_SHARE = 0.6
"""The local distance of beats is the first peak of the autocorrelation of 8 s that reaches 0.6 of the highest, where
that reaches 0.7; elsewhere (movement) it is not known. Lower limits mistake movement for a slow pulse."""

POLARITY_FRAME_S = 10.0
SLOPE_WINDOW_S = 0.15
"""The polarity is that of most frames. Slopes are taken over this time there: noise would drown their asymmetry."""

REFRACTORY_SHARE = 0.6
REFRACTORY_S = 0.3
THINNING_ROUNDS = 4
"""Of two peaks nearer than 0.6 of the local rhythm, the lower is a pulse's second hump. Without rhythm, 0.3 s. Two
rounds have always thinned them out."""

UPSTROKE_S = 0.4
AFTER_PEAK_S = 0.05
"""Where the steepest point of the upstroke is looked for, about the peak."""

SHAPE_S = (-0.2, 0.4)
SHAPE_BEATS = 21
MIN_FIRST_CORRELATION = 0.5
MIN_SHAPE_CORRELATION = 0.86
MAX_INTERVAL_RATIO = 2.2
"""A beat is good if it resembles the mean of the 21 around it (Orphanidou's limit for PPG)."""

NO_PULSE_QUALITY = 0.3
NO_PULSE_EPOCHS = 20
"""Ten minutes without an epoch of which this share is believable: off the skin. Noise reaches 0.1-0.3."""


@dataclass(frozen=True)
class _Rhythm:
    """Local distance of beats in s at every `hop` samples of the pulse, NaN where there is no rhythm."""

    distance_s: NDArray[np.float64]
    hop: int

    def nearest(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """The distance at samples of the pulse."""
        place = np.minimum((index + self.hop // 2) // self.hop, self.distance_s.size - 1)
        return np.asarray(self.distance_s[place])

    def held(self, values: NDArray[np.generic], n: int) -> NDArray[Any]:
        """Values of the hops as values of the pulse's `n` samples, each that of the nearest hop."""
        return np.repeat(values, self.hop)[self.hop // 2 :][:n]


@dataclass(frozen=True)
class _Pulse:
    """What beats are read from, at the working rate.

    `pulse` float32 (n,): band-passed, upright, in units of its local size, 0 where not known. `missing` int32 (n + 1,):
    how many samples before each are not known. `rhythm` says how far apart beats are.
    """

    pulse: NDArray[np.float32]
    missing: NDArray[np.int32]
    rhythm: _Rhythm
    rate_hz: float
    start_s: float

    def whole(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether all samples from `first` to `last` are known."""
        return np.asarray(self.missing[last + 1] == self.missing[first])


def band_pass(ppg: Signal) -> Signal:
    """The part of a PPG that beats are read from: 0.5-5 Hz, Butterworth of order 2, forwards and backwards.

    Parameters
    ----------
    ppg : Signal
        One-channel PPG in any unit; at least 16 Hz.

    Returns
    -------
    Signal
        float64 at the same rate, of the same length and unit; NaN where samples were missing for over 0.2 s.

    Raises
    ------
    ValueError
        If the rate is below 16 Hz or the signal has several channels.

    Examples
    --------
    >>> t_s = np.arange(0, 60, 1 / 64)
    >>> ppg = Signal(samples=5000 + 3 * t_s + np.sin(2 * np.pi * 1.2 * t_s), rate_hz=64.0, unit="a.u.")
    >>> bool(abs(band_pass(ppg).samples[640:-640]).max() < 1.01)
    True
    """
    _check(ppg)
    if ppg.rate_hz < MIN_PULSE_RATE_HZ:
        raise ValueError(f"a pulse needs {MIN_PULSE_RATE_HZ:g} Hz, got {ppg.rate_hz:g}")
    samples = np.asarray(ppg.samples, dtype=np.float64)
    known = _bridged(np.isfinite(samples), ppg.rate_hz)
    passed = np.where(known, _band_pass(samples, ppg.rate_hz), np.nan)
    return Signal(samples=passed, rate_hz=ppg.rate_hz, unit=ppg.unit, start_s=ppg.start_s)


def find_beats(ppg: Signal) -> NDArray[np.float64]:
    """Times of the heartbeats in a PPG, at the middle of their upstrokes.

    Peaks are found where a short moving average of the squared pulse exceeds a long one (Elgendi), both in units of
    the pulse's local size, the long one as long as the local rhythm asks. A pulse's second hump is dropped by that
    rhythm. Each beat is timed where its upstroke, from the trough to the crest about its steepest point, passes half
    its height, between samples. Of peak, steepest point, foot and tangent this moved least with noise.

    Parameters
    ----------
    ppg : Signal
        One-channel PPG in any unit and polarity, 25-256 Hz. NaN, flat parts and single-sample spikes are passed over.

    Returns
    -------
    ndarray of float64, shape (n_beats,)
        Increasing times in seconds from the recording's zero; empty below 16 Hz, or without a pulse.

    Raises
    ------
    ValueError
        If the signal has several channels.

    References
    ----------
    Elgendi M., Norton I., Brearley M., Abbott D., Schuurmans D., PLoS ONE 8 (2013) e76585,
    doi 10.1371/journal.pone.0076585.

    Examples
    --------
    A minute of 72 beats a minute:

    >>> t_s = np.arange(0, 60, 1 / 64)
    >>> phase = 2 * np.pi * 1.2 * t_s
    >>> ppg = Signal(samples=np.exp(2 * np.cos(phase + 0.4 * np.cos(phase))), rate_hz=64.0, unit="a.u.")
    >>> beats_s = find_beats(ppg)
    >>> len(beats_s), float(np.median(np.diff(beats_s)).round(3))
    (71, 0.833)
    """
    return _beats(_read(ppg))


def beat_intervals(beats_s: NDArray[np.float64]) -> Events:
    """Inter-beat intervals as they stand, gaps and mistakes included.

    Parameters
    ----------
    beats_s : ndarray of float64, shape (n_beats,)
        Increasing times of beats in seconds.

    Returns
    -------
    Events
        One interval in s fewer than beats, each at the beat that ends it.

    Examples
    --------
    >>> beat_intervals(np.array([0.5, 1.5, 2.25])).values.tolist()
    [1.0, 0.75]
    """
    beats_s = np.asarray(beats_s, dtype=np.float64)
    return Events(times_s=beats_s[1:], values=np.diff(beats_s), unit="s")


def believable_intervals(ppg: Signal, beats_s: NDArray[np.float64] | None = None) -> Events:
    """Inter-beat intervals between beats that look like pulses; what movement made is left out.

    A beat is believable if its shape, 0.6 s of the pulse about its time, correlates to 0.86 or more with the mean of
    the 21 beats around it; an interval, if both its beats are, if it lies within 0.3-2.2 s, and if it is no more than
    2.2 times as long or as short as the one before or after it. Ectopic beats may still be among them.

    Parameters
    ----------
    ppg : Signal
        The PPG the beats come from.
    beats_s : ndarray of float64, shape (n_beats,), optional
        Increasing times of beats in seconds, such as the device's own; otherwise those of `find_beats`.

    Returns
    -------
    Events
        Intervals in s, each at the beat that ends it.

    References
    ----------
    Orphanidou C. et al., IEEE J. Biomed. Health Inform. 19 (2015) 832-838, doi 10.1109/JBHI.2014.2338351 (there a
    yes or no for 10 s).

    Examples
    --------
    A jerk of a second in a minute of 72 beats a minute:

    >>> t_s = np.arange(0, 60, 1 / 64)
    >>> phase = 2 * np.pi * 1.2 * t_s
    >>> jerk = 20 * np.exp(-(((t_s - 30) / 0.5) ** 2))
    >>> ppg = Signal(samples=np.exp(2 * np.cos(phase + 0.4 * np.cos(phase))) + jerk, rate_hz=64.0, unit="a.u.")
    >>> intervals = believable_intervals(ppg)
    >>> float(abs(intervals.values - 1 / 1.2).max()) < 0.02, 30.0 in intervals.times_s.round()
    (True, False)
    """
    read = _read(ppg)
    beats_s = _beats(read) if beats_s is None else np.asarray(beats_s, dtype=np.float64)
    intervals = beat_intervals(beats_s)
    kept = _believable(read, beats_s)
    return Events(times_s=intervals.times_s[kept], values=intervals.values[kept], unit="s")


def signal_quality(ppg: Signal, beats_s: NDArray[np.float64], n_epochs: int) -> NDArray[np.float32]:
    """Share of every epoch that believable beats cover.

    What is believable, `believable_intervals` says.

    Parameters
    ----------
    ppg : Signal
        The PPG the beats come from.
    beats_s : ndarray of float64, shape (n_beats,)
        Increasing times of beats in seconds, by `find_beats` or the device's own.
    n_epochs : int
        Number of 30-s epochs.

    Returns
    -------
    ndarray of float32, shape (n_epochs,)
        0-1; NaN where nothing was recorded.

    Examples
    --------
    >>> t_s = np.arange(0, 120, 1 / 64)
    >>> phase = 2 * np.pi * 1.2 * t_s
    >>> samples = np.exp(2 * np.cos(phase + 0.4 * np.cos(phase)))
    >>> samples[t_s >= 90] = np.nan
    >>> ppg = Signal(samples=samples, rate_hz=64.0, unit="a.u.")
    >>> signal_quality(ppg, find_beats(ppg), 4)[1:].round(2).tolist()
    [1.0, 0.9700000286102295, nan]
    """
    recorded = bin_share(ppg, n_epochs, EPOCH_S) > 0
    beats_s = np.asarray(beats_s, dtype=np.float64)
    if beats_s.size < 2:
        return np.where(recorded, np.float32(0), np.float32(np.nan))
    # Believable seconds up to a time: straight between beats, rising only across intervals that are.
    until = np.concatenate([[0.0], np.cumsum(np.diff(beats_s) * _believable(_read(ppg), beats_s))])
    edges_s = np.arange(n_epochs + 1) * EPOCH_S
    covered = np.diff(np.interp(edges_s, beats_s, until)) / EPOCH_S
    return np.where(recorded, covered, np.nan).astype(np.float32)


def wear(quality: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whether there was skin under the sensor: there was not, where no pulse was for ten minutes or more.

    Ten minutes of unbroken movement look the same; nothing can be had from the pulse then either.

    Parameters
    ----------
    quality : ndarray of float32, shape (n_epochs,)
        By `signal_quality`.

    Returns
    -------
    ndarray of float32, shape (n_epochs,)
        1 worn, 0 not worn; NaN where nothing was recorded.

    Examples
    --------
    >>> quality = np.ones(60, np.float32)
    >>> quality[10:15] = quality[30:50] = 0
    >>> np.flatnonzero(wear(quality) == 0)[[0, -1]].tolist()
    [30, 49]
    """
    recorded = np.isfinite(quality)
    # Runs are counted in recorded epochs: a gap neither is nor ends a stretch without pulse.
    absent = quality[recorded] < NO_PULSE_QUALITY
    start, stop = runs(absent)
    long = stop - start >= NO_PULSE_EPOCHS
    off = within_runs(start[long], stop[long], absent.size)
    worn = np.full(len(quality), np.nan, np.float32)
    worn[recorded] = np.where(off, 0, 1)
    return worn


def _check(ppg: Signal) -> None:
    if ppg.samples.ndim != 1:
        raise ValueError(f"a PPG has one channel, got shape {ppg.samples.shape}: choose one wavelength")


def _bridged(known: NDArray[np.bool_], rate_hz: float) -> NDArray[np.bool_]:
    """`known` with its short gaps closed."""
    start, stop = runs(~known)
    short = (stop - start) / rate_hz <= BRIDGE_S
    return known | within_runs(start[short], stop[short], known.size)


def _band_pass(samples: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Straight lines across what is missing, then the filter; zeros where there is too little to filter."""
    from scipy.signal import butter, sosfiltfilt

    known = np.isfinite(samples)
    if known.sum() < rate_hz:
        return np.zeros_like(samples)
    if not known.all():
        at = np.arange(samples.size)
        samples = np.where(known, samples, np.interp(at, at[known], samples[known]))
    sos = butter(PULSE_ORDER, PULSE_BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    return np.asarray(sosfiltfilt(sos, samples, padlen=min(samples.size - 1, int(PULSE_REACH_S * rate_hz))))


def _read(ppg: Signal) -> _Pulse | None:
    """The pulse ready to be searched; None where rate or length allow none."""
    _check(ppg)
    if ppg.rate_hz < MIN_PULSE_RATE_HZ or ppg.duration_s < RHYTHM_WINDOW_S:
        return None
    samples, rate_hz, start_s = _averaged_down(_without_spikes_and_flats(ppg), ppg)
    known = _bridged(np.isfinite(samples), rate_hz)
    pulse = _band_pass(samples, rate_hz).astype(np.float32)
    pulse[~known] = 0.0
    pulse /= _size(pulse, known, rate_hz)
    rhythm = _rhythm(pulse, rate_hz)
    if _upside_down(pulse, rate_hz, rhythm):
        pulse = -pulse
    missing = np.concatenate([[0], np.cumsum(~known, dtype=np.int32)])
    return _Pulse(pulse, missing, rhythm, rate_hz, start_s)


def _without_spikes_and_flats(ppg: Signal) -> FloatArray:
    """Samples whose single-sample spikes are their neighbours' mean, and whose flat runs and infinities are NaN."""
    clean = np.where(np.isfinite(ppg.samples), ppg.samples, np.nan)
    start, stop = runs(clean[1:] == clean[:-1])
    flat = (stop - start + 1) / ppg.rate_hz >= FLAT_S
    clean[within_runs(start[flat], stop[flat] + 1, clean.size)] = np.nan
    # In place where it can be: new memory for a whole night costs more than the sums.
    between = clean[2:] + clean[:-2]
    between /= 2
    bend = clean[1:-1] - between
    np.abs(bend, out=bend)
    some = bend[:: max(1, bend.size // SPIKE_SAMPLES)]
    some = some[some > 0]
    if some.size:
        spike = np.flatnonzero(bend > SPIKE_BENDS * np.percentile(some, SPIKE_PERCENTILE))
        # A spike bends its neighbours half as much: only the sample that bends most is the spike.
        beside = np.fmax(bend[np.maximum(spike - 1, 0)], bend[np.minimum(spike + 1, bend.size - 1)])
        spike = spike[~(bend[spike] <= SPIKE_ALONE * beside)]
        clean[spike + 1] = between[spike]
    return clean


def _averaged_down(samples: FloatArray, ppg: Signal) -> tuple[NDArray[np.float64], float, float]:
    """Means of as many samples as bring the rate down to WORKING_RATE_HZ or a little more, with rate and start."""
    factor = max(1, int(ppg.rate_hz // WORKING_RATE_HZ))
    return _means(samples, factor), ppg.rate_hz / factor, ppg.start_s + (factor - 1) / 2 / ppg.rate_hz


def _means(samples: FloatArray, factor: int) -> NDArray[np.float64]:
    """Means of every `factor` samples; a mean over a short axis would take ten times as long."""
    stop = samples.size // factor * factor
    total = samples[:stop:factor].astype(np.float64)
    for k in range(1, factor):
        total += samples[k:stop:factor]
    total /= factor
    return total


def _size(passed: NDArray[np.float32], known: NDArray[np.bool_], rate_hz: float) -> NDArray[np.float32]:
    """Local size of the pulse, float32 ``(n,)``, positive; infinite throughout where there is none."""
    from scipy.ndimage import percentile_filter

    second = int(np.ceil(rate_hz))
    n_seconds = -(-passed.size // second)
    padded = np.pad(passed, (0, n_seconds * second - passed.size)).reshape(n_seconds, second)
    power = np.einsum("st,st->s", padded, padded)
    count = np.add.reduceat(known, np.arange(0, known.size, second), dtype=np.int64)
    filled = np.flatnonzero(count >= second / 2)
    if not filled.size:
        return np.full(passed.size, np.inf, np.float32)
    rms = np.sqrt(power[filled] / count[filled])
    size = percentile_filter(rms, SIZE_PERCENTILE, SIZE_WINDOW, mode="nearest")
    if not (size > 0).any():
        return np.full(passed.size, np.inf, np.float32)
    size = np.maximum(size, MIN_SIZE_SHARE * np.median(size[size > 0]))
    # Straight lines from each second's begin to its end.
    at_begin = np.interp(np.arange(n_seconds + 1) - 0.5, filled, size).astype(np.float32)
    local = np.diff(at_begin)[:, None] * (np.arange(second, dtype=np.float32) / second)
    local += at_begin[:-1, None]
    return np.asarray(local.ravel()[: passed.size])


def _rhythm(pulse: NDArray[np.float32], rate_hz: float) -> _Rhythm:
    """How far apart beats are, every 2 s: the first high peak of the autocorrelation of the 8 s around."""
    from scipy.fft import irfft, next_fast_len, rfft

    factor = max(1, int(rate_hz // RHYTHM_RATE_HZ))
    coarse = np.clip(_means(pulse, factor), -MAX_SIZE / 2, MAX_SIZE / 2).astype(np.float32)
    rate_hz /= factor
    width, hop = int(RHYTHM_WINDOW_S * rate_hz), int(RHYTHM_HOP_S * rate_hz)
    first, last = int(RHYTHM_RANGE_S[0] * rate_hz), int(RHYTHM_RANGE_S[1] * rate_hz) + 1
    n = coarse.size // hop + 2  # the last lies behind the pulse's end, whose samples are nearest to it
    padded = np.pad(coarse, (width // 2, (n - 1) * hop + width - width // 2 - coarse.size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
    # Only the lags that are looked at must be free of what wraps around.
    n_points = next_fast_len(width + last + 1, real=True)
    spectrum = rfft(frames - frames.mean(axis=1, keepdims=True), n_points, axis=1)
    correlation = irfft(spectrum.real**2 + spectrum.imag**2, n_points, axis=1)[:, : last + 1].T.copy()
    power = correlation[0].copy()
    correlation /= (1 - np.arange(last + 1, dtype=np.float32) / width)[:, None]
    correlation /= np.where(power > 0, power, np.float32(np.inf))

    before, here, after = (correlation[first + k : last + k] for k in (-1, 0, 1))
    peaks = np.where((here >= before) & (here > after), here, np.float32(-1.0))
    highest = peaks.max(axis=0)
    lag = np.argmax(peaks >= RHYTHM_FIRST_SHARE * highest, axis=0)
    steady = np.flatnonzero(highest > RHYTHM_MIN_CORRELATION)
    distance_s = np.full(n, np.nan)
    if steady.size:
        at = np.arange(n)
        following = np.minimum(np.searchsorted(steady, at), steady.size - 1)
        away = np.minimum(np.abs(steady[following] - at), np.abs(steady[np.maximum(following - 1, 0)] - at))
        known = away * hop <= width / 2
        distance_s[known] = np.interp(at[known], steady, (lag[steady] + first) / rate_hz)
    return _Rhythm(distance_s, hop * factor)


def _upside_down(pulse: NDArray[np.float32], rate_hz: float, rhythm: _Rhythm) -> bool:
    """Whether the pulse falls faster than it rises, and its trough is narrower than its crest, where it is steady."""
    width = min(int(POLARITY_FRAME_S * rate_hz), pulse.size)
    frames = pulse[: pulse.size // width * width].reshape(-1, width)
    in_rhythm = np.isfinite(rhythm.nearest((np.arange(len(frames)) * width) + width // 2))
    if in_rhythm.any():
        frames = frames[in_rhythm]
    step = max(1, round(SLOPE_WINDOW_S * rate_hz))
    asymmetry = _skewness(frames) + _skewness(frames[:, step:] - frames[:, :-step])
    return bool(np.median(asymmetry) < 0)


def _skewness(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Skewness of each row, 0 for a constant one."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    square = centred * centred
    spread = np.sqrt(square.mean(axis=1))
    cube = np.einsum("ft,ft->f", square, centred) / np.float32(frames.shape[1])
    return np.asarray(cube / np.where(spread > 0, spread, np.float32(np.inf)) ** 3)


def _beats(read: _Pulse | None) -> NDArray[np.float64]:
    """Times of the heartbeats in s."""
    return np.empty(0) if read is None else _upstrokes(read, _peaks(read))


def _peaks(read: _Pulse) -> NDArray[np.int64]:
    """Index of the highest sample of every pulse wave."""
    from scipy.ndimage import uniform_filter1d

    def average(window_s: float) -> NDArray[np.float32]:
        return np.asarray(uniform_filter1d(energy, max(1, round(window_s * read.rate_hz)), mode="constant"))

    energy = np.clip(read.pulse, 0.0, MAX_SIZE) ** 2
    # A window for each sample's rhythm would be no moving average; a few lengths a quarter apart are near enough.
    wanted_s = np.clip(BEAT_WINDOW_S * np.nan_to_num(read.rhythm.distance_s, nan=1.0), *BEAT_WINDOW_RANGE_S)
    step = np.rint(np.log(wanted_s / BEAT_WINDOW_S) / np.log(BEAT_WINDOW_STEP)).astype(np.int8)
    step_here = read.rhythm.held(step, energy.size)
    threshold = np.empty_like(energy)
    for length in np.unique(step):
        np.copyto(threshold, average(BEAT_WINDOW_S * BEAT_WINDOW_STEP ** int(length)), where=step_here == length)
    start, stop = runs(average(PEAK_WINDOW_S) > threshold + THRESHOLD)
    wide = stop - start >= round(PEAK_WINDOW_S * read.rate_hz)
    start, stop = start[wide], stop[wide]
    if not start.size:
        return start
    length = stop - start
    begin = np.cumsum(length) - length
    inside = np.arange(length.sum()) + np.repeat(start - begin, length)
    height = read.pulse[inside]
    highest = np.maximum.reduceat(height, begin)
    top = np.flatnonzero(height == np.repeat(highest, length))
    wave = np.searchsorted(begin, top, side="right")
    return _thinned(inside[top[np.diff(wave, prepend=0) > 0]], read)


def _thinned(peaks: NDArray[np.int64], read: _Pulse) -> NDArray[np.int64]:
    """Peaks without the lower ones of those too near to each other, the highest of all kept first."""
    for _ in range(THINNING_ROUNDS):
        apart = np.nan_to_num(REFRACTORY_SHARE * read.rhythm.nearest(peaks), nan=REFRACTORY_S) * read.rate_hz
        near = np.concatenate([[False], np.diff(peaks) < np.minimum(apart[1:], apart[:-1]), [False]])
        if not near.any():
            return peaks
        height = np.concatenate([[-np.inf], read.pulse[peaks], [-np.inf]])
        before, after = near[:-1], near[1:]
        top = ~(before & (height[:-2] >= height[1:-1])) & ~(after & (height[2:] > height[1:-1]))
        beside_top = (before & np.concatenate([[False], top[:-1]])) | (after & np.concatenate([top[1:], [False]]))
        peaks = peaks[top | ~beside_top]
    return peaks


def _upstrokes(read: _Pulse, peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Time at which the upstroke before every peak is half way up, in s; none twice, none across missing samples."""
    pulse, last = read.pulse, read.pulse.size - 1
    slope = np.diff(pulse)
    trough = np.flatnonzero((slope[:-1] <= 0) & (slope[1:] > 0)) + 1
    crest = np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0)) + 1
    if not (peaks.size and trough.size and crest.size):
        return np.empty(0)
    about = np.arange(-round(UPSTROKE_S * read.rate_hz), round(AFTER_PEAK_S * read.rate_hz) + 1)
    earliest = np.concatenate([[0], peaks[:-1]])[:, None]
    near = np.clip(peaks[:, None] + about, earliest, slope.size - 1)
    steepest = near[np.arange(peaks.size), slope[near].argmax(axis=1)]
    low = np.searchsorted(trough, steepest, side="right") - 1
    high = np.searchsorted(crest, steepest, side="right")
    whole = (slope[steepest] > 0) & (low >= 0) & (high < crest.size)
    low, first = np.unique(low[whole], return_index=True)
    foot, top = trough[low], crest[high[whole][first]]
    sound = read.whole(foot, top) & (top > foot)
    foot, top = foot[sound], top[sound]
    if not foot.size:
        return np.empty(0)
    # Between foot and top the pulse only rises: the first sample at half height ends the step that crosses it.
    half = (pulse[foot] + pulse[top]) / 2
    rise = np.minimum(foot[:, None] + np.arange(int((top - foot).max()) + 1), last)
    over = rise[np.arange(foot.size), np.argmax(pulse[rise] >= half[:, None], axis=1)]
    position = over - (pulse[over] - half) / (pulse[over] - pulse[over - 1])
    return np.asarray(read.start_s + position / read.rate_hz)


def _believable(read: _Pulse | None, beats_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which intervals between consecutive beats are believable, bool ``(n_beats - 1,)``."""
    if read is None or beats_s.size < 2:
        return np.zeros(max(0, beats_s.size - 1), dtype=bool)
    good = _shape_correlation(read, beats_s) >= MIN_SHAPE_CORRELATION
    length = np.diff(beats_s)
    low, high = IBI_RANGE_S
    fits = good[1:] & good[:-1] & (length >= low) & (length <= high)
    ratio = length[1:] / length[:-1]
    alike = (ratio <= MAX_INTERVAL_RATIO) & (ratio >= 1 / MAX_INTERVAL_RATIO)
    fits[1:] &= alike
    fits[:-1] &= alike
    return np.asarray(fits)


def _shape_correlation(read: _Pulse, beats_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """Correlation of each beat's shape with the mean shape of the beats around it, float32 ``(n_beats,)``."""
    from scipy.ndimage import uniform_filter1d

    def local_mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(uniform_filter1d(values, SHAPE_BEATS, axis=1, mode="nearest"))

    def unit(shapes: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = shapes - shapes.mean(axis=0)
        length = np.sqrt(np.einsum("tb,tb->b", centred, centred))
        return np.asarray(centred / np.where(length > 0, length, np.float32(np.inf)))

    # One column a beat, one row a sample; the samples of a beat are moved by the same part of a step.
    n_samples = int(np.ceil((SHAPE_S[1] - SHAPE_S[0]) * read.rate_hz)) + 1
    last = read.pulse.size - 1
    position = np.clip((beats_s + SHAPE_S[0] - read.start_s) * read.rate_hz, -n_samples, last)
    index = np.floor(position).astype(np.int64)
    part = (position - index).astype(np.float32)
    held = np.pad(read.pulse, n_samples + 1, mode="edge")
    taken = held[index + np.arange(n_samples + 1, 2 * n_samples + 2)[:, None]]
    shapes = unit(taken[:-1] * (1 - part) + taken[1:] * part)
    shapes[:, ~read.whole(np.maximum(index, 0), np.clip(index + n_samples, 0, last))] = 0
    typical = unit(local_mean(shapes))
    # A second mean leaves out what does not resemble the first.
    like = np.einsum("tb,tb->b", shapes, typical) > MIN_FIRST_CORRELATION
    typical = unit(local_mean(shapes * like))
    return np.asarray(np.einsum("tb,tb->b", shapes, typical))
