"""Tool calls as plain data: a tool's arguments, values drawn for them, calls checked against the schema.

Ground for the rooms that write, examine and grade tool calls, which never meet one another. A schema
here holds no references (the reader puts what they name in their place), and values for a `pattern`
are only found by trying.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

Schema = dict[str, Any]
STUDY, EXAM = 0, 1
"""Sides of the word pools: what the exam draws from, the study material never does."""
OPTIONAL = 0.4
"""How often an argument that need not be given is given."""
TRIES = 24
"""So often a value is drawn until it obeys its schema."""
DEEPEST = 6
"""Below so many levels only what is required is drawn."""
MOST_ITEMS = 20
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)

FIRST = """Ada Bruno Carla Dmitri Elif Farid Greta Hiro Ines Jonas Kamala Luca Mona Nikhil Olga Pablo Quinn Rosa Sven Tomas
Uma Viktor Wanda Xavier Yara Zoltan Amina Boris Chloe Dario Edda Filip Gwen Hamza Ilse Jakub Kira Leon Maren Noor""".split()
LAST = """Abbott Bergman Castro Dvorak Engel Ferrari Garner Hoffman Ivanova Jansen Keller Lindqvist Moreau Novak Okafor
Petrov Quist Rossi Santos Tanaka Ullman Varga Weber Ximenes Yilmaz Zeller Almeida Brandt Costa Dahl Eriksen Fischer""".split()
PLACES = """Oslo Bergen Lisbon Porto Krakow Gdansk Vienna Graz Dublin Cork Turin Naples Lyon Nantes Seville Malaga Utrecht
Leiden Basel Geneva Athens Patras Tallinn Tartu Riga Vilnius Helsinki Turku Aarhus Odense Boston Denver Nairobi Mombasa
Kyoto Osaka Busan Hanoi Lima Quito Bogota Santiago Montreal Calgary Perth Adelaide Wellington Auckland""".split()
THINGS = """report harbour invoice garden meeting lantern budget kitchen contract engine schedule window survey bridge
printer journal ticket valley sensor library parcel orchard backup mirror recipe anchor folder compass signal market
poster tunnel archive kettle server blanket agenda ladder camera pocket""".split()
QUALITIES = """quarterly quiet yellow late shared narrow annual broken second early wooden open final heavy northern small
weekly spare urgent old blue remote new double central empty public round warm private""".split()
SYLLABLES = "ka lo mi ren tus vel dor pa shi nu bra gon fe lis mar to qui zan hel po".split()

ROLES = (
    ("email", {"email", "mail", "emails"}),
    ("url", {"url", "uri", "link", "website", "webhook"}),
    ("date", {"date", "day", "deadline", "birthday", "due", "until", "since"}),
    ("time", {"time", "hour"}),
    ("place", {"city", "place", "location", "country", "origin", "destination", "region", "airport", "station", "venue",
               "town", "area", "address", "from", "to"}),
    ("person", {"person", "user", "guest", "customer", "attendee", "author", "owner", "assignee", "contact", "recipient",
                "patient", "employee", "member", "sender", "driver", "teacher", "student", "attendees", "people"}),
    ("id", {"id", "ids", "code", "number", "key", "reference", "sku", "isbn", "serial", "account", "barcode"}),
)  # fmt: skip
"""What a text argument holds, by a word of its name; the last word counts before the others."""
FORMATS = {"date": "date", "time": "time", "date-time": "moment", "email": "email", "uri": "url", "url": "url", "uuid": "uuid"}  # fmt: skip
WRITTEN = (
    ("moment", r"ISO ?8601|RFC ?3339|YYYY-MM-DDT"), ("date", r"YYYY-MM-DD"), ("time", r"HH:MM|24-hour"),
)  # fmt: skip
"""How a description says in which form a text is wanted."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool."""

    name: str
    schema: Schema
    required: bool

    @property
    def doc(self) -> str:
        """What its description says, on one line; empty where there is none."""
        return " ".join(str(self.schema.get("description", "")).split())

    @property
    def type(self) -> str:
        """Its JSON type in words, such as `integer` or `array of string`; empty for anything."""
        return type_of(self.schema)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values it is limited to; empty where it is not."""
        return tuple(self.schema.get("enum", ()))


class Call(NamedTuple):
    """A call of a tool."""

    name: str
    arguments: dict[str, Any]

    @property
    def text(self) -> str:
        """The call as JSON on one line."""
        return json.dumps({"name": self.name, "arguments": self.arguments}, ensure_ascii=False)


def arguments_of(schema: Schema) -> list[Argument]:
    """List the arguments of an object's schema, as they stand there."""
    required = set(schema.get("required", ()))
    rows = schema.get("properties", {}).items()
    return [
        Argument(name, one if isinstance(one, dict) else {}, name in required) for name, one in rows
    ]


