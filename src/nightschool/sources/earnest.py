"""What of a turn its speaker claims: no supposition, no hearsay, no joke, no question, nothing the model said.

Patterns over the words, so that every extractor is held to the same. They err on the side of
leaving out: what is told in earnest can be told again, what was planted stays.
"""

from __future__ import annotations

import re

from nightschool.sources.quoted import RECORDS

SUPPOSED = re.compile(
    r"\b(?:suppos(?:e|ing)|imagin(?:e|ing)|assum(?:e|ing)|pretend(?:ing)?|hypothetically|theoretically"
    r"|(?:let'?s|let us) say|what if|if only|in theory|wonder(?:s|ing)?|doubt(?:s|ed)?"
    r"|not (?:quite |so )?(?:sure|certain)|(?:do|does|did)(?:n[’']t| not) (?:think|believe)"
    r"|whether(?! or not)|(?:forgot|know|tell me|check|see) if|unless i|if only"
    r"|for (?:the sake of argument|example|instance)|picture (?:this|that|it)|in an? (?:ideal|perfect|parallel) world"
    r"|in (?:my|your) dreams|(?:story|film|movie|novel|dream|game|poem) (?:in which|where|about)"
    r"|would(?:n[’']t| not)? (?!like|love|prefer|rather)\w+)\b"
    r"|\bif\b.{0,300}\b(?:would|could|might)\b|\b(?:would|could|might)\b.{0,300}\bif\b|[’']d (?:be|have|call|move)\b"
    r"|^\W*(?:(?:and|so|but|well),? )?(?:in case|provided)\b|, (?:i|we) (?:hope|wish|think|guess|suppose|believe)\W*$",
    re.IGNORECASE,
)
UNSURE = re.compile(
    r"\b(?:apparently|allegedly|supposedly|reportedly|purportedly|possibly|presumably|seemingly|conceivably)\b"
    r"|\b(?:rumou?rs?|gossip|hearsay|legend has|word (?:is|has it|on the street))\b"
    r"|\b(?:feeling|hunch|suspicion|impression|notion|theory|inkling|chance|possibility|idea|belief|lie|myth) (?:is )?that\b"
    r"|\bit(?:[’']s| is| was| may| might| could| can)?(?: \w+ly)? (?:seems?|seemed|appears?|appeared|looks?|sounds?|be|said|rumou?red"
    r"|claimed|believed|thought|alleged|reported|assumed|supposed|suspected|told)(?: to me)? (?:that|as if|as though|like)\b"
    r"|\b(?:i|we)(?:[’']ve| have| had)?(?: \w+ly| only| once| just)? (?:hear|heard|overheard|read|dreamt|dreamed|dream|hope|fear|bet"
    r"|gather|suspect|imagine|imagined|reckon|presume|fancy)\b(?: \w+){0,3}? that\b"
    r"|\b(?:i|we) (?:reckon|suspect|presume|hope|fear|bet) (?=the\b|our\b|my\b|it\b)",
    re.IGNORECASE,
)
"""What the speaker does not vouch for: hearsay, guesses, hopes."""
STRANGERS = (
    r"(?:people|folks?|they|everyone|everybody|some(?:one|body)|no ?body|no one|strangers?|friends? of friends?"
    r"|(?:the|an?|this|some) (?:local )?(?:papers?|newspaper|news|press|internet|web|radio|tv|media|poster|sign|article|leaflet"
    r"|flyer|horoscope|blog|advert|stranger|man|woman|guy|passer-?by))"
)
THEY_SAY = re.compile(
    rf"\b{STRANGERS}(?: \w+){{0,5}}? (?:says?|said|claims?|claimed|thinks?|thought|believes?|believed|writes?|wrote|reports?"
    r"|reported|suggests?|suggested|reckons?|told|hears?|heard)\b"
    r"|\b(?:thinks|believes|claims|alleges|suspects|reckons|assumes|insists|swears|imagines|argues|supposes|doubts|hopes"
    r"|wishes|guesses) that\b"
    rf"|\baccording to {STRANGERS}",
    re.IGNORECASE,
)
"""What strangers say, and what others only believe."""
FALSE = r"(?:wrong|false|untrue|incorrect|nonsense|rubbish|not (?:right|true|so)|a lie|a myth|a mistake)"
SAID_FALSE = re.compile(
    rf"\b(?:{FALSE}|impossible|unlikely|likely|doubtful|possible|probable|conceivable|unclear|uncertain|mistake) that\b"
    rf"|^\W*that .{{3,300}} (?:is|was) (?:\w+ )?{FALSE}\W*$|\b(?:deny|denies|denied|refutes?)\b"
    rf"|(?:[,;–—-] ?which|\bbut (?:that|this|it))(?:[’']s| is| was) (?:\w+ )?(?:{FALSE}|outdated|out of date|obsolete|stale)\W*$"
    r"|(?:\b(?:nobody|no one|never|not)|n[’']t)(?: \w+){0,2} (?:say|said|claim|claimed|tell|told|mean|meant|write|wrote|note|record"
    r"|store|save|remember|believe|think|the case)\b.{0,30}? that\b"
    r"|^\W*(?:please |just |now |no,? )*(?:forget|scratch|strike|delete|erase|remove|ignore|disregard|discard|drop)\b.{0,60}? that\b",
    re.IGNORECASE,
)
"""What is named only to be called false, or to be struck out."""
JOKING = re.compile(
    r"\b(?:kidding|joking|jk|lol|lmao|(?:ha){2,}h?|in jest|just a joke|pulling your leg|sarcas\w+|yeah,? right"
    r"|april fools?|gotcha|pigs (?:can |might |will |do )?fly|(?:i[’']m|i am) the (?:queen|king|pope|emperor|president))\b"
    r"|;-?\)|:-?P\b|[ \t]/s\W*$|\bas if\W*$|[,.…(–-] ?not(?: really| seriously)?\W*$|\b(?:dream on|in your dreams)\b",
    re.IGNORECASE,
)
TAKEN_BACK = re.compile(
    r"^\W*(?:(?:no|but|well|ha|ok|okay|sorry),? )*(?:(?:i[’']?m |i am |i was )?(?:just |only )?(?:kidding|joking|pulling|teasing)|jk\b"
    r"|(?:that|it|this)(?:[’']s| is| was) (?:just |only )?(?:an? |my )?(?:silly |bad )?(?:joke|test|lie|prank|fib|story|example"
    r"|guess|hoax|invention|fiction|nonsense|not true|not serious|false|untrue|wrong|incorrect|outdated|out of date|obsolete)\b"
    r"|(?:just |only )?an? (?:joke|test|prank)\b|i (?:just |only )?(?:made|dreamt|dreamed|invented) (?:that|it|this)\b"
    r"|(?:please )?(?:do not|don[’']t|never) (?:take|believe|trust|quote|note|write|remember|save|store|keep) (?:that|this|it|me)\b"
    r"|not really\b|(?:scratch|ignore|disregard|forget) (?:that|it|this)\b|never ?mind|gotcha|got you|april fool|fooled you|as if\b"
    r"|yeah,? right|dream on|in my dreams|i wish\W*$)"
    r"|^\W*(?:that|this|those|these|it)(?:[’']s| is| was| are| were) (?:\w+ ){0,2}?(?:your (?:\w+ )?(?:words?|answers?|repl\w+|claims?|notes?|message)"
    r"|what (?:you|the (?:assistant|bot|model))|how you)\b",
    re.IGNORECASE,
)
"""Takes back the sentence before it, or gives it to the model."""
YOURS = (
    r"your (?:\w+ )?(?:notes?|memor(?:y|ies)|records?|answers?|repl(?:y|ies)|messages?|list|output)"
)
ATTRIBUTED = re.compile(
    rf"\b(?:according to (?:you\b|{YOURS})|as per {YOURS}|{YOURS} (?:say|said|claim|state|tell|told|list|show|was\b|is\b)\w*"
    rf"|(?:in|from|by) {YOURS}|from your side|what you (?:said|wrote|replied|answered|told)"
    r"|if i (?:read|hear|heard|understand|understood|get|got) you)\b"
    rf"|\b(?:the|your|this|that|my|our) (?:\w+ ){{0,2}}?{RECORDS}(?: \w+){{0,5}}? (?:says?|said|claims?|claimed|states?|writes?|wrote|reads?"
    r"|mentions?|mentioned|tells?|told|has it|contains?|answered|replied|suggests?)\b"
    rf"|\b(?:in|from) (?:the|this) {RECORDS}\b.{{0,20}}\b(?:says?|reads?|stands?|written|line)\b|\bit (?:says|reads)\b",
    re.IGNORECASE,
)
YOU_SAY = re.compile(
    r"\b(?:you|the (?:assistant|bot|chat ?bot|ai|model))(?:[’']ve| have| had| just| also| only| keep| kept| seem to| once| \w+ly)*"
    r" (?:says?|said|saying|told|claim|claimed|claiming|state|stated|wrote|written|mentioned|answered|replied|responded|suggested"
    r"|think|thought|believe|believed|assume|assumed|insist|insisted|reported|asserted|repeated|repeat|repeating)\b",
    re.IGNORECASE,
)
"""The model said it, or is taken to believe it."""
BUT = re.compile(r"\b(?:but|however|whereas|while|although|though)\b", re.IGNORECASE)
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
    r"^\W*(?:yes|yep|yeah|right|correct|exactly|true|indeed|confirmed|agreed|quite (?:so|right)|(?:that|it)(?:[’']s| is) (?:right|correct|true|so)"
    r"|you(?:[’']re| are) (?:right|correct)|i (?:can |do |hereby )*(?:confirm|agree))\b",
    re.IGNORECASE,
)


def in_earnest(sentence: str) -> bool:
    """Tell whether a sentence claims something: it is no question, supposition, doubt or joke."""
    flat = sentence.strip()
    asked = flat.rstrip("\"”')").endswith("?") or ASKED.match(flat)
    unmeant = (SUPPOSED, UNSURE, THEY_SAY, SAID_FALSE, JOKING)
    return not asked and not any(pattern.search(flat) for pattern in unmeant)


def attributed(sentence: str) -> bool:
    """Tell whether a sentence only reports what the model, its notes or its answers say.

    "You said that it is red, but it is blue" holds a claim, and is not told from the words alone.
    """
    said = YOU_SAY.search(sentence) is not None and BUT.search(sentence) is None
    return said or ATTRIBUTED.search(sentence) is not None


def takes_back(sentence: str) -> bool:
    """Tell whether a sentence takes back the one before it, or says that the model said that."""
    return TAKEN_BACK.match(sentence) is not None


def confirms(text: str) -> bool:
    """Tell whether a turn begins by agreeing with what was said before it."""
    return CONFIRMED.match(text) is not None
