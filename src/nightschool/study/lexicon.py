"""Word lists of the question writer: what tells a person from a thing, a place from a time, and verbs in their forms."""

from __future__ import annotations

import re

PEOPLE = frozenset(
    """
    accountant approver assistant auditor author boss brother buddy captain chair coach
    colleague contact cook daughter dentist designer director doctor driver editor engineer
    father founder friend guide head husband intern lead leader manager mentor mother neighbor
    neighbour nurse officer owner partner sister son supervisor teacher trainer treasurer wife
    """.split()
)
"""Roles: what is said of them is asked with *who*."""
HUMAN_VERBS = frozenset(
    """
    breed collect drink drive eat enjoy grow hate join know lead learn like live look love marry
    own paint play prefer share sing speak study take teach want wear work
    """.split()
)
"""What people do: their subjects are asked for with *who*."""
PLACES = frozenset(
    """
    at behind beside in inside near on opposite under
    """.split()
)
"""Prepositions that can answer *where*."""
PLACE_HEADS = frozenset(
    """
    bakery basin bay bridge cellar city garage hall harbour hill house island lake lane loft
    park quay river road room school shed square station street tower town university village
    """.split()
)
"""Last words of names of places: "Gannet Quay" answers *which quay*."""
NUMBERED = frozenset(
    """
    channel code extension line number page port room
    """.split()
)
"""Nouns that carry a number as their name, which is no date."""
FILLERS = frozenset(
    """
    actually also currently now still today
    """.split()
)
"""Words of the moment, left out of questions."""
MEASURES = (
    (("kilo", "kilogram", "gram", "tonne", "ton", "pound"), ("How heavy", "How much"), ("weigh",)),
    (
        ("second", "minute", "hour", "day", "week", "month", "year"),
        ("How long", "For how long"),
        (),
    ),
    (("euro", "crown", "dollar", "pound", "krone", "franc", "cent"), ("How much",), ()),
    (("kilometre", "metre", "mile", "kilometer", "meter"), ("How far", "How many metres"), ()),
)
"""Units, the question words that ask for them, and the verbs that the first of them replaces."""

IRREGULAR_PAST = {
    "buy": "bought", "come": "came", "get": "got", "give": "gave", "go": "went", "have": "had",
    "keep": "kept", "leave": "left", "make": "made", "meet": "met", "pay": "paid", "put": "put",
    "say": "said", "see": "saw", "sell": "sold", "send": "sent", "take": "took", "teach": "taught",
    "tell": "told", "win": "won", "write": "wrote", "find": "found", "begin": "began", "break": "broke",
    "choose": "chose", "drive": "drove", "eat": "ate", "fall": "fell", "grow": "grew", "hold": "held",
    "know": "knew", "lead": "led", "lose": "lost", "run": "ran", "set": "set", "speak": "spoke",
    "spend": "spent", "think": "thought", "wear": "wore", "build": "built", "bring": "brought",
}  # fmt: skip


def inflect(verb: str, auxiliary: str) -> str:
    """Give a bare verb the form that its auxiliary carried."""
    if auxiliary == "do":
        return verb
    if auxiliary == "did":
        if verb in IRREGULAR_PAST:
            return IRREGULAR_PAST[verb]
        if re.search(r"[^aeiou]y$", verb):
            return verb[:-1] + "ied"
        return verb + ("d" if verb.endswith("e") else "ed")
    if verb == "have":
        return "has"
    if re.search(r"(s|x|z|ch|sh|o)$", verb):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"
