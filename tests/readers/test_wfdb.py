from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from staging.readers.wfdb_header import parse_header
from tests.readers.conftest import zip_of
from tests.readers.hostile import assert_read_or_refused
from tests.readers.wfdb_files import BITS, Made, header, signal_file

N = 1251


def wave(n=N, size=20, seed=0):
    rng = np.random.default_rng(seed)
    return np.rint(size * np.sin(np.arange(n) / 20) + rng.normal(0, 1, n)).astype(np.int64)


def axes(n=N):
    return [
        Made(f"ACC {axis}", middle + wave(n, 3, seed), 100.0, 0, "g")
        for seed, (axis, middle) in enumerate(zip("XYZ", (0, 60, 80), strict=True))
    ]


@pytest.fixture
def written(tmp_path):
    def write(signals, number=16, name="s07", **options):
        (tmp_path / f"{name}.hea").write_text(header(name, signals, number, **options))
        file = options.get("file") or f"{name}.dat"
        (tmp_path / file).write_bytes(signal_file(signals, number, options.get("offset", 0)))
        return tmp_path / f"{name}.hea"

    return write


@pytest.mark.parametrize("number", BITS)
@pytest.mark.parametrize("n_signals", [1, 2, 3, 5])
def test_every_format_in_one_file_of_several_signals(written, number, n_signals):
    signals = [Made("PLETH", wave(), 50.0, 7, "NU"), *(Made(f"ECG {i}", wave(seed=i)) for i in range(1, 5))]
    recording = staging.read(written(signals[:n_signals], number))
    assert list(recording.channels()) == ["ppg"]
    expected = (wave() - 7) / 50
    if number == 8:  # which knows no more than 8 bits of difference
        assert np.abs(np.diff(wave())).max() < 128
    np.testing.assert_allclose(recording.ppg.samples, expected, rtol=1e-6, atol=1e-7)
    assert recording.ppg.rate_hz == 125
    assert recording.start == dt.datetime(2026, 3, 28, 22, 41, 5, 250_000, dt.UTC)
    assert not any("checksum" in warning or "cut short" in warning for warning in recording.warnings)


@pytest.mark.parametrize("number", [number for number in BITS if number != 8])
def test_the_lowest_value_of_a_format_is_none(written, number):
    low, high = -(1 << BITS[number] - 1), (1 << BITS[number] - 1) - 1
    digital = wave()
    digital[[3, 4]] = low, low + 1
    digital[9] = high
    ppg = staging.read(written([Made("PLETH", digital)], number)).ppg
    assert np.flatnonzero(np.isnan(ppg.samples)).tolist() == [3]
    np.testing.assert_allclose(ppg.samples[[4, 9]], np.float32([(low + 1) / 100, high / 100]), rtol=1e-6)


