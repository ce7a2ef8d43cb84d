"""Liberty's lexer and parser: what is read, where mistakes are said to be, and that any damage is told."""

import gzip
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tileloom_synth.library import liberty
from tileloom_synth.library.lexer import LibertyError
from tileloom_synth.library.liberty import Complex, Group, Simple
from tileloom_synth.library.standard_cells import LibraryError, load

DIALECTS = Path(__file__).parent / "dialects"


def parse(tmp_path, text):
    path = tmp_path / "some.lib"
    path.write_text(text, newline="")
    return liberty.parse(path)


def body(group):
    """Return all that is in a group, as plain tuples."""
    return [(s.kind, s.arguments, body(s)) if isinstance(s, Group) else tuple(s) for s in group.statements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("area : 1; // area : 2; {\n x : y;", [("area", "1"), ("x", "y")]),
        ('area /* { " */ : /* */ 1 /* }\n */ ;', [("area", "1")]),
        ("a : b / c; d : e // f\n", [("a", "b / c"), ("d", "e")]),
        ('c : "{ /* \\"q\\" // }";', [("c", '{ /* "q" // }')]),
        ('c : "a\\\\"; d : "e";', [("c", "a\\"), ("d", "e")]),
        ("c : \\\n d; e : f + \\\r\n g;", [("c", "d"), ("e", "f + g")]),
        ('values ("1, 2", \\\n  "3, \\\n4");', [("values", ("1, 2", "3,  4"))]),
        ('comment : "one\n two";', [("comment", "one  two")]),
        ('area : "1.5"; unit ("0.5", "pf");', [("area", "1.5"), ("unit", ("0.5", "pf"))]),
        ("a : 1\n b : 2 /* c */\n d : 3 }", None),
        ("a : 1\n b : 2 /* c */\n d : 3", [("a", "1"), ("b", "2"), ("d", "3")]),
        ("date : 10:20:30 Mon;", [("date", "10:20:30 Mon")]),
        ("a : ; b : c", [("a", ""), ("b", "c")]),
        ("define(a, b,c) define (d)", [("define", ("a", "b", "c")), ("define", ("d",))]),
        ("cell (x) { };; timing () {}", [("cell", ("x",), []), ("timing", (), [])]),
        ('pin (D[3:0], "E[0]" F<1>) { a:b }', [("pin", ("D[3:0]", "E[0]", "F<1>"), [("a", "b")])]),
        (
            "type (t) { width : 2 } bus (D) { bus_type : t; pin (D[1]) { } } bundle (Q) { members (A, B) }",
            [
                ("type", ("t",), [("width", "2")]),
                ("bus", ("D",), [("bus_type", "t"), ("pin", ("D[1]",), [])]),
                ("bundle", ("Q",), [("members", ("A", "B"))]),
            ],
        ),
    ],
)
def test_what_is_in_a_library(tmp_path, text, expected):
    text = f"library (l) {{ {text} }}"
    if expected is None:
        with pytest.raises(LibertyError, match=r"some.lib:3: '}' without its '{'"):
            parse(tmp_path, text)
        return
    assert body(parse(tmp_path, text)) == expected


def test_a_document_is_asked_by_name(tmp_path):
    library = parse(
        tmp_path,
        "library (l) {\n a : 1; a : 2; u (3, x); u (4);\n cell (c) { } /*\n*/\n\n cell (d) {\n pin (p) { }}}",
    )
    assert (library.name, library.attributes, library.complex("u")) == ("l", {"a": "1"}, ("3", "x"))
    assert library.complex("none") is None and [cell.name for cell in library.all("cell")] == ["c", "d"]
    c, d = library.groups
    assert (c.where[-10:], d.where[-10:]) == ("some.lib:3", "some.lib:6")
    assert next(d.all("pin")).where.endswith("some.lib:7")
    assert library.statements[:3] == (Simple("a", "1"), Simple("a", "2"), Complex("u", ("3", "x")))


def test_what_is_no_number_is_told_with_its_place(tmp_path):
    library = parse(tmp_path, 'library (l) { nom : 1.5; load : abc; values ("1, 2", "3"); rows ("1, x"); }')
    assert library.number("nom") == 1.5 and library.number("none", 7.0) == 7.0
    assert library.numbers("values") == [1.0, 2.0, 3.0] and library.numbers("none") == []
    with pytest.raises(LibertyError, match=r":1: library \(l\): load: abc is no number"):
        library.number("load")
    with pytest.raises(LibertyError, match=r":1: library \(l\): rows: x is no number"):
        library.numbers("rows")


def test_files_are_included_where_they_stand(tmp_path):
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "cells.lib").write_text('cell (a) { area : 1; }\n include_file ("pins.lib")\n')
    (folder / "pins.lib").write_text("\n\ncell (b) {\n area : { }")
    library = tmp_path / "some.lib"
    library.write_text('library (l) { x : 1; include_file ("more/cells.lib"); y : 2; }')
    with pytest.raises(
        LibertyError, match=r"cells.lib:2: include_file: .*pins.lib:3: no '}' ends this group"
    ):
        body(liberty.parse(library))
    (folder / "pins.lib").write_text("\n\ncell (b) {\n area 2; }")
    parsed = liberty.parse(library)
    assert body(parsed.groups[0]) == [("area", "1")] and list(parsed.attributes) == ["x", "y"]
    with pytest.raises(LibertyError, match=r"pins.lib:4: not liberty: neither ':' nor '\(' follows 'area'"):
        body(parsed)


