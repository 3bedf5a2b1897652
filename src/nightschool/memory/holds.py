"""What must not reach the weights whoever says it: secrets, passing states, orders inside of sources.

Recall may still use it. Rules and a detector can err: the owner lifts a hold by approving the memory,
but never that on a secret.
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

from nightschool.memory.directives import cut_from_directive, directive
from nightschool.memory.talk import ORDERS
from nightschool.types import Hold, SourceKind

MASK = "[secret]"
NOISY = ("IPPublicDetector", "Base64HighEntropyString", "HexHighEntropyString")
"""Detectors that take addresses and commit hashes for secrets: those are facts that people teach."""
WHOLE = "Private Key"
"""A detector's finding that hides everything: what follows its first line is the secret."""
WORD = r"(?:pass(?:word|phrase|code|wd)|pwd|pw(?=(?: \w+){0,3} (?:is|was))|api[ _-]?key|(?:secret|access|private|encryption|signing|license)[ _-](?:key|token))"
"""What people call a secret, whatever else stands in the sentence."""
LONGER = rf"(?:{WORD}|secret|token)"
"""With these two, which also name plain things: behind them only what looks like a key is one."""
OF = r"(?: (?:for|of|to|on|in|at) [^.:=]{1,40}?)?"
IS = r"(?:[’']s|\s+(?:is|was|has been|equals)(?: now)?(?: (?:set|changed|reset|updated) to)?|\s*[:=])\s*"
NO_VALUE = (
    r"(?!(?:base64|bcrypt|pbkdf2|scrypt|argon|sha-?\d|md5|hmac|[rh]s\d{3}|oauth|jwt|utf-?8|aes|rsa|ed25519|x\.?509"
    r"|\d+[ -]?(?:bit|byte|char|day|hour|minute|second|digit|word))|\[secret|[${<%*]|\.\.\.)"
)
"""Ways to store a secret, lengths of one, and what stands where one is to be filled in."""
SAYS_HOW = (
    r"(?!\w+(?:ed|en|[ai]ble|ing|less|ory|al|ful|ous|[iu]ve|ary|[ae]nt|ique|ure|ly)\b|(?:wrong|right|correct|weak|strong|short|long"
    r"|valid|invalid|empty|known|unknown|secret|safe|old|new|null|none|here|there|gone|fine|kept|sent|lost|random|same|public"
    r"|plain|plaintext|case-sensitive|true|false|string|text|bytes|read-only|default|yours|mine|ours)\b)"
)
"""What is told of a secret in one word, beside its value: "the password is required"."""
NAMED_SAME = r"(?!(?:password|passwd|secret|token|api_?key|your|change|example|xxx|os\.|self\.|settings\.|config\.|env\.))"
SPOKEN = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # a word for it, and a value that no plain word is: with a figure or a mark in it
        rf"\b{WORD}\b[^.:=]{{0,40}}?{IS}[\"'`]?{NO_VALUE}(?P<value>(?=[^\s\"'`]*[\d!@#$%^&*])[^\s\"'`]{{4,}})",
        rf"\b{LONGER}{OF}{IS}[\"'`]?{NO_VALUE}(?P<value>(?=[^\s\"'`]*\d)(?=[^\s\"'`]*[A-Za-z])[^\s\"'`]{{8,}})",
        # in quotation marks, or one word that ends the sentence
        rf"\bpass(?:word|phrase|code){OF}{IS}[\"“`](?P<value>[^\"”`\n]{{4,60}})[\"”`]",
        rf"\bpass(?:word|phrase|code){OF}(?!\s*=){IS}{NO_VALUE}{SAYS_HOW}(?P<value>[\w-]{{4,}})"
        r"(?=[.!]?\s*$|[.!]\s|\s+[\w.-]+\s*[:=]\s)",
        # "we use it as the password", "it is the password"
        rf"\b(?:us(?:e[ds]?|ing)|set|chose|picked) [\"'`]?{NO_VALUE}(?P<value>[^\s\"'`]{{4,}})[\"'`]? as (?:\w+ ){{0,3}}?{WORD}(?=[.!,;]|\s*$)",
        rf"\b(?:us(?:e[ds]?|ing)|set) [\"'`]?{NO_VALUE}(?P<value>(?=[^\s\"'`]*\d)[^\s\"'`]{{4,}})[\"'`]? for (?:\w+ ){{0,3}}?{WORD}(?=[.!,;]|\s*$)",
        rf"(?:^|(?<=[.!;] ))[\"'`]?{NO_VALUE}(?P<value>(?=[^\s\"'`]*\d)[^\s\"'`]{{4,}})[\"'`]? (?:is|was) (?:the|our|my) (?:\w+ ){{0,2}}?{WORD}(?=[.!,;]|\s*$)",
    )
)
"""How people say a secret in a sentence; the detector's own keywords want an assignment in quotation marks."""
ASSIGNED = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        # DB_PASSWORD=..., as an environment has it
        rf"\b\w*(?:PASSWORD|PASSWD|SECRET|API_?KEY|TOKEN(?!S|IZ)(?=[^\n]*\d))\w*[\"']?\s*[=:]\s*[\"']?(?i:{NO_VALUE}{NAMED_SAME})"
        r"(?P<value>(?!\d{1,7}\b|[A-Z_]+\b)[^\s\"'`()\[\]]{6,})(?![\w(\[])",
        rf"\b\w*_(?:password|passwd|secret|token|api_?key)[\"']?\s*[=:]\s*[\"']?(?i:{NO_VALUE}{NAMED_SAME})"
        r"(?P<value>(?=[^\s\"'`]*\d)(?=[^\s\"'`]*[A-Za-z])[^\s\"'`()\[\]]{6,})(?![\w(\[])",
        # an address with a password and perhaps no name
        r"\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]*:(?P<value>(?![${<%*])[^\s/@]{3,})@",
        # what a house gives its keys to be known by
        r"(?P<value>\b(?:github_pat_\w{30,}|gh[pousr]_\w{30,}|sk-(?:ant|proj|svcacct|admin|or)-[\w-]{16,}|AIza[\w-]{30,}"
        r"|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{30,}))",
        r"\b[Bb]earer (?P<value>(?=[^\s\"'`]*\d)[\w.~+/=-]{16,})",
    )
)
"""How files and addresses hold a secret that the detector passes over: without quotation marks, or of a newer shape."""
PASSING = re.compile(
    r"\b(?:right now|at the moment|currently|today|tonight|tomorrow|as of now|for now|so far this)\b"
    r"|\bcosts?\b[^.]{0,30}[$€£]\s?\d|\bcosts?\b[^.]{0,20}\d+ (?:dollars|euros|pounds)\b"
    r"|\bis (?:temporarily )?(?:down|offline|back up) (?:again|since)\b",
    re.IGNORECASE,
)
SUSPECT = re.compile(r"pass|secret|token|key|pwd|\bpw\b|cred|auth|BEGIN|://|\S{16,}", re.IGNORECASE)
"""Without any of these no detector finds anything: keywords, addresses, long words. It spares most texts the search."""
BROUGHT_IN = (SourceKind.DOCUMENT, SourceKind.CODE, SourceKind.TOOLS, SourceKind.NOTE)
TECHNICAL = (SourceKind.CODE, SourceKind.TOOLS)
"""Where "the current weather" says what something does, and nothing of this moment."""

