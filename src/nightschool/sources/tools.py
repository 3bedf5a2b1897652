"""Definitions of tools: an OpenAPI 3 document, or a list as OpenAI's and MCP's clients take it.

Not read: OpenAPI in YAML, what an operation answers, its headers and cookies, bodies that are not
JSON, and references that lead out of the document (nothing is ever fetched).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nightschool.calls import Argument, Schema, arguments_of, flaw
from nightschool.errors import SourceMalformed
from nightschool.types import Episode, Finding, Reading, SourceKind, digest, new_id, now

EXPECTED = (
    'Expected an OpenAPI 3 document, or a list of tools: {"type": "function", "function": {"name", '
    '"description", "parameters"}} (OpenAI) or {"name", "description", "inputSchema"} (MCP).'
)
SCHEMA_KEYS = ("parameters", "inputSchema", "input_schema")
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
PLACES = ("path", "query")
"""Where the parameters stand that a caller chooses; headers and cookies are the client's business."""


def read_tools(text: str, tenant: str, source: str) -> Reading:
    """Read a JSON document that defines tools.

    Each finding's facets are texts: `name`, `purpose` (the description's first sentence),
    `description`, `schema` (the JSON Schema of its arguments, without references) and `api` (the
    document's title, empty for a list).

    Raises:
        SourceMalformed: It is not JSON (the message names the line).
        SourceMalformed: It defines no tools, or one of them breaks the format (the message names it).
    """
    try:
        body = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise SourceMalformed(
            f"{source} is not JSON: {error}. Correct it, or save it again from what wrote it."
        ) from error
    try:
        api, found = _defined(body, source)
    except SourceMalformed:
        raise
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        # A value of another type than the format has there; the parts below take their types on trust.
        raise SourceMalformed(
            f"{source} has a value of the wrong type in it ({error}). {EXPECTED} Correct that part."
        ) from error
    if not found:
        raise SourceMalformed(f"{source} defines no tools. {EXPECTED}")
    names = [name for name, _, _ in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceMalformed(
            f"{source} defines {twice[0]!r} more than once; expected each name once. Rename one."
        )
    findings = tuple(_finding(name, told, schema, api, source) for name, told, schema in found)
    episode = Episode(
        new_id("ep"), tenant, SourceKind.TOOLS, source, api or source.rpartition("/")[2], text,
        digest(SourceKind.TOOLS.value, source, text), now(),
    )  # fmt: skip
    return Reading(episode, findings)


def _defined(body: Any, source: str) -> tuple[str, list[tuple[str, str, Schema]]]:
    """Return the document's title and (name, description, schema) of each tool."""
    if isinstance(body, dict) and ("openapi" in body or "swagger" in body):
        info = body.get("info")
        api = str(info.get("title", "")) if isinstance(info, dict) else ""
        return api, list(_operations(body, source))
    return "", list(_listed(body, source))


def _listed(body: Any, source: str) -> Iterator[tuple[str, str, Schema]]:
    """Yield (name, description, schema) of a list of tools, bare or under `tools`."""
    rows = body.get("tools") if isinstance(body, dict) else body
    if not isinstance(rows, list):
        shown = f"an object with {sorted(body)[:6]}" if isinstance(body, dict) else f"a {_kind(body)}"  # fmt: skip
        raise SourceMalformed(f"{source} holds {shown}. {EXPECTED}")
    for place, row in enumerate(rows):
        where = f"{source}, tool {place + 1}"
        tool = row.get("function", row) if isinstance(row, dict) else row
        if not isinstance(tool, dict):
            raise SourceMalformed(f"{where} is a {_kind(tool)}. {EXPECTED}")
        name = tool.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"\S{1,128}", name):
            raise SourceMalformed(
                f"{where}: its name is {name!r}; expected a word without spaces. Give it one."
            )
        schema: Any = next((tool[key] for key in SCHEMA_KEYS if tool.get(key) is not None), {})
        told = tool.get("description")
        yield name, told if isinstance(told, str) else "", _whole(schema, schema, where)


