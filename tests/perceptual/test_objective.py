"""The objective is the weighted sum of its parts, and of nothing else."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.network.generator import Activations
from resnet_in_tf.perceptual import objective, vgg
from resnet_in_tf.perceptual.targets import moment_targets, style_targets

LAYERS = ('relu1_1', 'relu2_1')
WEIGHTS = {'content_weight': 3.0, 'style_weight': 5.0, 'tv_weight': 0.7, 'identity_weight': 11.0,
           'moments_weight': 1.5, 'evenness_weight': 4.0, 'teacher_weight': 6.0, 'steady_weight': 9.0,
           'saturation_weight': 2.0, 'spikes_weight': 0.5, 'silence_weight': 13.0}

FURTHER = {'teacher': [0.25, 0.5], 'steady': [0.125, 0.0]}


@pytest.fixture(scope='module')
def parts():
    """The parts of a batch of two random pictures: a function of mix, step and warm-up."""
    random = np.random.RandomState(0)
    photo, restyled = random.uniform(0, 255, [2, 2, 16, 16, 3]).astype(np.float32)
    network = vgg.open_weights('random', LAYERS)
    paintings = list(random.randint(0, 256, [2, 20, 20, 3]).astype(np.uint8))
    grams, moments = [targets(paintings, LAYERS, network) for targets in (style_targets, moment_targets)]
    params = dict(WEIGHTS, vgg19=network, moments=moments, content_layers=LAYERS[1:], style_layers=LAYERS)
    inside = random.normal(size=[2, 8, 8, 3]) * 3 - 2

    def run(mix, step=100, warmup_steps=0, **known):
        with tf.Graph().as_default(), tf.Session() as session:
            features = tf.constant(inside, tf.float32)
            activations = Activations(before_tanh=features, normalized=[features, 2 * features],
                                      painting=[features])
            found = objective.training_losses(
                tf.constant(photo), tf.constant(restyled), activations, tf.constant(mix, tf.float32),
                tf.constant(step), dict(params, warmup_steps=warmup_steps, **dict(run.known, **known)),
                further={name: tf.constant(value) for name, value in FURTHER.items()})
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            return session.run(found)
    run.known = {'grams': grams, 'moments': moments}
    return run


def prices(parts):
    return sum(WEIGHTS[name + '_weight'] * parts[name] for name in ('saturation', 'spikes', 'silence'))


def painting(parts):
    return (5.0 * parts['style'] + 3.0 * parts['content'] + 0.7 * parts['total_variation']
            + 1.5 * parts['moments'] + 4.0 * parts['evenness'] + 6.0 * parts['teacher']
            + 9.0 * parts['steady'])


def test_the_total_is_the_weighted_sum_of_the_parts(parts):
    found = parts([[1, 0, 0], [0, 1, 0]])
    assert set(found) == set(objective.PARTS) and all(value > 0 for name, value in found.items()
                                                      if name not in ('identity_pixel', 'spikes'))
    assert found['total'] == pytest.approx(painting(found) + prices(found), rel=1e-5)
    assert found['identity_pixel'] == 0


def test_identity_pays_for_its_pixels_alone(parts):
    found = parts([[0, 0, 1], [0, 0, 1]])
    assert found['total'] == pytest.approx(11.0 * found['identity_pixel'] + prices(found), rel=1e-5)
    assert not any(found[name] for name in ('content', 'style', 'total_variation') + objective.FURTHER)


def test_a_batch_of_both_is_the_mean_over_its_samples(parts):
    found = parts([[1, 0, 0], [0, 0, 1]])
    assert found['total'] == pytest.approx(
        (painting(found) + 11.0 * found['identity_pixel']) / 2 + prices(found), rel=1e-5)


def test_while_it_warms_up_pixels_are_all_that_counts_whatever_the_style(parts):
    found = parts([[1, 0, 0], [0, 1, 0]], step=10, warmup_steps=10)
    assert found['total'] == pytest.approx(
        11.0 * parts([[0, 0, 1], [0, 0, 1]])['identity_pixel'] + prices(found), rel=1e-5)


def test_a_mix_of_paintings_is_trained_towards_the_same_mix_of_what_is_known_of_them(parts):
    mixed = {name: {layer: np.tensordot([0.25, 0.75], values, 1)[None].astype(np.float32)
                    for layer, values in known.items()} for name, known in parts.known.items()}
    found = parts([[0.25, 0.75, 0]] * 2)
    alone = parts([[1, 0]] * 2, **mixed)
    assert found['style'] == pytest.approx(alone['style'], rel=1e-5)
    assert found['style'] != pytest.approx(parts([[1, 0, 0]] * 2)['style'], rel=1e-3)


def test_moments_that_are_further_away_cost_more_by_the_square_of_their_units(parts):
    units = objective.moment_scales(parts.known['moments'])
    # The units stay as they are: the means alone move, and units are of deviations.
    moved = {layer: values + np.float32([[[10], [0]]]) * units[layer]
             for layer, values in parts.known['moments'].items()}
    near, far = [parts([[1, 0, 0]] * 2, moments=moments)['moments']
                 for moments in (parts.known['moments'], moved)]
    assert far > near + 25  # half of the moments are ten units further away, squared


@pytest.mark.parametrize('step, share', [(0, 0), (10, 0), (20, 0.2), (35, 0.5), (60, 1), (1000, 1)])
def test_the_warm_up_is_0_for_its_steps_then_rises_over_five_times_as_many(step, share):
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(objective.warm_up(tf.constant(step), 10)) == pytest.approx(share)
    assert objective.warm_up(step, 0) == 1.0


def test_a_photo_of_nothing_has_a_loss_with_a_bound():
    with tf.Graph().as_default(), tf.Session() as session:
        features = tf.constant(np.full([1, 2, 2, 1], 3.0), tf.float32)
        assert session.run(objective.relative_feature_loss(features, features * 0)) == pytest.approx(
            [9 / objective.SMALLEST_SQUARE])
        assert session.run(objective.relative_feature_loss(features * 0, features)) == pytest.approx([1])


def test_means_are_over_those_that_have_a_share():
    with tf.Graph().as_default(), tf.Session() as session:
        def mean(values, shares):
            return session.run(objective.mean_over(tf.constant(values), tf.constant(shares)))
        assert mean([2.0, 8.0], [1.0, 0.0]) == 2 and mean([2.0, 8.0], [0.25, 0.75]) == pytest.approx(6.5)
        assert mean([2.0, 8.0], [0.0, 0.0]) == 0
