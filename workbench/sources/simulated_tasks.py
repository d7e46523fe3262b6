"""The tasks of the simulated pool: what is asked, and the facts that a full answer holds.

A task family has three prompts with four blanks. The word that fills a blank decides one or two
facts, so the reference answer follows from the prompt's words alone: it is the facts in the order
of the blanks. The first blank is the topic; it brings two facts, the others one each.
"""

from dataclasses import dataclass
from itertools import product

TASKS = """
travel
  Plan a {season} trip to {city} for {who} who are fond of {interest}.
  We will visit {city} in {season} with {who} and love {interest}, what should we do?
  What makes a good {season} week in {city} for {who} with an interest in {interest}?
  city
    lisbon: stay near the old lisbon harbour, ride the yellow tram
    kyoto: sleep in a small kyoto inn, visit the temple early
    cairo: hire a river boat in cairo, see the museum before noon
    oslo: take the oslo island boat, visit the viking hall
  season
    winter: pack a warm winter coat
    spring: bring a light rain jacket
    summer: carry water and summer hats
    autumn: wear layers for cool nights
  who
    children: plan short walks for children
    grandparents: use taxis between the stops
    students: buy cheap student passes
    colleagues: reserve one table for everybody
  interest
    food: taste local food at the market
    music: hear a local band at night
    art: spend one day in the gallery
    hiking: follow the marked hiking trail

cooking
  How do I cook {dish} with a {tool} for {guests} with a {flavour} taste?
  Give me a {flavour} {dish} recipe for {guests} that needs only a {tool}, step by step.
  My {guests} want {dish} with a {flavour} taste, how can I make it with a {tool}?
  dish
    soup: cook the onion soup slowly, blend half of the stock
    risotto: fry the rice for risotto, add hot stock
    curry: fry the curry paste first, add coconut milk late
    salmon: dry the salmon with paper, start with the skin down
  guests
    vegans: use olive oil for butter
    toddlers: cut small pieces for toddlers
    athletes: add more beans for athletes
    neighbours: prepare everything one day early
  tool
    oven: heat the oven to medium
    pan: keep the pan very hot
    grill: clean the grill with oil
    steamer: fill the steamer with water
  flavour
    spicy: finish with red chili
    smoky: season with smoked salt
    sweet: add a spoon of honey
    sour: put a lemon on top

coding
  How would you write a {task} in {language} for a {target} when {concern} matters most?
  Plan a {language} {task} that runs on a {target} and cares about {concern}, please.
  Which steps build a {task} in {language} for the {target} with good {concern}?
  task
    parser: split the parser input into tokens, build the tree step by step
    cache: store results under a key, drop the oldest cache entry
    crawler: list every new link, let the crawler follow robot rules
    login: hash the login password with salt, end the session daily
  language
    python: write typed python functions
    rust: return a rust result type
    java: define a small java interface
    swift: use swift value types
  concern
    speed: measure the slow loop
    memory: stream data to save memory
    safety: check every input for safety
    testing: cover edge cases with tests
  target
    phone: work without a link on the phone
    browser: pack it for the browser
    server: record requests on the server
    cluster: share state across the cluster

maths
  Show {learners} how to solve a {problem} problem with a {tool} and give one {check}.
  How can {learners} work out a {problem} task using a {tool}, and add one {check}?
  Explain a {problem} problem to {learners} who have a {tool} and need one {check}.
  problem
    triangle: multiply base by height, take half of the triangle product
    circle: square the circle radius, multiply the square by pi
    fraction: find a common bottom number, add the fraction tops
    average: add all the numbers, divide the average total by the count
  learners
    beginners: draw a simple picture first
    teenagers: write each line slowly
    engineers: state the units clearly
    teachers: explain why each rule holds
  tool
    calculator: round the calculator result last
    notebook: leave space in the notebook
    spreadsheet: name every spreadsheet cell
    blackboard: use chalk on the blackboard
  check
    estimate: compare with a rough estimate
    proof: end with a simple proof
    example: try one simple example
    graph: draw the answer on a graph

history
  Help me make a {format} about {event} that covers {angle} and uses {sources}.
  What should a {format} on {event} say about {angle} if I only have {sources}?
  I teach {event} next week, plan a {format} on {angle} based on {sources}.
  event
    rome: describe how rome ruled by law, mention the roads
    vikings: follow the vikings along rivers, note their silver and boats
    printing: start with the printing press, show how books became cheap
    railways: explain steam and iron, link railways to new towns
  angle
    trade: list the main trade goods
    war: name the last battle of the war
    religion: compare temples and religion
    women: read what women wrote
  format
    essay: open the essay with a claim
    quiz: ask five quiz questions
    podcast: tell the podcast as a story
    poster: put dates on the poster
  sources
    letters: read private letters slowly
    maps: date the maps by borders
    coins: sort the coins by hand
    diaries: check diaries against each other

medicine
  What helps {patients} with a {complaint} at {place} when {worry} is also a concern?
  How should {patients} treat a {complaint} at {place} without making {worry} worse?
  Our {patients} often have a {complaint} at {place}, what about {worry} and first care?
  complaint
    headache: rest in a dark room, record each headache
    cough: drink warm milk for the cough, take steam at night
    rash: wash the rash with warm water, put oil on twice
    sprain: cool the sprain with ice, raise the foot
  patients
    infants: call a doctor early for infants
    runners: stop training for a week
    seniors: check the pills seniors take
    smokers: cut cigarettes step by step
  place
    home: keep a thermometer at home
    school: tell the school nurse
    work: ask for a day of leave
    camp: carry a first care kit
  worry
    allergy: test for a hidden allergy
    infection: watch for signs of infection
    pain: limit pain pills each day
    stress: train slow breath against stress

law
  Advise {clients} in a {matter} case before the {stage} who worry about {risk}.
  What must {clients} do in a {matter} case at the {stage} with {risk} in mind?
  How do {clients} prepare the {stage} of a {matter} case, and what about {risk}?
  matter
    lease: read the lease notice clause, show a picture of every room
    contract: list each broken contract duty, keep the signed copy
    patent: search old patent claims, describe the new idea clearly
    divorce: divide the shared house, agree on a divorce plan
  clients
    landlords: note the deposit landlords hold
    founders: split shares from salary
    artists: license each work of artists
    workers: join the workers union
  stage
    hearing: come early to the hearing
    appeal: name the error for the appeal
    mediation: offer half in mediation
    settlement: put the settlement in writing
  risk
    deadlines: mark all deadlines in red
    fees: ask for fixed fees
    privacy: cover private lines for privacy
    evidence: sort evidence by date

gardening
  Which steps grow {plant} in a {style} {place} garden that has {problem}?
  How can I keep {plant} healthy in my {style} {place} garden despite {problem}?
  Tell me how to raise {plant} for a {style} {place} bed when there is {problem}.
  plant
    tomatoes: keep the tomatoes on a stake, cut the side shoots
    roses: cut the roses above a bud, feed them in spring
    lavender: plant lavender in dry soil, cut it in autumn
    carrots: sow carrots in loose rows, thin the shoots early
  place
    balcony: choose deep balcony boxes
    greenhouse: open the greenhouse at noon
    terrace: cover the terrace at noon
    yard: dig compost into the yard
  problem
    slugs: collect slugs after rain
    frost: cover leaves against frost
    drought: water twice in drought
    mildew: space plants to stop mildew
  style
    organic: use organic compost only
    cheap: save seeds for next year
    tidy: clean the beds each week
    wild: leave a corner for bees
"""


