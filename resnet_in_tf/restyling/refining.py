"""A style's row trained further, by itself, on the photos that it is for: the last bit of likeness.

The network is the frozen one, with its row as the one variable; the objective is that of training, and so
are the crops. The palette stays: it is the painting's own, in closed form.
"""

import collections
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf import cli
from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import session_config
from resnet_in_tf.instance_norm import swap_to_fused
from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import swap_for_cpu
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import painting_terms, painting_total
from resnet_in_tf.perceptual.targets import style_targets
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.palette import NUMBERS
from resnet_in_tf.training.coco import WIDEST, random_crop, roughened
from resnet_in_tf.training.config import resolve

LOSS_NETWORK = 'hed'  # where none is named: trained on photos, and small
RATE = 0.03  # of Adam, falling to zero with the time that is left: a minute has some hundred steps
MOST_PHOTOS = 16  # that are read: a row cannot tell more apart
JUDGED = 8  # crops that the row is judged by, before and after

Refined = collections.namedtuple('Refined', 'row steps before after loss_network')
Refined.__doc__ = """What `refine` gives.

Fields:
    row: float32 [R].
    steps: int, how many there was time for.
    before, after: dicts total, content, style and total_variation -> float, losses of the same crops.
    loss_network: dict, its name and checksum.
"""


def with_progress(photos, seconds, **settings):
    """What trains a row further with a bar and a last line on stderr.

    Args:
        photos, seconds, settings: as in `refine`.

    Returns:
        Function of graph_def, row, paintings and shares, as in `refine`, that gives a Refined.
    """
    def run(graph_def, row, paintings, shares):
        with cli.progress_bar(int(seconds), 's') as bar:
            def on_step(elapsed, style):
                bar.set_postfix_str('style %.4f' % style, refresh=False)
                bar.update(min(int(elapsed), bar.total) - bar.n)
            refined = refine(graph_def, row, paintings, shares, photos, seconds, on_step, **settings)
        print('refined in %d steps: style loss %.4f, before %.4f; content %.4f, before %.4f' % (
            (refined.steps,) + tuple(losses[name] for name in ('style', 'content')
                                     for losses in (refined.after, refined.before))), file=sys.stderr)
        return refined
    return run


def refine(graph_def, row, paintings, shares, photos, seconds, on_step=lambda elapsed, style: None,
           impl='auto', **settings):
    """Trains a row for some time.

    Args:
        graph_def: tf.GraphDef as frozen.read_graph gives it, of a network that takes a row.
        row: float32 [R], where to begin, in the order of generator.split_row.
        paintings: list of uint8 [H, W, 3], what it is to look like.
        shares: floats that sum to one, of each painting.
        photos: list of paths; those that cannot be read are passed over.
        seconds: float, how long, beside the time that the networks take to load; one step at the least.
        on_step: called after each step with the seconds that are gone and the style loss of its crops.
        impl: instance norm's kernel.
        settings: of config.SETTINGS, for the objective; the loss network is LOSS_NETWORK where none is named.

    Returns:
        Refined; `row` is the one given where training brought nothing.

    Raises:
        UserError: no photo can be read, or the loss network is not to be had.
    """
    config = resolve(dict(settings, vgg_weights=settings.get('vgg_weights') or LOSS_NETWORK))
    crops, row = Crops(photos, config), np.float32(row)
    weights = vgg.open_weights(config['vgg_weights'], config['content_layers'] + config['style_layers'])
    grams = style_targets(paintings, config['style_layers'], weights)
    # A mix is trained towards the same mix of Gram matrices, as in training.
    targets = {layer: np.tensordot(np.float32(shares), gram, 1)[None] for layer, gram in grams.items()}
    with tf.Graph().as_default(), tf.Session(config=session_config(config['bfloat16'])) as session:
        image, rate = tf.placeholder(tf.float32, [None, None, None, 3]), tf.placeholder(tf.float32, [])
        variable = tf.get_variable('row', initializer=row[None])
        stylized = painted(graph_def, image, tf.identity(variable), impl)
        losses = objective(stylized, image, targets, weights, config)
        trained = np.arange(len(row)) < len(row) - NUMBERS
        gradient = tf.gradients(losses['total'], variable)[0] * np.float32(trained)
        step = tf.train.AdamOptimizer(rate).apply_gradients([(gradient, variable)])
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])

        def judge():
            each = [session.run(losses, {image: crops.at(-1 - number)[None]}) for number in range(JUDGED)]
            return {name: float(np.mean([parts[name] for parts in each])) for name in losses}

        before, size, steps, elapsed = judge(), config['batch_size'], 0, 0.0
        start = time.time()
        while not steps or elapsed < seconds:
            batch = np.stack([crops.at(steps * size + number) for number in range(size)])
            _, style = session.run([step, losses['style']], {
                image: batch, rate: RATE * (1.0 - elapsed / seconds)})
            steps, elapsed = steps + 1, time.time() - start
            on_step(elapsed, float(style))
        after, found = judge(), session.run(variable)[0]
    if not after['total'] < before['total']:  # NaN is none either
        found, after = row, before
    return Refined(found, steps, before, after, {'name': weights.name, 'checksum': weights.checksum})


