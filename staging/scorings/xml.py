"""XML element by element, with line numbers, in little memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from staging.errors import FormatError

__all__ = ["Element", "elements"]

_CHUNK = 1 << 20


@dataclass
class Element:
    """One element.

    Attributes
    ----------
    line : int
        Line of its start tag.
    attributes : dict of str to str
        Its attributes.
    children : dict of str to str
        Text of its direct children by tag, the last of each.
    """

    line: int
    attributes: dict[str, str]
    children: dict[str, str] = field(default_factory=dict)


def elements(path: str | os.PathLike[str], file: BinaryIO, tag: str) -> Iterator[Element]:
    """All elements of one tag in the order of the file.

    Raises
    ------
    FormatError
        If the XML is broken; the message names the line.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    found: list[Element] = []
    open_elements: list[Element] = []
    child: list[str] = []
    text: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == tag:
            open_elements.append(Element(parser.CurrentLineNumber, attributes))
        elif open_elements:
            child.append(name)
            text.clear()

    def end(name: str) -> None:
        if name == tag:
            found.append(open_elements.pop())
        elif open_elements and child:
            closed = child.pop()
            if not child:
                open_elements[-1].children[closed] = "".join(text).strip()

    def characters(data: str) -> None:
        if open_elements and child:
            text.append(data)

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    while True:
        data = file.read(_CHUNK)
        try:
            parser.Parse(data, not data)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise FormatError(path, f"line {error.lineno} is not XML ({reason})", "export the file again") from error
        yield from found
        found.clear()
        if not data:
            return
