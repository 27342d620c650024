"""How long, how soon and how unbroken: times in bed and asleep, latencies, wake and awakenings."""

from __future__ import annotations

import numpy as np

from staging.architecture.bouts import bouts_of
from staging.architecture.nights import N1, Floats, Nights, W, ratio
from staging.architecture.registry import metric

__all__: list[str] = []

_EPSILON_MIN = 1e-9


@metric(unit="min", group="continuity", source="aasm", unscored="elapsed")
def tib_min(nights: Nights) -> Floats:
    """Time in bed: from lights-off to lights-on, or the whole hypnogram where they are not known."""
    return nights.minutes(nights.lengths)


@metric(unit="min", group="continuity", source="staging")
def unscored_min(nights: Nights) -> Floats:
    """Time in bed that nobody could score."""
    return nights.minutes(nights.lengths - nights.scored)


@metric(unit="%", group="continuity", source="staging")
def scored_pct(nights: Nights) -> Floats:
    """Share of the time in bed that is scored."""
    return nights.share(nights.scored, nights.lengths)


@metric(unit="min", group="continuity", source="aasm", unscored="elapsed")
def spt_min(nights: Nights) -> Floats:
    """Sleep period time: from the start of the first to the end of the last epoch of sleep; 0 without sleep."""
    return nights.minutes(np.where(nights.asleep, nights.offset - nights.onset, 0), nights.known)


@metric(unit="min", group="continuity", source="aasm")
def tst_min(nights: Nights) -> Floats:
    """Total sleep time: all epochs of any sleep stage in bed."""
    return nights.minutes(nights.sleep, nights.known)


@metric(unit="min", group="continuity", source="aasm")
def w_min(nights: Nights) -> Floats:
    """Wake in bed: before, within and after the sleep period."""
    return nights.minutes(nights.counts[:, W], nights.known)


@metric(unit="min", group="continuity", source="aasm", unscored="elapsed")
def sol_min(nights: Nights) -> Floats:
    """Sleep onset latency: from lights-off to the start of the first epoch of any sleep stage."""
    return nights.minutes(np.where(nights.asleep, nights.onset, 0), nights.asleep)


def persistent_sleep_latency(nights: Nights, unbroken_min: float) -> Floats:
    """Minutes from lights-off to the first sleep that lasts so many minutes without an epoch of wake."""
    bouts = bouts_of(nights, "sleep")
    return nights.minutes(bouts.first_begin(bouts.minutes >= unbroken_min - _EPSILON_MIN))


@metric(unit="min", group="continuity", source="staging", unscored="breaks")
def lps_min(nights: Nights) -> Floats:
    """Latency to persistent sleep: from lights-off to the first 10 minutes of sleep without an epoch of wake.

    `Rules.persistent_sleep_min` sets the 10 minutes.
    """
    return persistent_sleep_latency(nights, nights.rules.persistent_sleep_min)


@metric(unit="min", group="continuity", source="vallat2021", unscored="breaks")
def lps_5_min(nights: Nights) -> Floats:
    """Latency to 5 minutes of sleep: from lights-off to the first 5 minutes of sleep without an epoch of wake."""
    return persistent_sleep_latency(nights, 5.0)


@metric(unit="min", group="continuity", source="aasm")
def waso_min(nights: Nights) -> Floats:
    """Wake after sleep onset: all wake from sleep onset to lights-on, that after the final awakening included.

    Without unscored epochs, TIB = SOL + WASO + TST.
    """
    return nights.minutes(nights.wake_within + _wake_after(nights), nights.asleep)


def _wake_after(nights: Nights) -> Floats:
    """Epochs of wake after the last epoch of sleep."""
    runs = nights.runs
    return runs.total(runs.length * ((runs.code == W) & (runs.begin >= nights.offset[runs.night])))