def type_of(schema: Schema) -> str:
    """Say the JSON type of a schema in words; empty where it allows anything."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array" and type_of(schema.get("items") or {}):
        return f"array of {type_of(schema['items'])}"
    if kind:
        return str(kind)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            options = [one for one in schema[key] if isinstance(one, dict)]
            return " or ".join(dict.fromkeys(filter(None, map(type_of, options))))
    return "string" if all(isinstance(v, str) for v in schema.get("enum", [None])) else ""


def role_of(name: str, schema: Schema) -> str:
    """Tell what a text holds: `date`, `time`, `moment`, `email`, `url`, `uuid`, `place`, `person`, `id` or `text`."""
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    for role, pattern in WRITTEN:
        if re.search(pattern, str(schema.get("description", ""))):
            return role
    words = [w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    for part in (words[-1:], words):
        for role, known in ROLES:
            if known & set(part):
                return role
    return "text"


def draw_call(name: str, schema: Schema, rng: random.Random, side: int) -> Call | None:
    """Draw a call that obeys the schema: all that is required, and some of the rest.

    Args:
        name: The tool.
        schema: Of its arguments; an object.
        rng: Source of the choices.
        side: `STUDY` or `EXAM`; names and words of one are never drawn for the other.

    Returns:
        The call; None where no valid arguments were found (a pattern that nothing drawn matches).
    """
    for _ in range(TRIES):
        try:
            arguments = _object(schema, rng, side, 0)
        except OverflowError:  # bounds of 1e999 are JSON, and no number
            return None
        if not flaw(arguments, schema):
            return Call(name, arguments)
    return None


def flaw(arguments: Any, schema: Schema) -> str:
    """Say what in the arguments breaks the schema; empty where nothing does.

    Raises:
        jsonschema.SchemaError: The schema itself is none.
        referencing.exceptions.Unresolvable: It holds a reference; none is ever fetched.
    """
    from jsonschema import Draft202012Validator
    from referencing import Registry

    Draft202012Validator.check_schema(schema)
    errors = Draft202012Validator(schema, registry=Registry()).iter_errors(arguments)
    told = sorted(f"{'.'.join(map(str, e.path)) or 'arguments'}: {e.message}" for e in errors)
    return str(told[0]) if told else ""


def said(value: Any) -> str:
    """Say a value as people do within a sentence; texts and numbers stand there as they are."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {said(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        words = [said(one) for one in value]
        return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
    return value if isinstance(value, str) else json.dumps(value)


def parse_call(answer: str) -> Call | None:
    """Read the one tool call in an answer: `{"name": ..., "arguments": {...}}`.

    Returns:
        The call; None where there is no such object, or more than one of any kind.
    """
    fenced = _FENCE.search(answer)
    text = fenced[1] if fenced else answer
    start = text.find("{")
    try:
        body, end = json.JSONDecoder().raw_decode(text, max(start, 0))
    except (ValueError, RecursionError):  # a number of thousands of digits, too
        return None
    if not isinstance(body, dict) or "{" in text[end:] + (answer[fenced.end() :] if fenced else ""):
        return None
    arguments = body.get("arguments")
    if isinstance(arguments, str):  # as OpenAI's API writes them
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):  # a number of thousands of digits, too
            return None
    if not isinstance(body.get("name"), str) or not isinstance(arguments, dict):
        return None
    return Call(body["name"], arguments)


