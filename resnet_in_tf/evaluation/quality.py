"""How good pictures are, style by style, in the numbers of a card, whoever painted them."""

import collections
import contextlib
import math

import numpy as np

from resnet_in_tf.evaluation import recognition, texture
from resnet_in_tf.evaluation.features import FeatureReader
from resnet_in_tf.evaluation.perceptual import PerceptualMeter
from resnet_in_tf.evaluation.similarity import ssim
from resnet_in_tf.perceptual.loss_defaults import loss_defaults

JUDGE_CROP = 256  # side in pixels of the crops that the judge learns from

Instruments = collections.namedtuple('Instruments', 'paintings meter judge')
Instruments.__doc__ = """What measures pictures.

Fields:
    paintings: dict style -> uint8 [H, W, 3].
    meter: perceptual.PerceptualMeter of them, in their order.
    judge: recognition.Judge who knows them.
"""


@contextlib.contextmanager
def open_instruments(paintings, photos, vgg_weights, judge_vgg_weights=None, crops=60):
    """Opens the two loss networks that measure, and gives their memory back.

    Args:
        paintings: dict style -> uint8 [H, W, 3], at the scale that training saw.
        photos: list of uint8 [H, W, 3], what the judge learns a photo from.
        vgg_weights: the loss network of the losses, as in vgg.open_weights.
        judge_vgg_weights: that of the judge; None means `vgg_weights`.
        crops: crops of each painting, and of photos, that the judge learns from.

    Yields:
        Instruments.
    """
    judge = train_judge(judge_vgg_weights or vgg_weights, paintings, photos, crops)
    with contextlib.closing(judge.reader):
        with contextlib.closing(PerceptualMeter(list(paintings.values()), vgg_weights)) as meter:
            yield Instruments(paintings, meter, judge)


def measure_styles(instruments, shown):
    """Measures the pictures of several styles.

    Args:
        instruments: Instruments.
        shown: iterable of (style, photos, pictures): photos are a list of uint8 [H, W, 3], pictures of
            the same photos restyled, of the same sizes.

    Returns:
        (measured, chances): dict style -> measures as `measure_style`, and dict style -> what the judge
        sees in its pictures, as `recognition.probabilities`.
    """
    places = {style: place for place, style in enumerate(instruments.paintings)}
    measured, chances = {}, {}
    for style, photos, pictures in shown:
        measured[style] = measure_style(instruments.meter, places[style], instruments.paintings[style],
                                        photos, pictures)
        chances[style] = recognition.probabilities(instruments.judge, pictures)
    return measured, chances


def measure_style(meter, index, painting, photos, pictures):
    """Means over the pictures of one style.

    Args:
        meter: perceptual.PerceptualMeter.
        index: the painting's place in it.
        painting: uint8 [H, W, 3], at the scale that training saw.
        photos: list of uint8 [H, W, 3].
        pictures: list of the same photos restyled, of the same sizes.

    Returns:
        dict: losses (content and style), ssim (to the photo, of luminance), textureless (share of area in
        patches without texture, of the pictures and of the painting), pixel_patterns (root mean square
        in grey values: of the pictures where the photo itself has no texture, of those photos there,
        and of the painting as a whole). None stands where there is nothing to measure.
    """
    parts = [meter.measure(photo, picture, index) for photo, picture in zip(photos, pictures)]
    flat = [texture.without_texture(photo) for photo in photos]

    def patterns(shown):
        return mean([texture.pixel_patterns(picture, where) for picture, where in zip(shown, flat)])

    return {'losses': {part: mean([row[part] for row in parts]) for part in ('content', 'style')},
            'ssim': mean([ssim(photo, picture) for photo, picture in zip(photos, pictures)]),
            'textureless': {'pictures': mean([texture.textureless_share(item) for item in pictures]),
                            'painting': mean([texture.textureless_share(painting)])},
            'pixel_patterns': {'pictures': patterns(pictures), 'photos': patterns(photos),
                               'painting': mean([texture.pixel_patterns(painting)])}}


def train_judge(vgg_weights, paintings, photos, crops):
    """The judge of style recognition on the style layers of a loss network: recognition.Judge.

    Args:
        vgg_weights: as in vgg.open_weights.
        paintings: dict style -> uint8 [H, W, 3].
        photos: list of uint8 [H, W, 3], what pictures without a style look like.
        crops: number of crops a class.
    """
    reader = FeatureReader(vgg_weights, loss_defaults(vgg_weights).style_layers)
    return recognition.train_judge(reader, paintings, photos, JUDGE_CROP, crops)


def recognised(judge, chances):
    """How often the judge sees the style that was asked for.

    Args:
        judge: recognition.Judge.
        chances: dict style -> what it sees in the pictures of the style, as recognition.probabilities.

    Returns:
        (scores, shares): dict of accuracy, recall, f1 and auc over all pictures, as
        recognition.scores, and dict style -> the share of its pictures that are seen as it.
    """
    asked = [judge.classes.index(style) for style, table in chances.items() for _ in table]
    scores = recognition.scores(asked, np.concatenate(list(chances.values())))
    shares = {style: mean(table.argmax(axis=1) == judge.classes.index(style))
              for style, table in chances.items()}
    return {name: mean([score]) for name, score in scores.items()}, shares


def mean(values):
    """The mean of those that are numbers, to four places; None where there is none."""
    values = [float(value) for value in values if not math.isnan(value)]
    return round(float(np.mean(values)), 4) if values else None
