"""The smallest files worth damaging: a few of every format that can be read, with made-up numbers.

A case is file names and contents. One file stands alone; several are a folder.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import json
from collections.abc import Callable, Mapping

import edfio
import numpy as np
from numpy.typing import NDArray

from tests.readers import (
    actigraph_files,
    axivity_files,
    fit_files,
    geneactiv_files,
    test_apple_health,
    test_dreamt,
    test_edf,
    test_fitbit,
    test_garmin_csv,
    test_phone,
    test_plain,
    test_polar_flow,
    test_polar_sensor,
    test_sleep_accel,
    wfdb_files,
)
from tests.readers.conftest import acc_of_a_night, e4_texts, heart_of_a_night

Files = dict[str, bytes]

START = dt.datetime(2026, 3, 28, 22, 41, 5)


def _encoded(texts: Mapping[str, str]) -> Files:
    return {name: text.encode() for name, text in texts.items()}


def _every(n: int, text: str) -> str:
    """Every n-th of many lines."""
    lines = text.splitlines(keepends=True)
    return "".join(lines if len(lines) < 10 * n else lines[::n])


def _wrist(n: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return np.array([0.1, -0.6, 0.8]) + 0.2 * np.sin(np.arange(n) / 300)[:, None] + rng.normal(0, 0.02, (n, 3))


def _gt3x(kind: int) -> Files:
    zero = int(START.replace(tzinfo=dt.UTC).timestamp())
    units = np.rint(_wrist(10 * 30) * 256).astype(np.int64).reshape(10, 30, 3)
    pack = {actigraph_files.PLAIN: actigraph_files.plain, actigraph_files.PACKED: actigraph_files.packed}[kind]
    records = [actigraph_files.record(actigraph_files.PARAMETERS, zero, actigraph_files.parameters(256.0))]
    records += [actigraph_files.record(kind, zero + second, pack(each)) for second, each in enumerate(units)]
    return {"info.txt": actigraph_files.info({}), "log.bin": b"".join(records)}


def _cwa(kind: int) -> Files:
    return {"CWA-DATA.CWA": axivity_files.cwa(_wrist(1200), start=START, kind=kind)}


def _edf(*, plus: bool, gaps: bool = False) -> Files:
    signals = [
        *test_edf.acc(rate_hz=8.0),
        test_edf.signal("Pleth", 16.0),
        test_edf.signal("Skin temp", 1.0, "degC", 33, 0.1),
        test_edf.signal("HR", 1.0, "bpm", 60, 5),
    ]
    seconds = 30
    short = [
        edfio.EdfSignal(
            signal.data[: int(seconds * signal.sampling_frequency)],
            signal.sampling_frequency,
            label=signal.label,
            physical_dimension=signal.physical_dimension,
        )
        for signal in signals
    ]
    content = test_edf.edf(short, plus=plus).to_bytes()
    return {"night.edf": content.replace(b"EDF+C", b"EDF+D", 1) if gaps else content}


def _wfdb(number: int) -> Files:
    signals = [
        wfdb_files.Made("PLETH", np.rint(20 * np.sin(np.arange(600) / 20)).astype(np.int64), 50.0, 7, "NU"),
        wfdb_files.Made("ECG", np.rint(20 * np.sin(np.arange(600) / 9)).astype(np.int64)),
    ]
    return {
        "s07.hea": wfdb_files.header("s07", signals, number).encode(),
        "s07.dat": wfdb_files.signal_file(signals, number),
    }


def _apple() -> Files:
    bed = test_apple_health.in_bed(test_apple_health.EVENING, test_apple_health.EVENING + dt.timedelta(hours=1))
    records = test_apple_health.records(*heart_of_a_night(0.05))
    return {"export.xml": test_apple_health.export(records, bed).encode()}


def _polar() -> Files:
    seconds, acc = acc_of_a_night(0.003, rate_hz=52.0)
    ends, intervals = test_polar_sensor.beats(0.02)
    n = len(ends)
    ones = np.ones(n, dtype=int)
    return _encoded(
        {
            "Polar_Sense_A_20240301_221005_ACC.txt": test_polar_sensor.acc_text(seconds, acc),
            "Polar_Sense_A_20240301_221005_PPI.txt": test_polar_sensor.rows(
                test_polar_sensor.PPI, ends, intervals, 12 * ones, 0 * ones, ones, ones, 0 * ones
            ),
            "Polar_Sense_A_20240301_221005_HR.txt": test_polar_sensor.rows(
                "Phone timestamp;HR [bpm];HRV [ms];Breathing interval [rpm];", range(60), [61] * 60
            ),
            "Polar_Sense_A_20240301_221005_PPG.txt": test_polar_sensor.rows(
                "Phone timestamp;sensor timestamp [ns];channel 0;channel 1;channel 2;ambient",
                *(np.arange(220) / 55, test_polar_sensor.SENSOR_NS + np.arange(220) * 10**9 // 55),
                *(np.arange(220) % 55 * 100, np.arange(220) % 55 * 99, np.arange(220) % 55 * 98, np.full(220, -7)),
            ),
        }
    )


def _phone(log: Callable[[NDArray[np.float64], NDArray[np.float64]], str], name: str) -> Files:
    return {name: log(*acc_of_a_night(0.003)).encode()}


def _sensor_logger() -> Files:
    seconds, acc = acc_of_a_night(0.003)
    beats, bpm = heart_of_a_night(0.05)
    return _encoded(
        {
            "TotalAcceleration.csv": test_phone.sensor_logger(seconds, acc[:, ::-1] * test_phone.G),
            "HeartRate.csv": test_phone.sensor_logger(beats, bpm[:, None], "time,seconds_elapsed,bpm"),
            "Metadata.csv": "version,device name\n3,iPhone\n",
        }
    )


def _phyphox() -> Files:
    head = '"event","experiment time","system time","system time text"'
    row = f'"START",0.0,{test_phone.START}.25,"2023-11-14 23:13:20.250 UTC+01:00"'
    table = _phone(test_phone.phyphox, "Accelerometer.csv")
    return table | {"meta/time.csv": f"{head}\n{row}\n".encode()}


def _plain(**options: object) -> Files:
    texts = test_plain.night(seconds=20.0, **options)
    about = 'start = "2026-03-28T22:41:05+01:00"\nlights_off = 5\nlights_on = 15.5\nsubject = "S07"\n'
    return _encoded(texts | {"recording.toml": about})


def _fitbit(which: str) -> Files:
    seconds, bpm = heart_of_a_night(0.05)
    if which == "days":
        return _encoded(test_fitbit.export(seconds, bpm))
    if which == "takeout":
        return {"heart_rate_2024-03-01.csv": test_fitbit.takeout(seconds, bpm).encode()}
    return {"day.json": test_fitbit.intraday(seconds, bpm).encode()}


def _hdf5(put: str) -> Files:
    import h5py

    from tests.readers import test_hdf5

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        getattr(test_hdf5, put)(file, *acc_of_a_night(0.003))
        file["hr/t_s"], file["hr/bpm"] = heart_of_a_night(0.02)
        file.attrs.update({"start": test_hdf5.START, "subject": "S07", "lights_off": 5})
    return {"night.h5": content.getvalue()}


def _parquet(*, stamped: bool) -> Files:
    from pyarrow import parquet

    from tests.readers import test_parquet

    seconds, _ = acc_of_a_night(0.003)
    table = test_parquet.acc_table(0.003, test_parquet.stamps(seconds, "ns", "Europe/Berlin") if stamped else None)
    content = io.BytesIO()
    parquet.write_table(table, content)
    return {"acc.parquet": content.getvalue()}


def _avro(codec: str) -> Files:
    import fastavro

    from tests.readers import test_embrace_plus

    def part(index: int) -> bytes:
        content = io.BytesIO()
        fastavro.writer(
            content, test_embrace_plus.schema(), [test_embrace_plus.quarter(index, length_s=8)], codec=codec
        )
        return content.getvalue()

    return {f"1-1-S07_170933{index}.avro": part(index) for index in range(2)}


def _fit(*, big: bool) -> Files:
    zero = int(dt.datetime(2024, 3, 1, 22, 10, 5, tzinfo=dt.UTC).timestamp()) - fit_files.EPOCH_S
    clock = fit_files.message(162, (253, "I", zero), (3, "I", zero + 3600))
    records = [fit_files.message(20, (253, "I", zero + i), (3, "B", 60 + i % 5), big=big) for i in range(60)]
    monitoring = [fit_files.message(55, (26, "H", (zero + 60 * i) & 0xFFFF), (27, "B", 61), big=big) for i in range(9)]
    beats = [fit_files.message(78, (0, "H", (1000, 990, 1010, None, None)), big=big) for _ in range(9)]
    return {"night.fit": fit_files.fit(clock, *records, *monitoring, *beats)}


def _labfront() -> Files:
    ends, intervals = test_garmin_csv.beats(0.02)
    return _encoded(
        {
            "bbi/240301_garmin-device-bbi_S07_2b.csv": test_garmin_csv.labfront("bbi", ends, intervals),
            "hr/240301_garmin-device-heart-rate_S07_2b.csv": test_garmin_csv.labfront(
                "beatsPerMinute", range(0, 60, 5), range(60, 72)
            ),
        }
    )


def _polar_flow() -> Files:
    return _encoded(
        {
            "247ohr_1_2024_03-abc.json": json.dumps(test_polar_flow.days_of(*heart_of_a_night(0.05))),
            "ppi_samples_1_2024_03-abc.json": json.dumps(test_polar_flow.intervals_of(*test_polar_flow.beats(0.02))),
        }
    )


_LIBRARIES = {"hdf5": "h5py", "parquet": "pyarrow", "embrace_plus": "fastavro", "garmin_fit": "fitdecode"}
"""What must be installed to make, or to read, files of some formats."""

_ALL: Mapping[str, Mapping[str, Callable[[], Files]]] = {
    "e4": {"session": lambda: _encoded(e4_texts(20))},
    "edf": {
        "plain": lambda: _edf(plus=False),
        "plus": lambda: _edf(plus=True),
        "discontinuous": lambda: _edf(plus=True, gaps=True),
    },
    "geneactiv": {"bin": lambda: {"night.bin": geneactiv_files.geneactiv(_wrist(1200), start=START)}},
    "axivity": {
        "packed": lambda: _cwa(axivity_files.PACKED),
        "unpacked": lambda: _cwa(axivity_files.UNPACKED),
        "with gyroscope": lambda: _cwa(axivity_files.WITH_GYROSCOPE),
    },
    "actigraph": {
        "plain": lambda: _gt3x(actigraph_files.PLAIN),
        "packed": lambda: _gt3x(actigraph_files.PACKED),
    },
    "wfdb": {str(number): (lambda number=number: _wfdb(number)) for number in (8, 16, 24, 212, 310)},
    "sleep_accel": {
        "cropped": lambda: _encoded(test_sleep_accel.cropped()),
        "raw": lambda: _encoded({name: _every(100, text) for name, text in test_sleep_accel.raw().items()}),
    },
    "apple_health": {"export": _apple},
    "fitbit": {which: (lambda which=which: _fitbit(which)) for which in ("days", "takeout", "intraday")},
    "polar_sensor": {"streams": _polar},
    "phone": {
        "SensorLog": lambda: _phone(test_phone.sensor_log, "watch.csv"),
        "Sensor Logger": _sensor_logger,
        "phyphox": _phyphox,
    },
    "hdf5": {put: (lambda put=put: _hdf5(put)) for put in ("as_group", "as_fields", "as_even")},
    "parquet": {"seconds": lambda: _parquet(stamped=False), "stamps": lambda: _parquet(stamped=True)},
    "embrace_plus": {codec: (lambda codec=codec: _avro(codec)) for codec in ("null", "deflate")},
    "garmin_fit": {"little": lambda: _fit(big=False), "big": lambda: _fit(big=True)},
    "garmin_csv": {
        "Labfront": _labfront,
        "bare": lambda: {"acc.csv": test_garmin_csv.bare(*acc_of_a_night(0.003)).encode()},
    },
    "dreamt": {"wristband": lambda: {"S002_whole_df.csv": test_dreamt.night(0.005)[0].encode()}},
    "polar_flow": {"days": _polar_flow},
    "plain": {
        "seconds": _plain,
        "times": lambda: _plain(
            stamp=test_plain.iso(dt.datetime(2026, 3, 28, 22, 41, 5, tzinfo=test_plain.CET)), time_column="time"
        ),
    },
}

SMALL_FILES = {
    name: variants
    for name, variants in _ALL.items()
    if name not in _LIBRARIES or importlib.util.find_spec(_LIBRARIES[name]) is not None
}
"""Makers by format and variant, of the formats that can be read here."""
