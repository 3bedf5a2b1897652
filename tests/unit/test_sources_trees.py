"""Other languages than Python: what others can call, its signature, and what its doc comment says."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.sources.comments import read_comment
from nightschool.sources.grammars import GRAMMARS, parser
from nightschool.sources.trees import finding, grammar_of, read_source

SOURCES = {
    "src/store.js": """
/** Add two numbers. They may be negative, too.
 * @param {number} a - first number
 * @returns {number} the sum of both */
export function add(a, b = 2, ...rest) { return a + b; }
function hidden() {}
/** A store. */
export default class Store {
  constructor(size = 3) {}
  /** Get a value. */ async get(key) { return 1 }
  #secret() {}
}
export const mul = (a, b) => a * b;
add(1, 2); const s = new Store(4);
""",
    "src/a.ts": """
export interface Opts { name: string; run(x: number): void }
export enum Color { Red, Green }
const z = 1; // no doc of what follows
export abstract class A<T> extends B {
  constructor(public name: string, size: number = 4) { super() }
  private hidden() {}
  /** Do it. */
  run(a?: string): Promise<T> { return null! }
}
export function f(a: string, b?: number): string { return a }
""",
    "internal/store.go": """
// Package store keeps things.
package store

// Store is safe for use by several goroutines.
type Store struct { Name string }

// Get gets the value of a key.
// It fails where there is none.
func (s *Store[T]) Get(key string, n, m int) (string, error) { return "", nil }
func Open(path string, opts ...Option) *Store { return nil }
func hidden() {}
type Reader interface { Read(p []byte) (int, error) }
""",
    "crates/my-kv/src/store/mod.rs": """
//! Of the module.
/// A store of [`Thing`]s.
///
/// # Errors
/// Never.
#[derive(Debug)]
pub struct Store { pub name: String }
impl Store {
    /// Open it.
    pub fn open(path: &str, mut size: usize) -> Result<Self, Error> { todo!() }
    fn hidden(&self) {}
}
impl Display for Store { fn fmt(&self) {} }
pub trait Walk { fn go(&self); }
""",
    "src/main/java/com/acme/Store.java": """
package com.acme;
/** A {@link Store} of things. */
public class Store extends X {
  public Store(String name) {}
  /** Get a value.
   * @param k the key to look for
   * @return the value that was stored
   * @throws IOException if it fails */
  public String get(String k, int... n) throws IOException { return null; }
  private void hidden() {}
  public interface In { void m(int a); }
}
""",
    "src/store.h": """
/** Open it.
 * @param path where it is
 * \\return a handle or NULL */
