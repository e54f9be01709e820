"""--match_color: which colours a result's are moved to, and how far."""

import functools

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.network.layers import PALETTES
from resnet_in_tf.network.regions import Regions
from resnet_in_tf.pictures.color import TO_RGB, colors_of
from resnet_in_tf.pictures.finishing import PHOTO, Match, parse_match
from resnet_in_tf.pictures.palette import NUMBERS, lower_triangle

WITHOUT_GRAPH = {'onnxruntime': 'an .onnx tells no palettes, the .pb does', 'naas': 'naas has no network'}
SAMPLES = 2 ** 14  # colours by which a palette is brought to another space: to 1/255 of its deviations


def read(text, engine, style_weights, keep_color=False, flag='--match_color'):
    """What --match_color asks of a network's results.

    Args:
        text: as in finishing.parse_match, or None.
        engine: engines.Engine.
        style_weights: float32 [S] or [S + R], of all pictures; or Regions.
        keep_color: bool, whether the photo's colours are kept.
        flag: str that begins a message.

    Returns:
        finishing.Match, or None.

    Raises:
        UserError: as finishing.parse_match; both are asked for, or the network knows no palettes, or
            it paints by region.
    """
    if not text:
        return None
    parsed = parse_match(text, flag)
    if keep_color:
        raise UserError('%s %s: does not go with --preserve_color, which keeps every colour of the photo; '
                        'leave out one of them' % (flag, text))
    return of(parsed, engine, style_weights, flag)


def of(parsed, engine, style_weights, flag='--match_color'):
    """The same of what finishing.parse_match gave, or None."""
    if not parsed:
        return None
    target, amount = parsed
    return Match(None if target == PHOTO else colors_of_styles(engine, style_weights, flag), amount)


def colors_of_styles(engine, style_weights, flag='--match_color'):
    """The colours of a mix of paintings, as the network's palettes tell them: color.Colors.

    Args:
        engine, style_weights, flag: as in `read`.

    Raises:
        UserError: the network has no palettes, only `identity` has a share, or it is by region.
    """
    table = check(engine, style_weights, flag, isinstance(style_weights, Regions))
    weights = np.asarray(style_weights, np.float64)
    styles = len(table)
    palette = weights[:styles - 1] @ table[:-1]
    if len(weights) > styles:
        palette = palette + weights[-NUMBERS:]
    return colors_of_palette(palette / (1.0 - weights[styles - 1]))


def check(engine, style_weights, flag='--match_color', by_region=False):
    """The palettes of a network's styles: float32 [S, 9]; arguments and errors as in `colors_of_styles`.

    `by_region` says whether the picture has masks, and so no one painting.
    """
    if by_region:
        raise UserError('%s painting: a picture with masks has several paintings; photo works' % flag)
    table = palettes(engine, flag)
    if style_weights[len(table) - 1] >= 1:
        raise UserError('%s painting: at strength 0 there is no painting; give more' % flag)
    return table


def palettes(engine, flag='--match_color'):
    """The same, of whatever weights."""
    nodes = engine.graph_def.node if engine.graph_def is not None else []
    for node in nodes:
        if node.name == PALETTES:
            from tensorflow import make_ndarray  # where there is a graph_def, it is there
            return make_ndarray(node.attr['value'].tensor)
    why = 'this network was trained without palettes' if nodes else WITHOUT_GRAPH.get(
        engine.name, 'there is no .pb')
    raise UserError('%s painting: %s, so the colours of its paintings are not known; photo works with every '
                    'network' % (flag, why))


def colors_of_palette(palette):
    """The colours of a palette: color.Colors.

    Args:
        palette: float [9], as network.palette has it: mean and Cholesky factor of YUV in [-1, 1].
    """
    rgb = (palette[:3] + normal_samples() @ lower_triangle(palette).T) @ TO_RGB.T  # [SAMPLES, 3]
    return colors_of([np.clip(127.5 * (rgb + 1), 0, 255)[None]])


@functools.lru_cache(maxsize=None)
def normal_samples():
    """Colours of mean zero and deviation one, always the same: float64 [SAMPLES, 3]."""
    samples = np.random.RandomState(0).standard_normal([SAMPLES // 2, 3])
    samples = np.concatenate([samples, -samples])
    factor = np.linalg.cholesky(samples.T @ samples / len(samples))
    return samples @ np.linalg.inv(factor).T