GOOD = (DIALECTS / "ihp_sg13g2.lib").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "some.lib: No such file or directory"),
        ("folder", "some.lib: Is a directory"),
        (b"", r"some.lib: an empty file; give one with library \(...\) { }"),
        (b" \n", "some.lib: an empty file"),
        (b"/* nothing */\n", r"some.lib:1: no library \(...\) { } in it"),
        (b"\n\x7fELF\x02\x00\x00", "some.lib:2: a binary file; liberty is text"),
        (gzip.compress(GOOD, mtime=0)[:-40], "some.lib: damaged gzip file"),
        (b"\x1f\x8bnot gzip at all", "some.lib: damaged gzip file"),
        (b"\nmodule top; endmodule\n", r"some.lib:2: module is outside of library \(...\) { }"),
        (b"library (a) {\n} library (b) { }", "some.lib:2: a second library: a file has one"),
        (b"library (a) {\n cell (b) {\n area : 1;\n}", r"some.lib:1: no '}' ends this group"),
        (b"library (a) {\n cell (b) {\n area : 1;\n", r"some.lib:2: no '}' ends this group"),
        (b"library (a) {\n cell (b) {\n\n cell (c) { } }", r"some.lib:4: a '}' is missing before cell \(c\)"),
        (b"library (a) {\n cell (b) { } }\n\n cell (c) { } }", r"some.lib:4: '}' without its '{'"),
        (
            b"library (a) {\n cell (b) { } }\n cell (c) { }",
            r"some.lib:3: cell is outside of library .*: is a '}' before it too many\?",
        ),
        (b'library (a) {\n c : "d;\n e : f; }', "some.lib:2: no '\"' ends this string"),
        (
            b'library (a) {\n c : "d;\n e : f;\n g : "h"; }',
            "some.lib:2: no '\"' ends this string on its line",
        ),
        (b"library (a) {\n} /* x\n", r"some.lib:2: no '\*/' ends this comment"),
        (b"library (a) {\n : 2; }", "some.lib:2: ':' where a name should be"),
        (b'library (a) {\n c : "1" d : 2; }', "some.lib:2: ';' is missing after the value of c"),
        (b"library (a) {\n values (1, 2;\n }", r"some.lib:2: '\)' is missing after the arguments of values"),
        (b"library (a) {\n\n area 1;\n }", r"some.lib:3: not liberty: neither ':' nor '\(' follows 'area'"),
        (b"library (a) {\n area : \\ 1; }", r"some.lib:2: unexpected '\\\\'"),
        (b"library (a) {" + b"a () {" * 40 + b"}" * 41, "some.lib:1: groups nested more than 32 deep"),
        (b"library (a) {\n include_file (none.lib); }", "some.lib:2: include_file: .*none.lib: No such file"),
        (b"library (a) {\n include_file (some.lib); }", r"some.lib:2: include_file \(some.lib\): .* itself"),
        (b"library (a) {\n include_file (.); }", "some.lib:2: include_file: .*: Is a directory"),
        (b"library (a) {\n include_file (b, c); }", "some.lib:2: include_file takes the name of one file"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, content, message):
    path = tmp_path / "some.lib"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(LibraryError, match=message) as told:
        load([path])
    assert "\n" not in str(told.value)


def read_all(path):
    """Read a file as a library and then every group of it; either is well or a LibertyError in one line."""
    try:
        load([path])
        body(liberty.parse(path))
    except LibertyError as error:
        assert "\n" not in str(error) and str(path) in str(error)


FILES = sorted(DIALECTS.glob("*.lib"))
PIECES = [
    '"',
    "\\",
    "{",
    "}",
    "(",
    ")",
    ";",
    ":",
    "/*",
    "*/",
    "//",
    "\n",
    "\0",
    "é",
    "!" * 2000,
    "(" * 2000,
    "[",
    "'",
]


@settings(deadline=None)
@given(
    file=st.sampled_from(FILES),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 200), st.sampled_from(["", *PIECES])),
        min_size=1,
        max_size=4,
    ),
    cut=st.floats(0, 1),
    truncated=st.booleans(),
)
@example(file=FILES[0], edits=[(0.0, 0, "")], cut=0.0, truncated=True)
def test_any_damage_is_a_mistake_or_none(tmp_path_factory, file, edits, cut, truncated):
    text = file.read_bytes().decode("utf-8", errors="replace")
    for place, removed, added in edits:
        start = int(place * len(text))
        text = text[:start] + added + text[start + removed :]
    if truncated:
        text = text[: int(cut * len(text))]
    path = tmp_path_factory.getbasetemp() / "damaged.lib"
    path.write_text(text, encoding="utf-8")
    read_all(path)


@settings(deadline=None)
@given(cut=st.floats(0, 1), place=st.floats(0, 1), byte=st.integers(0, 255))
def test_any_damage_of_a_compressed_file_is_a_mistake_or_none(tmp_path_factory, cut, place, byte):
    packed = bytearray(gzip.compress(GOOD, mtime=0))
    packed[int(place * (len(packed) - 1))] = byte
    path = tmp_path_factory.getbasetemp() / "damaged.lib.gz"
    path.write_bytes(bytes(packed[: int(cut * len(packed)) or None]))
    read_all(path)