@metric(unit="min", group="continuity", source="vallat2021")
def waso_spt_min(nights: Nights) -> Floats:
    """Wake within the sleep period: all wake between the first and the last epoch of sleep.

    YASA calls this WASO: it leaves out the wake after the final awakening.
    """
    return nights.minutes(nights.wake_within, nights.asleep)


@metric(unit="min", group="continuity", source="staging")
def wake_after_final_min(nights: Nights) -> Floats:
    """Wake after the final awakening: wake between the last epoch of sleep and lights-on."""
    return nights.minutes(_wake_after(nights), nights.asleep)


@metric(unit="%", group="continuity", source="aasm", unscored="elapsed")
def se_pct(nights: Nights) -> Floats:
    """Sleep efficiency: total sleep time as a share of time in bed."""
    return np.where(nights.known, nights.share(nights.sleep, nights.lengths), np.nan)


@metric(unit="%", group="continuity", source="vallat2021", unscored="elapsed")
def sme_pct(nights: Nights) -> Floats:
    """Sleep maintenance efficiency: total sleep time as a share of the sleep period time."""
    return nights.share(nights.sleep, np.where(nights.asleep, nights.offset - nights.onset, 0))


@metric(unit="count", group="continuity", source="ohayon2017", unscored="breaks", decimals=0)
def awakenings(nights: Nights) -> Floats:
    """Awakenings of at least one epoch: wake that directly follows sleep and is followed by more sleep later.

    The final awakening is not counted.
    """
    return np.where(nights.asleep, bouts_of(nights, "awakening").counts, np.nan)


@metric(unit="count", group="continuity", source="ohayon2017", unscored="breaks", decimals=0)
def awakenings_over_5_min(nights: Nights) -> Floats:
    """Awakenings longer than 5 minutes (`Rules.long_awakening_min`), the final one not counted."""
    bouts = bouts_of(nights, "awakening")
    long = bouts.minutes > nights.rules.long_awakening_min + _EPSILON_MIN
    return np.where(nights.asleep, bouts.sums(long), np.nan)


@metric(unit="/h", group="continuity", source="staging", unscored="breaks")
def awakenings_per_h(nights: Nights) -> Floats:
    """Awakenings of at least one epoch an hour of sleep, the final one not counted."""
    return nights.per_hour_asleep(bouts_of(nights, "awakening").counts)


@metric(unit="min", group="continuity", source="staging", unscored="breaks")
def awakening_mean_min(nights: Nights) -> Floats:
    """Mean length of the awakenings, the final one not counted."""
    bouts = bouts_of(nights, "awakening")
    return nights.minutes(ratio(bouts.epochs, bouts.counts))


@metric(unit="/h", group="continuity", source="vallat2021", unscored="breaks")
def sfi_per_h(nights: Nights) -> Floats:
    """Sleep fragmentation index: transitions from any sleep stage to wake an hour of sleep.

    The final awakening is counted.
    """
    return nights.per_hour_asleep(bouts_of(nights, "wake").counts)


@metric(unit="/h", group="continuity", source="haba2004", classes=(5,), unscored="breaks")
def shifts_to_w_n1_per_h(nights: Nights) -> Floats:
    """Transitions from N2, N3 or R to wake or N1 an hour of sleep: the sleep fragmentation index as first defined."""
    runs = nights.runs
    deeper = np.zeros(len(runs.code), dtype=bool)
    deeper[1:] = runs.code[:-1] > N1
    return nights.per_hour_asleep(runs.total(nights.shifts & deeper & (runs.code <= N1)))


@metric(
    unit="/h",
    group="continuity",
    source="laffan2010",
    unscored="breaks",
    coarser="counts the changes between its own classes, which are fewer",
)
def stage_shifts_per_h(nights: Nights) -> Floats:
    """Changes of stage between neighbouring epochs of the sleep period, wake included, an hour of sleep."""
    return nights.per_hour_asleep(nights.runs.total(nights.shifts_in_period))
