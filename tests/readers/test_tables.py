from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from staging.errors import FormatError
from staging.readers.tables import Table

VALUES = st.floats(-1e6, 1e6).map(lambda value: round(value, 4))
GRIDS = npst.arrays(np.float64, npst.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=VALUES)


def written(grid, delimiter=",", newline="\n", header=False, end=True, decimal="."):
    rows = [delimiter.join(repr(float(value)).replace(".", decimal) for value in row) for row in grid]
    if header:
        rows.insert(0, delimiter.join(f"name{i}" for i in range(grid.shape[1])))
    return (newline.join(rows) + (newline if end else "")).encode()


@settings(deadline=None, max_examples=80)
@given(
    grid=GRIDS,
    delimiter=st.sampled_from([",", ", ", " ", "\t", ";"]),
    newline=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    header=st.booleans(),
    end=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_numbers_survive_every_way_of_writing_them(grid, delimiter, newline, header, end, encoding):
    text = written(grid, delimiter, newline, header, end).decode()
    table = Table.parse(text.encode(encoding), "t.csv")
    values, warnings = table.numbers(range(grid.shape[1]))
    np.testing.assert_array_equal(values, grid)
    assert bool(table.header) == header
    assert warnings == ()


@settings(deadline=None, max_examples=30)
@given(grid=GRIDS)
def test_a_comma_is_the_decimal_sign_where_semicolons_part_fields(grid):
    grid = np.column_stack([grid, grid])
    values, _ = Table.parse(written(grid, ";", decimal=","), "t.csv").numbers(range(grid.shape[1]))
    np.testing.assert_array_equal(values, grid)


@settings(deadline=None, max_examples=50)
@given(
    grid=GRIDS.filter(lambda grid: grid.shape[1] > 1),
    holes=st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1),
    none=st.sampled_from(["", "NA", "null", "n/a", "nan", '""']),
)
def test_fields_without_a_value_are_nan_and_leave_the_others_alone(grid, holes, none):
    rows = [[repr(float(value)) for value in row] for row in grid]
    expected = grid.copy()
    for row, column in holes:
        if 0 < row < len(rows) and column < grid.shape[1]:  # the first row tells that there is no header
            rows[row][column], expected[row, column] = none, np.nan
    text = "\n".join(",".join(row) for row in rows)
    values, _ = Table.parse(text.encode(), "t.csv").numbers(range(grid.shape[1]))
    np.testing.assert_array_equal(values, expected)


@settings(deadline=None, max_examples=40)
@given(good=st.integers(1, 20), above=st.integers(0, 2))
def test_a_field_that_is_no_number_is_named_by_its_line(good, above):
    lines = ["skipped"] * above + ["t_s,ppg"] + ["1,2"] * good + ["1,x2", "1,2"]
    table = Table.parse("\n".join(lines).encode(), "night/ppg.csv", skip_rows=above)
    with pytest.raises(FormatError, match=rf"^night/ppg\.csv: line {above + good + 2} is not 2 numbers; mend"):
        table.numbers([0, 1])


def test_a_last_row_that_was_cut_short_is_left_out_with_a_warning():
    values, warnings = Table.parse(b"1,2,3\n4,5,6\n7,8", "night/acc.csv").numbers([0, 1, 2])
    assert values.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert warnings == ("acc.csv: the last row was cut short and left out",)


def test_a_short_row_in_the_middle_is_an_error():
    with pytest.raises(FormatError, match="line 2 is not 3 numbers"):
        Table.parse(b"1,2,3\n4,5\n7,8,9", "acc.csv").numbers([0, 1, 2])


def test_zeros_at_the_end_of_a_file_that_was_not_closed_are_ignored():
    assert Table.parse(b"1,2\n3,4\n" + bytes(100), "t.csv").numbers([0, 1])[0].tolist() == [[1, 2], [3, 4]]


def test_binary_is_refused():
    with pytest.raises(FormatError, match="is not a text file"):
        Table.parse(b"1,2\0\0\n3,4", "t.csv")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"t_s,ppg\n", b"t_s,ppg"])
def test_a_table_without_rows_is_empty(content):
    table = Table.parse(content, "t.csv")
    assert table.numbers([0, 1])[0].shape == (0, 2)


