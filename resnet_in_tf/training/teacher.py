"""A large network that shows a small one its pictures (Hinton et al. 2015): the term `teacher`."""

import collections

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import swap_for_cpu
from resnet_in_tf.network.interface import IDENTITY
from resnet_in_tf.training.run_record import describe_file

Teacher = collections.namedtuple('Teacher', 'graph_def columns style_names description')
Teacher.__doc__ = """A network to learn from.

Fields:
    graph_def: tf.GraphDef, its generator.
    columns: places of the run's paintings and of `identity` among its styles.
    style_names: of the teacher.
    description: dict for the run record, as run_record.describe_file gives it.
"""


def open_teacher(path, names):
    """Opens the network that a run learns from.

    Args:
        path: a .pb of freeze_graph.py.
        names: list of str, the run's styles.

    Returns:
        Teacher.

    Raises:
        UserError: the file is no such network, or lacks one of the styles.
    """
    graph_def, known, _ = frozen.read_graph(path)
    missing = [name for name in names if name not in known]
    if missing:
        raise UserError('--teacher %s: has no style %r; it has %s'
                        % (path, missing[0], ', '.join(known[:-1])))
    columns = [known.index(name) for name in list(names) + [IDENTITY]]
    return Teacher(swap_for_cpu(frozen.generator_of(graph_def)), columns, known, describe_file(path))


def restyled(photo, mix, teacher):
    """The teacher's pictures, which no gradient goes through.

    Args:
        photo: float32 [N, H, W, 3] in [0, 255].
        mix: float32 [N, S + 1], the shares of the run's paintings and of `identity`.
        teacher: Teacher.

    Returns:
        float32 [N, H, W, 3] in [0, 255].
    """
    weights = tf.matmul(mix, np.eye(len(teacher.style_names), dtype=np.float32)[teacher.columns])
    stylized, = tf.import_graph_def(
        teacher.graph_def, {frozen.IMAGE + ':0': photo, frozen.STYLE_WEIGHTS + ':0': weights},
        [frozen.STYLIZED + ':0'], 'teacher')
    return tf.stop_gradient(stylized, name='taught')
