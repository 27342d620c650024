"""How well nights are found without a diary: on simulated weeks whose nights are known, and on real recordings.

    python -m scripts.check_nights                         # 24 simulated weeks
    python -m scripts.check_nights --data ../shared/data   # and real recordings, where they are there
    python -m scripts.check_nights --counts                # the weeks as activity counts alone, as of MESA's devices

Simulated weeks have naps, hours without the device, a miscalibrated sensor and the change to summer time; every fourth
wearer sleeps by day. They are searched with acceleration and temperature alone, and with a heart rate as well. A night
is found if a main sleep begins and ends within 10 min of going to bed and getting up. The bar: 95 % of the nights.

Real recordings, none of which may be published with the program:

- ``device_files/actigraph_sleepr``: a day of an ActiGraph with ActiLife's own sleep and wake, minute by minute (Sadeh
  and Cole-Kripke) and its sleep period (Tudor-Locke); ours from the vector magnitude of its 10-s counts.
- ``unlabelled/mmash``: 22 men, a day each, wrist ActiGraph counts and beats of the heart; the times in bed are
  actigraphy's with a diary.
- ``hypnograms/newcastle``: one night of wrist angles with polysomnography.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.days import Sleep, main_sleeps, survey
from staging.days.periods import find_sleeps
from staging.days.stillness import stillness_of_angle, stillness_of_counts
from staging.motion import activity_counts
from staging.recording import EPOCH_S, Events, Recording
from staging.simulate import DEFAULT, SimulatedDays, simulate_days
from staging.tracks import COUNTS_BIN_S

TOLERANCE_MIN = 10.0
BAR_PCT = 95.0
COUNTS_FROM_HZ = 25.0  # slower acceleration gives no counts
DAY_SLEEPER_EVERY, DAY_SLEEPER_BEDTIME_H = 4, 8.0
DOT_NET_EPOCH_TICKS, TICKS_PER_S = 621_355_968_000_000_000, 10_000_000

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """Main sleeps against the truth: errors in minutes, found less true, NaN where a night was missed."""

    begin_min: Floats
    end_min: Floats
    naps: int
    naps_found: int
    other_naps: int
    wear_wrong_pct: float

    def within_pct(self) -> float:
        """Share of the nights found to 10 min at both ends."""
        worst = np.maximum(np.abs(self.begin_min), np.abs(self.end_min))
        return 100.0 * float((np.nan_to_num(worst, nan=np.inf) <= TOLERANCE_MIN).mean())


def main() -> int:
    """Check and print; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=24, help="simulated weeks (default: 24)")
    parser.add_argument("--first-seed", type=int, default=2001, help="seed of the first (default: 2001)")
    parser.add_argument("--rate-hz", type=float, default=10.0, help="rate of the simulated sensor (default: 10)")
    parser.add_argument("--counts", action="store_true", help="search activity counts alone (of 25 Hz and more)")
    parser.add_argument("--data", type=Path, help="folder of the real recordings")
    options = parser.parse_args()
    rate_hz = max(options.rate_hz, COUNTS_FROM_HZ) if options.counts else options.rate_hz
    fine = simulated(options.weeks, options.first_seed, rate_hz, counts=options.counts) if options.weeks else True
    if options.data:
        for check in (against_actilife, against_diaries, against_polysomnography):
            print()
            check(options.data)
    return 0 if fine else 1


