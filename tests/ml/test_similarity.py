"""Which texts are about the same: what must hold of the model whatever it learns from."""

from __future__ import annotations

import numpy as np
import pytest

from ml.similarity.features import MOST_CHARACTERS
from ml.similarity.model import Similarity, digest, fit
from ml.terms import NotEnoughData

TEXTS = [
    "The fuel card was refused at the pump.",
    "How do I reset the password of my account?",
    "The van has a dent in the left door.",
    "Ask for leave in the calendar two weeks ahead.",
]


def test_a_question_lies_next_to_its_text():
    model, places = fit(TEXTS, seed=7)
    questions = ["card refused when paying for fuel", "forgotten my pasword", "dented vans", "days of leave"]
    alike = model.project(questions) @ places.T
    assert alike.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_what_it_knows_nothing_of_is_like_nothing():
    model, places = fit(TEXTS, seed=7)
    assert (model.project(["", "xqzt", "完全に別の"]) @ places.T == 0).all()
    mixed = model.project(["fuel", "fuel with zyx wvu tsr"]) @ places[0]
    assert mixed[0] > 1.5 * mixed[1]


def test_the_same_texts_give_the_same_model_and_it_comes_back_as_it_was():
    model, _ = fit(TEXTS, seed=7)
    again, _ = fit(TEXTS, seed=7)
    assert model.to_bytes() == again.to_bytes()
    kept = Similarity.from_bytes(model.to_bytes())
    assert kept.vocabularies == model.vocabularies
    assert np.array_equal(kept.project(TEXTS), model.project(TEXTS))
    assert digest(TEXTS, seed=7) != digest(TEXTS[::-1], seed=7)


def test_few_texts_are_no_model():
    for texts in ([], TEXTS[:2], [TEXTS[0]] * 9):
        with pytest.raises(NotEnoughData):
            fit(texts, seed=7)


def test_texts_without_words_are_no_model():
    with pytest.raises(NotEnoughData):
        fit(["!", "?", "…"], seed=7)


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError):
        Similarity.from_bytes(b"no archive")


def test_a_text_that_never_ends_is_cut():
    assert digest(["a"], seed=7) != digest(["b"], seed=7)
    model, _ = fit([*TEXTS, "word " * (MOST_CHARACTERS // 2)], seed=7)
    assert model.dimensions == 4
