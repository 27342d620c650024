"""How well a device agrees with the reference: epoch by epoch, night by night, and in its probabilities.

>>> from staging.agreement import agree
>>> from staging.hypnogram import Hypnogram
>>> psg = Hypnogram(stages=["W", "N1", "N2", "R"])
>>> watch = Hypnogram(stages=["W", "N2", "N2", "R"])
>>> agree([(psg, watch)]).epochs[5].pooled.accuracy
0.75
"""

from staging.agreement.bootstrap import Resampling, Spread
from staging.agreement.calibration import Calibration, CalibrationStudy, calibration, calibration_study
from staging.agreement.epochs import (
    ClassAgreement,
    EpochAgreement,
    EpochStudy,
    confusion,
    epoch_agreement,
    epoch_study,
    merge_confusion,
)
from staging.agreement.nights import MetricAgreement, compare_nights, night_agreement
from staging.agreement.pairing import Pair, align, pair
from staging.agreement.study import Agreement, agree

__all__ = [
    "Agreement",
    "Calibration",
    "CalibrationStudy",
    "ClassAgreement",
    "EpochAgreement",
    "EpochStudy",
    "MetricAgreement",
    "Pair",
    "Resampling",
    "Spread",
    "agree",
    "align",
    "calibration",
    "calibration_study",
    "compare_nights",
    "confusion",
    "epoch_agreement",
    "epoch_study",
    "merge_confusion",
    "night_agreement",
    "pair",
]
