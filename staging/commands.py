"""What the commands of the command line do. Each takes the parsed options and returns the exit code."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from staging.days.diary import read_diary
from staging.errors import InputError, StagingError
from staging.exit_codes import EXIT_BAD_INPUT, EXIT_DEFECT, EXIT_FINE
from staging.outputs import SUFFIXES, output_names, prepare_folder, write_outputs
from staging.outputs_days import write_days
from staging.pipeline import model_identity, score_file, score_recording
from staging.recording import CHANNELS
from staging.scored import ScoredNight
from staging.scored_days import ScoredDays
from staging.terminal import screen, table
from staging.terminal_days import days_screen
from staging.when import LightsTime, parse_lights, time_zone

__all__ = ["agree", "convert", "demo", "formats", "model", "print_schema", "report_defect", "score", "summarize"]

_SIMULATED_NAME = "simulated_night"


def score(options: argparse.Namespace) -> int:
    """Score recordings. A bad one does not keep the others from being scored."""
    channels = _channels(options.channel)
    lights_off, lights_on = _lights(options)
    zone = time_zone(options.timezone, option="--timezone") if options.timezone else None
    names = output_names(options.files)
    model_identity(options.model)  # a model that cannot be used is one error and not one a recording
    prepare_folder(options.out)
    diary = None if options.diary is None else (options.diary, read_diary(options.diary))

    nights: list[ScoredNight] = []
    codes = {EXIT_FINE}
    done = 0
    for index, (path, name) in enumerate(zip(options.files, names, strict=True)):
        label = f"{name} ({index + 1}/{len(names)})" if len(names) > 1 else name
        try:
            with _progress(label, quiet=options.quiet) as say:
                night = score_recording(
                    path,
                    name=name,
                    format=options.format,
                    channels=channels,
                    recorder=options.recorder,
                    n_classes=options.classes,
                    model=options.model,
                    lights_off=lights_off,
                    lights_on=lights_on,
                    zone=zone,
                    diary=diary,
                    whole=options.whole,
                    say=say,
                )
                say("writing")
                if isinstance(night, ScoredDays):
                    files = write_days(night, options.out, overwrite=options.overwrite)
                else:
                    files = write_outputs(night, options.out, overwrite=options.overwrite)
        except StagingError as error:
            print(f"staging: {error}", file=sys.stderr)
            codes.add(EXIT_BAD_INPUT)
        except MemoryError:
            mend = "score it alone, or split it into single nights"
            print(f"staging: {path}: needs more memory than there is; {mend}", file=sys.stderr)
            codes.add(EXIT_BAD_INPUT)
        except Exception:
            print(f"staging: {path}: not scored", file=sys.stderr)
            report_defect()
            codes.add(EXIT_DEFECT)
        else:
            done += 1
            if isinstance(night, ScoredDays):
                nights += night.nights
                if not options.quiet:
                    print(days_screen(night, files))
                continue
            nights.append(night)
            if zone is not None and night.hypnogram.start is None:
                print(f"{name}: its start is unknown, so that --timezone has no effect", file=sys.stderr)
            if len(names) == 1 and not options.quiet:
                _print_screen(night, files)
    if len(names) > 1 and nights and not options.quiet:
        print(table(nights))
        for night in nights:
            for warning in night.timed_warnings():
                print(f"{night.name}: {warning}", file=sys.stderr)
        print(f"{done} of {len(names)} recordings scored, results in {options.out}", file=sys.stderr)
    # A defect must not hide behind a recording that is merely bad.
    return EXIT_DEFECT if EXIT_DEFECT in codes else max(codes)


def demo(options: argparse.Namespace) -> int:
    """Simulate a night, write it as a raw Empatica E4 export, and score that file like any other."""
    from staging.simulate import simulate_night, write_e4_zip

    zone = time_zone(options.timezone, option="--timezone") if options.timezone else None
    model_identity(options.model)
    folder = prepare_folder(options.out)
    path = folder / f"{_SIMULATED_NAME}.zip"
    with _progress(_SIMULATED_NAME, quiet=options.quiet) as say:
        say(f"simulating {options.hours:g} h")
        write_e4_zip(simulate_night(options.seed, duration_h=options.hours), path)
        night = score_file(
            path, name=_SIMULATED_NAME, n_classes=options.classes, model=options.model, zone=zone, say=say
        )
        say("writing")
        files = write_outputs(night, folder, overwrite=True)
    if not options.quiet:
        _print_screen(night, files)
        print(f"Simulated raw recording: {path}; report: {files[-1]}", file=sys.stderr)
    return EXIT_FINE


def summarize(options: argparse.Namespace) -> int:
    """Sleep architecture of hypnograms of any source. A bad one does not keep the others from being summarised."""
    from staging.summarising import summarize_files

    return summarize_files(options, lights=_lights(options), reading=_reading(options), ascii_only=_ascii_only())


def print_schema() -> None:
    """The JSON Schema of what ``summarize --json`` prints of a night."""
    from staging.architecture import json_schema

    print(json.dumps(json_schema(), indent=1))


def convert(options: argparse.Namespace) -> int:
    """Hypnograms of any source in another format. A bad one does not keep the others from being converted."""
    from staging.summarising import convert_files

    return convert_files(options, lights=_lights(options), reading=_reading(options))


def agree(options: argparse.Namespace) -> int:
    """Agreement of one scoring with another, over one night or the nights of two folders."""
    from staging.agreement import agree as compare
    from staging.agreement import pair
    from staging.scorings import read_hypnogram

    nights = []
    for subject, reference, device in _matched(Path(options.reference), Path(options.device)):
        both = (read_hypnogram(path, **_reading(options)) for path in (reference, device))
        nights.append(pair(*both, subject=subject, use_clock=not options.no_clock))
    report = compare(nights)
    if options.json:
        print(json.dumps(report.to_dict(), indent=2, allow_nan=False))
    else:
        print(report.to_markdown() if options.markdown else report.to_text())
    return EXIT_FINE


def _matched(reference: Path, device: Path) -> list[tuple[str, Path, Path]]:
    """Subject and both files of each night: two files, or the files of two folders that share a name."""
    if not reference.is_dir() and not device.is_dir():
        return [(reference.name.partition(".")[0], reference, device)]
    if not (reference.is_dir() and device.is_dir()):
        raise InputError(
            f"{reference}, {device}", "one is a folder and the other is not", "give two files or two folders"
        )
    nights = [_nights_of(folder) for folder in (reference, device)]
    for mine, other, folder in ((nights[0], nights[1], device), (nights[1], nights[0], reference)):
        alone = sorted(set(mine) - set(other))
        if alone:
            raise InputError(
                mine[alone[0]],
                f"has no night of the name {alone[0]!r} in {folder}"
                + (f", nor {len(alone) - 1} more" * (len(alone) > 1)),
                "name both files of a night alike up to the first dot, and take away those without a partner",
            )
    if not nights[0]:
        raise InputError(reference, "the folder holds no files", "give folders of hypnograms")
    return [(name, nights[0][name], nights[1][name]) for name in sorted(nights[0])]


def _nights_of(folder: Path) -> dict[str, Path]:
    """Files of a folder by their names up to the first dot; of this program's own results the hypnograms alone."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    own = [path for path in files if path.name.endswith(SUFFIXES[0])]
    nights: dict[str, Path] = {}
    for path in own or files:
        name = path.name.partition(".")[0]
        if name in nights:
            raise InputError(
                path, f"has the name of {nights[name].name} up to the first dot", "leave one of them there"
            )
        nights[name] = path
    return nights


