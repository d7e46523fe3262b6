"""Vectors of prompts by tf-idf and an SVD."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from two_kinds import NEW, WORDS

from workbench.errors import BadModel, BadValue, UnknownName
from workbench.routing.tfidf import FittedTfidf, TfidfVectors

ALL = [*WORDS["sums"], *WORDS["verse"]]
prompts = st.lists(
    st.lists(st.sampled_from(ALL), min_size=1, max_size=8).map(" ".join), min_size=4, max_size=20
)
OPTIONS = TfidfVectors(dimensions=8, min_prompts=1)


@settings(max_examples=15, deadline=None)
@given(prompts, st.randoms())
def test_the_order_of_the_training_prompts_does_not_matter(texts, random):
    shuffled = random.sample(texts, len(texts))
    one, two = FittedTfidf.fit(OPTIONS, texts), FittedTfidf.fit(OPTIONS, shuffled)
    assert one.terms == two.terms
    assert (one.vectors(NEW) == two.vectors(NEW)).all()


@settings(max_examples=10, deadline=None)
@given(prompts)
def test_with_all_dimensions_likeness_is_that_of_tfidf_itself(texts):
    fitted = FittedTfidf.fit(TfidfVectors(dimensions=10**4, min_prompts=1), texts)
    found = fitted.vectors(texts).astype(np.float64)
    plain = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+")
    wanted = plain.fit_transform(texts)
    np.testing.assert_allclose(found @ found.T, (wanted @ wanted.T).toarray(), atol=1e-4)


def test_restored_it_gives_the_same():
    fitted = FittedTfidf.fit(OPTIONS, ALL)
    options = TfidfVectors.from_dict(fitted.options.to_dict())
    again = FittedTfidf.from_arrays(options, fitted.terms, fitted.arrays())
    assert (again.vectors(NEW) == fitted.vectors(NEW)).all()
    with pytest.raises(BadModel, match="not of one model"):
        FittedTfidf.from_arrays(options, fitted.terms[1:], fitted.arrays())


def test_what_no_training_prompt_holds_is_zero():
    fitted = FittedTfidf.fit(OPTIONS, ALL)
    found = fitted.vectors(["", "zzz", "moon"])
    assert found.any(axis=1).tolist() == [False, False, True]
    assert fitted.vectors([]).shape == (0, 8)


def test_faults_are_told():
    with pytest.raises(BadValue, match="dimensions"):
        TfidfVectors(dimensions=0)
    with pytest.raises(UnknownName, match="dimension"):
        TfidfVectors.from_dict({"dimension": 3})
    with pytest.raises(BadValue, match="min_prompts = 3"):
        FittedTfidf.fit(TfidfVectors(min_prompts=3), ["one two", "three"])
