"""Colours of pictures: the painted luminance in the photo's own, or all moved to those of another."""

import collections

import numpy as np

from resnet_in_tf.pictures import oklab
from resnet_in_tf.pictures.bands import bands

# Luma and chroma of BT.601, the space in which Gatys et al. 2016 transfer luminance alone.
TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]],
                  np.float32)
TO_RGB = np.linalg.inv(TO_YUV).astype(np.float32)

LEAST_VARIANCE = 1e-6  # of OKLab: about what rounding to 8 bits makes of one colour
MOST_GAIN = 4.0  # beyond it, what stands out in a picture of one colour is noise


def preserve_color(photo, stylized):
    """The stylized picture's luminance with the photo's colours (Gatys et al. 2016).

    Args:
        photo, stylized: uint8 or float [H, W, 3], RGB in [0, 255].

    Returns:
        float32 [H, W, 3] in [0, 255].
    """
    colored = np.empty(np.shape(photo), np.float32)
    for rows in bands(len(colored)):
        yuv = np.asarray(photo[rows], np.float32) @ TO_YUV.T
        yuv[..., 0] = np.asarray(stylized[rows], np.float32) @ TO_YUV[0]
        np.clip(yuv @ TO_RGB.T, 0, 255, out=colored[rows])
    return colored


Colors = collections.namedtuple('Colors', 'mean covariance')
Colors.__doc__ = """How the colours of a picture lie in OKLab: float64 [3] and [3, 3]."""


def colors_of(blocks):
    """The colours of a picture.

    Args:
        blocks: iterable of uint8 or float [h, W, 3], RGB in [0, 255], the rows of the picture.

    Returns:
        Colors.
    """
    count, total, products = 0, np.zeros(3), np.zeros([3, 3])
    for block in blocks:
        for rows in bands(len(block)):
            lab = oklab.from_rgb(block[rows]).reshape(-1, 3).astype(np.float64)
            count, total, products = count + len(lab), total + lab.sum(axis=0), products + lab.T @ lab
    mean = total / count
    return Colors(mean, products / count - np.outer(mean, mean))


def color_map(own, wanted, amount=1.0):
    """The map that moves colours to those of another picture.

    They are whitened by their own covariance and coloured by the other (CORAL, Sun et al. 2016); of all
    linear maps that do so it is the one that moves colours least (Pitie and Kokaram 2007).

    Args:
        own, wanted: Colors.
        amount: 0 (as they are) to 1 (mean and covariance are the other's). Beyond it the colours that are
            wanted are so many times as vivid: 2 is twice as far from grey.

    Returns:
        (matrix, shift): float64 [3, 3] and [3], for OKLab as `matrix @ color + shift`. No colour's distance
        from the mean grows more than MOST_GAIN times.
    """
    vivid = np.diag([1.0, max(amount, 1.0), max(amount, 1.0)])
    mean, covariance = vivid @ wanted.mean, vivid @ wanted.covariance @ vivid
    root = power(own.covariance, 0.5, LEAST_VARIANCE)
    inverse = power(own.covariance, -0.5, LEAST_VARIANCE)
    matrix = power(inverse @ power(root @ covariance @ root, 0.5) @ inverse, 1.0, most=MOST_GAIN)
    share = min(amount, 1.0)
    matrix = (1 - share) * np.eye(3) + share * matrix
    return matrix, (1 - share) * own.mean + share * mean - matrix @ own.mean


def power(matrix, exponent, least=0.0, most=np.inf):
    """A power of a symmetric matrix; eigenvalues begin at `least`, those of the result end at `most`."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.minimum(np.maximum(values, least) ** exponent, most)) @ vectors.T


def match_color(pixels, matrix, shift):
    """A picture with its colours moved.

    Args:
        pixels: uint8 or float [H, W, 3], RGB in [0, 255].
        matrix, shift: as `color_map` gives them.

    Returns:
        float32 [H, W, 3] in [0, 255].
    """
    moved = np.empty(np.shape(pixels), np.float32)
    matrix, shift = np.asarray(matrix, np.float32), np.asarray(shift, np.float32)
    for rows in bands(len(moved)):
        moved[rows] = oklab.to_rgb(oklab.from_rgb(np.asarray(pixels[rows])) @ matrix.T + shift)
    return moved
