"""Formula (11): both forms against closed-form values, each other, and numerical gradients."""

import norms
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.instance_norm import instance_norm, load_op

SHAPES = [(1, 1, 1, 1), (1, 1, 1, 3), (2, 5, 7, 3), (3, 33, 17, 33), (5, 9, 9, 128),
          (4, 16, 16, 32), (1, 81, 83, 40), (2, 1, 300, 4), (1, 70, 70, 1)]
IMPLS = ['reference', 'fused']


@pytest.fixture(autouse=True, scope='module')
def kernel():
    if load_op() is None:
        pytest.fail('the fused kernel cannot be built here')


def run(x, gamma, beta, activation=None, impl='fused', dy=None):
    """y, or [y, dx, dgamma, dbeta] where dy is given."""
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = [tf.constant(value, tf.float32) for value in (x, gamma, beta)]
        y = instance_norm(*inputs, activation=activation, impl=impl)
        if dy is None:
            return session.run(y)
        return session.run([y] + tf.gradients(y, inputs, tf.constant(dy, tf.float32)))


def random_arguments(shape, per_sample, seed=0):
    random = np.random.RandomState(seed)
    rows = (shape[0],) if per_sample else ()
    return [(random.randn(*shape) * 3 + 5).astype(np.float32)] + [
        random.randn(*(rows + shape[-1:])).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize('activation', [None, 'relu'])
@pytest.mark.parametrize('per_sample', [False, True])
def test_fused_equals_reference_in_value_and_gradient(activation, per_sample):
    with tf.Graph().as_default(), tf.Session() as session:
        fetched = []
        for shape in SHAPES:
            inputs = [tf.constant(value) for value in random_arguments(shape, per_sample)]
            dy = tf.constant(np.random.RandomState(1).randn(*shape).astype(np.float32))
            for impl in IMPLS:
                y = instance_norm(*inputs, activation=activation, impl=impl)
                fetched.append([y] + tf.gradients(y, inputs, dy))
        results = session.run(fetched)
    for shape, reference, fused in zip(SHAPES, results[::2], results[1::2]):
        for name, expected, got in zip(('y', 'dx', 'dgamma', 'dbeta'), reference, fused):
            scale = np.abs(expected).max()
            # The reference adds up in float32: its sums, not the op's, set the tolerance.
            np.testing.assert_allclose(got, expected, rtol=0, atol=3e-5 * scale + 1e-5,
                                       err_msg='%s of %s' % (name, shape))


@pytest.mark.parametrize('shape', [(2, 6, 5, 3), (2, 40, 50, 37)])
def test_fused_agrees_with_float64_to_rounding(shape):
    x, gamma, beta = random_arguments(shape, True)
    dy = np.random.RandomState(1).randn(*shape).astype(np.float32)
    got = run(x, gamma, beta, 'relu', dy=dy)
    rows = [each.reshape(shape[0], -1, shape[3]) for each in (x, dy)]  # [N, H*W, C]
    expected = norms.closed_form(rows[0], gamma, beta, True, rows[1])
    for true, value in zip(expected, got):
        np.testing.assert_allclose(value, true.reshape(value.shape), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize('impl', IMPLS)
@pytest.mark.parametrize('activation', [None, 'relu'])
def test_gradient_is_the_numerical_one(impl, activation):
    x, gamma, beta = random_arguments((2, 4, 3, 5), True)
    # Near -1 and 1, so that no step of the difference crosses the kink of the ReLU.
    x = np.where(np.arange(12).reshape(4, 3, 1) % 2, 1.0, -1.0) * (1 + 0.05 * np.tanh(x))
    x, gamma, beta = x.astype(np.float32), 1 + 0.1 * np.tanh(gamma), 0.1 * np.tanh(beta)
    with tf.Graph().as_default(), tf.Session():
        inputs = [tf.constant(value) for value in (x, gamma, beta)]
        y = instance_norm(*inputs, activation=activation, impl=impl)
        for tensor, value in zip(inputs, (x, gamma, beta)):
            theory, numeric = tf.test.compute_gradient(
                tensor, value.shape, y, x.shape, x_init_value=value, delta=1e-2)
            np.testing.assert_allclose(theory, numeric, atol=5e-3)


@pytest.mark.parametrize('impl', IMPLS)
def test_two_values_become_minus_one_and_one(impl):
    x = np.array([[3.0], [7.0]], np.float32).reshape(1, 2, 1, 1)
    y = run(x, [2.0], [10.0], impl=impl)
    # Mean 5, deviation 2; epsilon takes 1.25e-6 of it.
    np.testing.assert_allclose(y.ravel(), [8.0, 12.0], rtol=1e-6)


@pytest.mark.parametrize('impl', IMPLS)
def test_constant_channel_gives_beta(impl):
    x = np.full((2, 37, 41, 5), 0.1, np.float32)
    beta = np.arange(5, dtype=np.float32)
    y = run(x, np.ones(5), beta, impl=impl)
    tolerance = 0 if impl == 'fused' else 1e-4
    np.testing.assert_allclose(y, np.broadcast_to(beta, x.shape), rtol=0, atol=tolerance)


def test_mean_far_above_the_spread_keeps_three_digits():
    random = np.random.RandomState(0)
    x = (1e4 + random.randn(1, 200, 200, 33)).astype(np.float32)
    y = run(x, np.ones(33), np.zeros(33))
    wide = x.astype(np.float64)
    expected = (wide - wide.mean((1, 2))) / np.sqrt(wide.var((1, 2)) + 1e-5)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-3)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)  # and in fact five


