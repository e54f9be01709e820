"""Photos to train on: COCO or a plain folder, a seeded split, and crops that a run can go on from.

Every training sample is a function of its position in the run alone (seed, position -> photo, crop,
style). A run that was stopped goes on at the position it had reached and sees what it would have seen.
"""

import collections
import contextlib
import functools
import io
import os

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.training import distribution

TRAIN_PHOTOS, TEST_PHOTOS = 5000, 1500  # paper, IV.A

Split = collections.namedtuple('Split', 'train test')


def open_coco(annotations):
    """Opens a COCO annotation file without pycocotools' prints.

    Args:
        annotations: path of an `instances_*.json`.

    Returns:
        pycocotools.coco.COCO.

    Raises:
        UserError: the file is missing or not COCO's JSON.
    """
    from pycocotools.coco import COCO
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(annotations)
        if not all(isinstance(image['file_name'], str) for image in coco.imgs.values()):
            raise ValueError('a file_name is no text')
    except (OSError, ValueError, KeyError, TypeError, AssertionError, RecursionError) as error:
        raise UserError('--coco_annotations %s: not a COCO annotation file (%s); expected an '
                        'instances_*.json' % (annotations, ' '.join(str(error).split()) or
                                              type(error).__name__)) from error
    return coco


def list_photos(folder, annotations=None):
    """Lists the photos of a folder, or those of it that a COCO annotation file names.

    Args:
        folder: path.
        annotations: path of a COCO annotation file, or None for every picture in the folder.

    Returns:
        Sorted list of file names relative to `folder`.

    Raises:
        UserError: the folder is missing or holds no photo.
    """
    if not os.path.isdir(folder):
        raise UserError('--coco_images %s: no such folder' % folder)
    if annotations:
        listed = {image['file_name'] for image in open_coco(annotations).imgs.values()}
        # A name that leads out of the folder is no photo of it.
        names = [name for name in listed if not os.path.isabs(name) and '..' not in name.split('/')
                 and '\0' not in name and os.path.isfile(os.path.join(folder, name))]
        if not names:
            raise UserError('--coco_images %s: none of the %d photos that %s names is there'
                            % (folder, len(listed), annotations))
    else:
        names = [os.path.relpath(path, folder) for path in images.list_pictures(folder)]
    if not names:
        raise UserError('--coco_images %s: the folder holds no photo' % folder)
    return sorted(names)


def split_photos(names, seed, train=TRAIN_PHOTOS, test=TEST_PHOTOS):
    """Draws the training and test photos at random; a smaller set is cut in the same proportion.

    Args:
        names: list of file names.
        seed: whole number.
        train, test: how many of each when the set is large enough.

    Returns:
        Split of two lists without a common member; `train` has one photo at the least.
    """
    names = sorted(names)
    order = np.random.RandomState(seed).permutation(len(names))
    if len(names) < train + test:
        test = len(names) * test // (train + test)
        train = len(names) - test
    shuffled = [names[index] for index in order]
    return Split(shuffled[:train], shuffled[train:train + test])


class Photos:
    """Crops of photos by position, with the broken ones passed over and remembered.

    Args:
        folder: path.
        names: file names relative to it.
        image_size: side of a crop in pixels.
        seed: whole number.
        flag: what the folder is called in messages.
    """

    def __init__(self, folder, names, image_size, seed, flag='coco_images'):
        self.folder, self.names = folder, list(names)
        self.image_size, self.seed, self.flag = image_size, seed, flag
        self.broken, self.failure = set(), None
        self.order = functools.lru_cache(maxsize=2)(
            lambda epoch: np.random.RandomState([seed, epoch]).permutation(len(self.names)))

    def check(self):
        """Raises UserError where not one photo can be read."""
        for name in self.names:
            try:
                images.read(os.path.join(self.folder, name))
                return
            except images.PictureError as error:
                last = error
        raise UserError('--%s %s: none of its %d photos can be read; the last one: %s'
                        % (self.flag, self.folder, len(self.names), last))

    def name(self, position):
        """The photo at a position; each epoch sees all photos in an order of its own."""
        epoch, place = divmod(int(position), len(self.names))
        return self.names[self.order(epoch)[place]]

    def crop(self, position):
        """uint8 [image_size, image_size, 3]: a random crop of the photo at a position.

        A photo that can't be read is counted, and the next one that can takes its place.
        """
        for candidate in range(position, position + 2 * len(self.names)):
            name = self.name(candidate)
            if name in self.broken:
                continue
            try:
                photo = images.read(os.path.join(self.folder, name))
            except images.PictureError:
                self.broken.add(name)
                continue
            generator = np.random.RandomState([self.seed, position])
            return roughened(random_crop(photo, self.image_size, generator), generator)
        # TensorFlow would wrap it in an error of its own: whoever runs the graph looks here.
        self.failure = UserError('--%s %s: no photo can be read any more' % (self.flag, self.folder))
        raise self.failure


HELD_OUT_PHOTOS = 4


