"""Every number of the simulated night, with where it comes from.

Marks: *measured* on Sleep-Accel unless another set is named (Walch 2019, doi:10.13026/hmhs-py35, ODC-By 1.0; 31 healthy
adults, watch heart rate and 15-s counts with scored polysomnography), *published* with a citation, *assumed*, and
*fitted*: set so that simulated nights, read as the real ones were, give the measured figures.

Tuples of five are by stage in the order W N1 N2 N3 R; tables of transitions are from (row) to (column) in that order.
All classes are frozen: change a number with ``dataclasses.replace``. Who trains and tests on Sleep-Accel must measure
the *measured* fields again on the training subjects alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from staging.simulate.hypnogram_tables import (
    BOUT_LEVELS,
    NREM_BOUT_MIN,
    NREM_FIRST_STAGE,
    NREM_JUMPS,
    REM_BOUT_MIN,
    REM_JUMPS,
)

__all__ = [
    "DEFAULT",
    "AccelerationParameters",
    "AgeParameters",
    "ArousalParameters",
    "AwakeParameters",
    "BeatParameters",
    "E4Parameters",
    "HeartParameters",
    "HypnogramParameters",
    "MovementParameters",
    "Parameters",
    "PpgParameters",
    "TemperatureParameters",
    "WatchParameters",
]

ByStage = tuple[float, float, float, float, float]
Table = tuple[ByStage, ByStage, ByStage, ByStage, ByStage]
MeanSD = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class HypnogramParameters:
    """Two-level semi-Markov chain: non-REM and REM parts, and bouts within them.

    Attributes
    ----------
    nrem_ln_min, rem_ln_min : tuple of (mean, SD)
        Logarithm of the length in minutes of the parts, cycles 1, 2, 3, 4 and later. Measured on Sleep-Accel and
        Sleep-EDF, 51 nights.
    nrem_share, rem_share : float
        Factors on the planned lengths, for a part ends with a whole bout past its plan. Fitted.
    bout_levels, nrem_bout_min, rem_bout_min, nrem_jumps, rem_jumps, nrem_first_stage
        Tables of `staging.simulate.hypnogram_tables`. Measured.
    restart_wake_min : float
        After an awakening as long as this a new non-REM part begins. Assumed.
    night_wake_sd, night_n3_sd : float
        SD between nights of the log-odds of jumps into W and into N3. Fitted to the spread of the measured nights.
    n1_with_wake : float
        How much of the effect on W acts on N1. Assumed.
    latency_ln_min : (mean, SD)
        Logarithm of the sleep latency in minutes. Measured: median 18 min.
    final_wake_probability : float
        Share of nights that end awake in bed. Measured: 11 of 31.
    final_wake_ln_min : (mean, SD)
        Logarithm of that last wakefulness in minutes. Assumed.
    """

    nrem_ln_min: tuple[MeanSD, ...] = ((4.531, 0.433), (4.357, 0.234), (4.247, 0.243), (4.007, 0.36))
    rem_ln_min: tuple[MeanSD, ...] = ((2.794, 0.735), (3.184, 0.763), (3.161, 0.655), (3.048, 0.937))
    nrem_share: float = 0.93
    rem_share: float = 0.65
    bout_levels: tuple[float, ...] = BOUT_LEVELS
    nrem_bout_min: tuple[tuple[tuple[tuple[float, ...], ...], ...], ...] = NREM_BOUT_MIN
    rem_bout_min: tuple[tuple[float, ...], ...] = REM_BOUT_MIN
    nrem_jumps: tuple[tuple[Table, Table], ...] = NREM_JUMPS
    rem_jumps: Table = REM_JUMPS
    nrem_first_stage: tuple[ByStage, ...] = NREM_FIRST_STAGE
    restart_wake_min: float = 20.0
    night_wake_sd: float = 0.6
    night_n3_sd: float = 0.6
    n1_with_wake: float = 0.8
    latency_ln_min: MeanSD = (2.89, 0.48)
    final_wake_probability: float = 0.35
    final_wake_ln_min: MeanSD = (1.8, 0.9)


@dataclass(frozen=True, kw_only=True)
class AgeParameters:
    """What ten years change, from `reference_years`, the mean age of the measured nights.

    Attributes
    ----------
    reference_years : float
        About the mean age of the people of Sleep-Accel and Sleep-EDF.
    wake_log_odds, wake_bout_ln, n3_log_odds : float
        Change per decade of the jumps into W, of the length of wake bouts and of the jumps into N3. Fitted so that
        wake after sleep onset grows by 9.7 min a decade (published: Boulos 2019, doi:10.1016/S2213-2600(19)30057-8)
        and N3 falls by about 1 % of sleep (between no change, Boulos 2019, and 1.9 % in men: Sleep 27 (2004) 293).
    latency_min : float
        Published: Boulos 2019.
    arousal_ln : float
        Spontaneous arousals; 2.1/h a decade on about 15/h. Published: Boulos 2019.
    posture_ln : float
        Changes of posture: 3.6 to 2.1/h from 21 to 72 years. Published: De Koninck 1992,
        doi:10.1093/sleep/15.2.143.
    rmssd_ln : float
        40 ms at 30 and 19 ms at 70 years, awake. Published: Voss 2015, doi:10.1371/journal.pone.0118308.
    wrist_awake_c : float
        Wrist temperature awake 32.49 °C in young and 32.94 °C in older adults, and the same asleep. Published: Wei &
        Boger 2021, doi:10.2196/26462.
    """

    reference_years: float = 30.0
    wake_log_odds: float = 0.15
    wake_bout_ln: float = 0.14
    n3_log_odds: float = -0.1
    latency_min: float = 1.1
    arousal_ln: float = 0.13
    posture_ln: float = -0.1
    rmssd_ln: float = -0.19
    wrist_awake_c: float = 0.11


@dataclass(frozen=True, kw_only=True)
class HeartParameters:
    """Heart rate as a function of time, without the modulation by breathing.

    Attributes
    ----------
    resting_bpm : (mean, SD)
        Median heart rate of the night between people. Measured.
    range_bpm : (lowest, highest)
        Bounds of the resting rate. Assumed.
    any_bpm : (lowest, highest)
        Bounds of any rate. Assumed.
    stage_offset_bpm, stage_offset_sd_bpm : by stage
        Level from the night's median; spread between people. Measured.
    level_share : by stage
        Share of the measured spread between people that is the person's and not the chance of few epochs. Fitted.
    level_shift_bpm : by stage
        Added to the level, for surges and the watch's lag move the measured mean. Fitted.
    approach_s : by stage
        Time constant with which the level of a new stage is approached. Fitted to the measured curves around
        awakenings, sleep onset, and the ramp into REM sleep.
    before_sleep_bpm, after_sleep_bpm : (mean, SD)
        Level of wakefulness before the first and after the last sleep, in bed, from the night's median. Measured.
    around_sleep_share : float
        Share of its spread that is the night's level and not the slow wandering. Fitted.
    wake_slow_sd_bpm, wake_slow_tau_s : float
        Slow wandering of the level in wakefulness. Fitted to the variogram of W up to 10 min.
    wake_floor_bpm : float
        Lowest level of wakefulness from the night's median. Assumed.
    rem_lead_s : float
        The rise into REM sleep begins before its scored onset. Fitted: +1 bpm at the onset.
    fast_sd_bpm, fast_tau_s : by stage
        Fluctuation, surges included: fits of the variogram. Measured.
    fast_share : by stage
        Share of that SD that is not surges. Fitted to the SD within 5 min.
    person_fast_sd : float
        SD between people of the logarithm of the fluctuation. Fitted to the quartiles of the SD within 5 min.
    course_bpm : tuple of float
        Course of the night in non-REM sleep, at the middle of each half hour from sleep onset. Measured.
    slope_sd_bpm_per_h : float
        Spread between people of the slope over the night. Fitted, with the wandering, to the measured 0.83.
    slope_span_h : float
        Hours after sleep onset over which that slope acts. Assumed.
    slow_sd_bpm, slow_tau_s : float
        Slow wandering. Fitted to the hourly residual SD of 2 bpm.
    """

    resting_bpm: MeanSD = (64.6, 9.7)
    range_bpm: tuple[float, float] = (45.0, 95.0)
    any_bpm: tuple[float, float] = (36.0, 190.0)
    stage_offset_bpm: ByStage = (5.7, 1.7, -0.8, 1.1, 2.7)
    stage_offset_sd_bpm: ByStage = (4.3, 3.7, 1.2, 2.1, 2.5)
    level_share: ByStage = (0.8, 0.8, 1.0, 0.9, 0.9)
    level_shift_bpm: ByStage = (0.9, -1.4, 0.2, -0.1, 0.2)
    approach_s: ByStage = (10.0, 20.0, 30.0, 90.0, 90.0)
    before_sleep_bpm: MeanSD = (1.3, 5.0)
    after_sleep_bpm: MeanSD = (4.8, 6.9)
    around_sleep_share: float = 0.6
    wake_slow_sd_bpm: float = 6.0
    wake_slow_tau_s: float = 400.0
    wake_floor_bpm: float = -5.0
    rem_lead_s: float = 30.0
    fast_sd_bpm: ByStage = (5.6, 4.4, 2.2, 1.3, 4.3)
    fast_tau_s: ByStage = (25.0, 14.0, 16.0, 13.0, 27.0)
    fast_share: ByStage = (0.55, 0.4, 0.65, 0.75, 0.75)
    person_fast_sd: float = 0.4
    course_bpm: tuple[float, ...] = (
        *(-1.95, 0.22, 1.42, 2.0, 1.71, 1.25, 1.61, -0.82),
        *(-0.66, -1.78, -2.17, -1.79, -1.7, -1.23, -1.41, -1.57),
    )
    slope_sd_bpm_per_h: float = 0.65
    slope_span_h: float = 9.0
    slow_sd_bpm: float = 2.0
    slow_tau_s: float = 2400.0


@dataclass(frozen=True, kw_only=True)
class ArousalParameters:
    """Moments of activation: a surge of the heart rate, with or without a movement.

    Attributes
    ----------
    spontaneous_per_h : by stage
        Activations of any size within a stage. Fitted to the measured rate of surges above 6 bpm.
    gap_sigma : float
        SD of the logarithm of the gaps. Fitted: with those at changes of stage, the gaps between counts in sleep have
        the measured logarithmic SD of 1.3-1.4.
    person_ln_sd : float
        SD between people of the logarithm of the rates of spontaneous activations. Assumed.
    surge_median_bpm, surge_ln_sd : by stage
        Size of spontaneous surges. Fitted to those above 6 bpm that watches and ECG show: medians 8.5-14, 90 % below
        17-28 (ECG: Chang Gung; Chung 2021, Front Physiol 12:637684).
    change_surge_probability : from, to
        Surges at changes of stage. Fitted to the measured mean curves around awakenings and exits from N3.
    awakening_surge_bpm, change_surge_bpm : float
        Their median, at awakenings and at other changes. Fitted to the same.
    change_surge_ln_sd : float
        Fitted to the spread of the measured peaks.
    largest_surge_bpm : float
        Assumed.
    half_width_s : by stage
        Full width at half of the peak. Measured (Chang Gung, ECG).
    half_width_ln_sd : float
        Assumed.
    rise_share : float
        Share of the width before the peak: rise 8 s, decay 6 s. Measured (Chang Gung, ECG).
    undershoot_share, undershoot_delay_s, undershoot_width_s : float
        The dip after a surge. Fitted to the measured -0.8 bpm after +5 with movements, and -0.6 after +9 with
        awakenings, about 50 s later.
    moving_bpm_factor : float
        Surges with movement are larger. Fitted: mean peaks of 10-15 with movement.
    size_correlation : float
        Correlation of the logarithms of the surge and of the movement. Fitted: mean peaks of 9.5, 11.7 and 14.8 bpm
        with small, middling and large movements.
    awakening_window_s, change_window_s : (first, last)
        When around an awakening, and around another change of stage, the surge of its activation peaks. Fitted to the
        counts, at their own times, and heart rate around them.
    early_wake_factor, early_wake_epochs : float, int
        Activations are more frequent when an awakening is young: factor, and number of epochs. Fitted to the counts
        after awakenings.
    """

    spontaneous_per_h: ByStage = (38.0, 23.0, 8.0, 3.5, 20.0)
    gap_sigma: float = 1.1
    person_ln_sd: float = 0.6
    surge_median_bpm: ByStage = (5.0, 7.5, 6.0, 5.5, 6.2)
    surge_ln_sd: ByStage = (0.75, 0.8, 0.7, 0.75, 0.7)
    change_surge_probability: Table = (
        (0.0, 0.1, 0.1, 0.0, 0.0),
        (0.9, 0.0, 0.1, 0.0, 0.0),
        (0.9, 0.5, 0.0, 0.0, 0.1),
        (0.9, 0.7, 0.6, 0.0, 0.6),
        (0.9, 0.5, 0.4, 0.0, 0.0),
    )
    awakening_surge_bpm: float = 4.7
    change_surge_bpm: float = 6.0
    change_surge_ln_sd: float = 0.75
    largest_surge_bpm: float = 45.0
    half_width_s: ByStage = (13.0, 9.0, 9.0, 8.0, 12.0)
    half_width_ln_sd: float = 0.3
    rise_share: float = 0.55
    undershoot_share: float = 0.2
    undershoot_delay_s: float = 40.0
    undershoot_width_s: float = 14.0
    moving_bpm_factor: float = 1.3
    size_correlation: float = 0.4
    awakening_window_s: tuple[float, float] = (1.0, 30.0)
    change_window_s: tuple[float, float] = (-10.0, 25.0)
    early_wake_factor: float = 2.0
    early_wake_epochs: int = 5


@dataclass(frozen=True, kw_only=True)
class MovementParameters:
    """Bursts of movement of the wrist.

    Attributes
    ----------
    bursts_per_h : by stage
        Bursts (runs of 15-s bins with counts) that begin in a stage. Measured, the counts at their own times.
    within_factor : by stage
        Rate of movements that come with no change of stage, over that of bursts: some come with a change, and some
        are too small to count or merge with others. Fitted.
    person_ln_sd : by stage
        SD between people of the logarithm of the rates. Fitted to the quartiles of the share of moving bins.
    person_change_ln_sd : float
        The same for movements at changes of stage. Assumed.
    change_probability : from, to
        Movement at a change of stage other than an awakening. Fitted to the counts around the changes.
    awakening_probability : tuple of float
        Movement with awakenings of 1, 2-4 and 5 or more epochs, beside what comes within W. Fitted: some count in
        57, 73 and 100 % of them.
    lead_s : float
        How long before the peak of its surge a movement begins. Fitted to the watches' heart rate around movements.
    duration_median_s, duration_ln_sd : by stage
        Length of a burst. Fitted to the measured lengths in 15-s bins.
    duration_range_s : (shortest, longest)
        Assumed.
    peak_median_g, peak_ln_sd : by stage
        Largest acceleration of each second in the band of the counts, 3-11 Hz, and its spread between bursts.
        Fitted to the measured logarithm of the counts.
    within_ln_sd : float
        Spread between the seconds of a burst. Assumed.
    turn_probability : by stage
        Bursts that may leave the wrist turned. Fitted to the measured turns of more than 10° an hour: 35 12 2.1 1.6
        4.6.
    turn_ln_deg : (mean, SD)
        Logarithm of the angle. Fitted: above 10°, the measured quartiles are 18, 36 and 70°.
    largest_turn_deg : float
        Assumed.
    jiggle_deg : float
        SD of the small turns that other bursts leave. Assumed.
    turn_tie : float
        Correlation of a turn with the size of the movement. Assumed.
    """

    bursts_per_h: ByStage = (26.7, 10.3, 2.1, 1.5, 3.5)
    within_factor: ByStage = (1.45, 1.4, 1.4, 1.6, 1.4)
    person_ln_sd: ByStage = (0.3, 0.5, 0.9, 0.8, 0.9)
    person_change_ln_sd: float = 0.3
    change_probability: Table = (
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.22, 0.0, 0.0, 0.0),
        (0.0, 0.3, 0.15, 0.0, 0.3),
        (0.0, 0.25, 0.2, 0.0, 0.0),
    )
    awakening_probability: tuple[float, float, float] = (0.5, 0.65, 0.7)
    lead_s: float = 8.0
    duration_median_s: ByStage = (6.0, 3.5, 3.5, 5.0, 3.5)
    duration_ln_sd: ByStage = (1.1, 0.6, 0.7, 0.7, 0.6)
    duration_range_s: tuple[float, float] = (1.0, 180.0)
    peak_median_g: ByStage = (0.08, 0.1, 0.083, 0.088, 0.083)
    peak_ln_sd: ByStage = (0.7, 0.7, 0.7, 0.7, 0.7)
    within_ln_sd: float = 0.6
    turn_probability: ByStage = (1.0, 0.55, 0.8, 0.9, 0.95)
    turn_ln_deg: MeanSD = (3.45, 0.95)
    largest_turn_deg: float = 170.0
    jiggle_deg: float = 4.0
    turn_tie: float = 0.4


@dataclass(frozen=True, kw_only=True)
class AwakeParameters:
    """Wakefulness out of bed: evening, morning, daytime. Movement is assumed throughout.

    The heart rate was measured on MMASH (14 healthy men, 24 h): in the two hours before bed 12 bpm (SD between people
    9) above the night's median, over the whole day 21 (12); SD within 5 min 5.4; semivariance of 5-min means 22 bpm²
    at 5 min and 55 at 20 min.

    Attributes
    ----------
    offset_bpm : (mean, SD)
        Rise above the night's median when sitting. Fitted to the above.
    active_bpm : (mean, SD)
        Further rise when about. Fitted to the above.
    approach_s : float
        Time constant with which the heart follows.
    slow_sd_bpm, slow_tau_s : float
        Slow variation. Fitted to the above.
    fast_sd_bpm, fast_tau_s : float
        Fast variation. Fitted to the above.
    active_min, sitting_min : float
        Mean lengths of being about and of sitting, exponential.
    active_peak_g, active_ln_sd, active_tau_s : float
        Median of the largest acceleration of each second when about, spread and memory of its logarithm.
    sitting_bursts_per_h : float
        Bursts of movement when sitting, of the size of those of wakefulness in bed.
    """

    offset_bpm: MeanSD = (13.0, 7.0)
    active_bpm: MeanSD = (12.0, 5.0)
    approach_s: float = 45.0
    slow_sd_bpm: float = 6.0
    slow_tau_s: float = 1200.0
    fast_sd_bpm: float = 4.0
    fast_tau_s: float = 20.0
    active_min: float = 6.0
    sitting_min: float = 9.0
    active_peak_g: float = 0.15
    active_ln_sd: float = 0.9
    active_tau_s: float = 10.0
    sitting_bursts_per_h: float = 50.0


@dataclass(frozen=True, kw_only=True)
class WatchParameters:
    """What a watch makes of the heart rate.

    Attributes
    ----------
    delay_s, window_s : float
        The watch shows the mean of `window_s` seconds, `delay_s` seconds ago. Fitted: the variogram of the watch gives
        the window, the peaks after brief awakenings, 10-15 s after those of an ECG, the sum.
    step_s : (quantile levels, seconds)
        Distance between samples. Measured.
    gaps_per_h, gap_ln_s : float, (mean, SD)
        Gaps longer than 15 s and the logarithm of their lengths; removal of the watch included. Measured.
    """

    delay_s: float = 9.0
    window_s: float = 10.0
    step_s: tuple[tuple[float, ...], tuple[float, ...]] = (
        (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0),
        (1.0, 2.0, 5.0, 5.0, 6.0, 9.0, 14.0),
    )
    gaps_per_h: float = 0.84
    gap_ln_s: MeanSD = (4.687, 0.884)


@dataclass(frozen=True, kw_only=True)
class BeatParameters:
    """Variability of the beats around the heart rate: breathing (HF) and the band 0.04-0.15 Hz (LF).

    Ratios between stages were measured on the Chang Gung set (Chung 2021, Front Physiol 12:637684; 117 patients of a
    sleep laboratory, ECG) and on slpdb; levels in health on MMASH (healthy men asleep).

    Attributes
    ----------
    rmssd_ms : float
        Median in N2 of healthy people. Measured (MMASH): 56 ms over the whole sleep.
    rmssd_ln_sd : float
        SD between people of its logarithm. Measured (MMASH).
    rmssd_ln_per_bpm : float
        Lower in people with a higher resting rate. Assumed.
    rmssd_ratio : by stage
        Ratio to one's own N2. Fitted: with surges and fluctuation, 0.88 0.98 1 0.95 0.82 (measured, Chang Gung).
    lf_hf : by stage
        Ratio of the powers. Measured (Chang Gung).
    lf_share : by stage
        Share of the LF power that the fluctuation of the rate does not bring already. Fitted.
    hf_share : float
        Share of the RMSSD that breathing brings. Fitted.
    lf_band_hz : (low, high)
        Task Force 1996, doi:10.1161/01.CIR.93.5.1043.
    lf_edge : float
        Steepness of the band's edges: order of the roll-off. Assumed.
    breathing_hz : by stage
        Median frequency. Measured (Chang Gung).
    breathing_between_sd_hz : float
        SD between people. Measured (Chang Gung): interquartile range 0.06 Hz.
    breathing_sd_hz : by stage
        SD of the frequency within a stage. Measured (Chang Gung).
    breathing_tau_s : float
        Memory of that frequency. Assumed.
    breathing_range_hz : (lowest, highest)
        Assumed.
    depth_ln_sd, depth_tau_s : float
        Variation of the depth of breathing. Assumed.
    interval_power : float
        Variability in ms shrinks with this power of the mean interval. Assumed; its decrease with the mean interval is
        published (Sacha 2014, Ann Noninvasive Electrocardiol 19:207).
    smallest_factor : float
        The modulated rate does not fall below this share of the rate. Assumed.
    """

    rmssd_ms: float = 58.0
    rmssd_ln_sd: float = 0.32
    rmssd_ln_per_bpm: float = -0.015
    rmssd_ratio: ByStage = (0.72, 0.92, 1.0, 0.97, 0.82)
    lf_hf: ByStage = (3.1, 2.4, 1.6, 0.8, 3.5)
    lf_share: ByStage = (0.7, 0.4, 0.75, 0.8, 0.7)
    hf_share: float = 0.95
    lf_band_hz: tuple[float, float] = (0.04, 0.15)
    lf_edge: float = 8.0
    breathing_hz: ByStage = (0.225, 0.25, 0.25, 0.254, 0.258)
    breathing_between_sd_hz: float = 0.035
    breathing_sd_hz: ByStage = (0.054, 0.034, 0.017, 0.01, 0.046)
    breathing_tau_s: float = 10.0
    breathing_range_hz: tuple[float, float] = (0.1, 0.6)
    depth_ln_sd: float = 0.25
    depth_tau_s: float = 30.0
    interval_power: float = 2.0
    smallest_factor: float = 0.4


@dataclass(frozen=True, kw_only=True)
class AccelerationParameters:
    """Raw acceleration of the wrist, and the sensor.

    Attributes
    ----------
    rate_hz : float
        Empatica E4.
    noise_g : float
        SD of the noise of each axis. Measured (one E4 recording): 7-8 mg.
    step_g : float
        Least step; 1/64 g, Empatica E4.
    range_g : float
        Largest value; Empatica E4.
    carrier_hz : (low, high)
        Frequencies of the fast part of a movement, inside the band of the counts. Assumed.
    sway_hz : (low, high)
        Frequencies of its slow part. Assumed.
    sway_factor : float
        Size of the slow part in units of the fast. Assumed.
    axis_factor : (x, y, z)
        Size of the fast part on each axis; counts are of z. Assumed.
    plateau_share : float
        Share of each second in which its own strength holds; the rest crosses over to its neighbours'. Assumed.
    breathing_g : float
        Swing of the wrist with breathing. Assumed.
    settling_sd_g, settling_tau_s : float
        Slow movement of a lying arm. Assumed.
    resting_z_g : float
        Mean of the axis that leaves the skin in a habitual posture, out of bed. Assumed.
    about_sd_g : float
        Spread of the direction of gravity when about. Assumed.
    about_turn_s : float
        Seconds between its turns when about. Assumed.
    """

    rate_hz: float = 32.0
    noise_g: float = 0.0075
    step_g: float = 1.0 / 64.0
    range_g: float = 2.0
    carrier_hz: tuple[float, float] = (4.0, 8.0)
    sway_hz: tuple[float, float] = (0.4, 1.5)
    sway_factor: float = 1.5
    axis_factor: tuple[float, float, float] = (0.9, 1.1, 1.0)
    plateau_share: float = 0.8
    breathing_g: float = 0.0015
    settling_sd_g: float = 0.009
    settling_tau_s: float = 900.0
    resting_z_g: float = 0.6
    about_sd_g: float = 0.6
    about_turn_s: float = 4.0


@dataclass(frozen=True, kw_only=True)
class PpgParameters:
    """Photoplethysmogram of the wrist.

    Attributes
    ----------
    rate_hz : float
        Empatica E4.
    pulses : tuple of (a1, theta1, b1, a2, theta2, b2)
        Pulse shapes, heights, phases and widths of two Gaussians: Tang 2020 (doi:10.1038/s41598-020-69076-x),
        excellent and acceptable, published; the wrist of an E4, measured. A person has a mixture.
    mixture : tuple of float
        Concentrations of that mixture (Dirichlet). Assumed.
    amplitude : (mean, SD) of the logarithm
        Peak to peak, in the units of BVP.csv. Measured (one E4 recording): SD of still seconds about 10-20.
    arrival_s : (mean, SD)
        From the heart beat to the foot of the pulse at the wrist. Assumed.
    amplitude_ln_sd, amplitude_tau_s : float
        Slow variation within a night. Measured (one person, six nights): SD 0.26-0.64.
    amplitude_fast_ln_sd, amplitude_fast_tau_s : float
        Faster variation. Measured (the same): semivariance 0.03-0.07 at 10 s and 0.04-0.19 at 5 min.
    beat_ln_sd : float
        From beat to beat. Assumed.
    breathing_amplitude, breathing_baseline : float
        Modulation of the amplitude, and of the baseline in units of it, by breathing. Assumed.
    drop_per_bpm : float
        Depth, as logarithm, of the drop of the amplitude with a surge of the heart rate. Assumed: 0.05 gives 38 % at
        10 bpm, the mean depth of drops at the finger (published: Hirotsu 2020, doi:10.1093/sleep/zsz322).
    largest_drop : float
        As logarithm. Assumed.
    drop_delay_s, drop_width_s : float
        Delay after the surge; width at half depth 14 s. Published: Hirotsu 2020.
    noise_share : float
        SD of the sensor's noise in units of the median amplitude. Assumed.
    wander_share, wander_tau_s : float
        Wandering of the baseline. Assumed.
    artefacts_per_h : by stage
        Runs of artefact without a movement of the whole wrist. Fitted: 3-8 % of the night, wake 9-29 %, N3 0.4-2 %,
        movements included (measured on one person).
    artefact_ln_s : (mean, SD)
        Logarithm of the length in seconds. Measured: median 5-6 s, 90 % below 10-16 s.
    artefact_ln_ratio : (mean, SD)
        Logarithm of the artefact's SD over the pulse's, without movement. Assumed.
    movement_ratio, movement_g : float
        The same for a movement of that size; it grows with the root of the size. Measured (one E4 recording): 9.
    largest_ratio : float
        Measured (the same): 90 % below 27.
    artefact_band_hz, artefact_edge : (low, high), float
        Band and order of its edges. Assumed.
    losses_per_h, loss_ln_s : float, (mean, SD)
        Losses of contact and the logarithm of their length. Measured on the watches of Sleep-Accel.
    """

    rate_hz: float = 64.0
    pulses: tuple[tuple[float, ...], ...] = (
        (1.0, -1.516, 0.630, 0.200, 0.819, 1.023),
        (0.730, -1.551, 0.728, 0.529, -0.255, 1.227),
        (0.762, -1.328, 0.796, 0.779, 0.676, 1.259),
    )
    mixture: tuple[float, ...] = (2.0, 2.0, 1.0)
    amplitude: MeanSD = (4.1, 0.5)
    arrival_s: MeanSD = (0.25, 0.02)
    amplitude_ln_sd: float = 0.3
    amplitude_tau_s: float = 1800.0
    amplitude_fast_ln_sd: float = 0.15
    amplitude_fast_tau_s: float = 20.0
    beat_ln_sd: float = 0.06
    breathing_amplitude: float = 0.07
    breathing_baseline: float = 0.1
    drop_per_bpm: float = 0.05
    largest_drop: float = 1.2
    drop_delay_s: float = 4.0
    drop_width_s: float = 14.0
    noise_share: float = 0.015
    wander_share: float = 0.06
    wander_tau_s: float = 5.0
    artefacts_per_h: ByStage = (45.0, 18.0, 8.0, 2.0, 10.0)
    artefact_ln_s: MeanSD = (1.7, 0.65)
    artefact_ln_ratio: MeanSD = (1.0, 0.6)
    movement_ratio: float = 9.0
    movement_g: float = 0.1
    largest_ratio: float = 30.0
    artefact_band_hz: tuple[float, float] = (0.4, 6.0)
    artefact_edge: float = 4.0
    losses_per_h: float = 0.84
    loss_ln_s: MeanSD = (4.687, 0.884)


@dataclass(frozen=True, kw_only=True)
class E4Parameters:
    """What the firmware of an Empatica E4 makes of its own signals.

    Attributes
    ----------
    interval_margin_s : int
        It gives no intervals within this many seconds of an artefact. Assumed; awake, it gave intervals for 9 % of the
        time (measured, one recording).
    interval_step_s : float
        Intervals are whole multiples of the PPG's sampling interval.
    rate_window_s : float
        HR.csv holds means of this length, and begins as much later.
    """

    interval_margin_s: int = 3
    interval_step_s: float = 1.0 / 64.0
    rate_window_s: float = 10.0


@dataclass(frozen=True, kw_only=True)
class TemperatureParameters:
    """Skin temperature of the wrist. From the literature but for the sensor: no scored night was at hand.

    Attributes
    ----------
    awake_c : (mean, SD)
        Published: Wei & Boger 2021, doi:10.2196/26462.
    asleep_c : (mean, SD)
        Published: Wei & Boger 2021, young adults. Drawn independently of the temperature awake, which gives nearly the
        published spread of the rise, 2.48 ± 0.88 °C.
    least_rise_c : float
        Assumed.
    rise_after_min : (first, last)
        The rise begins this long after lights-off. Assumed; it follows lights-off rather than sleep (published:
        Kräuchi & Wirz-Justice 2001, doi:10.1016/S0893-133X(01)00315-3).
    rise_tau_min : float
        Derived: 0.6 °C in the 10 min before sleep (published: doi:10.1080/09291016.2020.1802160).
    fall_tau_min : float
        After the final awakening and out of bed. Assumed; a sharp drop (published: Sarabia 2008,
        doi:10.1016/j.physbeh.2008.08.005).
    awake_share : float
        Share of the rise that a long awakening in bed would lose. Assumed.
    rem_c : (mean, SD)
        Warmer in REM sleep at neutral ambient temperature. Direction published (Buguet 1979), size assumed.
    rem_tau_min : float
        Assumed.
    uncovered_per_night, uncovered_c, uncovered_min : float, (low, high), (low, high)
        Hand outside the covers: mean number, cooling, duration. Assumed.
    uncovered_tau_min : float
        Assumed.
    slow_sd_c, slow_tau_min : float
        Wandering. Assumed.
    noise_sd_c, noise_tau_s : float
        Short-term noise of the sensor. Measured (one E4 recording, awake).
    step_c : float
        Measured (the same).
    rate_hz : float
        Empatica E4.
    """

    awake_c: MeanSD = (32.49, 0.83)
    asleep_c: MeanSD = (34.98, 0.55)
    least_rise_c: float = 0.5
    rise_after_min: tuple[float, float] = (0.0, 10.0)
    rise_tau_min: float = 37.0
    fall_tau_min: float = 15.0
    awake_share: float = 0.4
    rem_c: MeanSD = (0.15, 0.1)
    rem_tau_min: float = 5.0
    uncovered_per_night: float = 1.2
    uncovered_c: tuple[float, float] = (0.8, 2.0)
    uncovered_min: tuple[float, float] = (20.0, 60.0)
    uncovered_tau_min: float = 6.0
    slow_sd_c: float = 0.3
    slow_tau_min: float = 60.0
    noise_sd_c: float = 0.017
    noise_tau_s: float = 3.0
    step_c: float = 0.01
    rate_hz: float = 4.0


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Everything that a simulated night is drawn from.

    Examples
    --------
    >>> import dataclasses
    >>> fitter = dataclasses.replace(DEFAULT, heart=dataclasses.replace(DEFAULT.heart, resting_bpm=(52.0, 5.0)))
    >>> fitter.heart.resting_bpm
    (52.0, 5.0)
    """

    hypnogram: HypnogramParameters = field(default_factory=HypnogramParameters)
    age: AgeParameters = field(default_factory=AgeParameters)
    heart: HeartParameters = field(default_factory=HeartParameters)
    arousal: ArousalParameters = field(default_factory=ArousalParameters)
    movement: MovementParameters = field(default_factory=MovementParameters)
    awake: AwakeParameters = field(default_factory=AwakeParameters)
    watch: WatchParameters = field(default_factory=WatchParameters)
    beats: BeatParameters = field(default_factory=BeatParameters)
    acceleration: AccelerationParameters = field(default_factory=AccelerationParameters)
    ppg: PpgParameters = field(default_factory=PpgParameters)
    temperature: TemperatureParameters = field(default_factory=TemperatureParameters)
    e4: E4Parameters = field(default_factory=E4Parameters)


DEFAULT = Parameters()
"""Healthy young adults."""
