"""Pictures as styles, for a style predictor: hundreds of paintings, and some photos, each time otherwise.

A predictor that has seen few palettes and few strokes knows few: crops, turns, channels in another order
and other contrast make many of each painting.
"""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import session_config
from resnet_in_tf.network import predictor
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.architectures import convolutions
from resnet_in_tf.pictures import images
from resnet_in_tf.training.coco import HELD_OUT_PHOTOS, Photos, Split

HELD_OUT_PART = 10  # one picture of so many is kept back, HELD_OUT_PHOTOS at the most
INVERTED = 0.3  # share of the pictures with permuted channels that become negatives
MEASURED = 96  # pictures that the predictor's input is standardised by


def list_styles(folder, seed):
    """The pictures of a folder, a few of them kept back: Split of names relative to it.

    Raises:
        UserError: the folder is missing or holds no picture.
    """
    if not os.path.isdir(folder):
        raise UserError('--styles_dir %s: no such folder' % folder)
    names = sorted(os.path.relpath(path, folder) for path in images.list_pictures(folder))
    names = [names[place] for place in np.random.RandomState([seed, 3]).permutation(len(names))]
    kept = min(HELD_OUT_PHOTOS, len(names) // HELD_OUT_PART)
    return Split(names[kept:], names[:kept])


class StylePictures:
    """Crops of pictures as styles, each a function of its position in the run alone.

    Args:
        styles_dir: folder of pictures.
        names: of them, and paths of the paintings that have rows of their own.
        photos: Photos that the content is cut from: some of them are styles, too.
        config: dict with style_crop_size, photo_style_share, permute_share, contrast_share, turn_share.
    """

    def __init__(self, styles_dir, names, photos, config):
        self.image_size, self.seed, self.config = config['style_crop_size'], photos.seed, config
        self.paintings = Photos(styles_dir, names, self.image_size, self.seed, 'styles_dir')
        # Another order than that of the contents: no photo is painted after itself.
        self.photos = Photos(photos.folder, photos.names, self.image_size, (self.seed + 1) % 2 ** 32)

    def check(self):
        """Raises UserError where not one painting can be read."""
        self.paintings.check()

    @property
    def broken(self):
        """Names of the pictures that could not be read."""
        return self.paintings.broken | self.photos.broken

    @property
    def failure(self):
        """The UserError that ended the reading, or None."""
        return self.paintings.failure or self.photos.failure

    def crop(self, position):
        """The style at a position: uint8 [style_crop_size, style_crop_size, 3]."""
        generator = np.random.RandomState([self.seed, position, 2])
        source = self.photos if generator.uniform() < self.config['photo_style_share'] else self.paintings
        return varied(source.crop(position), generator, self.config)


def varied(picture, generator, config):
    """A square picture in other colours and turned, each with the share that is set for it.

    Args:
        picture: uint8 [size, size, 3].
        generator: numpy RandomState.
        config: dict with permute_share, contrast_share and turn_share.

    Returns:
        uint8 [size, size, 3].
    """
    if generator.uniform() < config['permute_share']:
        picture = picture[..., generator.permutation(3)]
        if generator.uniform() < INVERTED:
            picture = 255 - picture
    if generator.uniform() < config['contrast_share']:
        moved = (picture.astype(np.float32) - 128) * generator.uniform(0.6, 1.4) + 128
        picture = np.clip(moved + generator.uniform(-30, 30, 3), 0, 255).astype(np.uint8)
    if generator.uniform() < config['turn_share']:
        picture = np.rot90(picture, generator.randint(1, 4))
    return np.ascontiguousarray(picture)


def measure(pictures, weights):
    """What the predictor's input is standardised by: its mean and deviation over many pictures.

    Args:
        pictures: StylePictures.
        weights: vgg.LossNetwork that has predictor.LAYERS.

    Returns:
        dict of variables' names -> float32 [D].
    """
    with tf.Graph().as_default(), tf.Session(config=session_config()) as session:
        image = tf.placeholder(tf.float32, [1, None, None, 3])
        seen = predictor.statistics(vgg.features(image, predictor.LAYERS, weights))
        session.run(tf.local_variables_initializer())
        values = np.concatenate([session.run(seen, {image: pictures.crop(position)[None]})
                                 for position in range(MEASURED)])
    deviation = values.std(axis=0)
    # A channel that hardly moves must not shout where it does.
    return {predictor.MEAN: values.mean(axis=0), predictor.DEVIATION: deviation + 0.01 * values.std()}


def loss_layers(config):
    """The layers of the loss network that a run needs: its losses', and its style predictor's."""
    return tuple(config['content_layers']) + tuple(config['style_layers']) + (
        predictor.LAYERS if config.get('predictor') else ())


def checksum(weights):
    """What tells one encoder of paintings from another: sha256 of the loss network's part for it."""
    return vgg.checksum({name: weights.kernels[name] for name, _, _ in convolutions(predictor.LAYERS)
                         if name in weights.kernels})


def encoder(record):
    """What shows paintings to the style predictor of a run, None where it has none.

    Args:
        record: run record.

    Returns:
        Function of float32 [N, H, W, 3] in [0, 255] that gives a dict of predictor.LAYERS -> features, its
        weights constants in float16.

    Raises:
        UserError: the loss network is not to be had, or is another than the run was trained with.
    """
    config = record['config']
    if not config.get('predictor'):
        return None
    weights = vgg.open_weights(config['vgg_weights'], loss_layers(config))
    if weights.checksum != record['loss_network']['checksum']:
        raise UserError('--vgg_weights %s: is another loss network now than the run was trained with; put '
                        'the old file back' % config['vgg_weights'])
    return encoder_of(weights)


def encoder_of(weights):
    """What shows paintings to a style predictor, with a vgg.LossNetwork: as `encoder` gives it."""
    return lambda image: vgg.features(image, predictor.LAYERS, weights, predictor.ENCODER,
                                      vgg.half_constant)
