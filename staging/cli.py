"""The command line: what it understands, and how it fails.

Results go to files and stdout, progress and messages to stderr; `staging.exit_codes` says how it ends. What the
commands do is in `staging.commands`, which is loaded when one runs.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from staging.errors import InputError, StagingError
from staging.exit_codes import EXIT_BAD_INPUT, EXIT_BROKEN_PIPE, EXIT_DEFECT, EXIT_FINE, EXIT_INTERRUPTED

__all__ = ["main"]

_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
"""What the system says when the disk behind stdout is full or fails."""

_EPILOG = """\
'staging FILE' is short for 'staging score FILE'. 'staging COMMAND --help' tells what a command takes.
Results go to files and stdout, messages to stderr. Exit codes: 0 fine, 2 bad input or usage, 1 a defect of staging.
Nothing leaves this machine. Research software: not a medical device.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks is shown escaped; it must not stop the work.
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            code = _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _leave_stdout()
        return EXIT_BROKEN_PIPE
    except StagingError as error:
        print(f"staging: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except MemoryError:
        print("staging: needs more memory than there is; give less at once", file=sys.stderr)
        return EXIT_BAD_INPUT
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _leave_stdout()
            print(f"staging: output: cannot be written ({error.strerror}); free some space", file=sys.stderr)
            return EXIT_BAD_INPUT
        from staging.commands import report_defect

        report_defect()
        return EXIT_DEFECT
    return code


def _leave_stdout() -> None:
    """Nobody takes the output any more: the interpreter must not fail on it once more at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: list[str]) -> int:
    parser, names = _parser()
    if argv and argv[0] not in (*names, "-h", "--help", "--version"):
        _refuse_misspelt(argv[0], names)
        argv = ["score", *argv]
    options = parser.parse_args(argv)
    if not hasattr(options, "command"):
        parser.print_help()
        return EXIT_FINE
    from staging import commands

    run: Callable[[argparse.Namespace], int] = getattr(commands, options.command)
    return run(options)


def _refuse_misspelt(word: str, names: Iterable[str]) -> None:
    """A misspelt command is no file that cannot be found."""
    close = difflib.get_close_matches(word, list(names), n=1, cutoff=0.7)
    if close and not os.path.lexists(word):
        raise InputError(word, "is neither a command nor a file", f"did you mean 'staging {close[0]}'?")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {' '.join(message.split())}; see '{self.prog} --help'\n")


class _Version(argparse.Action):
    """Prints the version, which takes longer to look up than all the rest of parsing."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import staging

        print(f"staging {staging.__version__}")
        parser.exit()


class _Schema(argparse.Action):
    """Prints the JSON Schema of a night's architecture, whatever files are given."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from staging.commands import print_schema

        print_schema()
        parser.exit()


def _parser() -> tuple[argparse.ArgumentParser, Iterable[str]]:
    parser = _Parser(
        prog="staging",
        description="Sleep stages and sleep architecture from raw wearable recordings.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)

    def command(name: str, summary: str, more: str = "") -> argparse.ArgumentParser:
        text = f"{summary[0].upper()}{summary[1:]}. {more}".strip()
        added = commands.add_parser(name, help=summary, description=text)
        added.set_defaults(command=name)
        return added

    _score_arguments(
        command(
            "score",
            "score recordings: stages, sleep architecture, a report",
            "Writes NAME.hypnogram.csv, NAME.architecture.json and NAME.report.html, where NAME is the recording's. "
            "A recording of more than 18 h is searched for its nights: NAME.nights.csv has a row for each. "
            "Earlier results of the same recording are replaced.",
        )
    )
    _demo_arguments(
        command(
            "demo",
            "simulate a raw night of an Empatica E4 and score it",
            "No person slept that night: it shows what staging does and says nothing about how accurate it is.",
        )
    )
    _summarize_arguments(
        command(
            "summarize",
            "sleep architecture of hypnograms of any source",
            "Hypnograms of this program, of polysomnography, Oura, Fitbit, Apple Health, or bare codes. One night is "
            "printed with all its metrics, several as a table.",
        )
    )
    _convert_arguments(
        command(
            "convert",
            "write hypnograms of any source in another format",
            "Each night goes to NAME.hypnogram.csv, .json, .edf or .txt, where NAME is that of its file.",
        )
    )
    _agree_arguments(
        command(
            "agree",
            "how well one scoring of nights agrees with another",
            "Epoch by epoch, night by night and, where there are probabilities, their calibration. Nights of two "
            "folders are matched by their names up to the first dot.",
        )
    )
    command("formats", "list the formats that can be read")
    model = command("model", "print the card of the model: data, licences, figures, limits")
    model.add_argument("--model", metavar="FILE", help="say instead what stands in another .onnx file")
    model.add_argument(
        "--export",
        metavar="FORM",
        choices=("raw", "features", "streaming"),
        help="write it for other programs: raw (samples to stages), features, streaming (stages during the night)",
    )
    model.add_argument("--out", default=".", metavar="DIR", help="folder for --export (default: the current folder)")
    return parser, commands.choices


def _score_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a recording: a file, a folder or a zip")
    _output_arguments(parser, "the current folder", ".")
    parser.add_argument("--overwrite", action="store_true", help="replace results of other recordings as well")
    parser.add_argument("--format", metavar="NAME", help="its format, where its content does not tell")
    parser.add_argument(
        "--channel",
        action="append",
        default=[],
        metavar="KIND=NAME",
        help="which channel of an EDF file to take, as in ppg=Pleth; may be repeated",
    )
    _recorder_argument(parser)
    _lights_arguments(parser)
    _nights_arguments(parser)
    _staging_arguments(parser)


def _nights_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--diary",
        metavar="FILE",
        help="nights that are known: a CSV with lights_off and lights_on, a row a night; zone says where it was slept",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--whole",
        action="store_const",
        const=True,
        default=None,
        help="stage the recording as one night, however long (default: search those over 18 h for their nights)",
    )
    length.add_argument(
        "--nights", dest="whole", action="store_const", const=False, help="search it for nights, however short"
    )


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    _output_arguments(parser, "demo", "demo")
    parser.add_argument("--seed", type=_seed, default=8, metavar="N", help="another night (default: 8)")
    parser.add_argument("--hours", type=_hours, default=8.0, metavar="H", help="its length, 0.5 to 24 (default: 8)")
    _staging_arguments(parser)


def _summarize_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="HYPNOGRAM", help="a file of scored sleep; it may hold several nights"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: an object for one night, a list for several")
    form.add_argument("--csv", action="store_true", help="print a table with a row a night and a column a metric")
    parser.add_argument(
        "--out", metavar="DIR", help="write NAME.architecture.json of each night and nights.csv of all into this folder"
    )
    parser.add_argument("--plot", metavar="FILE", help="draw hypnograms and cycles into this .svg or .html file")
    parser.add_argument("--schema", action=_Schema, nargs=0, help="print the JSON Schema of --json and stop")
    parser.add_argument(
        "--intervals", action="store_true", help="say between what each metric lies, where there are probabilities"
    )
    parser.add_argument(
        "--model", metavar="FILE", help="the .onnx model that gave them, in place of the one that ships"
    )
    parser.add_argument("--age", type=_age, metavar="YEARS", help="show published ranges of adults of this age")
    parser.add_argument("--sex", choices=("female", "male"), help="and what was found in this sex")
    _lights_arguments(parser)
    parser.add_argument(
        "--around-sleep",
        type=_minutes,
        metavar="MIN",
        help="without lights times, count from so many minutes before the first to after the last sleep",
    )
    _together_arguments(parser.add_argument_group("nights of one person"))
    _hypnogram_arguments(parser)


def _together_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--together", action="store_true", help="mean, SD and CV of each metric, regularity and social jetlag"
    )
    group.add_argument(
        "--min-scored", type=_percent, default=80.0, metavar="PCT", help="leave out nights scored less (default: 80)"
    )
    group.add_argument(
        "--min-in-bed", type=_minutes, default=180.0, metavar="MIN", help="and those in bed for less (default: 180)"
    )
    group.add_argument(
        "--min-nights", type=_count, default=1, metavar="N", help="fewest nights for a mean (default: 1)"
    )
    group.add_argument("--naps", action="store_true", help="count every sleep and not the main one of each date alone")


def _convert_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="HYPNOGRAM", help="a file of scored sleep")
    parser.add_argument(
        "--to",
        required=True,
        choices=("csv", "json", "edf", "codes"),
        help="this program's CSV or JSON, EDF+ annotations, or YASA's integers, one a line",
    )
    parser.add_argument("--classes", type=int, choices=(5, 4, 3, 2), help="merge stages to so many classes")
    _output_arguments(parser, "the current folder", ".")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    _lights_arguments(parser)
    _hypnogram_arguments(parser)


def _agree_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", metavar="REFERENCE", help="scored sleep that counts as right: a file or a folder")
    parser.add_argument("device", metavar="DEVICE", help="scored sleep to be judged: a file or a folder")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print everything as JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument(
        "--no-clock", action="store_true", help="take both to begin together, whatever their clocks say"
    )
    _hypnogram_arguments(parser)


def _hypnogram_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", metavar="NAME", help="its format, where its content does not tell")
    parser.add_argument("--timezone", metavar="ZONE", help="zone of clock times that the file gives without one")
    parser.add_argument("--codes", metavar="TABLE", help="what bare codes mean: yasa, rk, ..., or 0=W,1=N1,...")
    parser.add_argument("--epoch", type=float, metavar="S", help="length of an epoch where the file does not say it")
    parser.add_argument("--column", metavar="NAME", help="column of the stages in a table of codes, by name or number")
    parser.add_argument("--night-column", metavar="NAME", help="column that tells the nights of such a table apart")
    _recorder_argument(parser)


def _recorder_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recorder", metavar="NAME", help="whose records to take from an export of several devices")


def _lights_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lights-off", metavar="TIME", help="22:45, 2026-03-01T22:45+01:00, or 15min from the start")
    parser.add_argument("--lights-on", metavar="TIME", help="likewise")


def _output_arguments(parser: argparse.ArgumentParser, said: str, folder: str) -> None:
    text = f"folder for the results, made where it is missing (default: {said})"
    parser.add_argument("--out", default=folder, metavar="DIR", help=text)
    parser.add_argument("--quiet", action="store_true", help="print nothing but what went wrong")


def _staging_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--classes",
        type=int,
        choices=(5, 4, 3, 2),
        default=5,
        help="5: W N1 N2 N3 R (default); 4: W LIGHT DEEP R; 3: W NREM R; 2: W S",
    )
    parser.add_argument("--model", metavar="FILE", help="an .onnx model in place of the one that ships")
    parser.add_argument(
        "--timezone",
        metavar="ZONE",
        help="zone of the times that are given and shown, such as Europe/Berlin, and of a device whose clock has none",
    )


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _hours(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0.5 <= float(text) <= 24.0:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours from 0.5 to 24")


def _number(text: str, low: float, high: float, what: str) -> float:
    with contextlib.suppress(ValueError):
        if low <= float(text) <= high:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not {what} from {low:g} to {high:g}")


def _age(text: str) -> float:
    return _number(text, 0.0, 149.0, "an age in years")


def _minutes(text: str) -> float:
    return _number(text, 0.0, 1440.0, "a number of minutes")


def _percent(text: str) -> float:
    return _number(text, 0.0, 100.0, "a share in percent")


def _count(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10000")
