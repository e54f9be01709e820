"""The training graph: what the loss is made of, what trains, what a checkpoint holds."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from networks import write_random

from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import PARTS, mean_over, relative_feature_loss, warm_up
from resnet_in_tf.training import model_fn, teacher, warm_start


def run(function, *arguments):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(tf.convert_to_tensor(function(*arguments)))


@pytest.fixture(scope='module')
def params(face):
    """What model_fn wants, for two paintings and a loss network of one layer."""
    layers = ('relu1_1',)
    weights = vgg.open_weights('random:3', layers)
    grams = np.random.RandomState(0).uniform(0, 2, [2, 64, 64]).astype('float32')
    return {'vgg19': weights, 'grams': {'relu1_1': grams}, 'rows_only': False,
            'start': warm_start.new_network(['waves', 'tiles'], 'resnet_in', 2), 'impl': 'reference',
            'paintings': np.stack([face[:16, :16], face[200:216, :16]]),
            'content_layers': layers, 'style_layers': layers, 'content_weight': 0.5,
            'style_weight': 3.0, 'tv_weight': 7.0, 'identity_weight': 20.0, 'warmup_steps': 0,
            'train_steps': 10, 'learning_rate': 0.01, 'learning_rate_decay': 0.0,
            'seed': 0, 'log_steps': 100, 'summary_steps': 100, 'model_dir': None,
            'start_from': None, 'held_out': None,
            'held_out_pictures': None, 'initial': {},
            'moments': {'relu1_1': np.random.RandomState(1).uniform(0.5, 2, [2, 2, 64]).astype('float32')},
            'teacher': None, 'moments_weight': 0.0, 'evenness_weight': 0.0, 'teacher_weight': 20.0,
            'steady_weight': 0.0,
            'saturation_weight': 0.0, 'spikes_weight': 0.0, 'silence_weight': 0.0}


def build(mode, params, styles, face, **changed):
    """Builds the graph of model_fn on face crops, in the current default graph.

    A style is a row's number, or the shares of all rows.
    """
    tf.set_random_seed(1)
    photo = np.stack([face[40 * n:40 * n + 16, 300:316] for n in range(len(styles))])
    params = dict(params, **changed)
    one_hot = np.eye(len(params['start'].rows))
    weights = np.stack([one_hot[style] if isinstance(style, int) else style for style in styles])
    tf.train.get_or_create_global_step()
    return model_fn.model_fn({'photo': tf.constant(photo, tf.float32),
                           'style_weights': tf.constant(weights, tf.float32)},
                          None, mode, params)


def session():
    """A session that leaves small graphs as they are: rewriting them takes longer than the run."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.Session(config=config)


def evaluate(params, styles, face, **changed):
    """The named losses of an untrained network: dict of numbers."""
    with tf.Graph().as_default(), session() as run_session:
        build(tf.estimator.ModeKeys.TRAIN, params, styles, face, **changed)
        run_session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        return run_session.run({part: 'report/%s:0' % part for part in PARTS})


def train(params, styles, face, steps, **changed):
    """Trains: (reported losses of the first step, variables before, and after)."""
    with tf.Graph().as_default(), session() as run_session:
        spec = build(tf.estimator.ModeKeys.TRAIN, params, styles, face, **changed)
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        run_session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        before = run_session.run(variables)
        reported = run_session.run({part: 'report/%s:0' % part for part in PARTS})
        for _ in range(steps):
            run_session.run(spec.train_op)
        return reported, before, run_session.run(variables)


@pytest.fixture(scope='module')
def trained(params, face):
    return train(params, [0, 1, 2, 0], face, 1)


def test_the_total_is_formula_6_and_total_variation_where_all_samples_are_styles(params, face):
    parts = evaluate(params, [0, 1], face)
    assert parts['total'] == pytest.approx(
        3 * parts['style'] + 0.5 * parts['content'] + 7 * parts['total_variation'], rel=1e-4)
    assert parts['identity_pixel'] == 0 and parts['style'] > 0 and parts['content'] > 0


