"""bfloat16 in TensorFlow: whether it can be had, and how far a network's pictures then are from float32's."""

import contextlib
import functools
import hashlib
import json
import os

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import gpu_is_visible, has_bfloat16, session_config
from resnet_in_tf.network import frozen
from resnet_in_tf.restyling import precision

MOST_STYLES = 32  # that the check paints in; of more, so many from the first to the last
# What of the environment has TensorFlow or oneDNN leave bfloat16 out.
VARIABLES = ('TF_ENABLE_ONEDNN_OPTS', 'ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA')


def choose(asked, graph, styles, folder):
    """Decides what a network is computed in.

    Args:
        asked: one of precision.PRECISIONS.
        graph: tf.Graph of a deployed network, as it will run.
        styles: int, S, `identity` included.
        folder: the cache, which keeps what the check found.

    Returns:
        precision.Choice.

    Raises:
        UserError: as precision.choose.
    """
    return precision.choose(asked, lack(), functools.partial(kept_psnr, graph, styles, folder))


def lack():
    """Why TensorFlow has no bfloat16 for restyling here: str; None where it has."""
    if not has_bfloat16():
        return 'TensorFlow %s has no bfloat16, 2.15 has' % tf.version.VERSION
    if gpu_is_visible():
        return 'a GPU runs the network, and bfloat16 is for processors'
    return precision.lack_of_processor()


def kept_psnr(graph, styles, folder):
    """As `lowest_psnr`, from a cache where it is there; a cache that cannot be written is done without."""
    told = [tf.version.VERSION, precision.instructions(), [os.environ.get(name) for name in VARIABLES]]
    stem = 'bfloat16-%s' % hashlib.sha256(json.dumps(told).encode() + graph.as_graph_def().SerializeToString(
        deterministic=True)).hexdigest()[:32]
    found = files.find_cached(folder, stem, '.txt')
    if found:
        return float(found[1])
    value = lowest_psnr(graph, styles)
    data = b'%r' % value
    with contextlib.suppress(UserError):
        files.write_file(files.cached_path(folder, stem, '.txt', data), data)
    return value


def lowest_psnr(graph, styles):
    """How far the built-in picture in bfloat16 is from float32: PSNR in dB in the worst of the styles.

    Args:
        graph, styles: as in `choose`.
    """
    weights = np.eye(styles, dtype=np.float32)
    if styles > 1:  # without identity, which barely computes
        weights = weights[:-1]
    weights = weights[np.unique(np.linspace(0, len(weights) - 1, MOST_STYLES).astype(int))]
    photos = np.repeat(precision.test_picture()[None], len(weights), axis=0)  # [N, H, W, 3]
    painted = []
    for half in (False, True):
        with tf.Session(graph=graph, config=session_config(half)) as session:
            painted.append(session.run(frozen.STYLIZED + ':0', {
                frozen.IMAGE + ':0': photos, frozen.STYLE_WEIGHTS + ':0': weights}))
    return min(map(precision.psnr, *painted))
