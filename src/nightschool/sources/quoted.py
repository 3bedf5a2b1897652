"""What of a turn is quoted or pasted: code, output, logs, notes, another's words behind a colon.

It is put to blanks, so that every place in the turn stays where it was.
"""

from __future__ import annotations

import re

from nightschool.prompts import NOTE_ID, NOTES_CLOSE, NOTES_OPEN

QUOTED = re.compile(
    r"(?P<fence>```|~~~).*?(?:(?P=fence)|\Z)"  # pasted code and output
    r"|^[ \t]*>[^\n]*"  # a quoted line
    r"|^[ \t]*[$#%] [^\n]+(?:\n[^\n]+)*"  # a command and what it printed
    r"|^[ \t]*(?:\[[A-Z]+\]|\[?(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d|(?:INFO|DEBUG|WARN|ERROR|TRACE)\b)[^\n]*"
    r"|^Traceback \([^\n]*(?:\n[^\n]+)*"
    r"|^[ \t]*[{\[][^\n]*[}\]][ \t]*$"  # a line of JSON
    r"|(?<![\w>])<(?P<tag>[a-z]\w*)[^>\n]{0,80}>.{0,4000}?</(?P=tag)>"
    r"|^[ \t]*<[a-z]\w*[^>\n]{0,80}>.*"  # one that stays open; a type such as Map<string, Session> is none
    rf"|{re.escape(NOTES_OPEN)}.*?(?:{re.escape(NOTES_CLOSE)}|\Z)"  # the prompt with recalled notes
    rf"|(?:^|(?<=\]))[^\n\[\]]*{NOTE_ID}",  # a recalled note, up to its id
    re.DOTALL | re.MULTILINE,
)
SENTENCE_QUOTED = re.compile(
    r"(?:^|(?<=[.!?] ))[^\n.!?\"“]{0,80}[\"“](?=[A-Z])[^\n\"”]{12,300}[.!?][\"”][^\n.!?]{0,80}[.!?]?",
    re.MULTILINE,
)
"""A whole sentence in quotation marks, with who said it."""
RECORDS = (
    r"(?:assistant|chat ?bot|bot|ai|prompt|context|transcript|(?:chat )?(?:history|log)|notes?|memor(?:y|ies)|repl(?:y|ies)"
    r"|answers?|responses?|output|summary|text above|message above)"
)
"""What holds words that the model said, or was given."""
INTRODUCED = re.compile(
    r"^(?P<intro>[^\n:]{1,200}):(?:[ \t]+(?=\S)|[ \t]*\n(?:[ \t]*\n)?)(?P<block>(?:[^\n]*\S[^\n]*(?:\n|\Z))+)",
    re.MULTILINE,
)
"""A line up to its colon, and what it announces, up to the next empty line."""
DOCUMENTS = r"(?:e-?mail|mail|letter|readme|article|ticket|issue|post|thread|transcript|conversation|docs?|document(?:ation)?|wiki|text)"
ANNOUNCES = re.compile(
    rf"\b(?:(?:{RECORDS}|{DOCUMENTS}|std(?:out|err)|logs?|errors?|results?|console|terminal|command|query)"
    r"(?: (?:from|of|by|in|to|with) [^:]{1,60})?"
    r"|(?:print(?:s|ed)?|return(?:s|ed)|past(?:e|ed|ing)|copied|quot(?:e|ed|ing)|respond(?:s|ed)|repl(?:ies|ied)|answer(?:s|ed)|says"
    r"|said|claim(?:s|ed)|writes|wrote|reads|shows|displays|reports|reported|your side|you (?:told|tell|say|write|gave|sent))"
    r"(?:\W+\w+){0,5})\W*$",
    re.IGNORECASE,
)
"""Words right before a colon by which what follows is somebody else's, or something's."""
LONG = re.compile(rf"\b{DOCUMENTS}\b", re.IGNORECASE)
"""What is pasted in several paragraphs: nothing tells where it ends."""
UNMEANT = re.compile(
    r"(?:^|(?<=[.!?] ))\W*(?:(?:ok|okay|so|now|please|hey|well|can you|could you|for (?:the|a|this) \w+),? )*(?:"
    r"(?:re-?write|rephrase|paraphrase|translate|summari[sz]e|proof-?read|correct|fix|improve|shorten|edit|polish)"
    r" (?:this|these|the|my|our)\b[^\n:.]{0,120}(?::|\.[ \t]*\n)"
    r"|translate to \w+:|true or false\b|once upon a time\b|hypothetically\b|role-?play\b|act as an?\b|pretend\b"
    r"|(?:imagine|suppose|assume|picture)(?= (?:that|an?|the|we|i|you|there|our|my|this|two|three)\b)"
    r"|let(?:[’']s| us) (?:role-?play|pretend|imagine|suppose|assume|say)\b"
    r"|write (?:me |us )?(?:an? )?(?:\w+ )?(?:story|poem|novel|scene|dialogue|fixture|fairy tale)\b).*",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
"""A supposition, a story, a text to work on: from there to the end of the turn nothing is claimed."""
OWN = re.compile(
    r"^\W*(?:(?:as|like|what) )?(?:i|we)(?:[’']ve| have| had| just| already)* (?:said|told|wrote|say|mean)\b",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """Return a turn's text with what it quotes or pastes put to blanks of the same length."""
    left = UNMEANT.sub(_blank, SENTENCE_QUOTED.sub(_blank, QUOTED.sub(_blank, text)))
    for found in INTRODUCED.finditer(left):
        if _announces_more(found):
            return INTRODUCED.sub(_announced, left[: found.start()]) + re.sub(
                r"\S", " ", left[found.start() :]
            )
    return INTRODUCED.sub(_announced, left)


def _announces_more(found: re.Match[str]) -> bool:
    """Tell a pasted text of several paragraphs: a document, or what begins behind an empty line."""
    intro, between = (
        found["intro"],
        found[0][found.end("intro") - found.start() : found.start("block") - found.start()],
    )
    several = "\n" in between and (between.count("\n") > 1 or LONG.search(intro) is not None)
    return several and OWN.match(intro) is None and ANNOUNCES.search(intro) is not None


def _announced(found: re.Match[str]) -> str:
    intro = found["intro"]
    if OWN.match(intro) or not ANNOUNCES.search(intro):
        return found[0]
    return _blank(found)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"\S", " ", found[0])