def simulated(weeks: int, first_seed: int, rate_hz: float, *, counts: bool = False) -> bool:
    """Simulated weeks, with and without a heart rate, or as activity counts alone."""
    sensor = dataclasses.replace(DEFAULT.acceleration, rate_hz=rate_hz)
    parameters = dataclasses.replace(DEFAULT, acceleration=sensor)
    kinds: dict[str, list[Found]] = {}
    for number in range(weeks):
        by_day = number % DAY_SLEEPER_EVERY == DAY_SLEEPER_EVERY - 1
        week = simulate_days(
            first_seed + number, bedtime_h=DAY_SLEEPER_BEDTIME_H if by_day else 23.0, parameters=parameters
        )
        for kind, recording in recordings_of(week, counts=counts).items():
            kinds.setdefault(kind, []).append(compare(week, recording))
        print(f"\r{number + 1}/{weeks} weeks", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{weeks} simulated weeks at {rate_hz:g} Hz, seeds {first_seed}-{first_seed + weeks - 1}")
    fine = True
    for kind, found in kinds.items():
        whole = Found(
            begin_min=np.concatenate([one.begin_min for one in found]),
            end_min=np.concatenate([one.end_min for one in found]),
            naps=sum(one.naps for one in found),
            naps_found=sum(one.naps_found for one in found),
            other_naps=sum(one.other_naps for one in found),
            wear_wrong_pct=float(np.mean([one.wear_wrong_pct for one in found])),
        )
        fine &= whole.within_pct() >= BAR_PCT
        print(f"\n{kind}:")
        print(f"  nights within 10 min at both ends  {whole.within_pct():.1f} % of {len(whole.begin_min)}", end="")
        print(f"  (bar {BAR_PCT:g} %: {'met' if whole.within_pct() >= BAR_PCT else 'missed'})")
        print(f"  not found at all                   {int(np.isnan(whole.begin_min).sum())}")
        for end, errors in (("begin", whole.begin_min), ("end", whole.end_min)):
            known = errors[np.isfinite(errors)]
            middle, most = np.quantile(np.abs(known), [0.5, 0.95])
            print(f"  error of its {end:<5}                 median {middle:.1f} min, 95th percentile {most:.1f} min")
        print(f"  naps found to 15 min               {whole.naps_found} of {whole.naps}; {whole.other_naps} others")
        print(f"  epochs of wear told wrongly        {whole.wear_wrong_pct:.2f} %")
    return fine


def recordings_of(week: SimulatedDays, *, counts: bool) -> dict[str, Recording]:
    """What of a week is searched, by what is said of it."""
    whole = week.recording
    if not counts:
        return {"acceleration and temperature": whole.replace(hr=None), "and heart rate": whole}
    assert whole.acc is not None
    n_epochs = int(whole.end_s // EPOCH_S)
    per_epoch = round(EPOCH_S / COUNTS_BIN_S)
    values = activity_counts(whole.acc, n_epochs * per_epoch).astype(np.float64)
    searched = {}
    for joined in (1, per_epoch):
        step_s = joined * COUNTS_BIN_S
        summed = values.reshape(-1, joined).sum(axis=1)
        binned = Events(times_s=step_s * np.arange(len(summed)), values=summed, unit="counts")
        searched[f"activity counts of {step_s:g} s alone"] = Recording(counts=binned, start=whole.start)
    return searched


def compare(week: SimulatedDays, recording: Recording) -> Found:
    """What is found in a simulated week against what is true of it."""
    days = survey(recording)
    nights = [sleep for sleep in days.sleeps if sleep.kind == "night"]
    naps = [sleep for sleep in days.sleeps if sleep.kind == "nap"]
    errors = np.array([_errors_min(sleep, nights) for sleep in _true(week, nap=False)]).reshape(-1, 2)
    true_naps = list(_true(week, nap=True))
    near = [bool(np.all(np.abs(_errors_min(nap, naps)) <= 15.0)) for nap in true_naps]
    worn = np.ones(days.n_epochs, bool)
    for begin_s, end_s in week.off_s:
        worn[int(begin_s / 30) : int(end_s / 30)] = False
    return Found(
        begin_min=errors[:, 0],
        end_min=errors[:, 1],
        naps=len(true_naps),
        naps_found=sum(near),
        other_naps=len(naps) - sum(near),
        wear_wrong_pct=100.0 * float((worn != days.worn).mean()),
    )


def _true(week: SimulatedDays, *, nap: bool) -> Iterator[Sleep]:
    for sleep in week.sleeps:
        if sleep.nap == nap:
            yield Sleep(begin_s=sleep.begin_s, end_s=sleep.end_s)


def _errors_min(true: Sleep, found: Sequence[Sleep]) -> tuple[float, float]:
    """Begin and end of the found sleep that overlaps most, less the true one's; NaN where none does."""
    shared = [min(one.end_s, true.end_s) - max(one.begin_s, true.begin_s) for one in found]
    if not shared or max(shared) <= 0:
        return np.nan, np.nan
    best = found[int(np.argmax(shared))]
    return (best.begin_s - true.begin_s) / 60, (best.end_s - true.end_s) / 60


def against_actilife(data: Path) -> None:
    """One day of an ActiGraph against ActiLife's scoring of it."""
    folder = data / "device_files" / "actigraph_sleepr"
    files = sorted(folder.glob("*.agd"))
    if not files:
        print("actigraph_sleepr is not there: left out")
        return
    with contextlib.closing(sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True)) as base:
        table = np.array(base.execute("SELECT dataTimestamp, axis1, axis2, axis3 FROM data ORDER BY 1").fetchall())
    times_s = (table[:, 0] - DOT_NET_EPOCH_TICKS) / TICKS_PER_S
    magnitude = np.sqrt((table[:, 1:].astype(np.float64) ** 2).sum(axis=1))
    step_s = float(np.median(np.diff(times_s)))
    worn = np.ones(int(len(magnitude) * step_s / 30) + 1, bool)
    found = find_sleeps(stillness_of_counts(magnitude, worn, step_s=step_s))
    nights = [sleep for sleep in main_sleeps(Sleep(begin_s=b, end_s=e) for b, e in found) if sleep.kind == "night"]
    with (folder / "GT3XPlus-RawData-Day01-sleep-awake.csv").open(encoding="utf-8") as file:
        minutes = list(csv.DictReader(file))
    with (folder / "GT3XPlus-RawData-Day01-sleep-periods.csv").open(encoding="utf-8") as file:
        periods = [row for row in csv.DictReader(file) if row["period_algorithm"] == "Tudor-Locke Default"]
    first = datetime.fromisoformat(minutes[0]["timestamp"]).timestamp()
    print("ActiLife, one day (actigraph_sleepr):")
    for sleep in nights:
        print(f"  ours                      {_clock(times_s[0] + sleep.begin_s)}-{_clock(times_s[0] + sleep.end_s)}")
        ours = np.zeros(len(minutes), bool)
        at_s = first + 60.0 * np.arange(len(minutes)) - times_s[0]
        ours |= (at_s >= sleep.begin_s) & (at_s < sleep.end_s)
        for name in ("sadeh", "cole-kripke"):
            asleep = np.array([row[name] == "S" for row in minutes])
            inside, outside = asleep[ours].mean(), asleep[~ours].mean()
            print(f"  asleep by {name:<12}    {100 * inside:.1f} % of our night, {100 * outside:.1f} % outside it")
    for row in periods:
        print(f"  ActiLife, {row['sleep_algorithm']:<14}  {row['in_bed_time'][11:16]}-{row['out_bed_time'][11:16]}")


def _clock(seconds: float) -> str:
    minute = round(seconds / 60)
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def against_diaries(data: Path) -> None:
    """Days of MMASH: wrist counts and beats against times in bed by actigraphy and diary."""
    folder = data / "unlabelled" / "mmash"
    errors = []
    for file in sorted(folder.glob("*.npz")):
        true = _times_in_bed(file.with_name(f"{file.stem}_sleep.csv"))
        if true is None:
            continue
        with np.load(file) as arrays:
            counts_s, counts = arrays["counts_clock_s"].astype(np.float64), arrays["counts"].astype(np.float64)
            beats_s, interval_s = arrays["rr_clock_s"].astype(np.float64), arrays["rr_s"].astype(np.float64)
        recording = _mmash(counts_s, counts, beats_s, interval_s)
        nights = [sleep for sleep in survey(recording).sleeps if sleep.kind == "night"]
        zero = counts_s[0]
        errors.append(_errors_min(Sleep(begin_s=true[0] - zero, end_s=true[1] - zero), nights))
    if not errors:
        print("mmash is not there: left out")
        return
    found = np.array(errors)
    print(f"MMASH, {len(found)} men, a night each, against times in bed:")
    print(f"  not found                 {int(np.isnan(found[:, 0]).sum())}")
    for name, error in (("begin", found[:, 0]), ("end", found[:, 1])):
        known = error[np.isfinite(error)]
        q1, middle, q3 = np.quantile(known, [0.25, 0.5, 0.75])
        near = 100.0 * (np.abs(known) <= 30).mean()
        print(f"  {name:<5} found less noted    median {middle:+.0f} min (quartiles {q1:+.0f}, {q3:+.0f});", end="")
        print(f" {near:.0f} % within 30 min")


def _mmash(counts_s: Floats, counts: Floats, beats_s: Floats, interval_s: Floats) -> Recording:
    """Seconds of counts summed to 15 s, and the heart rate of every 5 s."""
    zero = counts_s[0]
    step = np.maximum(np.floor((counts_s - zero) / 15.0), 0).astype(np.int64)
    total = np.bincount(step, weights=np.sqrt((counts**2).sum(axis=1)))
    there = np.bincount(step) >= 8
    good = np.isfinite(beats_s) & (interval_s > 0.3) & (interval_s < 2.0) & (beats_s >= zero)
    place = np.floor((beats_s[good] - zero) / 5.0).astype(np.int64)
    number = np.bincount(place)
    rate = 60.0 * number / np.maximum(np.bincount(place, weights=interval_s[good]), 1e-9)
    known = number > 0
    return Recording(
        counts=Events(times_s=np.flatnonzero(there) * 15.0, values=total[there], unit="counts"),
        hr=Events(times_s=np.flatnonzero(known) * 5.0 + 2.5, values=rate[known], unit="bpm"),
    )


def _times_in_bed(path: Path) -> tuple[float, float] | None:
    """Seconds since midnight of the first day at which the night in bed began and ended."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return None

    def at(row: dict[str, str], end: str) -> float:
        hours, minutes = row[f"{end} Bed Time"].split(":")[:2]
        return (float(row[f"{end} Bed Date"]) - 1) * 86_400 + float(hours) * 3600 + float(minutes) * 60

    begin_s, end_s = min(at(row, "In") for row in rows), max(at(row, "Out") for row in rows)
    # Some getting up is dated to the evening before.
    return begin_s, end_s if end_s > begin_s else end_s + 86_400


def against_polysomnography(data: Path) -> None:
    """One night of wrist angles."""
    folder = data / "hypnograms" / "newcastle"
    path = folder / "MECSLEEP01_left_wrist_GGIR_epochs.csv"
    if not path.is_file():
        print("newcastle is not there: left out")
        return
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    angle = np.array([float(row["anglez"]) for row in rows])
    found = find_sleeps(stillness_of_angle(angle, np.ones(len(angle) // 6 + 1, bool)))
    begin_s, end_s = found[np.argmax(found[:, 1] - found[:, 0])]
    first = datetime.strptime(rows[0]["timestamp"][:19], "%Y-%m-%dT%H:%M:%S")
    zero = first.hour * 3600 + first.minute * 60
    with (folder / "newcastle_psg_stages.csv").open(encoding="utf-8") as file:
        asleep = [row["time_hms"] for row in csv.DictReader(file) if row["participant"] == "01" and row["stage"] != "W"]
    print("Newcastle, one night with polysomnography:")
    print(f"  ours                      {_clock(zero + begin_s)}-{_clock(zero + end_s)} (the angles end 07:15)")
    print(f"  first and last sleep      {asleep[0][:5]}-{asleep[-1][:5]}")


if __name__ == "__main__":
    sys.exit(main())