def formats(options: argparse.Namespace) -> int:
    """List the formats: name for ``--format``, what it is, which channels it can give, and what it needs installed."""
    del options
    from staging.readers import formats as of_recordings
    from staging.scorings import formats as of_hypnograms

    print("Recordings (staging score)")
    for entry in of_recordings():
        needs = f'  pip install "staging[{entry.extra}]"' if entry.extra else ""
        print(f"  {entry.name:<13}  {entry.title} [{', '.join(entry.channels)}]{needs}")
    print("Scored sleep (staging summarize, staging agree)")
    for name, title in of_hypnograms().items():
        print(f"  {name:<13}  {title}")
    return EXIT_FINE


def model(options: argparse.Namespace) -> int:
    """Print the card of the shipped model, or what another model file says about itself; or write it as files."""
    if options.export is not None:
        from staging.model_files import export_model

        if options.model is not None:
            raise InputError("--export", "only the shipped model has these forms", "leave out --model")
        for path in export_model(options.export, options.out):
            print(path)
        return EXIT_FINE
    if options.model is None:
        from staging.model import model_card

        print(model_card().rstrip())
        return EXIT_FINE
    from staging.model import load_model

    spec = load_model(options.model).spec
    print(f"{spec.name} {spec.version}: {', '.join(spec.stages)}")
    print(f"trained on: {'; '.join(spec.datasets) or 'not said'}")
    print(f"figures: {spec.headline or 'not said'}")
    print(f"made by commit: {spec.commit or 'not said'}")
    return EXIT_FINE


def report_defect() -> None:
    """Show the traceback of the error at hand, and ask for a report of it."""
    import platform

    import staging

    traceback.print_exc()
    print(
        f"staging: this is a defect of staging {staging.__version__} (Python {platform.python_version()}, "
        f"{platform.system()}) and not of your input: please report it with the lines above",
        file=sys.stderr,
    )


def _lights(options: argparse.Namespace) -> tuple[LightsTime | None, LightsTime | None]:
    off, on = options.lights_off, options.lights_on
    return (
        None if off is None else parse_lights(off, option="--lights-off"),
        None if on is None else parse_lights(on, option="--lights-on"),
    )


def _reading(options: argparse.Namespace) -> dict[str, Any]:
    """What `staging.scorings.read_hypnograms` may be told."""
    return {
        "format": options.format,
        "zone": options.timezone,
        "codes": options.codes,
        "epoch_s": options.epoch,
        "column": options.column,
        "night_column": options.night_column,
        "device": options.recorder,
    }


def _channels(given: list[str]) -> dict[str, str] | None:
    """``["ppg=Pleth"]`` as a mapping; None where nothing was given."""
    channels: dict[str, str] = {}
    for text in given:
        kind, equals, name = text.partition("=")
        if not (equals and kind and name):
            raise InputError("--channel", f"{text!r} is not KIND=NAME", "write it as in --channel ppg=Pleth")
        if kind not in CHANNELS:
            raise InputError("--channel", f"{kind!r} is not a kind of channel", f"choose from {', '.join(CHANNELS)}")
        if kind in channels:
            raise InputError("--channel", f"{kind} is given twice", "give each kind once")
        channels[kind] = name
    return channels or None


def _print_screen(night: ScoredNight, files: list[Path]) -> None:
    print(screen(night, files, ascii_only=_ascii_only()))


def _ascii_only() -> bool:
    """Whether the terminal's encoding lacks block characters."""
    return not (sys.stdout.encoding or "ascii").casefold().startswith("utf")


@contextlib.contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that shows one step at a time on a terminal, and nothing where stderr is none.

    The line is gone when the work is done or has failed, so that what is said next stands alone.
    """
    shown = not quiet and sys.stderr.isatty()

    def say(step: str) -> None:
        if shown:
            line = f"{what}: {step} ..."[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    try:
        yield say
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