def _operations(body: Schema, source: str) -> Iterator[tuple[str, str, Schema]]:
    """Yield (name, description, schema) of an OpenAPI document's operations."""
    version = str(body.get("openapi", f"Swagger {body.get('swagger')}"))
    if not version.startswith("3."):
        raise SourceMalformed(
            f"{source} is of version {version}; expected OpenAPI 3. Convert it, for instance with swagger2openapi."
        )
    paths = body.get("paths")
    if not isinstance(paths, dict):
        raise SourceMalformed(
            f"{source}: its paths are a {_kind(paths)}; expected an object of paths. Add the operations there."
        )
    for path, item in paths.items():
        for method in METHODS if isinstance(item, dict) else ():
            operation = item.get(method)
            if operation is None:
                continue
            where = f"{source}, {method.upper()} {path}"
            if not isinstance(operation, dict):
                raise SourceMalformed(
                    f"{where} is a {_kind(operation)}; expected an object. Correct that operation."
                )
            slug = re.sub(r"\W+", "_", path).strip("_")
            name = operation.get("operationId") or f"{method}_{slug}".strip("_")
            told = operation.get("description") or operation.get("summary") or ""
            first = operation.get("summary") or told
            text = told if told.startswith(first.rstrip(".")) else f"{first.rstrip('.')}. {told}"
            yield re.sub(r"\s+", "_", str(name)), text, _operation(item, operation, body, where)


