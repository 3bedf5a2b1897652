"""How tests call things: by the names of their imports, followed to the methods of what was made."""

import ast

import pytest

from nightschool.sources.usage import usages


def calls(code):
    return [(u.name, u.code, u.plain) for u in usages(ast.parse(code))]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "from kit import pack\npack('tea', layers=2)",
            [("kit.pack", "pack('tea', layers=2)", True)],
        ),
        ("import kit.box as b\nb.Box(x)", [("kit.box.Box", "b.Box(x)", False)]),
        ("import kit.box\nkit.box.Box(4)", [("kit.box.Box", "kit.box.Box(4)", True)]),
        (
            "from kit import Box\ndef test():\n    box = Box(4)\n    box.close(now=True)",
            [("kit.Box", "Box(4)", True), ("kit.Box.close", "box.close(now=True)", True)],
        ),
        (
            "from kit import Box\nwith Box(4) as box:\n    box.close()",
            [("kit.Box", "Box(4)", True), ("kit.Box.close", "box.close()", True)],
        ),
        ("from kit import pack\nimport pytest\nwith pytest.raises(ValueError):\n    pack(-1)", []),
        ("from kit import pack\ndef test(pack):\n    pack(1)", []),
        (
            "from kit import Box\nbox = Box(1)\nbox = other()\nbox.close()",
            [("kit.Box", "Box(1)", True)],
        ),
        ("print('x')", []),
    ],
)
def test_usages(code, expected):
    assert [one for one in calls(code) if not one[0].startswith("pytest")] == expected


def test_a_long_call_is_left_out_and_a_deep_one_stops_the_walk_quietly():
    assert calls(f"from kit import pack\npack({'1, ' * 60})") == []
    deep = ast.Constant(1)
    for _ in range(3000):
        deep = ast.UnaryOp(ast.USub(), deep)
    assert usages(ast.Module([ast.Expr(deep)], [])) == []
