"""What the commands of the command line do. Each takes the parsed options and returns the exit code."""

from __future__ import annotations

import argparse
import shutil
import sys
import traceback
from pathlib import Path

from staging.errors import InputError, StagingError
from staging.exit_codes import EXIT_BAD_INPUT, EXIT_DEFECT, EXIT_FINE
from staging.outputs import output_names, prepare_folder, write_outputs
from staging.pipeline import model_identity, parse_lights, score_file, time_zone
from staging.recording import CHANNELS
from staging.scored import ScoredNight
from staging.terminal import screen, table

__all__ = ["demo", "formats", "model", "report_defect", "score"]

_SIMULATED_NAME = "simulated_night"


def score(options: argparse.Namespace) -> int:
    """Score recordings. A bad one does not keep the others from being scored."""
    channels = _channels(options.channel)
    lights_off = parse_lights(options.lights_off, option="--lights-off") if options.lights_off else None
    lights_on = parse_lights(options.lights_on, option="--lights-on") if options.lights_on else None
    zone = time_zone(options.timezone, option="--timezone") if options.timezone else None
    names = output_names(options.files)
    model_identity(options.model)  # a model that cannot be used is one error and not one a recording
    prepare_folder(options.out)

    nights: list[ScoredNight] = []
    codes = {EXIT_FINE}
    for index, (path, name) in enumerate(zip(options.files, names, strict=True)):
        progress = _Progress(f"{name} ({index + 1}/{len(names)})" if len(names) > 1 else name, quiet=options.quiet)
        try:
            night = score_file(
                path,
                name=name,
                format=options.format,
                channels=channels,
                n_classes=options.classes,
                model=options.model,
                lights_off=lights_off,
                lights_on=lights_on,
                zone=zone,
                say=progress.say,
            )
            progress.say("writing")
            files = write_outputs(night, options.out, overwrite=options.overwrite)
        except StagingError as error:
            progress.clear()
            print(f"staging: {error}", file=sys.stderr)
            codes.add(EXIT_BAD_INPUT)
        except Exception:
            progress.clear()
            print(f"staging: {path}: not scored", file=sys.stderr)
            report_defect()
            codes.add(EXIT_DEFECT)
        else:
            progress.clear()
            nights.append(night)
            if len(names) == 1 and not options.quiet:
                _print_screen(night, files)
    if len(names) > 1 and nights and not options.quiet:
        print(table(nights))
        for night in nights:
            for warning in night.timed_warnings():
                print(f"{night.name}: {warning}", file=sys.stderr)
        print(f"{len(nights)} of {len(names)} recordings scored, results in {options.out}", file=sys.stderr)
    # A defect must not hide behind a recording that is merely bad.
    return EXIT_DEFECT if EXIT_DEFECT in codes else max(codes)


def demo(options: argparse.Namespace) -> int:
    """Simulate a night, write it as a raw Empatica E4 export, and score that file like any other."""
    from staging.simulate import simulate_night, write_e4_zip

    zone = time_zone(options.timezone, option="--timezone") if options.timezone else None
    model_identity(options.model)
    folder = prepare_folder(options.out)
    path = folder / f"{_SIMULATED_NAME}.zip"
    progress = _Progress(_SIMULATED_NAME, quiet=options.quiet)
    progress.say(f"simulating {options.hours:g} h")
    write_e4_zip(simulate_night(options.seed, duration_h=options.hours), path)
    night = score_file(
        path, name=_SIMULATED_NAME, n_classes=options.classes, model=options.model, zone=zone, say=progress.say
    )
    progress.say("writing")
    files = write_outputs(night, folder, overwrite=True)
    progress.clear()
    if not options.quiet:
        _print_screen(night, files)
        print(f"Simulated raw recording: {path}; report: {files[-1]}", file=sys.stderr)
    return EXIT_FINE


def formats(options: argparse.Namespace) -> int:
    """List the formats: name for ``--format``, what it is, channels."""
    del options
    from staging.readers import formats as known

    found = known()
    width = max(len(entry.name) for entry in found)
    for entry in found:
        print(f"{entry.name:<{width}}  {entry.title} [{', '.join(entry.channels)}]")
    return EXIT_FINE


def model(options: argparse.Namespace) -> int:
    """Print the card of the shipped model, or what another model file says about itself."""
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
    encoding = (sys.stdout.encoding or "ascii").casefold().replace("-", "")
    print(screen(night, files, ascii_only=not encoding.startswith("utf")))


class _Progress:
    """One line on a terminal that says what is being done, and nothing where stderr is no terminal."""

    def __init__(self, what: str, *, quiet: bool) -> None:
        self._what = what
        self._shown = not quiet and sys.stderr.isatty()

    def say(self, step: str) -> None:
        """Show the step in place of the one before."""
        if self._shown:
            line = f"{self._what}: {step} ..."[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