def test_first_value_far_off_keeps_the_variance():
    x = np.random.RandomState(0).randn(1, 100, 100, 3).astype(np.float32)
    x[:, 0, 0] = 1e4
    y = run(x, np.ones(3), np.zeros(3))
    wide = x.astype(np.float64)
    expected = (wide - wide.mean((1, 2))) / np.sqrt(wide.var((1, 2)) + 1e-5)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('activation', [None, 'relu'])
def test_nan_stays_in_its_sample_and_channel(activation):
    x = np.random.RandomState(0).randn(3, 20, 20, 37).astype(np.float32)
    x[1, 7, 5, 35] = np.nan
    y = run(x, np.ones(37), np.zeros(37), activation)
    bad = np.isnan(y)
    assert bad[1, :, :, 35].all()
    assert bad.sum() == 400


@pytest.mark.parametrize('impl', IMPLS)
@pytest.mark.parametrize('shape', [(0, 4, 4, 3), (2, 0, 4, 3), (2, 4, 0, 3)])
def test_nothing_in_nothing_out(impl, shape):
    x = np.zeros(shape)
    y, dx, dgamma, dbeta = run(x, np.ones(3), np.ones(3), 'relu', impl, dy=x)
    assert y.shape == dx.shape == shape
    np.testing.assert_array_equal(dbeta, np.zeros(3))
    if impl == 'fused':
        np.testing.assert_array_equal(dgamma, np.zeros(3))


def test_one_row_serves_all_samples():
    x, gamma, beta = random_arguments((3, 8, 8, 5), False)
    dy = np.ones_like(x)
    flat = run(x, gamma, beta, 'relu', dy=dy)
    for impl in IMPLS:
        row = run(x, gamma[None], beta[None], 'relu', impl, dy)
        for expected, got in zip(flat, row):
            np.testing.assert_allclose(got.reshape(expected.shape), expected, rtol=1e-4, atol=1e-4)


def test_threads_do_not_change_the_result():
    arguments = random_arguments((3, 90, 90, 33), True)
    results = []
    for threads in (1, 4):
        config = tf.ConfigProto(intra_op_parallelism_threads=threads)
        with tf.Graph().as_default(), tf.Session(config=config) as session:
            results.append(session.run(instance_norm(*map(tf.constant, arguments), impl='fused')))
    np.testing.assert_array_equal(*results)


def test_input_that_others_read_is_left_alone():
    x, gamma, beta = random_arguments((1, 8, 8, 4), False)
    with tf.Graph().as_default(), tf.Session() as session:
        source = tf.add(tf.constant(x), 0.0)
        doubled = tf.multiply(source, 2.0)
        y = instance_norm(source, gamma, beta, impl='fused')
        again, twice, _ = session.run([source, doubled, y])
    np.testing.assert_array_equal(again, x)
    np.testing.assert_array_equal(twice, 2 * x)


@pytest.mark.parametrize('change, message', [
    ({'x': np.zeros((1, 2, 2, 3))}, 'x is float64; it must be float32'),
    ({'gamma': np.ones(3)}, 'gamma is float64'),
    ({'x': np.zeros((2, 2, 3), np.float32)}, r'x has shape .*it must be \[N, H, W, C\]'),
    ({'beta': np.zeros(4, np.float32)}, r'beta has shape .*it must be \[C\] or \[N, C\]'),
    ({'gamma': np.zeros((2, 3), np.float32)}, r'gamma has shape .*it must be \[C\] or \[N, C\]'),
    ({'activation': 'tanh'}, "activation is 'tanh'"),
    ({'impl': 'quick'}, "impl is 'quick'"),
    ({'epsilon': 0}, 'epsilon is 0'),
])
def test_wrong_argument_is_refused_with_its_name(change, message):
    arguments = {'x': np.zeros((1, 2, 2, 3), np.float32), 'gamma': np.ones(3, np.float32),
                 'beta': np.zeros(3, np.float32)}
    arguments.update(change)
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        for name in ('x', 'gamma', 'beta'):
            arguments[name] = tf.constant(arguments[name])
        instance_norm(**arguments)


def test_shape_known_only_at_run_time_is_checked_by_the_op():
    with tf.Graph().as_default(), tf.Session() as session:
        gamma = tf.placeholder(tf.float32, [None, 3])
        y = instance_norm(tf.zeros([4, 2, 2, 3]), gamma, tf.zeros([3]), impl='fused')
        with pytest.raises(tf.errors.InvalidArgumentError, match='gamma has shape'):
            session.run(y, {gamma: np.ones((2, 3))})


def losses_of_training(impl, steps=30):
    """Loss curve of a small residual net with instance norms under Adam, from fixed weights."""
    random = np.random.RandomState(0)
    photos = random.uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(photos)
        for name, channels, activation in (('a', 8, 'relu'), ('b', 8, None), ('c', 3, None)):
            with tf.variable_scope(name):
                depth = x.shape.as_list()[-1]
                kernel = tf.get_variable('kernel', initializer=tf.constant(
                    random.randn(3, 3, depth, channels).astype(np.float32) * 0.3))
                gamma = tf.get_variable('gamma', [channels], initializer=tf.ones_initializer())
                beta = tf.get_variable('beta', [channels], initializer=tf.zeros_initializer())
                y = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], 'SAME')
                y = instance_norm(y, gamma, beta, activation=activation, impl=impl)
                x = x + y if name == 'b' else y
        loss = tf.reduce_mean(tf.squared_difference(x, photos[:, ::-1]))
        step = tf.train.AdamOptimizer(0.01).minimize(loss)
        session.run(tf.global_variables_initializer())
        return [session.run([loss, step])[0] for _ in range(steps)]


def test_training_has_the_same_loss_curve_with_both_forms():
    reference, fused = losses_of_training('reference'), losses_of_training('fused')
    assert reference[-1] < 0.8 * reference[0]
    np.testing.assert_allclose(fused, reference, rtol=1e-3)