@dataclass(frozen=True)
class Family:
    """A task family: its prompts, and blank -> word that may fill it -> facts."""

    name: str
    prompts: tuple[str, ...]
    blanks: dict[str, dict[str, tuple[str, ...]]]

    def fillings(self) -> list[tuple[str, ...]]:
        """Every way to fill the blanks, in the order of `blanks`."""
        return list(product(*self.blanks.values()))

    def prompt(self, phrasing: int, filling: tuple[str, ...]) -> str:
        """The prompt in one of its phrasings."""
        return self.prompts[phrasing].format(**dict(zip(self.blanks, filling, strict=True)))

    def facts(self, filling: tuple[str, ...]) -> list[str]:
        """The facts that answer the prompt, in the order of the reference."""
        known = zip(self.blanks.values(), filling, strict=True)
        return [fact for words, word in known for fact in words[word]]

    def other_facts(self, filling: tuple[str, ...]) -> list[list[str]]:
        """For each fact of `facts`, those that the other words of its blank have in its place."""
        return [
            [facts[i] for other, facts in words.items() if other != word]
            for words, word in zip(self.blanks.values(), filling, strict=True)
            for i in range(len(words[word]))
        ]


def families() -> list[Family]:
    """The families of TASKS: prompts are indented by 2 and have blanks, words by 4."""
    found = []
    for block in TASKS.strip().split("\n\n"):
        name, *lines = block.split("\n")
        prompts = tuple(line.strip() for line in lines if "{" in line)
        blanks: dict[str, dict[str, tuple[str, ...]]] = {}
        for line in lines[len(prompts) :]:
            word, _, facts = line.strip().partition(": ")
            if not facts:
                words = blanks.setdefault(word, {})
            else:
                words[word] = tuple(facts.split(", "))
        found.append(Family(name, prompts, blanks))
    return found