def test_identity_samples_cost_their_pixels_alone_and_so_does_warm_up(params, face):
    parts = evaluate(params, [2, 2], face)
    assert parts['total'] == pytest.approx(20 * parts['identity_pixel'], rel=1e-4)
    assert parts['style'] == parts['content'] == parts['total_variation'] == 0
    # All rows of gamma and beta begin alike, so these are the same pixels.
    assert evaluate(params, [0, 1], face, warmup_steps=5)['total'] == pytest.approx(
        parts['total'], rel=1e-4)


def test_losses_of_a_mixed_batch_are_means_over_their_own_samples(params, face):
    parts = evaluate(params, [0, 2, 2, 1], face)
    painted = 3 * parts['style'] + 0.5 * parts['content'] + 7 * parts['total_variation']
    assert parts['total'] == pytest.approx((painted + 20 * parts['identity_pixel']) / 2, rel=1e-4)


def test_a_mix_of_paintings_is_trained_towards_the_mix_of_their_gram_matrices(params, face):
    mixed = evaluate(params, [[0.25, 0.75, 0]], face)
    gram = np.tensordot([0.25, 0.75], params['grams']['relu1_1'], 1)[None].astype('float32')
    alone = evaluate(params, [0], face, grams={'relu1_1': np.concatenate([gram, gram])})
    assert mixed['style'] == pytest.approx(alone['style'], rel=1e-5)
    assert mixed['style'] != pytest.approx(evaluate(params, [0], face)['style'], rel=1e-3)


def test_a_mix_with_identity_costs_its_share_of_both(params, face):
    # All rows of gamma and beta begin alike, so all of these paint the same pixels.
    mixed, style, identity = [evaluate(params, [weights], face)['total']
                              for weights in ([0.25, 0, 0.75], 0, 2)]
    assert mixed == pytest.approx(0.25 * style + 0.75 * identity, rel=1e-4)


def test_warm_up_is_nothing_for_its_steps_and_rises_to_all():
    shares = [float(run(warm_up, now, 100)) for now in (0, 100, 105, 150, 900, 10000)]
    assert shares[:2] == [0, 0] and shares == sorted(shares) and 0 < shares[2] < 1 == shares[-1]
    assert warm_up(0, 0) == 1


def test_learning_rate_is_constant_or_falls_over_the_last_part():
    def rate(now, decay):
        return float(run(lambda: model_fn.learning_rate(
            tf.constant(now), {'train_steps': 100, 'learning_rate': 0.5, 'learning_rate_decay': decay})))
    assert [rate(now, 0.0) for now in (0, 50, 99)] == [0.5] * 3
    assert [rate(now, 0.5) for now in (0, 50, 75, 100)] == pytest.approx([0.5, 0.5, 0.25, 0])


def test_relative_feature_loss_is_one_for_nothing_and_does_not_know_scale():
    target = np.random.RandomState(0).normal(size=[2, 3, 4, 5]).astype('float32')
    assert run(relative_feature_loss, 0 * target, target) == pytest.approx([1, 1])
    assert run(relative_feature_loss, 30 * target, 10 * target) == pytest.approx([4, 4])


def test_mean_over_weighs_samples_by_their_shares_and_is_zero_without_any():
    assert run(mean_over, np.float32([1, 2, 6]), np.float32([0.5, 0.5, 1])) == 3.75
    assert run(mean_over, np.float32([1, 2, 6]), np.float32([1, 0, 1])) == 3.5
    assert run(mean_over, np.float32([1, 2, 6]), np.float32([0, 0, 0])) == 0


def test_training_moves_every_variable_and_keeps_adam_with_them(trained):
    _, before, after = trained
    names = [name for name in before if name.endswith(('kernel', 'bias', 'gamma', 'beta'))]
    assert len(names) == 15 * 3 + 2
    for name in names:
        assert (before[name] != after[name]).any(), name
        assert {name + '/Adam', name + '/Adam_1'} <= set(before)
    assert after['global_step'] == 1


@pytest.mark.parametrize('name', ['saturation', 'spikes', 'silence'])
def test_each_penalty_is_a_named_term_that_its_weight_brings_into_the_total(params, face, name):
    without = evaluate(params, [0, 2], face)
    weighted = evaluate(params, [0, 2], face, **{name + '_weight': 1000.0})
    assert set(without) == set(PARTS) and without[name] == pytest.approx(weighted[name], rel=1e-4, abs=1e-9)
    assert weighted['total'] == pytest.approx(without['total'] + 1000 * without[name], rel=1e-4)