def held_out(folder, names, image_size, count=HELD_OUT_PHOTOS):
    """The middles of a few photos that are not trained on.

    Args:
        folder: path.
        names: of the test photos.
        image_size: side of each in pixels.
        count: how many at most.

    Returns:
        uint8 [M, image_size, image_size, 3], or None where no photo can be read.
    """
    crops = []
    for name in names:
        try:
            photo = images.read(os.path.join(folder, name))
        except images.PictureError:
            continue
        crops.append(images.middle(photo, image_size))
        if len(crops) == count:
            break
    return np.stack(crops) if crops else None


FLAT, NOISE = 2.0, 2.0  # pixel values: below which deviation a crop is flat; of what it gets then


def roughened(crop, generator):
    """A crop with faint noise where it is all but one colour; any other as it is.

    Every normalization multiplies what is constant by 300 for the gradient, and thirteen of them one
    after another pass the largest float32.

    Args:
        crop: uint8 [H, W, 3].
        generator: numpy RandomState.

    Returns:
        uint8 [H, W, 3].
    """
    if crop.std(axis=(0, 1), dtype=np.float64).max() >= FLAT:
        return crop
    noisy = crop.astype(np.float64)
    noisy += np.where(noisy < 128, 1, -1) * np.abs(generator.normal(0, 2 * NOISE, crop.shape[:2] + (1,)))
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


WIDEST = 2.5  # the most that a photo's short side may measure, in sides of the crop


def random_crop(photo, size, generator):
    """A square out of a photo at a random place and scale, mirrored half of the time.

    Args:
        photo: uint8 [H, W, 3].
        size: side of the result in pixels.
        generator: numpy RandomState.

    Returns:
        uint8 [size, size, 3].
    """
    height, width = photo.shape[:2]
    short = min(height, width)
    side = int(round(short * size / generator.uniform(size, max(size, min(short, WIDEST * size)))))
    side = max(1, min(side, short))
    top = generator.randint(height - side + 1)
    left = generator.randint(width - side + 1)
    crop = images.resize(photo[top:top + side, left:left + side], size, size)
    return crop[:, ::-1] if generator.randint(2) else crop


def style_weights_at(position, styles, identity_share, mix_share, seed, picture_share=None):
    """What a sample is painted in: one row, or a random mix of two.

    Args:
        position: of the sample in the run.
        styles: number of styles without `identity`.
        identity_share: share of the samples whose first row is `identity`, 0 to 1.
        mix_share: share of the samples that get a second row, 0 to 1.
        seed: whole number.
        picture_share: share of the others that are painted after a picture of their own, 0 to 1; None
            where samples have none.

    Returns:
        float32 [styles + 1], which sums to 1; the last is `identity`. With pictures [styles + 2], the
        last but one is the picture.
    """
    generator = np.random.RandomState([seed, position, 1])
    identity = styles if picture_share is None else styles + 1
    first = identity if generator.uniform() < identity_share else generator.randint(styles)
    if picture_share is not None and first != identity and generator.uniform() < picture_share:
        first = styles
    weights = np.zeros(identity + 1, np.float32)
    weights[first] = 1
    if generator.uniform() < mix_share:
        second = (first + generator.randint(1, identity + 1)) % (identity + 1)
        weights[second] = generator.uniform()
        weights[first] -= weights[second]
    return weights


def input_fn(photos, styles, config, start, stop, pictures=None, context=None):
    """tf.data of training samples from position start * batch_size on.

    Args:
        photos: Photos.
        styles: number of styles without `identity`.
        config: dict with identity_share and mix_share as in `style_weights_at`, batch_size, and named_share:
            of the samples, where there are pictures, that are painted in a style's own row.
        start, stop: first step and the one after the last.
        pictures: style_pictures.StylePictures, or None.
        context: tf.distribute.InputContext of a worker among several devices, or None.

    Returns:
        tf.data.Dataset of {'photo': float32 [N, size, size, 3] in [0, 255],
        'style_weights': float32 [N, styles + 1]}; with pictures [N, styles + 2] and
        'picture': float32 [N, size, size, 3].
    """
    share = None if pictures is None else 1.0 - config['named_share']

    def sample(position):
        parts = [photos.crop(position), style_weights_at(
            position, styles, config['identity_share'], config['mix_share'], photos.seed, share)]
        return parts if pictures is None else parts + [pictures.crop(position)]

    def load(position):
        types = [tf.uint8, tf.float32] + ([] if pictures is None else [tf.uint8])
        photo, weights, *picture = tf.py_func(sample, [position], types, stateful=False)
        photo.set_shape([photos.image_size, photos.image_size, 3])
        weights.set_shape([styles + (1 if pictures is None else 2)])
        parts = {'photo': tf.cast(photo, tf.float32), 'style_weights': weights}
        for each in picture:
            each.set_shape([pictures.image_size, pictures.image_size, 3])
            parts['picture'] = tf.cast(each, tf.float32)
        return parts

    size = config['batch_size']
    positions = distribution.positions(start, stop, size, context)
    return positions.map(load, num_parallel_calls=2).batch(size, drop_remainder=True).prefetch(4)
