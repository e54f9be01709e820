"""The palette of a picture in numbers: its mean colour and the covariance of its colours."""

import numpy as np

from resnet_in_tf.pictures.color import TO_YUV

NUMBERS = 9  # of a palette
EPSILON = 1e-4  # variance that every channel has at least: 1.3 of 255, below what an eye sees

LOWER = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))  # places of a lower triangle, row by row


def palette_of_picture(pixels):
    """The palette of one picture: uint8 or float [H, W, 3] in [0, 255] to float32 [9]."""
    yuv = (np.asarray(pixels, np.float64).reshape(-1, 3) / 127.5 - 1.0) @ TO_YUV.T.astype(np.float64)
    mean = yuv.mean(axis=0)
    return palette_of_moments(mean, (yuv - mean).T @ (yuv - mean) / len(yuv))


def palette_of_moments(mean, covariance):
    """The palette of a mean [3] and a covariance [3, 3] in YUV of [-1, 1]: float32 [9]."""
    factor = np.linalg.cholesky(covariance + EPSILON * np.eye(3))
    return np.concatenate([mean, [factor[place] for place in LOWER]]).astype(np.float32)


def lower_triangle(palette):
    """The Cholesky factor in a palette, float [9]: float64 [3, 3]."""
    factor = np.zeros([3, 3])
    factor[tuple(zip(*LOWER))] = palette[3:]
    return factor