struct store *store_open(const char *path, int n);
static int hidden(void) { return 0; }
// A point.
typedef struct { int x; } point;
struct store { int n; };
""",
}
EXPECTED = {
    "src/store.js": ["src/store.add", "src/store.Store", "src/store.Store.get", "src/store.mul"],
    "src/a.ts": ["src/a.Opts", "src/a.Opts.run", "src/a.Color", "src/a.A", "src/a.A.run", "src/a.f"],
    "internal/store.go": [
        "internal.Store", "internal.Store.Get", "internal.Open", "internal.Reader", "internal.Reader.Read",
    ],
    "crates/my-kv/src/store/mod.rs": [
        "my_kv::store::Store", "my_kv::store::Store::open", "my_kv::store::Walk", "my_kv::store::Walk::go",
    ],
    "src/main/java/com/acme/Store.java": [
        "com.acme.Store", "com.acme.Store.get", "com.acme.Store.In", "com.acme.In.m",
    ],
    "src/store.h": ["store_open", "point", "store"],
}  # fmt: skip


def findings(path, code=None):
    grammar = grammar_of(path)
    source = read_source(SOURCES[path] if code is None else code, grammar)
    if source is None:
        pytest.skip(f"{grammar.wheel} is not installed")
    return source, {
        f.facets["name"]: f
        for f in (finding(one, source, path, "kit") for one in source.definitions)
    }


@pytest.mark.parametrize("path", SOURCES)
def test_what_others_can_use_is_found_and_nothing_else(path):
    assert list(findings(path)[1]) == EXPECTED[path]


def test_a_javascript_function():
    source, found = findings("src/store.js")
    add = found["src/store.add"]
    assert "declared as `function add(a, b = 2, ...rest)`" in add.text
    assert "Add two numbers." in add.text
    assert "They may be negative, too." in add.text
    assert add.facets["returns"] == "number"
    assert add.facets["result"] == "the sum of both."
    rows = json.loads(add.facets["parameters"])
    assert [(r["name"], r["default"], r["kind"]) for r in rows] == [
        ("a", None, "optional"), ("b", "2", ""), ("rest", None, "variadic"),
    ]  # fmt: skip
    assert rows[0]["doc"] == "first number."
    assert rows[0]["annotation"] == "number"
    assert [(c.short, c.code) for c in source.calls] == [
        ("add", "add(1, 2)"),
        ("Store", "new Store(4)"),
    ]


def test_a_typescript_method_and_a_constructor():
    _, found = findings("src/a.ts")
    assert "declared as `run(a?: string): Promise<T>`" in found["src/a.A.run"].text
    assert found["src/a.A.run"].facets["purpose"] == "Do it."
    made = json.loads(found["src/a.A"].facets["parameters"])
    assert [(r["name"], r["annotation"], r["default"]) for r in made] == [
        ("name", "string", None), ("size", "number", "4"),
    ]  # fmt: skip
    assert found["src/a.A"].facets["purpose"] == ""


def test_a_go_method_a_rust_function_a_java_method_and_a_c_function():
    _, go = findings("internal/store.go")
    get = go["internal.Store.Get"].facets
    assert (get["owner"], get["returns"], get["purpose"]) == (
        "Store",
        "(string, error)",
        "Get gets the value of a key.",
    )
    assert [r["name"] for r in json.loads(get["parameters"])] == ["key", "n", "m"]
    assert go["internal.Store"].facets["kind"] == "struct"
    _, rust = findings("crates/my-kv/src/store/mod.rs")
    assert rust["my_kv::store::Store"].facets["purpose"] == "A store of `Thing`s."
    assert rust["my_kv::store::Store::open"].facets["signature"].endswith("-> Result<Self, Error>")
    _, java = findings("src/main/java/com/acme/Store.java")
    got = java["com.acme.Store.get"].facets
    assert (got["raises"], got["result"]) == ("IOException", "the value that was stored.")
    assert java["com.acme.Store"].facets["purpose"] == "A `Store` of things."
    _, c = findings("src/store.h")
    opened = c["store_open"].facets
    assert (opened["returns"], opened["purpose"]) == ("struct store *", "Open it.")


def test_broken_syntax_is_read_around():
    _, found = findings(
        "x.js", "export function good(a) { return a }\nexport function bad(a { {{\n"
    )
    assert "x.good" in found


@pytest.mark.parametrize("suffix", [".js", ".ts", ".tsx", ".go", ".rs", ".java", ".c"])
@settings(max_examples=40)
@given(code=st.text(st.sampled_from("abf(){}[]<>=;:,.*&\"'/ \n@#"), max_size=80))
def test_no_source_breaks_the_reader(suffix, code):
    source = read_source(f"function f(a) {{ {code}", grammar_of(f"x{suffix}"))
    for one in source.definitions if source else ():
        finding(one, source, f"x{suffix}", "kit")


def test_nothing_is_fetched_for_a_language_without_its_wheel():
    absent = GRAMMARS[0].__class__("Nil", "tree_sitter_no_such_language", (".nil",), (), {}, (), ())
    assert parser(absent) is None
    assert read_source("x", absent) is None
    assert grammar_of("Makefile") is None


@pytest.mark.parametrize(
    ("raw", "purpose", "details"),
    [
        ("/** One thing. And a second one here. */", "One thing.", ["And a second one here."]),
        (
            "// Open opens a file.\n// It reads nothing yet.",
            "Open opens a file.",
            ["It reads nothing yet."],
        ),
        ("/// Sum.\n///\n/// # Examples\n/// ```\n/// let x = 1;\n/// ```", "Sum.", []),
        ("/*!\n * \\brief Close it.\n * \\param x what\n */", "Close it.", []),
        ("/* */", "", []),
        ("", "", []),
        ("/** {@code a} is <b>bold</b>. */", "`a` is bold.", []),
    ],
)
def test_doc_comments(raw, purpose, details):
    prose = read_comment(raw).prose
    assert (prose.purpose, prose.details) == (purpose, details)