@settings(deadline=None, max_examples=60)
@given(
    moments=st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)), min_size=1, max_size=6),
    offset=st.integers(-12 * 60, 14 * 60),
    separator=st.sampled_from(["T", " "]),
    column=st.sampled_from([0, 1]),
    quote=st.sampled_from(["", '"']),
)
def test_stamps_equal_the_standard_librarys(moments, offset, separator, column, quote):
    zone = timezone(timedelta(minutes=offset))
    rows = []
    for moment in moments:
        stamp = quote + moment.replace(tzinfo=zone).isoformat(separator) + quote
        rows.append(f"{stamp},1.5" if column == 0 else f"1.5,{stamp}")
    table = Table.parse(("a,b\n" + "\n".join(rows)).encode(), "t.csv")
    stamps = table.stamps(column)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    expected = [(moment.replace(tzinfo=zone) - epoch) // timedelta(microseconds=1) for moment in moments]
    assert stamps.wall_us.tolist() == expected
    assert stamps.offset == zone


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("2026-03-28T22:41:05Z", "2026-03-28T22:41:05"),
        ("2026-03-28T22:41:05.123456789+0100", "2026-03-28T21:41:05.123456"),
        ("2026-03-28 22:41:05-0330", "2026-03-29T02:11:05"),
        ("2026-03-28T22:41+02", "2026-03-28T20:41:00"),
        ("2026-03-28T22:41:05", "2026-03-28T22:41:05"),
    ],
)
def test_common_ways_to_write_a_zone(stamp, utc):
    stamps = Table.parse(f"{stamp},1".encode(), "t.csv").stamps(0)
    assert stamps.wall_us[0] == np.datetime64(utc, "us").astype(np.int64)
    assert (stamps.offset is None) == (stamp == utc)


def test_stamps_of_summer_and_winter_time_are_each_taken_at_their_own_offset():
    table = Table.parse(b"2026-03-29T01:59:59+01:00,1\n2026-03-29T03:00:00+02:00,2\n", "t.csv")
    assert np.diff(table.stamps(0).wall_us).tolist() == [1_000_000]


@pytest.mark.parametrize(
    "stamp",
    [
        *("28.03.2026 22:41", "22:41:05", "NaT", "1969-01-01T00:00:00Z", "2026-13-01T00:00:00Z"),
        *("2026-03-28T22:41:05+41:00", "2026-03-28T22:41:05-24:00", "2026-03-28T22:41:05+01:60"),
        *("2026-03-28T22:41:05+01:000", "2026-03-28T22:41:05Z+01:00", "2026-03-28T22:41:05+01:"),
    ],
)
def test_a_stamp_that_is_not_iso_is_refused(stamp):
    with pytest.raises(FormatError, match="no ISO 8601 time from 1970 on"):
        Table.parse(f"time,x\n{stamp},1\n".encode(), "t.csv").stamps(0)


@settings(deadline=None, max_examples=100)
@given(
    at=st.integers(0, 31),
    put=st.text("0123456789T:+-.Z ,\xeb\u2028", max_size=12),
    cut=st.integers(0, 12),
    stamp=st.sampled_from(["2026-03-28T22:41:05.280000+01:00", "2026-03-28T22:41:05Z", "2026-03-28 22:41:05"]),
)
def test_a_damaged_stamp_is_read_as_the_standard_library_does_or_refused(at, put, cut, stamp):
    damaged = stamp[:at] + put + stamp[at + cut :]
    table = Table.parse(f"a;time\n1;{stamp}\n1;{damaged}\n".encode(), "t.csv")
    try:
        stamps = table.stamps(1)
    except FormatError:
        return
    text = damaged.strip(" ")
    moment = datetime.fromisoformat(text.replace(",", "."))
    wall = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert stamps.wall_us[1] == (wall - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_stamps_with_and_without_a_zone_in_one_file_are_refused():
    with pytest.raises(FormatError, match="some time stamps have a zone and some have none"):
        Table.parse(b"2026-03-28T22:41:05Z,1\n2026-03-28T22:41:06,1\n", "t.csv").stamps(0)


@pytest.mark.parametrize(
    "text",
    [
        "t_s,bpm\n0,25,60,5\n5,25,61,0\n",
        "t_s,bpm\n0,60\n5,61\n10,25,60,5\n",  # whole numbers until the third row
        't_s,bpm\n"0,25","60,5"\n',
        '"0,25","60,5"\n"5,25","61,0"\n',
    ],
)
def test_commas_that_part_cells_and_numbers_are_refused(text):
    with pytest.raises(
        FormatError, match=r"t\.csv: commas part its cells and seem to stand for decimal points as well"
    ):
        Table.parse(text.encode(), "t.csv")


@pytest.mark.parametrize(
    "text",
    [
        "t_s,bpm\n0.25,60.5,\n5.25,61,\n",  # a comma at the end of each row
        "t_s,bpm,note\n0.25,60.5,1,2 and 3\n5.25,61,4\n",  # a note with a comma
        't_s,bpm,note\n0.25,60.5,"a, b"\n5.25,61,"c"\n',
        "sep=,\r\nt_s,bpm\r\n0.25,60.5\r\n5.25,61\r\n",
        "sep=;\r\nt_s;bpm\r\n0,25;60,5\r\n5,25;61\r\n",
        '"sep=\t"\nt_s\tbpm\n0,25\t60,5\n5,25\t61\n',
    ],
)
def test_commas_that_are_no_decimal_signs_do_no_harm(text):
    values, _ = Table.parse(text.encode(), "t.csv").numbers([0, 1])
    assert values.tolist() == [[0.25, 60.5], [5.25, 61.0]]
