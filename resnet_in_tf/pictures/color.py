"""Colours of pictures: the painted luminance in the photo's own colours."""

import numpy as np

from resnet_in_tf.pictures.bands import bands

# Luma and chroma of BT.601, the space in which Gatys et al. 2016 transfer luminance alone.
TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]],
                  np.float32)
TO_RGB = np.linalg.inv(TO_YUV).astype(np.float32)


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
