"""Words for one relation: "Ada runs", "manages" and "is in charge of" the bakery say the same of it.

A small lexicon of what is told about people, things and meetings. A word that it does not hold stays what it
is: then two statements about one thing stand side by side, which is visible, where a false match would destroy a fact.
"""

from __future__ import annotations

START = "start"
END = "end"
LIVE = "live"
WORK = "work"

RELATIONS: dict[str, tuple[str, ...]] = {
    "lead": (
        "run", "manage", "manager", "management", "head", "lead", "leader", "leadership", "direct", "director", "oversee",
        "overseer", "supervise", "supervisor", "boss", "chief", "chair", "chairman", "charge", "in charge", "have charge",
        "responsible", "command", "superintend", "administer", "administrator", "preside", "govern", "helm", "at helm",
    ),
    "care": (
        "look after", "take care", "care", "caretaker", "carer", "tend", "maintain", "maintenance", "maintainer", "upkeep", "mind",
        "minder", "keeper", "see to", "see after", "keep order", "keep shape", "custodian", "custody", "steward", "janitor", "warden",
        "attend", "service",
    ),
    "clean": (
        "clean", "cleaner", "cleaning", "keep clean", "scrub", "sweep", "sweeper", "wash", "mop", "polish", "hoover", "vacuum", "tidy",
        "keep tidy", "wipe", "dust",
    ),
    LIVE: (
        "live", "reside", "residence", "place residence", "resident", "home", "at home", "house", "move house", "dwell", "dwelling",
        "inhabit", "settle", "base", "address", "flat", "apartment", "domicile", "lodge", "lodging", "move", "relocate",
    ),
    WORK: (
        "work", "job", "employ", "employee", "employment", "office", "workplace", "go work", "earn", "earn living", "earn live",
        "commute", "work out",
    ),
    "own": ("own", "owner", "belong", "possess", "possession", "proprietor"),
    "teach": ("teach", "teacher", "instruct", "instructor", "tutor", "coach"),
    "study": ("study", "student", "enrol", "enroll"),
    "like": ("like", "love", "enjoy", "adore", "fond", "fan", "favourite", "favorite", "prefer"),
    "dislike": ("hate", "dislike", "detest", "loathe", "can stand"),
    "marry": ("marry", "married", "wife", "husband", "spouse", "wed"),
    "make": ("make", "maker", "build", "builder", "construct", "manufacture", "manufacturer", "produce", "producer"),
    "write": ("write", "writer", "author"),
    "cost": ("cost", "price"),
    "birth": ("bear", "birth", "birthplace"),
    "place": ("locate", "location", "situate", "lie", "stand", "sit", "store", "keep"),
    "supply": ("supply", "supplier", "deliver", "provide", "provider"),
    "repair": ("repair", "fix", "mend", "repairer"),
    "guard": ("guard", "watch", "protect"),
}  # fmt: skip
"""Relation -> its words, as lemmas; those of an entry stand in any order."""
TIMES: dict[str, tuple[str, ...]] = {
    END: (
        "end", "finish", "close", "conclude", "stop", "cease", "over", "until", "till", "last until", "go until", "go on until",
        "run until", "wrap", "wrap up", "finish up", "break up", "be over", "to end", "ending", "closing",
    ),
    START: (
        "start", "begin", "beginning", "commence", "kick", "kick off", "open", "opening", "launch", "take place", "hold", "schedule",
        "set", "plan", "happen", "occur", "get go", "get under way", "get way", "due",
    ),
}  # fmt: skip
"""What is told with a time of day; a meeting that is "at 9:15" starts then."""
RELATIVES = frozenset(
    """
    aunt boss brother child colleague cousin customer daughter father friend grandfather grandmother granddaughter grandson
    mother neighbour neighbor nephew niece parent sister son supplier uncle
    """.split()
)
"""Who somebody has in a town."""
TURNS = frozenset(
    """
    change switch rename move become replace relocate shift reschedule postpone push bring forward back put take over hand pass
    succeed successor swap leave give step down stop quit settle new use
    """.split()
)
"""Words that say only that a value is another one."""
TURNING = frozenset(
    """
    change switch rename move become replace relocate shift reschedule postpone push bring hand pass succeed swap take settle
    """.split()
)
"""The verbs among them: with one, and no word for a relation, whichever relation it was goes on with another value."""
LIGHT = frozenset(
    """
    be call name know have go by as the a an 's ’s i my we our its their his her team user of in at to for on from with under where
    when who that which what it and but or still now currently long no not n't do never ever always once again get will
    person one man woman somebody place time serve use label carry title designate dub read denote this these there instead rather
    gets got than any more anymore also already yet just so only mention say tell before early
    """.split()
)
"""Lemmas that join a thing and its value: "is called", "goes by", "serves as"."""
MISREAD = {
    "serves": "serve", "commences": "commence", "lives": "live", "works": "work", "starts": "start", "ends": "end", "runs": "run",
    "heads": "head", "leads": "lead", "stops": "stop", "closes": "close", "opens": "open", "costs": "cost", "tends": "tend",
    "minds": "mind", "cleans": "clean", "sweeps": "sweep", "scrubs": "scrub", "manages": "manage", "directs": "direct", "houses": "house",
    "finishes": "finish", "concludes": "conclude", "oversees": "oversee", "teaches": "teach", "studies": "study", "owns": "own",
}  # fmt: skip
"""Verbs that the parser takes for plurals after a name or noun that it does not know -> their lemmas."""
