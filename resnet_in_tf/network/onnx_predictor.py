"""The style predictor of an ONNX network: a file of its own, opened when the first painting comes."""

import functools
import hashlib
import os
import threading

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import interface, model_file, onnx_file


def beside(path):
    """Where the style predictor of a .onnx is: any.onnx has any_predictor.onnx."""
    return '%s_predictor%s' % os.path.splitext(path)


def checksum(data):
    """What tells one style predictor from another: sha256 of its file or graph."""
    return hashlib.sha256(data).hexdigest()


def session(data, name):
    """Opens a style predictor: function of float32 [N, H, W, 3] in [0, 255] that gives float32 [N, R].

    Raises:
        UserError: onnxruntime is not installed, or this is no such file.
    """
    # Between two paintings it would hold on to what one takes, some hundred MB.
    opened = onnx_file.open_session(data, name, enable_cpu_mem_arena=False)
    if ([each.name for each in opened.get_inputs()], [each.name for each in opened.get_outputs()]) != (
            [interface.STYLE_IMAGE], [interface.STYLE_ROW]):
        raise UserError('%s: an ONNX network, but no style predictor of freeze_graph.py' % name)
    run = onnx_file.within_memory(opened.run)
    return lambda paintings: run(None, {interface.STYLE_IMAGE: paintings})[0]


def of_file(path, wanted):
    """The style predictor beside a .onnx.

    Args:
        path: of its file.
        wanted: str, the checksum that the network knows it by.

    Returns:
        Function of a painting, float32 [H, W, 3], that gives its row, float32 [R]; it raises UserError where
        the file is missing, or is another network's.
    """
    def read():
        data = model_file.read_model(path)
        if checksum(data) != wanted:
            raise UserError('%s: not the style predictor of the network beside it; put the file back that '
                            'freeze_graph.py wrote along with it' % path)
        onnx_file.read(data, path)
        return data, path
    return lazily(read)


def lazily(read):
    """A function of a painting, whose network `read` gives, (bytes, name), when the first one comes."""
    opened, lock = functools.lru_cache(maxsize=None)(lambda: session(*read())), threading.Lock()

    def predict(painting):
        with lock:  # two paintings that come at once open one network
            run = opened()
        return run(painting[None])[0]
    return predict
