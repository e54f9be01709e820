"""Start-up: one picture from a cold process, part by part, next to TensorFlow's own import."""

import json
import os
import sys
import tempfile
import time

import numpy as np

from resnet_in_tf.benchmarks.processes import ROOT, run_python
from resnet_in_tf.pictures import images

SIDE = 512  # pixels

PARTS = ('Python', 'import of TensorFlow', 'our own imports', 'network from its file',
         'decoding', 'first run', 'encoding', 'a second run, for comparison')


def measure(model, photo, rounds=5, impl='auto', show=print):
    """Times the parts of a cold start, and stylize.py as a whole, in turn.

    Args:
        model: path of a .pb.
        photo: path of a picture; it is resized to SIDE x SIDE.
        rounds: processes of each kind.
        impl: kernel of instance norm.
        show: called with a line on each round.

    Returns:
        List of dicts: part, and the medians of its wall and CPU seconds.
    """
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        source, target = [os.path.join(folder, name) for name in ('in.jpg', 'out.jpg')]
        images.write(source, images.resize(images.read(photo), SIDE, SIDE))
        script = [os.path.join(ROOT, 'scripts', 'stylize.py'), '--model', model, '--input', source,
                  '--output', target, '--overwrite', '--impl', impl]
        code = 'from resnet_in_tf.benchmarks import startup as b; b.child()'
        for number in range(rounds):
            found = {'import of TensorFlow, by itself': process(
                ['-c', 'import tensorflow.compat.v1'])[1],
                'stylize.py, all': process(script)[1]}
            output, _ = process(['-c', code, model, source, target, impl, str(time.time())])
            found.update(json.loads(output.splitlines()[-1]))
            for part, seconds in found.items():
                times.setdefault(part, []).append(seconds)
            show('round %d of %d: %s' % (number + 1, rounds, json.dumps(found)))
    order = PARTS + ('import of TensorFlow, by itself', 'stylize.py, all')
    return [dict([('part', part)] + list(zip(('seconds', 'CPU seconds'),
                                             np.median(times[part], 0).tolist())))
            for part in order]


def process(arguments):
    """Runs Python: (what it printed, [wall seconds, CPU seconds])."""
    output, seconds, usage = run_python(arguments, arguments[0])
    return output, [seconds, usage.ru_utime + usage.ru_stime]


def child():
    """What the new process does: as stylize.py for one picture, a part at a time."""
    model, source, target, impl, started = sys.argv[1:]
    found, last = {}, [float(started), 0.0]

    def lap(part):
        now = [time.time(), time.process_time()]
        found[part] = [new - old for new, old in zip(now, last)]
        last[:] = now

    lap(PARTS[0])
    import tensorflow.compat.v1  # noqa: F401
    lap(PARTS[1])
    from resnet_in_tf.restyling import batch  # noqa: F401
    from resnet_in_tf.restyling.stylizer import Stylizer
    lap(PARTS[2])
    stylizer = Stylizer(model, impl)
    weights = stylizer.style_weights('1')
    lap(PARTS[3])
    pixels = images.read(source)
    lap(PARTS[4])
    stylized = stylizer.stylize(pixels, weights)
    lap(PARTS[5])
    images.write(target, stylized)
    lap(PARTS[6])
    stylizer.stylize(pixels, weights)
    lap(PARTS[7])
    print(json.dumps(found))
