from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import FormatError
from staging.readers import xml as xml_module
from staging.readers.xml import elements

VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)


def records(text: str | bytes, **options):
    content = text.encode() if isinstance(text, str) else text
    return list(elements("export.xml", io.BytesIO(content), "Record", **options))


def escaped(text):
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), ('"', "&quot;")):
        text = text.replace(letter, entity)
    return text


@settings(deadline=None, max_examples=50)
@given(values=st.lists(VALUES, max_size=20), size=st.integers(1, 200))
def test_attributes_come_back_whatever_the_size_of_the_pieces(values, size):
    text = "<Data>\n" + "\n".join(f'<Record value="{escaped(value)}"/>' for value in values) + "\n</Data>"
    whole = xml_module._CHUNK
    xml_module._CHUNK = size
    try:
        found = records(text)
    finally:
        xml_module._CHUNK = whole
    assert [element.attributes["value"] for element in found] == values
    assert [element.line for element in found] == list(range(2, 2 + len(values)))


def test_elements_within_one_another_and_their_text_are_told_apart():
    text = '<A><Record type="a"><x> 1 </x><Record type="b"><x>2</x></Record><y>3</y></Record></A>'
    inner, outer = records(text)
    assert (inner.attributes["type"], inner.children) == ("b", {"x": "2"})
    assert (outer.attributes["type"], outer.children) == ("a", {"x": "1", "y": "3"})
    assert [element.attributes["type"] for element in records(text, types={"b"})] == ["b"]


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Data>",
        '<!DOCTYPE Data SYSTEM "data.dtd">',
        "<!DOCTYPE Data [\n<!ELEMENT Data ANY>\n<!ATTLIST Data\n  a CDATA #REQUIRED\n<!ELEMENT broken>\n]>",
        '<!DOCTYPE Data [\n<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;&a;&a;">\n]>',
    ],
)
def test_a_document_type_is_skipped_and_lines_still_count(doctype):
    text = f'<?xml version="1.0"?>\n{doctype}\n<Data>\n<Record value="7"/></Data>'
    (found,) = records(text)
    assert found.attributes["value"] == "7"
    assert found.line == text[: text.index("<Record")].count("\n") + 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_entity_is_ever_unfolded(encoding):
    text = '<!DOCTYPE D [<!ENTITY a "aaaa"> ]><D><Record value="&a;"/></D>'
    with pytest.raises(FormatError, match=r"is not XML \(undefined entity\)|declares an entity"):
        records(text.encode(encoding))


def test_a_second_document_type_that_hides_behind_the_first_is_refused():
    text = '<!DOCTYPE D [ ]><!DOCTYPE D [<!ENTITY a "aaaa">]><D><Record value="&a;"/></D>'
    with pytest.raises(FormatError, match="declares an entity"):
        records(text)


def test_forbidden_characters_are_spaces():
    assert records('<D><Record value="Anna\x0bs watch\x00"/></D>')[0].attributes["value"] == "Anna s watch "


@pytest.mark.parametrize("text", ["", "hello", "<D><Record></D>", '<D><Record value="1"/>', "<D>\xff</D>"])
def test_broken_xml_is_refused_with_its_line(text):
    with pytest.raises(FormatError, match=r"export\.xml: line 1 is not XML"):
        records(text.encode("latin-1"))


@pytest.mark.parametrize("encoding", ["UTF-000000", "rot13", "utf-32", "shift_jis", "idna"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding):
    with pytest.raises(FormatError, match=r"export\.xml: .*export the file again"):
        records(f'<?xml version="1.0" encoding="{encoding}"?><D><Record value="7"/></D>')


@pytest.mark.parametrize("piece", [b"<!DOCTYPE D [", b"<!DOCTYPE", b"<!DOCTYPE D ] ", b"<![", b"<!DOCTYPE D [ ]  "])
def test_a_megabyte_of_broken_document_types_takes_no_time(piece):
    with pytest.raises(FormatError):  # with the square of their number it would take minutes
        records(piece * ((1 << 20) // len(piece)))
