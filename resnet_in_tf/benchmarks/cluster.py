"""Batches on Ray: one worker of one core, two of them on two nodes, and stylize.py alone on one core.

Both nodes are on this machine. Each has a core for its worker and for all of Ray; with one node the program
that hands the work out is on that core, too, so that nothing of Ray's price is hidden.
"""

import contextlib
import os
import tempfile

import psutil

from resnet_in_tf.benchmarks import processes
from resnet_in_tf.cluster import connection, painter
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images

STYLIZE = os.path.join(processes.ROOT, 'scripts', 'stylize.py')
THREADS = dict.fromkeys(painter.THREADS, '1')
FEW = 16  # photos of the run that tells what a start costs
PORTION = 0.1  # of the results at each end that the rate of painting leaves out


def measure(model, photos, count, side, engine, show=print):
    """Times the same photos three ways.

    Args:
        model: path of a network, or None for the one that ships.
        photos: path, folder or pattern.
        count: int, photos in all; those that are given are taken again and again.
        side: int, their long side in pixels.
        engine: what runs the network.
        show: called with a line on each run.

    Returns:
        List of dicts, one a run: seconds of the whole command, pictures a second, the same while it paints,
        processor time of the command a picture less that of its start (with Ray it paints nothing), kilobytes
        a picture over loopback and in files, and what the rates are of a worker's on one node.

    Raises:
        UserError: Ray is not installed, or there are fewer than two cores.
    """
    ray = connection.find()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise UserError('benchmark.py cluster: needs two cores')
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, 'in')
        paths = images.list_pictures(photos)
        moved = write(paths, source, count, side)
        few = os.path.join(folder, 'few')
        write(paths, few, min(FEW, count), side)
        flags = ['--engine', engine] + (['--model', model] if model else [])
        rows = []
        for name, workers in (('stylize.py', 0), ('1 node', 1), ('2 nodes', 2)):
            output = os.path.join(folder, name)
            command = flags + (['--cluster', 'auto'] if workers else [])
            with pinned(cores[:max(1, workers)]), nodes(ray, cores[:workers]) as environment:
                start = run(command + ['--input', few, '--output', output + ' few'], environment)[1]
                before = loopback()
                seconds, own = run(command + ['--input', source, '--output', output], environment)
                through = loopback() - before
            results = [os.path.join(output, each) for each in os.listdir(output)]
            if len(results) != count:
                raise UserError('%s: %d results of %d photos' % (name, len(results), count))
            rows.append({'run': name, 'seconds': seconds, 'pictures/s': count / seconds,
                         'painting pictures/s': rate(results),
                         'command CPU ms/picture': 1000 * (own - start) / max(1, count - FEW),
                         'loopback KB/picture': through / count / 1000,
                         'files KB/picture': (moved + sum(map(os.path.getsize, results))) / count / 1000})
            show('%(run)s: %(seconds).1f s, %(painting pictures/s).2f pictures a second' % rows[-1])
    for row, workers in zip(rows, (1, 1, 2)):
        for key in ('pictures/s', 'painting pictures/s'):
            row['of one, ' + key] = row[key] / rows[min(1, rows.index(row))][key] / workers
        row['time over stylize.py'] = row['seconds'] / rows[0]['seconds']
    return rows


def write(paths, folder, count, side):
    """Writes so many photos of one long side: the bytes of their files."""
    os.makedirs(folder)
    total = 0
    for number in range(count):
        if number < len(paths):
            pixels = images.read(paths[number])
            scale = side / max(pixels.shape[:2])
            data = images.encode(images.resize(pixels, *(max(16, round(scale * length))
                                                         for length in pixels.shape[1::-1])), 'JPEG')
        else:
            with open(os.path.join(folder, '%06d.jpg' % (number % len(paths))), 'rb') as file:
                data = file.read()
        with open(os.path.join(folder, '%06d.jpg' % number), 'wb') as file:
            file.write(data)
        total += len(data)
    return total


@contextlib.contextmanager
def pinned(cores):
    """Leaves this process, and what it starts, so many cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def nodes(ray, cores):
    """A Ray cluster of one node a core: yields the environment of a program that joins it."""
    if not cores:
        yield THREADS
        return
    from ray.cluster_utils import Cluster
    os.environ.update(PYTHONPATH=processes.ROOT, RAY_worker_niceness='0')  # as stylize.py alone
    settings = {'num_cpus': 1, 'object_store_memory': connection.STORE}
    with pinned(cores[:1]):
        cluster = Cluster(initialize_head=True, head_node_args=dict(settings, include_dashboard=False))
    try:
        for core in cores[1:]:
            with pinned([core]):
                cluster.add_node(**settings)
        yield dict(THREADS, RAY_ADDRESS=cluster.address)
    finally:
        cluster.shutdown()


def run(flags, environment):
    """Runs stylize.py to its end: (seconds, seconds of the processor that it took itself)."""
    os.environ.update(environment)
    try:
        _, seconds, usage = processes.run_python([STYLIZE] + flags, 'stylize.py')
        return seconds, usage.ru_utime + usage.ru_stime
    finally:
        for name in environment:
            del os.environ[name]


def rate(results):
    """Pictures a second in the middle of a run, by the times of their files."""
    times = sorted(map(os.path.getmtime, results))
    edge = int(PORTION * len(times))
    return (len(times) - 1 - 2 * edge) / max(1e-9, times[-1 - edge] - times[edge])


def loopback():
    """Bytes that went over the loopback device so far."""
    return psutil.net_io_counters(pernic=True)['lo'].bytes_sent
