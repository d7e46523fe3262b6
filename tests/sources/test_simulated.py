import re
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
from merging import merged, phrases

from workbench.errors import BadValue
from workbench.quality import MEASURES
from workbench.sources import simulated
from workbench.sources.simulated_tasks import families

PROMPTS = 1500


def words(text):
    return re.findall(r"\w+", text.lower())


@pytest.fixture(scope="module", params=[1, 7])
def pool(request):
    """The pool of the default size under two seeds, with its ROUGE-L as an array [Q, N]."""
    records = list(simulated.read(n_prompts=PROMPTS, seed=request.param))
    texts = [c.text for r in records for c in r.candidates]
    references = [r.reference for r in records for _ in r.candidates]
    quality = MEASURES["rougeL@1"](texts, references).reshape(len(records), -1)
    category = np.array([r.category for r in records])
    return SimpleNamespace(records=records, quality=quality, category=category)


def measured(pool, texts):
    return MEASURES["rougeL@1"](texts, [r.reference for r in pool.records])


def picked(pool, choice):
    return pool.quality[np.arange(len(choice)), choice].mean()


def test_size_of_the_pool(pool):
    names = [llm.llm for llm in simulated.llms()]
    assert len(set(names)) == len(names) >= 12
    assert len(set(pool.category)) >= 8
    assert len({(r.instruction, r.input) for r in pool.records}) == PROMPTS
    assert all([c.llm for c in r.candidates] == names for r in pool.records)
    assert all(r.split is None and r.reference and not r.verdicts for r in pool.records)
    assert not any(c.qualities for r in pool.records for c in r.candidates)


def test_texts_are_short_and_their_words_few(pool):
    vocabulary = set()
    lengths = []
    for record in pool.records:
        assert 10 <= len(words(record.instruction)) <= 20
        assert 20 <= len(words(record.reference)) <= 30
        lengths += [len(words(c.text)) for c in record.candidates]
        for text in (record.instruction, record.reference, *(c.text for c in record.candidates)):
            vocabulary.update(words(text))
    assert len(vocabulary) < 600
    assert np.mean([15 <= length <= 32 for length in lengths]) > 0.85
    assert max(lengths) <= 45


def test_no_llm_is_best_on_a_quarter_of_the_prompts(pool):
    best = pool.quality == pool.quality.max(axis=1, keepdims=True)
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    assert share.sum() == pytest.approx(1)
    assert share.max() < 0.20


def test_expertise_differs_and_the_prompt_tells_it(pool):
    best_single = pool.quality.mean(axis=0).max()
    oracle = pool.quality.max(axis=1).mean()
    by_family = {c: pool.quality[pool.category == c].mean(axis=0) for c in set(pool.category)}
    routed = sum((pool.category == c).mean() * mean.max() for c, mean in by_family.items())
    assert len({int(mean.argmax()) for mean in by_family.values()}) >= 6
    assert pool.quality.mean() + 0.05 < best_single
    assert best_single + 0.10 < routed < oracle
    # A family is told by its prompts' words: none shares its topic words with another.
    topics = [set(next(iter(family.blanks.values()))) for family in families()]
    assert len(set().union(*topics)) == sum(map(len, topics))


def test_length_does_not_tell_quality(pool):
    length = np.array([[len(c.text) for c in r.candidates] for r in pool.records])
    best_single = pool.quality.mean(axis=0).max()
    assert picked(pool, length.argmax(axis=1)) < pool.quality.mean() + 0.02 < best_single
    assert picked(pool, length.argmin(axis=1)) < pool.quality.mean()
    within = [np.corrcoef(x, q)[0, 1] for x, q in zip(length, pool.quality, strict=True)]
    assert abs(np.mean(within)) < 0.1


def test_an_answers_words_tell_its_quality(pool):
    empty = {*simulated.HEDGES, *simulated.OPENINGS, *simulated.CLOSINGS}
    hedged = np.array(
        [[sum(p in empty for p in phrases(c.text)) for c in r.candidates] for r in pool.records]
    )
    assert picked(pool, hedged.argmin(axis=1)) > pool.quality.mean(axis=0).max() + 0.05


def test_merging_three_good_answers_beats_the_best(pool):
    top = np.argsort(-pool.quality, axis=1, kind="stable")[:, :3]
    texts = [
        merged([record.candidates[i].text for i in best], least=2)
        for record, best in zip(pool.records, top, strict=True)
    ]
    gain = measured(pool, texts) - pool.quality.max(axis=1)
    assert gain.mean() > 0.03
    assert (gain > 0).mean() > 0.5


def test_merging_all_answers_beats_any_single_llm(pool):
    texts = [merged([c.text for c in record.candidates], least=4) for record in pool.records]
    assert measured(pool, texts).mean() > pool.quality.mean(axis=0).max() + 0.10


def test_nobody_knows_all_and_known_facts_keep_their_order(pool):
    for record in pool.records[:200]:
        facts = phrases(record.reference)
        for candidate in record.candidates:
            kept = [p for p in phrases(candidate.text) if p in facts]
            assert len(kept) < len(facts)
            assert kept == [fact for fact in facts if fact in kept]


def test_the_reference_follows_from_the_prompt():
    for family in families():
        for filling in family.fillings()[::7]:
            prompts = [set(words(family.prompt(i, filling))) for i in range(simulated.PHRASINGS)]
            assert all(set(filling) <= prompt for prompt in prompts)
        answers = [tuple(family.facts(filling)) for filling in family.fillings()]
        assert len(set(answers)) == len(answers)


def test_pool_follows_from_its_seed_alone():
    first, again, other = (list(simulated.read(n_prompts=40, seed=s)) for s in (3, 3, 4))
    longer = list(islice(simulated.read(n_prompts=400, seed=3), 40))
    assert first == again == longer
    assert [r.instruction for r in first] != [r.instruction for r in other]
    shared = {r.instruction: r for r in simulated.read(n_prompts=2048, seed=4)}
    same = [(r, shared[r.instruction]) for r in first if r.instruction in shared]
    assert same
    assert all(r.reference == s.reference and r.candidates != s.candidates for r, s in same)


def test_largest_pool_has_no_prompt_twice():
    records = list(simulated.read(n_prompts=6144))
    assert len({r.instruction for r in records}) == 6144
    assert len({r.reference for r in records}) == 2048


def test_costs_come_from_the_llms_prices():
    (record,) = simulated.read(n_prompts=1)
    for llm, candidate in zip(simulated.llms(), record.candidates, strict=True):
        assert candidate.tokens_in >= len(words(record.instruction))
        assert candidate.tokens_out >= len(words(candidate.text))
        price = candidate.tokens_in * llm.usd_per_mtok_in
        price += candidate.tokens_out * llm.usd_per_mtok_out
        assert candidate.usd == pytest.approx(price / 1e6)
        assert candidate.latency_s > 0


@pytest.mark.parametrize(
    ("options", "name"),
    [({"n_prompts": 0}, "n_prompts"), ({"n_prompts": 6145}, "n_prompts"), ({"path": "x"}, "path")],
)
def test_bad_options(options, name):
    with pytest.raises(BadValue, match=name):
        simulated.read(**options)
