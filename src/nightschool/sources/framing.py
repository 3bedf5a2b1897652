"""What is said around a claim: words of the talk about the talk, which are taken off.

"By the way, as I told you, the gate is red" claims that the gate is red. No list holds whole wordings:
a frame is known by the words that it is made of.
"""

from __future__ import annotations

import re

from nightschool.language import CODE_LIKE
from nightschool.sources.earnest import YOU_SAY

TELLING = frozenset(
    """
    actually again agree aside aware btw brief briefly clear change changed changes confirm confirmed correct corrected
    correction exactly exact forget forgot fyi honest indeed info information know known knows mention mentioned mind
    mistake mistaken more news note noted outdated point quick recall record remark remember remind reminder repeat repeating
    restate right said say saying state stated sum tell telling thing things told true update updated way word words write wrong yep yes
    """.split()
)
"""At least one of these is in a stretch of words that only talks about the talk."""
FILLING = frozenset(
    """
    a about absolutely add all already also am an and another anyway are as be been before bear being but by can could date did do
    does down earlier else for from general give glad good had has have having help helps here hereby i i'd i'll i'm i've id im
    important in interest interesting into is it it's its just keep let let's like little main make matter may me mean might must
    my myself need next of ok okay old on once one only or other our out own please put quick quite quote see short
    should small so something still sure than that that's the there there's these think this to too
    up us useful very want was we we'd we've well were what which while will with worth would yet you you'd you'll you're
    you've your yours yourself
    """.split()
)
"""And no others but these."""
AS_EVER = re.compile(
    r"^as (?:always|before|ever|usual|of old)$|^(?:instead|incidentally|anyway|besides)$"
)
CRY = (
    r"(?:no+|nope|oh|ah|h+m+|uh|um|well|wait|hold on|hang on|never ?mind|sorry|wrong|oops|whoops|my (?:bad|mistake)|actually"
    r"|not (?:right|quite|so)|(?:scratch|strike) that|(?:that|it)(?:[’']s| is| was) (?:wrong|not right|incorrect|a mistake)"
    r"|not [^\s,]*\d[^\s,]*)"
)
CRIES = re.compile(rf"^\W*(?:{CRY}(?:\s+{CRY})*\s*(?:[,;:.!–—…]+|\s-+)(?:\s+|$))+", re.IGNORECASE)
"""What a correction begins with: "no wait, that's wrong, ...". It denies nothing that follows."""
TOPIC = re.compile(
    r"^\W*(?:(?:here (?:are|is) )?(?:\w+ ){0,3}(?:facts?|things?|notes?|points?|info(?:rmation)?|details?|news|words?) )?"
    r"(?:about|regarding|concerning) [^:.]{1,60}:\s+",
    re.IGNORECASE,
)
"""What a message is about, before it says it."""
MISTAKEN = re.compile(
    r"^I (?:\w+ )?(?:thought|believed|assumed|figured)(?: that)? (?P<what>[^,;]{2,80}?) (?P<was>was|were) [^,;]{1,80},? but "
    r"(?:it|they|that)(?:[’']s| is|[’']re| are)(?: \w+ly)? (?P<new>[^,;]{1,80}?)(?P<mark>[.!]*)$",
    re.IGNORECASE,
)
"""I thought the port was 8080, but it's 9090."""
RENEWED = re.compile(
    r"^(?P<whose>the|our|my|your) (?:old|former|previous) (?P<what>[^,;]{2,80}?) (?P<was>was|were) [^,;]{1,80}[,;] ?(?:but |and )?"
    r"(?:now (?:it|they)(?:[’']s| is|[’']re| are)|(?:it|they)(?:[’']s| is|[’']re| are) now|the new one is) (?P<new>[^,;]{1,60}?)(?P<mark>[.!]*)$",
    re.IGNORECASE,
)
"""The old limit was 90; now it's 30."""
CUT = re.compile(r"[,:;–—]\s+|(?<=\w)\s+-\s+| that(?=\s)", re.IGNORECASE)
LONGEST = 12
"""Words of a stretch, at the most."""
LEAST = 3
"""Words that a claim has at the least."""
CLEFT = re.compile(
    r"^it(?:[’']s| is| was) (?P<what>[^,;]{1,80}?)(?P<contrast>,? (?:and )?not [^,;]{1,60}?)? "
    r"(?P<by>who|that|when|where) (?P<rest>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
BEFORE = frozenset("at by for from in near of on to under with".split())
OPENING = frozenset(
    "a an he her his i it my our she that the their there these they this those we you your".split()
)
WHOEVER = re.compile(
    r"^the (?:one|person|man|woman) (?:who|that) (?P<rest>.{3,100}?) is (?P<what>[^,;]{1,60}?)(?P<mark>[.!]*)$",
    re.IGNORECASE,
)
ANEW = re.compile(
    r"^(?P<who>we|i) no longer (?P<verb>\w+) (?P<old>\S+) (?P<what>(?:as|for|in|at) [^,;]{3,80}), (?:but |and )?(?P=who) (?P=verb) "
    r"(?P<new>[^,;]{1,60}?)\W*$",
    re.IGNORECASE,
)
"""We no longer use one as the gate code, we use another."""
SHORT = re.compile(
    r"^(?P<old>[^,;]{1,60}?) (?P<be>is |are )?no longer (?P<what>[^,;]{3,120}),? (?:and |but |since )?(?P<new>[^,;]{1,60}?) "
    r"(?:does|do|is|are|will|has)(?: so| it| that)?(?: now| instead)?\W*$",
    re.IGNORECASE,
)
"""Bo no longer runs the bakery, Ada does."""


def core(sentence: str) -> str:
    """Return what a sentence claims, without what only talks about the talk, and in plain order.

    "As I said, it is Ada who runs the bakery, by the way." gives "Ada runs the bakery."
    """
    whole = sentence.strip()
    text = TOPIC.sub("", without_cries(whole))
    while (shorter := _less(text)) != text:
        text = shorter
    text = _plain_order(text)
    if not text or text == whole or CODE_LIKE.match(text.split()[0]):
        return text
    return text[0].upper() + text[1:]  # the parser reads it better


def without_cries(sentence: str) -> str:
    """Take off the cries that a correction begins with; nothing is left of a sentence that is no more than those."""
    return CRIES.sub("", sentence)


def _plain_order(text: str) -> str:
    mistaken = MISTAKEN.match(text)
    if mistaken:
        be = "are" if mistaken["was"].lower() == "were" else "is"
        return f"{mistaken['what']} {be} {mistaken['new']}{mistaken['mark']}"
    renewed = RENEWED.match(text)
    if renewed:
        be = "are" if renewed["was"].lower() == "were" else "is"
        return f"{renewed['whose']} {renewed['what']} {be} now {renewed['new']}{renewed['mark']}"
    anew = ANEW.match(text)
    if anew:
        return f"{anew['who']} {anew['verb']} {anew['new']} {anew['what']}, and not {anew['old']}."
    whoever = WHOEVER.match(text)
    if whoever and whoever["what"][0].isupper():
        return f"{whoever['what']} {whoever['rest']}{whoever['mark']}"
    short = SHORT.match(text)
    if short:
        return f"{short['new']} {short['be'] or ''}{short['what']}, and not {short['old']}."
    return _uncleft(text)


def is_talk(words: str) -> bool:
    """Tell a stretch of words that is about the talk alone: "as I told you before"."""
    flat = words.strip().lower().replace("’", "'")
    if AS_EVER.match(flat):
        return True
    found = re.findall(r"[\w']+", flat)
    if YOU_SAY.search(flat):
        return False
    known = all(word in TELLING or word in FILLING for word in found)
    return known and len(found) <= LONGEST and not TELLING.isdisjoint(found)


def _less(text: str) -> str:
    """Take one stretch of talk off a sentence's beginning or end."""
    for cut in list(CUT.finditer(text))[:2]:
        head, rest = text[: cut.start()], text[cut.end() :].lstrip()
        if is_talk(head) and len(rest.split()) >= LEAST and not _depends(rest):
            return rest
    cuts = [cut for cut in CUT.finditer(text) if "," in cut[0]]
    if cuts and is_talk(re.sub(r"[\W_]+$", "", text[cuts[-1].end() :])):
        first = text[: cuts[-1].start()]
        if len(first.split()) >= LEAST:
            return f"{first}."
    return text


def _depends(rest: str) -> bool:
    """Tell what cannot stand without the words before it."""
    return rest.split()[0].lower() in ("and", "but", "or", "which", "who", "because", "when", "if")


def _uncleft(text: str) -> str:
    """Say "Ada runs the bakery" for "it is Ada who runs the bakery"."""
    found = CLEFT.match(text)
    if found is None:
        return text
    what, rest = found["what"], found["rest"]
    named = any(c.isupper() or c.isdigit() for c in what)
    if not named:
        return text
    end = re.search(r"[.!]*$", rest)
    mark = end[0] if end else ""
    rest = rest[: len(rest) - len(mark)]
    first = rest.split()[0]
    contrast = found["contrast"] or ""
    if first.lower() not in OPENING and not first[0].isupper():
        return f"{what} {rest}{contrast}{mark}"
    if what.split()[0].lower() in BEFORE:
        return f"{rest} {what}{contrast}{mark}"
    return f"{what} is what {rest}{contrast}{mark}"
