"""Any picture as a style: what its row costs, and what painting with a row costs, next to a named style.

Load on a machine drifts, so all cases run in turn, round after round.
"""

import time

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training.paintings import read_painting

NAMED, CACHED, ROW = 'named style', 'style image, its row known', 'from a painting to its row'


def measure(model, photo, painting, size, rounds=9, engine='tensorflow', show=print):
    """Times a pass in a named style, one after a painting, and the style predictor.

    Args:
        model: path of a .pb, or of a .onnx for onnxruntime, with a style predictor.
        photo: path of a picture; it is resized to size x size.
        painting: path of a picture, enlarged where its long side is shorter than paintings are seen at.
        size: int, pixels.
        rounds: timed rounds, after one that is not.
        engine: what runs the network, a key of engines.ENGINES.
        show: called with a line on each round.

    Returns:
        List of dicts: case, the medians of its wall and CPU seconds, and of their ratios to the named style's
        of the same round.

    Raises:
        UserError: the network has no style predictor.
    """
    stylizer = Stylizer(model, engine=engine)
    if stylizer.style_images is None:
        raise UserError('--model %s: has no style predictor' % model)
    pixels = images.resize(images.read(photo), size, size)
    longest = stylizer.style_images.size
    seen = read_painting(painting, longest)
    scale = longest / max(seen.shape)
    width, height = [max(1, round(side * scale)) for side in seen.shape[1::-1]]
    seen = images.resize(seen, width, height).astype(np.float32)
    cases = [(NAMED, lambda: stylizer.stylize(pixels, stylizer.style_weights('1'))),
             (CACHED, lambda: stylizer.stylize(pixels, stylizer.style_weights(None, images=[painting]))),
             (ROW, lambda: stylizer.engine.predict(seen))]
    seconds = np.zeros([rounds + 1, len(cases), 2])
    for number in range(rounds + 1):
        for place, (_, action) in enumerate(cases):
            begin = time.time(), time.process_time()
            action()
            seconds[number, place] = time.time() - begin[0], time.process_time() - begin[1]
        show('round %d of %d' % (number, rounds))
    stylizer.close()
    ratios = np.median(seconds[1:] / seconds[1:, :1], axis=0)
    return [{'case': name, 'seconds': wall, 'CPU seconds': cpu, 'ratio': ratio[0], 'CPU ratio': ratio[1]}
            for (name, _), (wall, cpu), ratio in zip(cases, np.median(seconds[1:], axis=0).tolist(),
                                                     ratios.tolist())]
