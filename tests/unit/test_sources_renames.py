"""What a thing does makes it known again under another name and in another place."""

import ast

from nightschool.sources.renames import Place, moved, python_bodies

LONG = "    total = 0\n    for one in rows:\n        total += one\n    return total\n"
OTHER = "    seen = set()\n    for one in rows:\n        seen.add(one)\n    return len(seen)\n"


def between(old, new, files=None):
    """Find moves between two {path: code}."""
    rows = [
        [b for path, code in side.items() for b in python_bodies(path, ast.parse(code))]
        for side in (old, new)
    ]
    return {
        (a.path, a.owner, a.short): (b.path, b.owner, b.short)
        for a, b in moved(*rows, files or {}).items()
    }


def test_a_renamed_function_is_known_by_its_body_and_signature():
    old, new = f"def add(rows):\n{LONG}", f"def total(rows):\n{LONG}"
    assert between({"a.py": old}, {"a.py": new}) == {("a.py", "", "add"): ("a.py", "", "total")}
    assert between({"a.py": old}, {"b.py": new}) == {
        ("a.py", "", "add"): ("b.py", "", "total"), ("a.py", "", ""): ("b.py", "", ""),
    }  # fmt: skip


def test_another_signature_or_another_body_is_another_function():
    old = f"def add(rows):\n{LONG}"
    assert between({"a.py": old}, {"a.py": f"def total(rows, start):\n{LONG}"}) == {}
    assert between({"a.py": old}, {"a.py": f"def total(rows):\n{OTHER}"}) == {}


def test_what_stays_at_its_place_is_no_move_whatever_its_body():
    assert between({"a.py": f"def add(rows):\n{LONG}"}, {"a.py": f"def add(rows):\n{OTHER}"}) == {}


def test_two_that_say_the_same_are_not_told_apart():
    old = f"def a(rows):\n{LONG}\ndef b(rows):\n{LONG}"
    assert between({"a.py": old}, {"a.py": f"def c(rows):\n{LONG}\ndef d(rows):\n{LONG}"}) == {}


def test_a_recursive_function_is_known_again():
    code = (
        "def {0}(rows):\n    if not rows:\n        return 0\n    return rows[0] + {0}(rows[1:])\n"
    )
    assert between({"a.py": code.format("add")}, {"a.py": code.format("total")}) == {
        ("a.py", "", "add"): ("a.py", "", "total")
    }


def test_a_short_body_tells_nothing_but_its_docstring_does():
    bare, told = "def {}():\n    pass\n", 'def {}():\n    """Do a rare thing."""\n'
    assert between({"a.py": bare.format("a")}, {"a.py": bare.format("b")}) == {}
    assert between({"a.py": told.format("a")}, {"a.py": told.format("b")}) != {}


def test_members_go_along_with_their_class():
    code = f"class {{}}:\n    def add(self, rows):\n{LONG.replace('    ', '        ')}\n    def close(self):\n        pass\n"
    found = between({"a.py": code.format("Old")}, {"a.py": code.format("New")})
    assert found[("a.py", "Old", "close")] == ("a.py", "New", "close")
    assert found[("a.py", "", "Old")] == ("a.py", "", "New")


def test_a_file_that_was_renamed_and_changed_takes_its_small_functions_along():
    old = f"def add(rows):\n{LONG}\ndef count(rows):\n{OTHER}\ndef tiny():\n    pass\n"
    found = between({"a.py": old}, {"b.py": old + "\ndef more():\n    return 1\n"})
    assert found[("a.py", "", "tiny")] == ("b.py", "", "tiny")


def test_a_file_renamed_without_a_change_is_known_even_if_it_holds_nothing():
    assert moved([], [], {"a.py": "b.py"}) == {Place("a.py"): Place("b.py")}
