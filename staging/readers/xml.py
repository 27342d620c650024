"""XML element by element, with line numbers, in little memory.

Assumptions
-----------
- Only elements and their text matter. A document type is skipped, not read: it can do harm (entities that unfold to
  gigabytes, or that name files), and the one that Apple Health writes has been broken since iOS 16.
- Control characters that XML forbids, which Apple Health has written into names of devices, are read as spaces.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from staging.errors import FormatError

__all__ = ["Element", "elements"]

_CHUNK = 1 << 20
_DOCTYPE = re.compile(rb"<!DOCTYPE(?:[^\[>]*\[.*?\]\s*>|[^\[>]*>)", re.DOTALL)
_FIRST_TAG = re.compile(rb"<[A-Za-z_]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_FORBIDDEN = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_WITHOUT_FORBIDDEN = bytes.maketrans(_FORBIDDEN, b" " * len(_FORBIDDEN))


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


def elements(
    path: str | os.PathLike[str], file: IO[bytes], tag: str, *, types: Collection[str] | None = None
) -> Iterator[Element]:
    r"""All elements of one tag in the order of the file.

    Parameters
    ----------
    path : str or path
        The file, as errors name it.
    file : binary file
        Read once, piece by piece.
    tag : str
        Elements of this tag are given; they may lie within one another.
    types : collection of str, optional
        Give only those whose attribute ``type`` is one of these.

    Raises
    ------
    FormatError
        If the XML is broken or declares entities; the message names the line.

    Examples
    --------
    >>> import io
    >>> text = b'<!DOCTYPE Data [ broken >]>\n<Data><Record type="a" value="1"/><Record type="b"/></Data>'
    >>> [(found.line, found.attributes["value"]) for found in elements("x", io.BytesIO(text), "Record", types=["a"])]
    [(2, '1')]
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    found: list[Element] = []
    open_elements: list[Element | None] = []
    child: list[str] = []
    text: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == tag:
            wanted = types is None or attributes.get("type") in types
            open_elements.append(Element(parser.CurrentLineNumber, attributes) if wanted else None)
        elif open_elements:
            child.append(name)
            text.clear()

    def end(name: str) -> None:
        if name == tag:
            closed_element = open_elements.pop()
            if closed_element is not None:
                found.append(closed_element)
        elif open_elements and child:
            closed = child.pop()
            if not child and (parent := open_elements[-1]) is not None:
                parent.children[closed] = "".join(text).strip()

    def characters(data: str) -> None:
        if open_elements and child:
            text.append(data)

    def entity(*_: object) -> None:
        raise FormatError(path, f"line {parser.CurrentLineNumber} declares an entity", "export the file again")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = entity
    for data in _pieces(file):
        try:
            parser.Parse(data, not data)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise FormatError(path, f"line {error.lineno} is not XML ({reason})", "export the file again") from error
        except (LookupError, ValueError) as error:  # an encoding that Python lacks, or that expat cannot take from it
            raise FormatError(path, f"is not XML that can be read ({error})", "export the file again") from error
        yield from found
        found.clear()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The file without document type (its lines stay) and forbidden characters; an empty piece ends it."""
    piece = file.read(_CHUNK)
    is_bytewise = not piece.startswith(_UTF_16)
    if is_bytewise:
        # Only the first can be one: to look on from each of many would take time with the square of their number.
        doctype, tag = _DOCTYPE.match(piece, max(0, piece.find(b"<!DOCTYPE"))), _FIRST_TAG.search(piece)
        # The type's own declarations begin with "<!" or "<?", so that the first tag lies behind it.
        if doctype is not None and (tag is None or doctype.start() < tag.start()):
            piece = piece[: doctype.start()] + b"\n" * doctype[0].count(b"\n") + piece[doctype.end() :]
    while piece:
        yield piece.translate(_WITHOUT_FORBIDDEN) if is_bytewise else piece
        piece = file.read(_CHUNK)
    yield b""
