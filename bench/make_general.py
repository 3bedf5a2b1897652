"""Write the general bank, `src/nightschool/exam/general_items.json`, once and for all.

    pip install --target /tmp/gen countryinfo==1.0.1 periodictable==2.1.0 inflect==7.6.0
    PYTHONPATH=/tmp/gen python bench/make_general.py

Items come from the data that these packages ship (countryinfo: MIT; periodictable: public
domain; inflect: MIT) and from lists written by hand below (Apache-2.0, as the project). They
were fixed without looking at any model's answers; running this again gives the same file.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import inflect
import periodictable
from countryinfo import CountryInfo

OUT = Path(__file__).parents[1] / "src/nightschool/exam/general_items.json"
SEED = 20260101
CHOICES = 4

COUNTRIES = """Afghanistan|Albania|Algeria|Argentina|Australia|Austria|Bangladesh|Belgium|Brazil
Bulgaria|Cambodia|Canada|Chile|China|Colombia|Croatia|Cuba|Denmark|Ecuador|Egypt|Ethiopia|Finland
France|Germany|Ghana|Greece|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Italy|Jamaica|Japan
Jordan|Kenya|Lebanon|Libya|Malaysia|Mexico|Mongolia|Morocco|Nepal|Netherlands|New Zealand|Nigeria
Norway|Pakistan|Panama|Peru|Philippines|Poland|Portugal|Romania|Russia|Saudi Arabia|Senegal|Serbia
Somalia|South Korea|Spain|Sudan|Sweden|Switzerland|Syria|Thailand|Tunisia|Turkey|Uganda|Ukraine
United Kingdom|Uruguay|Venezuela|Vietnam|Zambia|Zimbabwe""".replace("\n", "|").split("|")

ELEMENTS = [
    "hydrogen",
    "helium",
    "lithium",
    "carbon",
    "nitrogen",
    "oxygen",
    "fluorine",
    "neon",
    "sodium",
    "magnesium",
    "aluminum",
    "silicon",
    "phosphorus",
    "sulfur",
    "chlorine",
    "argon",
    "potassium",
    "calcium",
    "titanium",
    "chromium",
    "manganese",
    "iron",
    "cobalt",
    "nickel",
    "copper",
    "zinc",
    "arsenic",
    "bromine",
    "krypton",
    "silver",
    "tin",
    "iodine",
    "xenon",
    "barium",
    "tungsten",
    "platinum",
    "gold",
    "mercury",
    "lead",
    "radon",
    "radium",
    "uranium",
    "plutonium",
]

PLURALS = [
    "child",
    "mouse",
    "tooth",
    "foot",
    "goose",
    "man",
    "woman",
    "knife",
    "leaf",
    "wolf",
    "city",
    "baby",
    "box",
    "church",
    "potato",
    "loaf",
    "shelf",
    "wife",
    "story",
    "party",
    "dish",
    "glass",
    "bus",
    "fox",
    "branch",
    "country",
    "lady",
    "berry",
    "half",
    "calf",
]

OPPOSITES = """hot cold|big small|tall short|fast slow|early late|light dark|happy sad|hard soft
old young|rich poor|strong weak|wet dry|full empty|open closed|clean dirty|loud quiet|thick thin
wide narrow|deep shallow|heavy light|high low|near far|cheap expensive|safe dangerous|easy difficult
first last|true false|alive dead|sweet sour|brave cowardly|rough smooth|sharp blunt|buy sell
push pull|arrive leave|begin end|win lose|remember forget|ask answer|give take|rise fall
love hate|laugh cry|north south|east west|inside outside|above below|always never|day night
summer winter|friend enemy|question answer|victory defeat|success failure|peace war|truth lie""".replace(
    "\n", "|"
).split("|")

COMMON = """What colour is grass?|green|blue|red|purple
What colour is a ripe banana?|yellow|blue|black|purple
What colour is snow?|white|brown|green|orange
What colour is coal?|black|white|pink|yellow
What colour is a ripe tomato?|red|blue|grey|white
What colour do you get by mixing blue and yellow?|green|orange|purple|brown
What colour do you get by mixing red and white?|pink|green|blue|black
What colour is the sky on a clear day?|blue|green|brown|red
How many legs does a spider have?|eight|six|four|ten
How many legs does an insect have?|six|eight|four|two
How many legs does a dog have?|four|two|six|eight
How many wheels does a bicycle have?|two|three|four|six
How many days are in a week?|seven|five|ten|twelve
How many months are in a year?|twelve|ten|seven|thirty
How many hours are in a day?|24|12|60|7
How many minutes are in an hour?|60|24|100|12
How many seconds are in a minute?|60|30|100|24
How many sides does a triangle have?|three|four|five|six
How many sides does a square have?|four|three|five|six
How many letters are in the English alphabet?|26|24|30|20
How many fingers are on one hand?|five|four|ten|six
How many eyes do most people have?|two|one|three|four
How many centimetres are in a metre?|100|10|1000|60
How many grams are in a kilogram?|1000|100|10|60
How many years are in a century?|100|10|1000|50
How many is a dozen?|12|10|20|6
Which animal barks?|a dog|a cat|a cow|a duck
Which animal says meow?|a cat|a dog|a horse|a sheep
Which animal gives us milk?|a cow|a snake|a spider|a shark
Which animal lays eggs?|a hen|a dog|a cow|a horse
Which animal has a trunk?|an elephant|a lion|a rabbit|a mouse
Which animal has a very long neck?|a giraffe|a pig|a frog|a bear
Which animal lives in water?|a fish|a camel|a sheep|a goat
Which animal can fly?|an eagle|a horse|a whale|a dog
Which animal makes honey?|a bee|a fly|an ant|a spider
What is a baby cat called?|a kitten|a puppy|a calf|a foal
What is a young dog called?|a puppy|a kitten|a lamb|a cub
What is a young sheep called?|a lamb|a calf|a foal|a chick
What is a young cow called?|a calf|a kitten|a chick|a cub
What do you use to cut paper?|scissors|a spoon|a pillow|a candle
What do you use to write?|a pen|a plate|a shoe|a towel
What do you use to open a lock?|a key|a fork|a book|a comb
What do you use to tell the time?|a clock|a cup|a chair|a hammer
What do you use to drive in a nail?|a hammer|a spoon|a ruler|a brush
What do you wear on your feet?|shoes|gloves|a hat|a scarf
What do you wear on your hands?|gloves|socks|a hat|trousers
What do you wear on your head?|a hat|shoes|socks|gloves
What do people drink?|water|sand|wood|glass
What is frozen water called?|ice|steam|salt|oil
What does water become when it boils?|steam|ice|sand|wood
At how many degrees Celsius does water freeze?|0|100|50|25
At how many degrees Celsius does water boil?|100|0|50|25
Which planet do we live on?|Earth|Mars|Venus|Jupiter
Which planet is known for its rings?|Saturn|Mars|Venus|Mercury
Which planet is the largest?|Jupiter|Earth|Mars|Mercury
Which planet is called the red planet?|Mars|Venus|Neptune|Saturn
What does the Earth go around?|the Sun|the Moon|Mars|Venus
What goes around the Earth?|the Moon|the Sun|Mars|Jupiter
In which direction does the sun rise?|in the east|in the west|in the north|in the south
In which direction does the sun set?|in the west|in the east|in the north|in the south
Which season comes after winter?|spring|autumn|summer|winter
Which season comes after summer?|autumn|spring|winter|summer
Which season is the coldest?|winter|summer|spring|autumn
Which meal is eaten in the morning?|breakfast|dinner|supper|lunch
Who treats sick people?|a doctor|a farmer|a baker|a pilot
Who flies an aeroplane?|a pilot|a teacher|a baker|a nurse
Who bakes bread?|a baker|a sailor|a lawyer|a miner
Who teaches children in school?|a teacher|a butcher|a sailor|a plumber
Who grows crops?|a farmer|a pilot|a dentist|a judge
Who looks after teeth?|a dentist|a farmer|a driver|a tailor
Who puts out fires?|a firefighter|a baker|a singer|a clerk
Which organ pumps blood?|the heart|the lungs|the stomach|the skin
Which organ do we think with?|the brain|the liver|the kidney|the bone
Which organs do we breathe with?|the lungs|the kidneys|the ears|the eyes
What do we hear with?|the ears|the eyes|the nose|the knees
What do we see with?|the eyes|the ears|the nose|the hands
What do we smell with?|the nose|the eyes|the ears|the feet
What do plants need to grow?|sunlight|plastic|iron bars|music
What is bread made from?|flour|sand|wool|glass
What is cheese made from?|milk|wood|stone|paper
What is wine made from?|grapes|wheat|coal|cotton
What is paper made from?|wood|iron|glass|milk
What is the language spoken in Brazil?|Portuguese|Dutch|Hindi|Polish
What is the language spoken in Mexico?|Spanish|French|German|Russian
What is the language spoken in Austria?|German|Greek|Arabic|Thai
What is the language spoken in Egypt?|Arabic|Swedish|Korean|Italian
What is the currency of Japan?|the yen|the euro|the peso|the rupee
What is the currency of India?|the rupee|the yen|the franc|the dollar
What is the currency of the United States?|the dollar|the yen|the pound|the euro
On which continent is Kenya?|Africa|Asia|Europe|South America
On which continent is France?|Europe|Asia|Africa|Australia
On which continent is Japan?|Asia|Africa|Europe|South America
On which continent is Peru?|South America|Europe|Asia|Africa
Who wrote Romeo and Juliet?|William Shakespeare|Isaac Newton|Napoleon|Mozart
Who wrote Oliver Twist?|Charles Dickens|Albert Einstein|Galileo|Beethoven
Who painted the Mona Lisa?|Leonardo da Vinci|Charles Darwin|Julius Caesar|Marie Curie
Who developed the theory of relativity?|Albert Einstein|William Shakespeare|Mozart|Picasso
Who wrote On the Origin of Species?|Charles Darwin|Jane Austen|Homer|Bach
What is the past tense of go?|went|goed|gone|goes
What is the past tense of see?|saw|seed|seen|sees
What is the past tense of eat?|ate|eated|eaten|eats
What is the past tense of run?|ran|runned|running|runs
What is the past tense of buy?|bought|buyed|buying|buys
What is the past tense of take?|took|taked|taken|takes
What is the past tense of write?|wrote|writed|written|writes
What is the past tense of think?|thought|thinked|thinking|thinks
What is the past tense of sing?|sang|singed|sung|sings
What is the past tense of bring?|brought|bringed|bringing|brings"""

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def main() -> None:
    rng = random.Random(SEED)
    items = [
        *capitals(rng),
        *elements(rng),
        *plurals(rng),
        *opposites(rng),
        *arithmetic(rng),
        *calendar(rng),
        *common(),
    ]
    rng.shuffle(items)
    rows = []
    for number, (group, question, right, wrong) in enumerate(items):
        choices = [right, *wrong]
        rng.shuffle(choices)
        assert len(set(choices)) == len(choices), (question, choices)
        rows.append(
            {
                "id": f"gen-{number:04d}",
                "group": group,
                "question": question,
                "answer": right,
                "choices": choices,
            }
        )
    body = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
    sources = [
        "capitals: countryinfo 1.0.1 (MIT)",
        "elements: periodictable 2.1.0 (public domain)",
        "plurals: inflect 7.6.0 (MIT)",
        "opposites, arithmetic, calendar, common: written by hand (Apache-2.0)",
    ]
    head = f'{{"made_by": "bench/make_general.py", "sources": {json.dumps(sources)}, "items": [\n  '
    OUT.write_text(head + body + "\n]}\n", "utf-8")
    print(f"{len(rows)} items -> {OUT}")


def wrong_of(rng: random.Random, pool: list[str], right: str) -> list[str]:
    return rng.sample(sorted({other for other in pool if other != right}), CHOICES - 1)


def capitals(rng: random.Random):
    found = {}
    for name in COUNTRIES:
        capital = CountryInfo(name).capital()
        if isinstance(capital, str) and capital.isascii():
            found[name] = capital
    pool = list(found.values())
    for name, capital in found.items():
        article = "the " if name in {"United Kingdom", "Netherlands", "Philippines"} else ""
        yield (
            "capitals",
            f"What is the capital of {article}{name}?",
            capital,
            wrong_of(rng, pool, capital),
        )


def elements(rng: random.Random):
    symbols = {name: getattr(periodictable, name).symbol for name in ELEMENTS}
    for name, symbol in symbols.items():
        yield (
            "elements",
            f"What is the chemical symbol of {name}?",
            symbol,
            wrong_of(rng, list(symbols.values()), symbol),
        )


def plurals(rng: random.Random):
    engine = inflect.engine()
    for word in PLURALS:
        right = str(engine.plural(word))
        false = {f"{word}s", f"{word}es", f"{word}en", f"{word}ies", word, f"{word}'s"} - {right}
        yield (
            "plurals",
            f"What is the plural of the word {word}?",
            right,
            rng.sample(sorted(false), CHOICES - 1),
        )


def opposites(rng: random.Random):
    pairs = [tuple(pair.split()) for pair in OPPOSITES]
    pool = [word for pair in pairs for word in pair]
    for left, right in pairs:
        others = [word for word in pool if word not in (left, right)]
        yield (
            "opposites",
            f"What is the opposite of {left}?",
            right,
            wrong_of(rng, others, right),
        )


def arithmetic(rng: random.Random):
    seen = set()
    while len(seen) < 64:
        sign = ("plus", "minus", "times")[len(seen) % 3]
        top = 10 if sign == "times" else 20
        left, right = rng.randint(2, top), rng.randint(2, top)
        if sign == "minus" and left <= right:
            continue
        if (left, sign, right) in seen:
            continue
        seen.add((left, sign, right))
        value = {"plus": left + right, "minus": left - right, "times": left * right}[sign]
        near = [v for v in range(max(0, value - 6), value + 7) if v != value]
        wrong = [str(v) for v in rng.sample(near, CHOICES - 1)]
        yield "arithmetic", f"What is {left} {sign} {right}?", str(value), wrong


def calendar(rng: random.Random):
    for kind, names in (("day", DAYS), ("month", MONTHS)):
        for place, name in enumerate(names):
            after = names[(place + 1) % len(names)]
            before = names[place - 1]
            rest = [other for other in names if other != name]
            yield (
                "calendar",
                f"Which {kind} comes right after {name}?",
                after,
                wrong_of(rng, rest, after),
            )
            yield (
                "calendar",
                f"Which {kind} comes right before {name}?",
                before,
                wrong_of(rng, rest, before),
            )


def common():
    for line in COMMON.split("\n"):
        question, right, *wrong = line.split("|")
        yield "common", question, right, wrong


if __name__ == "__main__":
    main()
