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
from resnet_in_tf.pictures import images

JUDGE_CROP = 256  # side in pixels of the crops that the judge learns from

LookedAt = collections.namedtuple('LookedAt', 'photo features flat patterns')
LookedAt.__doc__ = """What is known of a photo before its pictures are measured.

Fields:
    photo: uint8 [H, W, 3].
    features: as perceptual.PerceptualMeter.look_at.
    flat: bool [N], its patches without texture.
    patterns: float, the strength of pixel patterns in them.
"""

Instruments = collections.namedtuple('Instruments', 'paintings meter judge same')
Instruments.__doc__ = """What measures pictures.

Fields:
    paintings: dict style -> uint8 [H, W, 3].
    meter: perceptual.PerceptualMeter of them, in their order.
    judge: recognition.Judge who knows them.
    same: bool, whether both look through one loss network, so that one pass serves both.
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
    judge_vgg_weights = judge_vgg_weights or vgg_weights
    judge = train_judge(judge_vgg_weights, paintings, photos, crops)
    with contextlib.closing(judge.reader):
        with contextlib.closing(PerceptualMeter(list(paintings.values()), vgg_weights)) as meter:
            yield Instruments(paintings, meter, judge, judge_vgg_weights == vgg_weights)


def measure_styles(instruments, shown):
    """Measures the pictures of several styles, photo by photo: what a photo needs is done once.

    Args:
        instruments: Instruments.
        shown: iterable of (photo, pictures): photo is uint8 [H, W, 3], pictures an iterable of (style,
            uint8 or float [h, w, 3]); where a picture has another size, it is compared with the photo
            resized to that.

    Returns:
        (measured, chances): dict style -> measures as `means_of`, and dict style -> what the judge
        sees in its pictures, as `recognition.probabilities`; styles in the order of the paintings.
    """
    paintings, judge = instruments.paintings, instruments.judge
    places = {style: place for place, style in enumerate(paintings)}
    rows, seen = collections.defaultdict(list), collections.defaultdict(list)
    for photo, pictures in shown:
        looked_at = {}  # by size
        for style, picture in pictures:
            if picture.shape not in looked_at:
                looked_at[picture.shape] = look_at(instruments.meter, photo, picture.shape)
            row, statistics = measure_picture(instruments.meter, places[style],
                                              looked_at[picture.shape], picture)
            rows[style].append(row)
            seen[style].append(statistics if instruments.same else judge.reader.statistics([picture])[0])
    styles = [style for style in paintings if style in rows]
    return ({style: means_of(rows[style], paintings[style]) for style in styles},
            {style: judge.classifier.predict_proba(seen[style]) for style in styles})


def look_at(meter, photo, shape):
    """What the measures of a photo's pictures need of it, at their size: LookedAt."""
    photo = photo if photo.shape == shape else images.resize(photo, *shape[1::-1])
    flat = texture.without_texture(photo)
    return LookedAt(photo, meter.look_at(photo), flat, texture.pixel_patterns(photo, flat))


def measure_picture(meter, index, looked_at, picture):
    """The measures of one picture.

    Args:
        meter: perceptual.PerceptualMeter.
        index: the painting's place in it.
        looked_at: LookedAt, of its photo.
        picture: uint8 or float [H, W, 3].

    Returns:
        (row, statistics): dict of float, NaN where there is nothing to measure; and what a judge sees, as
        meter.measure gives it.
    """
    losses, statistics = meter.measure(looked_at.features, picture, index)
    return {'content': losses['content'], 'style': losses['style'], 'ssim': ssim(looked_at.photo, picture),
            'unevenness': losses['unevenness'], 'textureless': texture.textureless_share(picture),
            'patterns': texture.pixel_patterns(picture, looked_at.flat),
            'photo_patterns': looked_at.patterns}, statistics


def means_of(rows, painting):
    """Means over the pictures of one style.

    Args:
        rows: list of dict, as `measure_picture`.
        painting: uint8 [H, W, 3], at the scale that training saw.

    Returns:
        dict: losses (content and style), ssim (to the photo, of luminance), textureless (share of area in
        patches without texture, of the pictures and of the painting), pixel_patterns (root mean square
        in grey values: of the pictures where the photo itself has no texture, of those photos there,
        and of the painting as a whole), unevenness (of the pictures, evenness.unevenness). None stands
        where there is nothing to measure.
    """
    means = {name: mean([row[name] for row in rows]) for name in rows[0]}
    return {'losses': {part: means[part] for part in ('content', 'style')}, 'ssim': means['ssim'],
            'textureless': {'pictures': means['textureless'],
                            'painting': mean([texture.textureless_share(painting)])},
            'pixel_patterns': {'pictures': means['patterns'], 'photos': means['photo_patterns'],
                               'painting': mean([texture.pixel_patterns(painting)])},
            'unevenness': means['unevenness']}


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