@settings(deadline=None, max_examples=25)
@given(
    number=st.sampled_from([number for number in BITS if number != 8]),
    per_frame=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    skew=st.integers(0, 5),
    offset=st.sampled_from([0, 24]),
    frames=st.integers(12, 60),
    seed=st.integers(0, 99),
)
def test_samples_of_a_frame_skew_and_offset(number, per_frame, skew, offset, frames, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wfdb")
    limit = (1 << BITS[number] - 1) - 1
    rng = np.random.default_rng(seed)
    signals = [
        Made(f"S{i}", rng.integers(-limit, limit, frames * each), 1.0, 0, "NU", each, skew if i == 0 else 0)
        for i, each in enumerate(per_frame)
    ]
    (folder / "r.hea").write_text(header("r", signals, number, offset=offset, frame_hz=10))
    (folder / "r.dat").write_bytes(signal_file(signals, number, offset))
    for i, (signal, each) in enumerate(zip(signals, per_frame, strict=True)):
        ppg = staging.read(folder, channels={"ppg": f"S{i}"}).ppg
        assert ppg.rate_hz == 10 * each
        kept = len(signal.digital) - signal.skew * each
        np.testing.assert_allclose(ppg.samples[:kept], signal.digital[:kept].astype(np.float32), rtol=1e-6)
        assert np.isnan(ppg.samples[kept:]).all()


def test_channels_by_their_descriptions_in_their_units(written):
    signals = [
        *axes(),
        Made("Pleth", wave(), 10, 0, "mV"),
        Made("Skin temp", 914 + wave(size=2), 10, 0, "degF"),
        Made("ECG II", wave()),
    ]
    recording = staging.read(written(signals, 16))
    assert list(recording.channels()) == ["acc", "ppg", "temp"]
    np.testing.assert_allclose(recording.acc.samples.mean(axis=0), [0, 0.6, 0.8], atol=0.02)
    assert recording.temp.samples.mean() == pytest.approx(33, abs=0.1)
    assert "descriptions not used: ECG II" in recording.warnings


def test_axes_in_files_of_their_own_may_end_at_different_times(tmp_path):
    lines = ["r 3 125"]
    for axis, n in zip(axes(), (N, N - 7, N), strict=True):
        file = f"{axis.label[-1]}.dat"
        lines.append(f"{file} 16 100/g 16 0 0 0 0 {axis.label}")
        (tmp_path / file).write_bytes(axis.digital[:n].astype("<i2").tobytes())
    (tmp_path / "r.hea").write_text("\n".join(lines))
    acc = staging.read(tmp_path).acc
    np.testing.assert_allclose(acc.samples[: N - 7], np.stack([a.digital for a in axes()], 1)[: N - 7] / 100, rtol=1e-6)
    assert np.isnan(acc.samples[N - 7 :, 1]).all()
    assert np.isfinite(acc.samples[:, [0, 2]]).all()


def test_heart_rates_of_a_record_of_numbers_are_events(written):
    recording = staging.read(written([Made("HR", 60 + wave(60, 3), 1, 0, "bpm")], 16, frame_hz=0.5))
    np.testing.assert_array_equal(recording.hr.times_s, np.arange(60) * 2.0)
    np.testing.assert_array_equal(recording.hr.values, 60 + wave(60, 3))


def test_a_signal_can_be_named(written):
    path = written([Made("Sensor 1", wave())], 212)
    with pytest.raises(FormatError, match=r"s07\.hea: no label tells of a sensor .*; say which .*Sensor 1"):
        staging.read(path)
    assert len(staging.read(path, channels={"ppg": "sensor 1"}).ppg.samples) == N


def test_header_signal_file_folder_and_zip_are_the_same_record(written):
    path = written([Made("PLETH", wave())], 16, file="s07.mat", offset=24)
    (path.parent / "readme.txt").write_text("notes")
    by_header = staging.read(path)
    for other in (path.with_suffix(".mat"), path.parent, zip_of(path.parent)):
        np.testing.assert_array_equal(staging.read(other).ppg.samples, by_header.ppg.samples)


def test_several_records_in_one_folder_are_to_be_chosen_from(written):
    path = written([Made("PLETH", wave())], name="a")
    written([Made("PLETH", wave())], name="b")
    with pytest.raises(FormatError, match=r"holds 2 WFDB \.hea files \(a\.hea, b\.hea\); give one WFDB \.hea file"):
        staging.read(path.parent)
    assert len(staging.read(path).ppg.samples) == N


@pytest.mark.parametrize("layout", [True, False])
def test_segments_stand_one_behind_the_other_and_gaps_are_nan(written, layout):
    path = written([Made("ECG", wave()), Made("PLETH", wave(), 10)], 16, name="p_1")
    written([Made("PLETH", wave(seed=5), 20)], 212, name="p_2")
    written([Made("ECG", wave(seed=6))], 80, name="p_3")
    lines = [f"p_1 {N}", f"~ {2 * N}", f"p_2 {N}", f"p_3 {N}", f"lost {N}"]
    if layout:
        empty = "p_0 2 125 0\n~ 0 200/mV 12 0 0 0 0 ECG\n~ 0 10/NU 12 0 0 0 0 PLETH\n"
        (path.parent / "p_0.hea").write_text(empty)
        lines.insert(0, "p_0 0")
    master = f"p/{len(lines)} 2 125 {6 * N} 22:41:05 28/03/2026\n" + "\n".join(lines) + "\n"
    (path.parent / "p.hea").write_text(master)
    recording = staging.read(path.parent / "p.hea")
    np.testing.assert_allclose(recording.ppg.samples[:N], wave() / 10, rtol=1e-6, atol=1e-7)
    assert np.isnan(recording.ppg.samples[N : 3 * N]).all()
    np.testing.assert_allclose(recording.ppg.samples[3 * N :], wave(seed=5) / 20, rtol=1e-6, atol=1e-7)
    assert f"1 of {len(lines)} segments are missing" in recording.warnings
    np.testing.assert_array_equal(staging.read(path.parent).ppg.samples, recording.ppg.samples)


def test_a_signal_file_cut_short_is_read_as_far_as_it_goes(written):
    path = written([*axes(), Made("PLETH", wave())], 212)
    content = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").write_bytes(content[: len(content) // 2 + 1])
    recording = staging.read(path)
    assert len(recording.ppg.samples) == N // 2
    np.testing.assert_allclose(recording.ppg.samples, wave()[: N // 2] / 100, rtol=1e-6, atol=1e-7)
    assert f"s07.dat is cut short: it holds {N // 2} of the {N} frames that its header states" in recording.warnings


def test_a_wrong_checksum_is_said(written):
    path = written([Made("PLETH", wave()), Made("ECG", wave())], 16)
    content = bytearray(path.with_suffix(".dat").read_bytes())
    content[400] ^= 1
    path.with_suffix(".dat").write_bytes(content)
    assert "s07.dat: the checksum of PLETH is wrong" in staging.read(path).warnings


@pytest.mark.parametrize("clock", ["", "22:41:05", "22:41:05 31/02/2026", "night 28/03/2026"])
def test_without_a_date_the_start_is_unknown(written, clock):
    recording = staging.read(written([Made("PLETH", wave())], 16, clock=clock))
    assert recording.start is None
    assert "the header has no date; clock times are unknown" in recording.warnings


def test_a_header_of_few_words_has_the_usual_values():
    described = parse_header(b"# a comment\r\n\r\nr 2\r\nr.dat 212\r\nr.dat 212 0 12 1024\r\n", "r.hea")
    assert (described.frame_hz, described.n_frames, described.start) == (250, 0, None)
    assert [(signal.gain, signal.baseline) for signal in described.signals] == [(200, 0), (200, 1024)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r 1 0 100\nr.dat 16 200 12 0 0 0 0 PLETH", "0 is no sampling frequency"),
        ("r 1 fast 100\nr.dat 16 200 12 0 0 0 0 PLETH", "fast is no sampling frequency"),
        ("r 2 125 100\nr.dat 16 200 12 0 0 0 0 PLETH", "2 lines should follow the first"),
        ("r 1 125 100\nr.dat", "'r.dat' does not describe a signal"),
        ("r 1 125 100\nr.dat 16x0 200 12 0 0 0 0 PLETH", "0 samples in a frame"),
        ("r/1 1 125 100\nr_1", "'r_1' is no segment and its length"),
        ("r 1 125 100\nq.dat 16 200 12 0 0 0 0 PLETH", r"the signal file q\.dat is not there; copy it into the folder"),
        ("r 1 125 100\n../r.dat 16 200 12 0 0 0 0 PLETH", r"the signal file \.\./r\.dat is not there"),
        ("r 1 125 100\nr.dat 516 200 12 0 0 0 0 PLETH", r"r\.dat: is in format 516, which cannot be read; convert it"),
        ("r 2 125 9\nr.dat 16 200 12 0 0 0 0 PLETH\nr.dat 80 200 12 0 0 0 0 ECG", r"signals of the formats \[16, 80\]"),
        ("r/2 1 125 100\nr_1 50\nr_2 50", "none of its segments is there"),
    ],
)
def test_a_damaged_header_is_named(tmp_path, text, message):
    (tmp_path / "r.hea").write_text(text)
    (tmp_path / "r.dat").write_bytes(bytes(200))
    with pytest.raises(FormatError, match=message):
        staging.read(tmp_path / "r.hea")


def test_lengths_that_the_header_claims_cost_nothing(written):
    path = written([Made("PLETH", wave())], 16)
    text = path.read_text()
    path.write_text(text.replace(f" {N} ", " 999999999999 ", 1))
    assert len(staging.read(path).ppg.samples) == N
    (path.parent / "m.hea").write_text(f"m/2 1 125 9\n~ 99999999999\ns07 {N}\n")
    with pytest.raises(FormatError, match="days at 125 Hz are too much for one recording"):
        staging.read(path.parent / "m.hea")


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_damage_gives_a_recording_or_one_clear_error(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wfdb")
    signals = [Made("PLETH", wave(200)), Made("HR", 60 + wave(200, 3), 1, 0, "bpm")]
    text = bytearray(header("r", signals, 212).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from(b"0123456789 ./:x+()-\n~\0\xff"))
    (folder / "r.hea").write_bytes(text)
    content = signal_file(signals, 212)
    (folder / "r.dat").write_bytes(content[: data.draw(st.integers(0, len(content)))])
    assert_read_or_refused(folder / "r.hea")


@pytest.mark.filterwarnings("ignore")  # its own, of pandas
@pytest.mark.parametrize("number", ["16", "24", "32", "80", "212"])
def test_records_that_the_reference_library_writes(tmp_path, number):
    wfdb = pytest.importorskip("wfdb", reason="wfdb is not installed")
    digital = np.column_stack([wave(seed=1), wave(seed=2), wave(seed=3)])
    wfdb.wrsamp(
        "ref",
        fs=125,
        units=["NU", "mV", "mV"],
        sig_name=["PLETH", "II", "V"],
        d_signal=digital,
        fmt=[number] * 3,
        adc_gain=[50, 200, 200],
        baseline=[10, 0, 0],
        write_dir=str(tmp_path),
        base_date=dt.date(2026, 3, 28),
        base_time=dt.time(22, 41, 5),
    )
    recording = staging.read(tmp_path / "ref.hea")
    expected = wfdb.rdrecord(str(tmp_path / "ref"), channels=[0]).p_signal[:, 0]
    np.testing.assert_allclose(recording.ppg.samples, expected, rtol=1e-6, atol=1e-7)
    assert not any("checksum" in warning for warning in recording.warnings)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", BITS)
def test_the_reference_library_reads_these_files_alike(written, number):
    wfdb = pytest.importorskip("wfdb", reason="wfdb is not installed")
    path = written([Made("PLETH", wave(), 50.0, 7, "NU"), Made("ECG", wave(seed=2))], number)
    expected = wfdb.rdrecord(str(path.with_suffix("")), channels=[0]).p_signal[:, 0]
    np.testing.assert_allclose(staging.read(path).ppg.samples, expected, rtol=1e-6, atol=1e-7)


def test_real_headers_without_their_signal_files_say_what_is_missing(shared_data):
    for path in sorted((shared_data / "slpdb").glob("*.hea"))[:3]:
        with pytest.raises(FormatError, match=rf"the signal file {path.stem}\.dat is not there|no label tells"):
            staging.read(path)


def test_a_gain_near_zero_is_refused_in_one_line(written):
    path = written([Made("PLETH", wave(), 50.0, 7, "NU")])
    path.write_text(path.read_text().replace("50(7)", "1e-320(7)"))
    assert_read_or_refused(path)
