"""Time of the instance norm, alone and in the whole network: reference, fused and left out.

Load on a machine drifts, so all forms run in turn in one process, round after round, and a ratio is
the median of the rounds' own ratios. The bandwidth is that of a plain copy in the same rounds.
"""

import multiprocessing.pool
import os
import time

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import session_config
from resnet_in_tf.instance_norm import fused, instance_norm, swap_to_fused
from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import swap_for_cpu
from resnet_in_tf.training import config

FORWARD, BOTH = 'forward', 'forward+backward'
# Passes of the fused op over memory of x's size: x twice and y; then x and dy twice, and dx.
PASSES = {FORWARD: 3, BOTH: 8}
VARIABLES = ('kernel', 'bias', 'gamma', 'beta')


def measure(shapes, size, batch_size, batch_side, rounds, show=print):
    """Times every form in every case.

    Args:
        shapes: list of (N, H, W, C), of single instance norms.
        size: side of the picture that the whole network's forward pass is timed on, in pixels.
        batch_size, batch_side: pictures and their side in its forward+backward pass.
        rounds: timed rounds, after one that is not.
        show: called with a line on each case that is done.

    Returns:
        List of dicts: case, pass, times in ms, ratios, and `of bandwidth`, the fused op's share of
        what the copy reaches.

    Raises:
        RuntimeError: the fused kernel cannot be built here.
    """
    fused.is_chosen('fused')
    cases = [(shape, norm_runs, each) for shape in shapes for each in (FORWARD, BOTH)]
    cases += [((1, size, size, 3), network_runs, FORWARD),
              ((batch_size, batch_side, batch_side, 3), network_runs, BOTH)]
    rows = []
    for shape, runs, each in cases:
        name = 'network ' if runs is network_runs else 'one norm '
        name += 'x'.join(map(str, shape))
        with tf.Graph().as_default(), tf.Session(config=session_config()) as session:
            seconds = interleaved(runs(session, shape, each), rounds)
        rows.append(row(name, each, seconds))
        show('%s %s: %d rounds done' % (name, each, rounds))
    return rows


def row(name, each, seconds):
    """One line of the table, from dict form -> list of seconds."""
    median = {form: 1000 * float(np.median(times)) for form, times in seconds.items()}

    def ratio(over, under):
        return float(np.median(np.divide(seconds[over], seconds[under])))

    share = PASSES[each] / 2 * ratio('copy', 'fused') if 'copy' in seconds else None
    return {'case': name, 'pass': each, 'reference ms': median['reference'],
            'fused ms': median['fused'], 'none ms': median['none'],
            'reference / fused': ratio('reference', 'fused'),
            'fused / none': ratio('fused', 'none'), 'of bandwidth': share}


def wall_seconds(run):
    """What a call takes, in seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def interleaved(runs, rounds, clock=wall_seconds):
    """Calls all runs in turn, each round from another one on.

    Args:
        runs: dict name -> function without arguments.
        rounds: timed rounds, after one that is not.
        clock: function of a run that calls it and gives its time.

    Returns:
        dict name -> list of what the clock gave, one a round.
    """
    seconds = {name: [] for name in runs}
    order = list(runs)
    for index in range(rounds + 1):
        for name in order:
            elapsed = clock(runs[name])
            if index:
                seconds[name].append(elapsed)
        order = order[1:] + order[:1]
    return seconds


def norm_runs(session, shape, each):
    """One instance norm with its ReLU; `none` is the ReLU alone, `copy` a copy of x."""
    x, dy = [tf.get_variable(name, shape, initializer=tf.random_normal_initializer(3.0, 2.0))
             for name in ('x', 'dy')]
    gamma, beta = [tf.get_variable(name, shape[-1:], initializer=tf.ones_initializer())
                   for name in ('gamma', 'beta')]
    session.run(tf.global_variables_initializer())
    outputs = {form: instance_norm(x, gamma, beta, 'relu', impl=form)
               for form in ('reference', 'fused')}
    outputs['none'] = tf.nn.relu(x)
    if each == BOTH:
        outputs = {form: tf.gradients(y, [x, gamma, beta], dy) for form, y in outputs.items()}
    runs = {form: runner(session, fetched, {}) for form, fetched in outputs.items()}
    runs['copy'] = copier(4 * int(np.prod(shape)))
    return runs


def network_runs(session, shape, each):
    """The deployed ResNet-IN with random weights, on random pictures."""
    graphs = {'reference': random_network()}
    graphs['fused'] = swap_to_fused(graphs['reference'], 'fused')
    graphs['none'] = without_normalization(graphs['fused'])
    names = [node.name + ':0' for node in graphs['reference'].node
             if node.op == 'Const' and node.name.split('/')[-1] in VARIABLES]
    picture = np.random.RandomState(0).uniform(0, 255, shape).astype(np.float32)
    runs = {}
    for form, graph in graphs.items():
        if each == FORWARD:  # as it is loaded to restyle; training has the plain graph
            graph = swap_for_cpu(graph)
        image, fetched, *weights = tf.import_graph_def(
            graph, name=form, return_elements=[frozen.IMAGE + ':0', frozen.STYLIZED + ':0'] + names)
        if each == BOTH:
            fetched = tf.gradients(tf.reduce_mean(tf.square(fetched)), weights)
        runs[form] = runner(session, fetched, {image: picture})
    return runs


def runner(session, fetched, feeds):
    """A function that computes tensors and brings none of them back."""
    tensors = fetched if isinstance(fetched, list) else [fetched]
    operations = [tensor.op for tensor in tensors if tensor is not None]
    call = session.make_callable(operations, feed_list=list(feeds))
    return lambda: call(*feeds.values())


def copier(size):
    """A function that copies `size` bytes with all cores."""
    cores = len(os.sched_getaffinity(0))
    sources = [np.ones(size // cores, np.uint8) for _ in range(cores)]
    targets = [np.zeros_like(source) for source in sources]
    pool = multiprocessing.pool.ThreadPool(cores)
    return lambda: pool.starmap(np.copyto, zip(targets, sources))


def random_network():
    """The deployed graph, in the reference form, with fresh weights as constants."""
    with tf.Graph().as_default() as graph, tf.Session(config=session_config()) as session:
        frozen.deployed_graph(['random', 'identity'], {}, config.default('system'), config.default('width'))
        session.run(tf.global_variables_initializer())
        return tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), [frozen.STYLIZED])


def without_normalization(graph_def):
    """A copy of a graph whose fused instance norms are replaced by their activation alone."""
    result = tf.GraphDef()
    result.CopyFrom(graph_def)
    for node in result.node:
        if node.op == fused.OP:
            node.op = 'Relu' if node.attr['activation'].s == b'relu' else 'Identity'
            del node.input[1:]
            node.attr.clear()
            node.attr['T'].type = tf.float32.as_datatype_enum
    return result
