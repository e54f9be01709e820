"""Style recognition: its scores in closed form, and a judge that knows what it was shown."""

import math
import warnings

import numpy as np
import pytest

from resnet_in_tf.evaluation import recognition
from resnet_in_tf.evaluation.features import FeatureReader
from resnet_in_tf.evaluation.report import claims

SURE = np.eye(4)  # three styles and `photo`


def test_right_answers_score_one():
    found = recognition.scores([0, 1, 2, 0, 1, 2], SURE[[0, 1, 2, 0, 1, 2]])
    assert found == {'accuracy': 1.0, 'recall': 1.0, 'f1': 1.0, 'auc': 1.0}


def test_permuted_answers_score_zero():
    found = recognition.scores([0, 1, 2], SURE[[1, 2, 0]])
    assert (found['accuracy'], found['recall'], found['f1']) == (0.0, 0.0, 0.0)
    assert found['auc'] == pytest.approx(0.25)  # against 2 others: one tied, one above


def test_averages_are_over_styles_and_not_over_pictures():
    # Style 0: 3 of 3 found, with 1 false: recall 1, precision 3/4, F1 6/7. Style 1: 0 of 1.
    found = recognition.scores([0, 0, 0, 1], np.eye(3)[[0, 0, 0, 0]])
    assert found['accuracy'] == 0.75
    assert found['recall'] == 0.5
    assert found['f1'] == pytest.approx(3 / 7.0)
    assert found['auc'] == 0.5


def test_a_plain_photo_is_never_right():
    found = recognition.scores([0, 1, 2], SURE[[3, 3, 3]])
    assert (found['accuracy'], found['recall'], found['f1'], found['auc']) == (0.0, 0.0, 0.0, 0.5)


def test_auc_sees_the_order_where_accuracy_sees_nothing():
    chances = np.array([[0.2, 0.1, 0.7], [0.3, 0.0, 0.7], [0.1, 0.2, 0.7], [0.0, 0.3, 0.7]])
    found = recognition.scores([0, 0, 1, 1], chances)
    assert (found['accuracy'], found['auc']) == (0.0, 1.0)


def test_two_pictures_a_style_are_scored_without_a_warning():
    asked = [number for number in range(12) for _ in range(2)]
    seen = [12] + asked[1:]  # one is taken for a photo: 13 classes of 24 pictures
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert recognition.scores(asked, np.eye(13)[seen])['accuracy'] == pytest.approx(23 / 24)


def test_one_style_has_no_auc():
    assert math.isnan(recognition.scores([0, 0], np.eye(2))['auc'])


@pytest.mark.parametrize('shape', [(40, 90), (90, 40)])
def test_held_out_part_shares_no_pixel_with_the_known_one(shape):
    painting = np.arange(shape[0] * shape[1]).reshape(shape + (1,))
    known, kept = recognition.held_out(painting)
    assert not set(known.ravel()) & set(kept.ravel())
    assert known.size + kept.size == painting.size
    assert kept.size / float(painting.size) == pytest.approx(0.25, abs=0.02)


def test_crops_stay_inside_small_pictures():
    picture = np.zeros([20, 50, 3], np.uint8)
    shapes = {crop.shape for crop in
              recognition.random_crops(picture, 32, 5, np.random.RandomState(0))}
    assert shapes == {(20, 20, 3)}


@pytest.fixture(scope='module')
def judge_and_paintings(face):
    """A judge of two paintings that differ in colour alone and texture alone from each other."""
    generator = np.random.RandomState(0)
    stripes = np.repeat(np.tile([30, 220], 48)[None, :, None], 96, axis=0)
    paintings = {
        'stripes': np.repeat(stripes, 3, axis=2).astype(np.uint8),
        'noise': generator.randint(0, 255, size=[96, 96, 3]).astype(np.uint8)}
    reader = FeatureReader('random', ['input', 'relu1_1', 'relu2_1'])
    photos = [face[row:row + 64, 400:480] for row in range(0, 640, 64)]
    judge = recognition.train_judge(reader, paintings, photos, 24, 20)
    yield judge, paintings
    reader.close()


def test_the_judge_knows_what_it_was_never_shown_of_a_painting(judge_and_paintings):
    judge, paintings = judge_and_paintings
    pictures, asked = recognition.ceiling_pictures(paintings, 24, 10)
    found = recognition.scores(asked, recognition.probabilities(judge, pictures))
    assert found['accuracy'] == 1.0 and found['auc'] == 1.0


def test_the_judge_takes_photos_for_photos(judge_and_paintings, face):
    judge, _ = judge_and_paintings
    seen = recognition.probabilities(judge, [face[100:164, 600:680], face[500:564, 100:180]])
    assert judge.classes == ['stripes', 'noise', recognition.PHOTO]
    np.testing.assert_array_equal(seen.argmax(axis=1), [2, 2])
    np.testing.assert_allclose(seen.sum(axis=1), 1.0)


def rows(system, values):
    return [{'system': system, 'photo': photo, 'value': value}
            for photo, value in enumerate(values)]


def test_a_steady_difference_is_borne_out_and_its_opposite_contradicted():
    ours, theirs = rows('resnet_in', [5, 6, 7, 8, 9, 10]), rows('cnn', [4, 5, 6, 7, 8, 9.5])
    difference, low, high = claims.interval(ours, theirs, claims.mean_of('value'))
    assert difference == pytest.approx(5.5 / 6)
    assert 0.5 <= low <= difference <= high <= 1.0
    table = claims.compare('more', 'Fig.', ours + theirs, claims.mean_of('value'), {})
    assert [row['verdict'] for row in table] == [claims.BORNE_OUT]
    table = claims.compare('less', 'Fig.', ours + theirs, claims.mean_of('value'), {}, sign=-1.0)
    assert [row['verdict'] for row in table] == [claims.CONTRADICTED]


def test_a_difference_of_chance_or_of_few_photos_decides_nothing():
    ours, theirs = rows('resnet_in', [1, 0, 1, 0, 1, 0]), rows('cnn', [0, 1, 0, 1, 0, 1.1])
    found = claims.interval(ours, theirs, claims.mean_of('value'))
    assert claims.verdict(*found) == claims.UNDECIDED
    few = claims.interval(rows('resnet_in', [9, 9]), rows('cnn', [1, 1]), claims.mean_of('value'))
    assert few[0] == 8 and claims.verdict(*few) == claims.UNDECIDED


def test_learning_rates_are_compared_with_the_best_other():
    rates = {0.0001: {'accuracy': 0.5, 'loss': 1.0, 'fluctuation': None},
             0.001: {'accuracy': 0.75, 'loss': 2.0, 'fluctuation': 0.0},
             0.01: {'accuracy': 0.75, 'loss': 3.0, 'fluctuation': 0.1}}
    assert [(row['measured'], row['verdict']) for row in claims.learning_rate(rates)] == [
        (0.0, claims.UNDECIDED), (1.0, claims.CONTRADICTED), (-0.1, claims.BORNE_OUT)]