def _operation(item: Schema, operation: Schema, body: Schema, where: str) -> Schema:
    """Put an operation's parameters and the fields of its JSON body side by side."""
    properties: dict[str, Schema] = {}
    required: dict[str, bool] = {}
    given = [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
    for row in given:
        parameter = _resolved(row, body, where)
        name = parameter.get("name")
        if not isinstance(name, str):
            raise SourceMalformed(
                f"{where}: a parameter has no name ({sorted(parameter)}). Give it one."
            )
        if parameter.get("in") not in PLACES:
            continue
        inner = dict(_whole(parameter.get("schema") or {}, body, where, loose=True))
        if parameter.get("description"):
            inner["description"] = parameter["description"]
        properties[name] = inner
        required[name] = parameter.get("required") is True
    posted = _resolved(operation.get("requestBody") or {}, body, where)
    media = (posted.get("content") or {}).get("application/json")
    if media:
        schema = _whole(media.get("schema") or {}, body, where, loose=True)
        fields = arguments_of(schema)
        if not fields or {one.name for one in fields} & set(properties):
            fields = [Argument("body", schema, posted.get("required") is True)]
        properties |= {one.name: one.schema for one in fields}
        required |= {one.name: one.required for one in fields}
    whole = {
        "type": "object",
        "properties": properties,
        "required": [name for name, must in required.items() if must],
    }
    return _checked(whole, where)


def _whole(schema: Any, root: Any, where: str, *, loose: bool = False) -> Schema:
    """Return a schema with what its references name in their place; of an object unless `loose`."""
    found = _inlined(schema, root, where, ())
    if not isinstance(found, dict):
        raise SourceMalformed(
            f"{where}: its parameters are a {_kind(schema)}; expected a JSON Schema. Correct them."
        )
    if loose:
        return _merged(found)
    kind = found.setdefault("type", "object")
    if kind != "object":
        raise SourceMalformed(
            f"{where}: its parameters are of type {kind!r}; expected an object whose properties are the "
            "arguments. Wrap them in one."
        )
    found.pop("$defs", None)
    found.pop("definitions", None)
    return _checked(found, where)


def _checked(schema: Schema, where: str) -> Schema:
    from jsonschema import SchemaError

    try:
        flaw({}, schema)
    except SchemaError as error:
        place = ".".join(map(str, error.path)) or "its top"
        raise SourceMalformed(
            f"{where}: its parameters are no JSON Schema (at {place}: {error.message}). Expected draft "
            "2020-12. Correct that part."
        ) from error
    return schema


def _inlined(node: Any, root: Any, where: str, within: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_inlined(one, root, where, within) for one in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference in within:
            return {}  # it holds itself: anything may stand there
        beside = {key: value for key, value in node.items() if key != "$ref"}
        target = _inlined(_named(reference, root, where), root, where, (*within, reference))
        return {**target, **beside} if isinstance(target, dict) else target
    if isinstance(node.get("pattern"), str):
        try:
            re.compile(node["pattern"])
        except re.error as error:
            raise SourceMalformed(
                f"{where}: the pattern {node['pattern']!r} is no regular expression ({error}). Correct it."
            ) from error
    return _modern({key: _inlined(one, root, where, within) for key, one in node.items()})


def _modern(node: Schema) -> Schema:
    """Write what OpenAPI 3.0 says in its own way as JSON Schema does."""
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        node = {**node, "type": [node["type"], "null"]}
    for key, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(node.get(key), bool):
            strict = node[key] and bound in node
            node = {k: v for k, v in node.items() if k not in ({key, bound} if strict else {key})} | (
                {key: node[bound]} if strict else {}
            )  # fmt: skip
    if "example" in node and "examples" not in node and isinstance(node.get("type"), str | list):
        node = {**node, "examples": [node["example"]]}
    return node


def _merged(schema: Schema) -> Schema:
    """Join the parts of an `allOf`, as bodies are often written."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    whole: Schema = {"type": "object", "properties": {}, "required": []}
    for part in [*map(_merged, parts), {k: v for k, v in schema.items() if k != "allOf"}]:
        whole["properties"] |= part.get("properties", {})
        whole["required"] += part.get("required", [])
    return whole


def _resolved(node: Any, root: Schema, where: str) -> Schema:
    found = node
    for _ in range(8):
        if not isinstance(found, dict):
            raise SourceMalformed(
                f"{where}: a {_kind(found)} stands where an object is expected. Correct it."
            )
        if not isinstance(found.get("$ref"), str):
            return found
        found = _named(found["$ref"], root, where)
    raise SourceMalformed(
        f"{where}: {node['$ref']} leads from reference to reference. Name the object itself."
    )


def _named(reference: str, root: Any, where: str) -> Any:
    """Return what a reference within the document names."""
    if not reference.startswith("#"):
        raise SourceMalformed(
            f"{where}: {reference} leads out of the document, and nothing is fetched; expected a reference "
            "that begins with #. Bundle the document into one file."
        )
    node = root
    for part in reference.lstrip("#").strip("/").split("/") if reference != "#" else ():
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or key not in node:
            raise SourceMalformed(
                f"{where}: {reference} names nothing in the document. Add it, or correct the reference."
            )
        node = node[key]
    return node


def _finding(name: str, told: str, schema: Schema, api: str, source: str) -> Finding:
    flat = " ".join(told.split())
    purpose = re.split(r"(?<=[.!?])\s+(?=[A-Z`\"'(])", flat)[0]
    facets = {
        "name": name,
        "purpose": purpose.rstrip(".") + "." if purpose else "",
        "description": flat,
        "schema": json.dumps(schema, ensure_ascii=False),
        "api": api,
    }
    said = [f"The tool `{name}`{f' of {api}' if api else ''} can be called."]
    said.append(flat if not flat or flat.endswith((".", "!", "?")) else f"{flat}.")
    said += [_described(one) for one in arguments_of(schema)] or ["It takes no arguments."]
    return Finding(" ".join(filter(None, said)), "tool", facets, None, "tools", f"tool:{name}")


def _described(one: Argument) -> str:
    """Tell one argument in a sentence."""
    facts = [one.type, "required" if one.required else "optional"]
    if one.choices:
        facts.append("one of " + ", ".join(map(str, one.choices)))
    if "default" in one.schema:
        facts.append(f"default {json.dumps(one.schema['default'], ensure_ascii=False)}")
    facts += [f"{key} {one.schema[key]}" for key in ("minimum", "maximum") if key in one.schema]
    doc = f": {one.doc.rstrip('.')}" if one.doc else ""
    return f"Argument `{one.name}` ({', '.join(filter(None, facts))}){doc}."


def _kind(value: Any) -> str:
    names = {
        "dict": "object",
        "str": "text",
        "NoneType": "null",
        "int": "number",
        "float": "number",
    }
    return names.get(type(value).__name__, type(value).__name__)