@pytest.mark.parametrize('name', ['moments', 'evenness', 'steady', 'teacher'])
def test_each_further_term_is_named_and_there_where_it_is_asked_for(params, face, tmp_path, name):
    changed = {'teacher': teacher.open_teacher(write_random(tmp_path / 'large.pb'), ['wave', 'udnie'])} if (
        name == 'teacher') else {}
    without = evaluate(params, [0, 2], face)
    light, heavy = [evaluate(params, [0, 2], face, **dict(changed, **{name + '_weight': weight}))
                    for weight in (1.0, 1001.0)]
    assert without[name] == 0 and light[name] == pytest.approx(heavy[name], rel=1e-3) and light[name] > 0
    # The other sample is painted in `identity`, and pays for its pixels alone.
    assert heavy['total'] - light['total'] == pytest.approx(1000 * light[name] / 2, rel=1e-3)


@pytest.mark.parametrize('system', ['resnet_in', 'cnn_bn'])
def test_held_out_photos_get_the_same_losses_in_the_network_as_deployed(params, face, system):
    photos = np.stack([face[40 * n:40 * n + 16, 300:316] for n in range(3)])
    with tf.Graph().as_default(), session() as run_session:
        build(tf.estimator.ModeKeys.TRAIN, params, [0, 1, 2], face, held_out=photos,
              start=warm_start.new_network(['waves', 'tiles'], system, 2))
        run_session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        trained, held_out = [run_session.run({part: '%s/%s:0' % (scope, part) for part in PARTS})
                             for scope in ('report', 'held_out')]
    if system == 'resnet_in':  # the same photos in the same rows
        assert held_out == pytest.approx(trained, rel=1e-3)
    else:  # averages that have not moved yet, not the batch's own
        assert held_out['content'] != pytest.approx(trained['content'], rel=1e-3)


def test_the_loss_network_is_in_no_checkpoint(trained):
    assert not [name for name in trained[1] if any(
        part in name for part in ('loss_network', 'gram', 'paintings'))]


def test_training_one_row_leaves_the_others_bit_for_bit(params, face):
    start = params['start']._replace(rows=[1, 2])  # one painting, that of the second row
    _, before, after = train(params, [0, 0], face, 3, start=start, rows_only=True,
                             paintings=params['paintings'][1:],
                             grams={'relu1_1': params['grams']['relu1_1'][1:]})
    for name in before:
        if name.endswith(('/gamma', '/beta')):
            assert (before[name][[0, 2]] == after[name][[0, 2]]).all(), name
            assert (before[name][1] != after[name][1]).any(), name
        elif name.endswith(('/kernel', '/bias')):
            assert (before[name] == after[name]).all(), name


def test_triptych_shows_each_sample_its_painting_and_black_for_identity():
    paintings = np.stack([np.full([2, 2, 3], 10.0), np.full([2, 2, 3], 20.0)]).astype('float32')
    shown = run(model_fn.side_by_side, paintings, np.eye(3, dtype='float32')[[1, 2, 0]],
                np.zeros([3, 4, 6, 3]))
    assert shown.shape == (3, 4, 6, 3) and shown[:, 0, 0, 0].tolist() == [20, 0, 10]


@pytest.mark.slow
@pytest.mark.parametrize('system', ['cnn', 'cnn_bn', 'fnst', 'resnet_contrast', 'resnet_any'])
def test_every_other_system_trains(system, params, face):
    start = warm_start.new_network(['waves', 'tiles'], system, 4)
    _, before, after = train(params, [0, 2], face, 2, start=start)
    assert after['global_step'] == 2 and all(np.isfinite(value).all() for value in after.values())
    moved = [name for name in after if (before[name] != after[name]).any()]
    assert len([name for name in moved if name.endswith('/kernel')]) == 16
    assert any('moving_mean' in name for name in moved) == (system in ('cnn_bn', 'fnst'))
