"""Claims are borne out where the interval says so, and not otherwise."""

import math

import pytest

from resnet_in_tf.evaluation import paper_numbers
from resnet_in_tf.evaluation.report import claims


def rows(system, values):
    return [{'system': system, 'photo': 'p%d' % number, 'miou': value} for number, value in enumerate(values)]


def test_a_difference_that_every_photo_has_is_certain():
    difference, low, high = claims.interval(rows('a', [1, 2, 3, 4, 5, 6]), rows('b', [0, 1, 2, 3, 4, 5]),
                                            claims.mean_of('miou'))
    assert (difference, low, high) == pytest.approx((1, 1, 1))


def test_few_photos_have_a_difference_and_no_interval():
    difference, low, high = claims.interval(rows('a', [3, 3, 3, 3]), rows('b', [1, 1, 1, 1]),
                                            claims.mean_of('miou'))
    assert difference == 2 and math.isnan(low) and math.isnan(high)
    assert claims.verdict(difference, low, high) == claims.UNDECIDED


def test_only_photos_that_both_have_are_compared():
    ours, rivals = rows('a', [1] * 6 + [100]), rows('b', [0] * 6)
    assert claims.interval(ours, rivals, claims.mean_of('miou'))[0] == 1


def test_the_interval_holds_both_signs_where_photos_disagree():
    _, low, high = claims.interval(rows('a', [1, -1] * 5), rows('b', [0] * 10), claims.mean_of('miou'))
    assert low < 0 < high


@pytest.mark.parametrize('sign, better, worse', [(1, claims.BORNE_OUT, claims.CONTRADICTED),
                                                 (-1, claims.CONTRADICTED, claims.BORNE_OUT)])
def test_a_rival_is_named_with_the_papers_difference_and_one_that_is_missing_is_left_out(sign, better, worse):
    pictures = rows('resnet_in', [5] * 6) + rows('cnn', [3] * 6) + rows('naas', [8] * 6)
    found = claims.compare('c', 'p', pictures, claims.mean_of('miou'), {'resnet_in': 0.9, 'cnn': 0.7},
                           sign)
    assert [(row['against'], row['measured'], row['verdict']) for row in found] == [
        ('CNN', 2, better), ('NAAS', -3, worse)]
    assert found[0]['figure (paper)'] == pytest.approx(0.2) and found[1]['figure (paper)'] is None


def test_the_slowest_style_is_held_to_the_papers_limit():
    def verdict(slowest):
        found = claims.speed([{'system': 'resnet_in', 'run 1': 1.0, 'run 2': 1.0, 'load': 99},
                              {'system': 'resnet_in', 'run 1': slowest, 'run 2': slowest},
                              {'system': 'naas', 'run 1': 10.0}])
        assert found[0]['measured'] == slowest and found[1]['measured'] == pytest.approx(
            10 / ((1 + slowest) / 2))
        return found[0]['verdict']
    limit = paper_numbers.TIME_LIMIT
    assert (verdict(limit - 0.1), verdict(limit)) == (claims.BORNE_OUT, claims.CONTRADICTED)
    assert claims.speed([{'system': 'naas', 'run 1': 10.0}]) == []


def test_a_tie_of_rates_proves_nothing():
    def verdicts(ours, other):
        rates = {0.001: dict(zip(('accuracy', 'loss', 'fluctuation'), ours)),
                 0.01: dict(zip(('accuracy', 'loss', 'fluctuation'), other))}
        return [row['verdict'] for row in claims.learning_rate(rates)]
    assert verdicts((0.9, 2.0, 0.1), (0.8, 2.0, 0.05)) == [claims.BORNE_OUT, claims.UNDECIDED,
                                                           claims.CONTRADICTED]
    assert verdicts((0.9, 2.0, None), (0.9, 3.0, 0.1)) == [claims.UNDECIDED, claims.BORNE_OUT]
