"""The generator: any size in, the same size out; styles mix; every system of the table."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.network import generator
from resnet_in_tf.network.generator import SYSTEMS
from resnet_in_tf.perceptual.penalties import saturation, silence, spikes


class Network:
    """A tiny generator with a session around it; every variable is drawn from one seed."""

    def __init__(self, styles=3, system='resnet_in', width=3, training=False):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.image = tf.placeholder(tf.float32, [None, None, None, 3], 'image')
            self.weights = tf.placeholder(tf.float32, [None, styles], 'style_weights')
            self.outputs = generator.generator(self.image, self.weights, system, width, training,
                                               impl='reference')
            self.variables = {variable.op.name: variable for variable in tf.global_variables()}
        self.session = tf.Session(graph=self.graph)
        draw = np.random.RandomState(1)
        self.load({name: draw.normal(0.5 if name.endswith('gamma') else 0, 0.2, variable.shape)
                   for name, variable in sorted(self.variables.items())
                   if 'moving' not in name})
        self.load({name: np.full(variable.shape, name.endswith('variance'))
                   for name, variable in self.variables.items() if 'moving' in name})

    def load(self, values):
        with self.graph.as_default():
            for name, value in values.items():
                self.variables[name].load(value.astype('float32'), self.session)

    def __call__(self, image, weights):
        return self.session.run(self.outputs, {self.image: image, self.weights: weights})

    def values(self):
        return self.session.run(self.variables)


@pytest.fixture(scope='module')
def network():
    return Network()


@pytest.fixture(scope='module')
def photo(face):
    return face[300:345, 400:453].astype('float32')  # [45, 53, 3]


@pytest.mark.parametrize('height, width', [
    (1, 1), (1, 512), (512, 1), (513, 257), (2, 3), (16, 16), (17, 15), (45, 53)])
def test_output_has_exactly_the_size_of_the_input(network, face, height, width):
    picture = np.resize(face, [768, 1024, 3])[:height, :width].astype('float32')
    stylized, restyled = network(np.stack([picture, picture]), [[1, 0, 0], [0, .5, .5]])
    assert stylized.shape == restyled.shape == (2, height, width, 3)
    for result in (stylized, restyled):
        # tanh rounds past 1 by one unit with some instructions: 0.00002 of 255.
        assert np.isfinite(result).all() and -1e-4 < result.min() and result.max() < 255 + 1e-4


def test_static_size_is_kept_where_it_is_known():
    with tf.Graph().as_default():
        for result in generator.generator(tf.zeros([2, 5, 7, 3]), tf.zeros([2, 2]), 'resnet_in', 1):
            assert result.shape.as_list() == [2, 5, 7, 3]


def test_identity_alone_returns_the_photo_exactly(network, photo):
    stylized, restyled = network(photo[None], [[0, 0, 1]])
    assert (stylized[0] == photo).all() and (restyled[0] != photo).any()


def test_without_identity_the_photo_is_not_let_through(network, photo):
    stylized, restyled = network(photo[None], [[.4, .6, 0]])
    assert (stylized == restyled).all()


def test_samples_of_a_batch_do_not_touch_each_other(network, photo):
    both = network(np.stack([photo, photo[::-1]]), [[1, 0, 0], [0, 1, 0]])[0]
    alone = network(photo[None], [[1, 0, 0]])[0]
    assert both[0] == pytest.approx(alone[0], abs=0.05)


def test_mixing_styles_is_mixing_rows_of_gamma_and_beta(network, photo):
    mix = np.float32([.3, .6, .1])
    tables = {name: mix @ value if name.endswith(('/gamma', '/beta')) else value
              for name, value in network.values().items()}
    single = Network(styles=2)
    single.load({name: np.stack([value, 9 + 0 * value]) if name.endswith(('/gamma', '/beta'))
                 else value for name, value in tables.items()})
    mixed, expected = network(photo[None], [mix])[1], single(photo[None], [[1, 0]])[1]
    assert mixed == pytest.approx(expected, abs=0.05)
    assert abs(mixed - network(photo[None], [[1, 0, 0]])[1]).max() > 1


def test_one_row_alone_is_a_plain_network_with_instance_norm(photo):
    network = Network(styles=1)
    assert network(photo[None], [[1]])[1].shape == (1, 45, 53, 3)
    assert network.values()['generator/down/conv1/gamma'].shape == (1, 3)


def test_variables_are_named_after_the_paper(network):
    names = set(network.variables)
    layers = (['down/conv%d' % n for n in (1, 2, 3)] + ['up/conv1', 'up/conv2']
              + ['residual/block%d/conv%d' % (block, n) for block in range(1, 6) for n in (1, 2)])
    assert names == {'generator/up/conv3/kernel', 'generator/up/conv3/bias'} | {
        'generator/%s/%s' % (layer, part) for layer in layers for part in ('kernel', 'gamma', 'beta')}


def test_shapes_are_the_papers_at_full_width():
    with tf.Graph().as_default():
        generator.generator(tf.zeros([1, 16, 16, 3]), tf.zeros([1, 2]), 'resnet_in', 32)
        shapes = {variable.op.name: variable.shape.as_list() for variable in tf.global_variables()}
    for name, shape in (('down/conv1', [9, 9, 3, 32]), ('down/conv2', [3, 3, 32, 64]),
                        ('down/conv3', [3, 3, 64, 128]), ('residual/block5/conv2', [3, 3, 128, 128]),
                        ('up/conv1', [3, 3, 128, 64]), ('up/conv2', [3, 3, 64, 32]),
                        ('up/conv3', [9, 9, 32, 3])):
        assert shapes['generator/%s/kernel' % name] == shape
    assert shapes['generator/residual/block1/conv1/gamma'] == [2, 128]


@pytest.fixture(scope='module', params=sorted(SYSTEMS))
def of_system(request):
    return Network(system=request.param)


def test_no_node_is_out_of_reach_of_the_output(of_system):
    network = of_system
    reached, waiting = set(), [network.outputs[0].op]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += [tensor.op for tensor in node.inputs] + list(node.control_inputs)
    of_variables = ('/Initializer/', '/Assign', '/IsInitialized', '/IsVariableInitialized', '/Read/')
    assert [node.name for node in network.graph.get_operations() if node not in reached
            and not any(part in node.name + '/' for part in of_variables)
            and not node.name.endswith('/read')] == []


def test_every_system_paints_and_tells_styles_apart(of_system, photo):
    first, second = of_system(np.stack([photo, photo]), [[1, 0, 0], [0, 1, 0]])[0]
    assert np.isfinite(first).all() and abs(first - second).max() > 0.1


def test_a_system_nobody_knows_and_an_unknown_number_of_styles_are_refused():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="unknown system 'vgg'; there are: cnn, cnn_bn"):
            generator.generator(tf.zeros([1, 8, 8, 3]), tf.zeros([1, 2]), 'vgg', 4)
        with pytest.raises(ValueError, match='number of styles must be known'):
            generator.generator(tf.zeros([1, 8, 8, 3]), tf.placeholder(tf.float32, [None, None]),
                                'resnet_in', 4)


def test_batch_norm_uses_the_batch_in_training_and_what_it_learnt_after(photo):
    batch, weights = np.stack([photo, 255 - photo]), [[1, 0, 0]] * 2
    learning = Network(system='fnst', training=True)
    with learning.graph.as_default():
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert len(updates) == 2 * 15
    together = learning(batch, weights)[1]
    assert abs(together[:1] - learning(batch[:1], weights[:1])[1]).max() > 0.1
    for _ in range(200):  # 0.9 ** 200: nothing is left of the values that it began with
        learning.session.run(updates, {learning.image: batch, learning.weights: weights})
    deployed = Network(system='fnst')
    deployed.load(learning.values())
    assert deployed(batch, weights)[1] == pytest.approx(together, abs=1)
    assert deployed(batch[:1], weights[:1])[1] == pytest.approx(together[:1], abs=1)


def test_what_goes_down_comes_up_in_its_place():
    network = Network(styles=2, system='cnn', width=3)
    straight = {}
    for name, variable in network.variables.items():
        straight[name] = np.full(variable.shape, float(name.endswith('gamma')))
        if name.endswith('kernel'):
            middle = variable.shape.as_list()[0] // 2
            for channel in range(3):
                straight[name][middle, middle, channel, channel] = 1
    network.load(straight)
    rows, columns = np.mgrid[:41, :54]
    ramp = 130 + rows + columns  # [41, 54]
    restyled = network(np.repeat(ramp[None, :, :, None], 3, 3), [[1, 0]])[1][0]
    expected = 127.5 * (np.tanh(ramp / 127.5 - 1) + 1)
    assert restyled[8:-8, 8:-8, 1] == pytest.approx(expected[8:-8, 8:-8], abs=0.01)


@pytest.mark.parametrize('height, width', [(1, 1), (1, 40), (2, 3), (15, 16), (17, 33), (20, 21)])
def test_padding_to_the_grid_reflects_without_repeating_the_edge(height, width):
    picture = np.random.RandomState(0).uniform(0, 255, [1, height, width, 3]).astype('float32')
    with tf.Graph().as_default(), tf.Session() as session:
        padded, top, left = session.run(generator.pad_to_grid(tf.constant(picture)))
    tall, wide = [max(16, -(-side // 4) * 4) for side in (height, width)]
    assert padded.shape == (1, tall, wide, 3)
    around = [(top, tall - height - top), (left, wide - width - left)]
    assert (padded == np.pad(picture, [(0, 0)] + around + [(0, 0)], 'reflect')).all()


def test_contrast_norm_is_each_element_over_the_sum_of_its_channel():  # (10)
    x = np.random.RandomState(0).uniform(0.5, 2, [2, 3, 5, 4])
    with tf.Graph().as_default(), tf.Session() as session:
        y = session.run(generator.contrast_norm(tf.constant(x, tf.float32)))
        ones = session.run(generator.contrast_norm(tf.ones([1, 3, 5, 2])))
        flat = session.run(generator.contrast_norm(tf.zeros([1, 3, 5, 2])))
    assert y == pytest.approx(x / x.sum(axis=(1, 2), keepdims=True), rel=1e-5)
    assert ones == pytest.approx(np.full([1, 3, 5, 2], 1 / 15)) and (flat == 0).all()


def test_saturation_counts_only_what_lies_beyond_the_limit():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([[0.0, 2.0, -2.0], [3.0, -4.0, 1.0]])
        assert session.run(saturation(x)) == pytest.approx((1 + 4) / 6)


def test_spikes_counts_what_stands_out_of_its_channel_and_nothing_else():
    x = np.zeros([2, 10, 10, 2], 'float32')
    x[0, 3, 4, 0] = 1e3  # sqrt(99) deviations from its channel's mean
    x[1, :, :, 1] = np.random.RandomState(0).uniform(-7, 7, [10, 10])  # nowhere 4 deviations
    with tf.Graph().as_default(), tf.Session() as session:
        found, flat = session.run([spikes(tf.constant(x)),
                                   spikes(tf.constant(x[1:]))])
    assert found == pytest.approx((np.sqrt(99) - 4) ** 2 / 400, rel=1e-4) and flat == 0


def test_silence_counts_pixels_that_no_channel_paints():
    x = np.float32([[[[-3, 0.2], [-0.9, -0.4], [0.1, -5], [-1, -0.9]]]])
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(silence(tf.constant(x)))
    assert found == pytest.approx((0.5 ** 2 + 1) / 4)