def painted(graph_def, image, row, impl):
    """Builds a frozen network on photos, in a row alone: float32 [N, H, W, 3] in [0, 255].

    Args:
        graph_def, impl: as in `refine`.
        image: float32 [N, H, W, 3] in [0, 255].
        row: float32 [1, R].
    """
    given = {frozen.IMAGE: image, frozen.ROW: row,
             frozen.STYLE_WEIGHTS: tf.zeros([tf.shape(image)[0], frozen.count_styles(graph_def)])}
    stylized, = tf.import_graph_def(
        swap_for_cpu(swap_to_fused(frozen.generator_of(graph_def), impl)),
        {name + ':0': tensor for name, tensor in given.items()}, [frozen.STYLIZED + ':0'], 'network')
    return stylized


def objective(stylized, photo, targets, weights, config):
    """The losses of pictures that are painted in one style: dict name -> float32 scalar.

    Args:
        stylized, photo: float32 [N, H, W, 3] in [0, 255].
        targets: dict style layer -> float32 [1, C, C], `mean_gram` of the style.
        weights: vgg.LossNetwork.
        config: dict of every setting.
    """
    features = vgg.features(stylized, config['content_layers'] + config['style_layers'], weights)
    wanted = vgg.features(photo, config['content_layers'], weights)
    targets = {layer: tf.constant(gram) for layer, gram in targets.items()}
    terms = painting_terms(features, wanted, targets, stylized, config)
    terms['total'] = painting_total(terms, config)
    return {name: tf.reduce_mean(term) for name, term in terms.items()}


class Crops:
    """Crops of a few photos, as training takes them.

    Args:
        photos: list of paths.
        config: dict with image_size and seed.

    Raises:
        UserError: none of them can be read.
    """

    def __init__(self, photos, config):
        self.size, self.seed, self.photos, failure = config['image_size'], config['seed'], [], None
        order = np.random.RandomState(self.seed).permutation(len(photos))
        for place in order:
            try:
                self.photos.append(self.small(images.read(photos[place])))
            except images.PictureError as error:
                failure = error
            if len(self.photos) == MOST_PHOTOS:
                break
        if not self.photos:
            raise UserError('--refine: none of the photos can be read; the last one: %s' % failure)

    def small(self, photo):
        """A photo no larger than crops have use for."""
        height, width = photo.shape[:2]
        scale = min(1.0, WIDEST * self.size / min(height, width))
        return images.resize(photo, max(1, round(width * scale)), max(1, round(height * scale)))

    def at(self, position):
        """The crop at a position, whole and of either sign: float32 [size, size, 3]."""
        generator = np.random.RandomState([self.seed, int(position < 0), abs(position)])
        photo = self.photos[position % len(self.photos)]
        return roughened(random_crop(photo, self.size, generator), generator).astype(np.float32)
