"""How the process ends, for scripts that call it."""

from __future__ import annotations

__all__ = ["EXIT_BAD_INPUT", "EXIT_BROKEN_PIPE", "EXIT_DEFECT", "EXIT_FINE", "EXIT_INTERRUPTED"]

EXIT_FINE = 0
EXIT_DEFECT = 1
"""A defect of this program, with a traceback to report."""

EXIT_BAD_INPUT = 2
"""Bad input or usage, with one line for each thing that is wrong."""

EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C, as a shell says it."""

EXIT_BROKEN_PIPE = 141
"""Nobody reads the output any more, as a shell says it."""