_SCANNING = Lock()


def holds(text: str, kind: SourceKind, passage: str = "") -> tuple[Hold, ...]:
    """Tell why a statement may not be trained.

    Args:
        text: The memory's text.
        kind: What it was read from. An order that the owner states is a wish; one that stands in a
            document is a planted instruction until the owner says otherwise.
        passage: The part of a document in which it stands, as written; empty where it has none. A clause
            cut out of an order does not look like one: it waits with the whole.
    """
    found = []
    if masked(text) or _disguised(text, passage):
        found.append(Hold.SECRET)
    if PASSING.search(text) and kind not in TECHNICAL:
        found.append(Hold.VOLATILE)
    if kind in BROUGHT_IN and _ordered(text, kind, passage):
        found.append(Hold.DIRECTIVE)
    return tuple(found)


def _disguised(text: str, passage: str) -> bool:
    """Tell a statement with a secret of its passage in it that lost the marks by which it is known there."""
    bare = _bare(text)
    return any(len(_bare(value)) > 3 and _bare(value) in bare for value in _secrets(passage) or ())


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _ordered(text: str, kind: SourceKind, passage: str) -> bool:
    """Tell an order by its words, and in a document by its structure; docstrings are all in the imperative."""
    if ORDERS.search(text):
        return True
    return kind is SourceKind.DOCUMENT and (directive(text) or cut_from_directive(text, passage))


@lru_cache(maxsize=256)
def masked(text: str) -> str:
    """Return the text with its secrets blotted out; empty where none is found.

    Source:
        The detectors of detect-secrets, without its entropy heuristics and without asking any server
        whether a key is valid; beside them, passwords and keys as people say them.
    """
    values = _secrets(text)
    if values is None:
        return MASK
    shown = text
    for value in sorted(values, key=len, reverse=True):
        # A detector may name only a token's prefix: the whole word is the secret.
        shown = re.sub(rf"[^\s\"'`]*{re.escape(value)}[^\s\"'`.,;]*", MASK, shown)
    return shown if values else ""


@lru_cache(maxsize=256)
def _secrets(text: str) -> frozenset[str] | None:
    """Return the secrets that stand in a text; None where all of it is one."""
    if not SUSPECT.search(text):
        return frozenset()
    said = [match["value"] for one in (*SPOKEN, *ASSIGNED) for match in one.finditer(text)]
    values = {value.rstrip(".,;:\"'`)}") for value in said}
    # The detectors' settings are one for the process.
    with _SCANNING, transient_settings({"plugins_used": _plugins(), "filters_used": []}):
        for line in text.splitlines():
            for secret in scan_line(line):
                if secret.type == WHOLE:
                    return None
                values.add(secret.secret_value or "")
    return frozenset(values - {""})


def _plugins() -> list[dict[str, str]]:
    kinds: dict[str, type] = get_mapping_from_secret_type_to_class()
    names = [kind.__name__ for kind in kinds.values()]
    return [{"name": name} for name in names if name not in NOISY]