def settled(arguments: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Return valid arguments with the defaults of those left out, texts without outer white space."""
    defaults = {
        one.name: one.schema["default"] for one in arguments_of(schema) if "default" in one.schema
    }
    return {key: _trimmed(value) for key, value in (defaults | arguments).items()}


def _trimmed(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [_trimmed(one) for one in value]
    if isinstance(value, dict):
        return {key: _trimmed(one) for key, one in value.items()}
    # True equals 1 in Python, and not in JSON.
    return (value,) if isinstance(value, bool) else value


# -- drawing ------------------------------------------------------------------------------


def _object(schema: Schema, rng: random.Random, side: int, depth: int) -> dict[str, Any]:
    return {
        one.name: _value(one.name, one.schema, rng, side, depth + 1)
        for one in arguments_of(schema)
        if one.required or (depth < DEEPEST and rng.random() < OPTIONAL)
    }


def _value(name: str, schema: Schema, rng: random.Random, side: int, depth: int) -> Any:
    for option in ("anyOf", "oneOf"):
        if option in schema:
            options = [one for one in schema[option] if isinstance(one, dict)]
            real = [one for one in options if one.get("type") != "null"]
            return _value(name, rng.choice(real or [{}]), rng, side, depth)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return rng.choice([one for one in schema["enum"] if one is not None] or [None])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind == "boolean":
        return rng.random() < 0.5
    if kind in ("integer", "number"):
        return _number(schema, rng, whole=kind == "integer")
    if kind == "array":
        least = min(int(schema.get("minItems", 1)), MOST_ITEMS)
        count = rng.randint(least, max(least, min(int(schema.get("maxItems", 3)), least + 2)))
        items = schema.get("items")
        inner = items if isinstance(items, dict) else {}
        return [_value(name, inner, rng, side, depth + 1) for _ in range(count)]
    if kind == "object":
        return _object(schema, rng, side, depth)
    return None if kind == "null" else _text(name, schema, rng, side)


def _number(schema: Schema, rng: random.Random, whole: bool) -> float:
    bounds: Any = schema
    step = float(bounds.get("multipleOf", 1 if whole else 0.1))
    low = float(bounds.get("minimum", bounds.get("exclusiveMinimum", 1)))
    above = 5000 if rng.random() < 0.2 else 60
    high = float(bounds.get("maximum", bounds.get("exclusiveMaximum", low + above)))
    first = round(low / step)
    drawn = rng.randint(first, max(first, round(high / step))) * step
    return round(drawn) if whole or drawn == round(drawn) else round(drawn, 2)


def _text(name: str, schema: Schema, rng: random.Random, side: int) -> str:
    examples = [one for one in schema.get("examples", ()) if isinstance(one, str)]
    role = role_of(name, schema)
    if examples and (role == "id" or "pattern" in schema):
        return _alike(rng.choice(examples), rng)
    for _ in range(TRIES):
        text = _of_role(role, rng, side)
        if schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)):
            break
    return text


def _of_role(role: str, rng: random.Random, side: int) -> str:
    def pick(pool: list[str]) -> str:
        return rng.choice(pool[side::2])

    def made() -> str:
        return "".join(rng.sample(SYLLABLES[side::2], rng.randint(2, 3)))

    day = date(2026, 1, 1) + timedelta(days=rng.randrange(1500))
    hour = f"{rng.randrange(24):02}:{rng.randrange(0, 60, 5):02}"
    if role == "date":
        return day.isoformat()
    if role == "time":
        return hour
    if role == "moment":
        return f"{day.isoformat()}T{hour}:00Z"
    if role == "email":
        return f"{pick(FIRST)}.{pick(LAST)}@{made()}.{rng.choice(['com', 'org', 'net'])}".lower()
    if role == "url":
        return f"https://{made()}.{rng.choice(['com', 'org', 'io'])}/{pick(THINGS)}"
    if role == "uuid":
        digits = f"{rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    if role == "place":
        return pick(PLACES) if rng.random() < 0.6 else made().capitalize()
    if role == "person":
        last = pick(LAST) if rng.random() < 0.6 else made().capitalize()
        return f"{pick(FIRST)} {last}" if rng.random() < 0.8 else last
    if role == "id":
        letters = "".join(rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ"[side::2], k=rng.randint(1, 3)))
        mark = rng.choice(["-", "", "-", "_"])
        return f"{letters}{mark}{rng.randrange(10, 10 ** rng.randint(2, 6))}"
    if rng.random() < 0.2:
        return f"{pick(FIRST)}'s {pick(THINGS).capitalize()}"
    words = [pick(QUALITIES), pick(THINGS)]
    if rng.random() < 0.4:
        words += [rng.choice(["for", "of", "and", "with"]), pick(THINGS)]
    if rng.random() < 0.3:
        words[0] = made()
    text = " ".join(words[rng.random() < 0.25 :])
    return rng.choice([text, text, text.capitalize(), text.title()])


def _alike(example: str, rng: random.Random) -> str:
    """Draw a text of the same shape: digits for digits, letters for letters of their case."""
    pools = (("0-9", "0123456789"), ("A-Z", "ABCDEFGHJKLMNPRSTUVWXYZ"), ("a-z", "abcdefghjkmnprst"))
    for marks, pool in pools:
        example = re.sub(f"[{marks}]", lambda _, pool=pool: rng.choice(pool), example)  # type: ignore[misc]
    return example
