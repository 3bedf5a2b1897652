"""What of a turn is its speaker's own statement: no quotation, no supposition, no joke, no question.

Patterns over the words, so that every extractor is held to the same. They err on the side of
leaving out: what is told in earnest can be told again, what was planted stays.
"""

from __future__ import annotations

import re

QUOTED = re.compile(
    r"```.*?(?:```|\Z)"  # pasted code and output
    r"|^[ \t]*>[^\n]*"  # a quoted line
    r"|Use these notes to answer\..*?(?:Answer briefly\.|\Z)"  # the prompt with recalled notes
    r"|(?:^|(?<=\]))[^\n\[\]]*\[mem-[0-9a-f]{10}\]",  # a recalled note, up to its id
    re.DOTALL | re.MULTILINE,
)
PASTED = re.compile(
    r"^[^\n]{0,200}\b(?:output|logs?|print(?:s|ed)?|return(?:s|ed)|errors?|tool|script|command|past(?:e|ed|ing)"
    r"|copied|quot(?:e|ed|ing)|repl(?:y|ies|ied)|answer(?:s|ed)?|you (?:said|wrote|told))\b[^\n]{0,200}:[ \t]*\n"
    r"(?P<block>(?:[^\n]*\S[^\n]*(?:\n|\Z))+)",
    re.IGNORECASE | re.MULTILINE,
)
"""A line that announces what somebody or something else said, and the block under it."""
SUPPOSED = re.compile(
    r"\b(?:suppos(?:e|ing)|imagin(?:e|ing)|assum(?:e|ing)|pretend(?:ing)?|hypothetically|theoretically"
    r"|(?:let'?s|let us) say|what if|if only|in theory|wonder(?:s|ing)?|doubt(?:s|ed)?"
    r"|not (?:quite |so )?(?:sure|certain)|(?:do|does|did)(?:n[’']t| not) (?:think|believe)"
    r"|not know (?:if|whether)|n[’']t know (?:if|whether)|not true|n[’']t true"
    r"|would(?:n[’']t| not)? (?!like|love|prefer|rather)\w+)\b"
    r"|\bif\b.{0,300}\b(?:would|could|might)\b|\b(?:would|could|might)\b.{0,300}\bif\b|[’']d (?:be|have|call|move)\b",
    re.IGNORECASE,
)
JOKING = re.compile(
    r"\b(?:kidding|joking|jk|lol|lmao|(?:ha){2,}h?|in jest|just a joke|pulling your leg|sarcas\w+)\b|;-?\)|:-?P\b|, not really\W*$",
    re.IGNORECASE,
)
TAKEN_BACK = re.compile(
    r"^\W*(?:(?:no,? |i[’']?m |i am |i was )?(?:just |only )?(?:kidding|joking)|jk|(?:that|it|this) (?:is|was) "
    r"(?:just |only )?a joke|that[’']?s a joke|not really|scratch that|forget (?:that|it)\b|never ?mind)",
    re.IGNORECASE,
)
"""Takes back the sentence before it."""
YOURS = (
    r"your (?:\w+ )?(?:notes?|memor(?:y|ies)|records?|answers?|repl(?:y|ies)|messages?|list|output)"
)
ATTRIBUTED = re.compile(
    rf"\b(?:according to (?:you\b|{YOURS})|as per {YOURS}|{YOURS} (?:say|said|claim|state|tell|told|list|show|was\b|is\b)\w*"
    rf"|(?:in|from|by) {YOURS})",
    re.IGNORECASE,
)
ASKED = re.compile(
    r"^\W*(?:(?:and|so|but|ok|okay|well|hey|please),? )*(?:"
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had) "
    r"(?:you|the|it|we|they|he|she|that|this|there|an?|my|our|your|any\w*|i)\b"
    r"|(?:what|who|whose|which|how)(?: \w+)?(?:[’']s| is| are| was| were| do| does| did| can| will| should)\b"
    r"|(?:where|when|why)(?:[’']s| is| are| was| were| do| does| did| can| will| should)\b)",
    re.IGNORECASE,
)
"""A question by its first word, whatever stands at its end."""
CONFIRMED = re.compile(
    r"^\W*(?:yes|yep|yeah|right|correct|exactly|true|indeed|that[’']s (?:right|correct|true))\b",
    re.IGNORECASE,
)
NEGATION = re.compile(r"\b(?:not|never|no longer|no|nobody|nothing|none)\b|n[’']t\b", re.IGNORECASE)


def own_words(text: str) -> str:
    """Return a turn's text with what it quotes or pastes put to blanks of the same length."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"\S", " ", found[0])

    def blank_block(found: re.Match[str]) -> str:
        start = found.start("block") - found.start()
        return re.sub(r"\S", " ", found[0][:start]) + re.sub(r"\S", " ", found["block"])

    return PASTED.sub(blank_block, QUOTED.sub(blank, text))


def in_earnest(sentence: str) -> bool:
    """Tell whether a sentence claims something: it is no question, supposition, doubt or joke."""
    flat = sentence.strip()
    asked = flat.rstrip("\"”')").endswith("?") or ASKED.match(flat)
    return not (asked or SUPPOSED.search(flat) or JOKING.search(flat))


def attributed(sentence: str) -> bool:
    """Tell whether a sentence reports what the model's notes or answers say."""
    return ATTRIBUTED.search(sentence) is not None


def takes_back(sentence: str) -> bool:
    """Tell whether a sentence takes back the one before it."""
    return TAKEN_BACK.match(sentence) is not None


def confirms(text: str) -> bool:
    """Tell whether a turn begins by agreeing with what was said before it."""
    return CONFIRMED.match(text) is not None


def negated(sentence: str) -> bool:
    """Tell whether a sentence says that something is not so."""
    return NEGATION.search(sentence) is not None
