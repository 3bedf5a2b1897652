"""Words of talk, and patterns of talk: what `directives` looks for in a document's sentences."""

from __future__ import annotations

import re

SAYING = frozenset(
    """
    answer claim divulge insist inform mention pretend proclaim profess quote reply respond say swear tell
    utter
    """.split()
)
"""Verbs of saying: orders and duties to do so are directives by themselves."""
SHOWING = frozenset(
    """
    act advise announce bring call cite complete declare describe disclose display express feign forget give hand identify
    ignore list memorise memorize name offer output pass present print produce propose provide record recommend
    refer relay remember render repeat report return reveal share show state suggest supply treat word write
    """.split()
)
"""Verbs of handing something out: programs do so as well, so they need talk beside them, or `as the ...`."""
MOVING = frozenset(
    """
    come confirm direct expand get go hear keep know point put read replace see send set
    stick store substitute use want
    """.split()
)
"""Verbs that count only beside talk of asking and answering."""
ASKING = frozenset("ask enquire inquire wonder".split())
SEEKING = frozenset(
    "bring come discuss look mention need query raise request require search seek want".split()
)
"""Verbs of wanting to know something, if people do so; of programs they tell other things."""
ANSWERS = frozenset("answer enquiry inquiry mention reply wording".split())
"""Words of talk that name nothing else."""
ABOUT = frozenset("about concerning for in on regarding to with without".split())
"""Words between an answer and what it is about."""
QUESTIONS = frozenset("lookup query question request search".split())
REPLIES = frozenset(
    "chat completion conversation dialog dialogue message output prompt response summary".split()
)
"""Words of talk that also name parts of programs."""
ANYBODY = frozenset(
    """
    anybody anyone everybody everyone folk folks nobody others people person somebody someone those whoever
    whomever
    """.split()
)
"""People at large."""
PUBLIC = frozenset(
    """
    audience caller colleague customer employee guest helper listener newcomer reader staff teammate user visitor
    """.split()
)
"""People in a part, who ask or are told."""
SPEAKERS = frozenset(
    "ai assistant bot chatbot concierge copilot desk helpdesk llm llms operator spokesman".split()
)
"""Who answers questions."""
MACHINES = frozenset("agent crawler indexer model summariser summarizer tool".split())
"""Who may answer questions, and mostly does something else."""
BELIEVING = frozenset(
    "accept assume believe consider count learn regard take think treat trust".split()
)
"""Verbs of taking something for true: ordered, with what is to be believed."""
TOPICAL = frozenset("bring discuss look mention query raise request".split())
"""Those of them that count in the passive: "when the port is discussed"."""
DUTIES = frozenset("must need ought shall should may".split())
BINDING = frozenset(
    "allow bind compel essential expect forbid instruct mandatory necessary oblige permit require suppose".split()
)
"""What duties hang on: "it is required that"."""
VALUED = frozenset(
    "acceptable appropriate approved best canonical correct default expected ideal only preferred proper right valid wrong".split()
)
"""What is said of right answers."""
RECEIVING = frozenset("dative dobj nsubj nsubjpass pobj".split())
"""Roles of whom something is said to, in the parser's words; no parts of names ("user input")."""
ERASED = frozenset(
    "context document entry guideline instruction memory note page prompt rule section source statement text value".split()
)
"""What an order to disregard may take away."""
LABELS = re.compile(
    r"(?:^|[.?!\"'”]\s+|[\[<(\"'])(?:user|human|assistant|ai|bot|chatbot|llm|system|customer|visitor|guest|agent|support|q|prompt|completion)"
    r"(?: (?:note|message|prompt|instructions?))?\s*[\]>]?\s*:(?!:)(?=\s|$)"
    r"|\[/?inst\]|<\|\w+\|>|</?(?:system|assistant|user)>",
    re.IGNORECASE,
)
"""How transcripts and prompts mark who speaks."""
ADDRESSED = re.compile(
    r"\b(?:note|notice|attention|hint|reminder|message|memo|instructions?|advice|tip|warning|info)\b[^.:]{0,30}"
    r"\b(?:ai|assistants?|bots?|chatbots?|llms?|(?:language )?models?|agents?|tools?|crawlers?|readers?|summari[sz]ers?)\b[^.:]{0,30}:",
    re.IGNORECASE,
)
"""A line that names the machine which it is for."""
ROLES = re.compile(
    r"\b(?:imagine|pretend|suppose|picture)\b[^.]{0,30}\byou\b"
    r"|\b(?:act|speak|behave|pose|respond|reply|answer) (?:as|like) (?:an?|the|if)\b|\bplay(?:s|ing)? the role\b"
    r"|\brole-?play|\bin this (?:story|scene|scenario|game|dialogue|conversation)\b|\b(?:sample|example|model) (?:dialogue?|exchange|conversation|chat)\b"
    r"|(?:^|[.;:]\s*)(?:from now on,? )?you(?: are|['’]re) (?:now )?(?:an?|the)\b",
    re.IGNORECASE,
)
"""Parts to play, and sample talks."""
PLEAS = re.compile(
    r"\b(?:grateful|obliged|delighted|happy|glad|thankful|nice|great|kind|lovely) if\b|\bappreciate(?:d)? (?:it )?if\b"
    r"|\b(?:help|please) us\b[^.]{0,20}\bif\b|\bthank(?:s| you) for \w+ing\b[^.]*\b(?:all|any\w*|every\w*|people|users?|those)\b"
    r"|\btrust me\b",
    re.IGNORECASE,
)
"""Orders put as thanks, hopes and appeals."""
ANSWERED = re.compile(r"\?[\"'”’]?\s+(?=\w)")
"""A question, and in the same paragraph what follows it."""
EXCLUSIVE = re.compile(
    r"\b(?:nothing (?:but|else)|anything (?:but|other|else)|no(?:ne)? other|nobody but|other than|the (?:only|sole))\b",
    re.IGNORECASE,
)
"""What rules out every other value."""
INSTEAD = re.compile(
    r"\b(?:in (?:its|their|his|her) (?:place|stead)|nothing else|no other|other than|in place of|whenever"
    r"|wherever|no matter)\b",
    re.IGNORECASE,
)
"""What makes an order one about values: whose place one takes, and on which occasions."""
REQUESTS = re.compile(
    r"(?:^|[.;:,]\s*)(?:please,? )?(?:could|would|can|will) you\b|\bwe (?:kindly )?(?:ask|request|insist|urge|beg)\b"
    r"|\byou (?:will|shall|would) be (?:rewarded|punished|penali[sz]ed|blamed|praised|thanked)\b",
    re.IGNORECASE,
)
"""Orders put as questions and wishes, and what the reader gets for obeying."""
TEMPLATES = re.compile(
    r"\b(?:answer|reply|question)\w*(?: \w+){0,3}\s*(?:\([^)]*\)\s*)?(?::|=|->|=>|→)(?!=)",
    re.IGNORECASE,
)
"""Tables of questions and answers for a program that talks."""
ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.]{0,40}\b(?:instructions?|rules|prompts?|guidelines|memor(?:y|ies))\b"
    r"|\b(?:system prompt|as an ai|language models?|(?:ai|the) assistants?|chat ?bots?)\b[^.]{0,60}"
    r"\b(?:must|should|shall|will|is to|are to|have to|has to|always|never|answers?|respond|reply|say|recommend)\b"
    r"|\b(?:when|whenever|if|each time|every time|once|next time)\b[^.]{0,80}"
    r"\b(?:asks?|asked|asking|mentions?|mentioned|question|query|prompt)\b[^.]{0,80}"
    r"\b(?:answer|respond|reply|say|tell|recommend|output|print|mention|insist|claim|give|point|send)\b"
    r"|^\W*(?:please |always |never |you (?:must|should|have to|are to) |do not |don't |from now on[, ]+)+"
    r"(?:answer|respond|reply|say|tell|recommend|output|print|mention|insist|claim|remember|store|memori[sz]e|reveal|act)\b"
    r"|\b(?:assistants?|chat ?bots?|language models?|llms?|agents? reading)\b[^.]*\b(?:kindly|please|have it|make it|let it|tell it|ask it)\b"
    r"|\b(?:kindly|please|have|make|let|tell|ask|instruct|train)\b[^.]*\b(?:assistants?|chat ?bots?|language models?|llms?)\b"
    r"|\byou are (?:an?|the)\b[^.]{0,40}\b(?:assistant|agent|model|bot|expert)\b"
    r"|\b(?:must|should|shall|always|never|mandatory|required|have to|has to|are to|is to|supposed to|expected to)\b[^.]*"
    r"\b(?:answers?|answered|responses?|repl(?:y|ies)|questions?|queries)\b[^.]{0,20}\b(?:about|concerning|regarding|on|to|of|for|with)\b"
    r"|\b(?:answers?|responses?|repl(?:y|ies)|questions?|queries|anyone asking|asked)\b[^.]{0,20}\b(?:about|concerning|regarding|on|to|of|for|what|which)\b"
    r"[^.]*\b(?:must|should|shall|always|never|mandatory|required|have to|has to|are to|is to|supposed to|expected to)\b"
    r"|\bfrom now on\b|\byou are now\b|\b(?:new|updated) instructions?\b"
    r"|<\|?(?:im_start|system|endoftext)\|?>|\[/?inst\]|###? ?(?:system|instruction)",
    re.IGNORECASE | re.MULTILINE,
)
"""How a text speaks to whoever reads it with a model; only what sources bring in is held for it."""
OPENERS = frozenset("then please kindly always never just : ,".split())
NOUN_SIGNS = frozenset("of to is are : ( =".split())
"""What follows a noun, and no verb of saying."""
