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
    r"|<(?P<tag>[a-z]\w*)[^>\n]{0,80}>.*?(?:</(?P=tag)>|\Z)"
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
ANNOUNCES = re.compile(
    rf"\b(?:{RECORDS}|std(?:out|err)|logs?|print(?:s|ed)?|return(?:s|ed)|errors?|tool|script|command|query|results?|console"
    r"|terminal|web ?(?:page|site)|page|file|e-?mail|api|server|search|past(?:e|ed|ing)|copied|quot(?:e|ed|ing)|respond(?:s|ed)"
    r"|repl(?:ies|ied)|answer(?:s|ed)|says|said|claim(?:s|ed)|writes|wrote|reads|shows|displays|reports|reported|your side"
    r"|you (?:told|tell|say|write|gave|sent))\b",
    re.IGNORECASE,
)
"""Words before a colon by which what follows is somebody else's, or something's."""
OWN = re.compile(
    r"^\W*(?:(?:as|like|what) )?(?:i|we)(?:[’']ve| have| had| just| already)* (?:said|told|wrote|say|mean)\b",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """Return a turn's text with what it quotes or pastes put to blanks of the same length."""
    return INTRODUCED.sub(_announced, SENTENCE_QUOTED.sub(_blank, QUOTED.sub(_blank, text)))


def _announced(found: re.Match[str]) -> str:
    intro = found["intro"]
    if OWN.match(intro) or not ANNOUNCES.search(intro):
        return found[0]
    return _blank(found)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"\S", " ", found[0])
