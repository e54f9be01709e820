"""Large pictures: memory and time, distance from the untiled result, and seams.

Every run is a process of its own, so that its peak of memory is its own. The pictures are real
photos side by side, each enlarged to twice its size.
"""

import json
import math
import os
import tempfile

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.benchmarks.processes import run_python
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import batch, pipeline
from resnet_in_tf.restyling.precision import psnr
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.tiles import row_files
from resnet_in_tf.tiles.grid import Grid

PLENTY = 2 ** 44  # bytes: a limit that nothing reaches
PHASE = 4  # pixels: the network's own grid, whose lines are compared with their like
NEAR, FAR = 2, 8  # steps of PHASE: how far from a border the lines are that it is compared with


def measure(model, photos, megapixels, max_memory, whole_up_to, exact_up_to, extension,
            aspect=4 / 3, show=print):
    """Restyles pictures of several sizes, each in its own process.

    Args:
        model: path of a .pb.
        photos: path, folder or pattern of photos.
        megapixels: list of sizes, in millions of pixels.
        max_memory: int, bytes, for the tiles.
        whole_up_to, exact_up_to: megapixels up to which the picture is run untiled, and exactly.
        extension: of the pictures, with its dot.
        aspect: their width over their height.
        show: called with a line on each run.

    Returns:
        List of dicts, one a run; differences are from the first of its size: the untiled one, or
        the exact one where that does not run. Photos meet in hard edges, some of which fall on a
        border of tiles: hence the photo's own number beside the result's.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in megapixels:
            source = os.path.join(folder, 'photo' + extension)
            images.write(source, mosaic(images.list_pictures(photos), size, aspect))
            reference = None
            for mode, most in (('untiled', whole_up_to), ('exact', exact_up_to),
                               ('thumbnail', max(megapixels))):
                if size > most:
                    continue
                target = os.path.join(folder, mode + '.png')
                limit = PLENTY if mode == 'untiled' else max_memory
                row = run(model, source, target, limit, mode == 'exact')
                grid = row.pop('grid')
                if mode == 'untiled' and grid:
                    show('%g megapixels do not run untiled on this machine' % size)
                    continue
                reference = reference or target
                row = dict([('megapixels', size), ('mode', mode)] + list(row.items()))
                row.update(difference(reference, target))
                row['seam'] = seam(target, Grid(*grid)) if grid else None
                both = grid and reference != target
                row['seam of reference'] = seam(reference, Grid(*grid)) if both else None
                row['seam of photo'] = seam(source, Grid(*grid)) if grid else None
                rows.append(row)
                show('%g megapixels, %s: %s' % (size, mode, json.dumps(row)))
    return rows


def mosaic(paths, megapixels, aspect=4 / 3, zoom=2):
    """Photos side by side: uint8 [H, W, 3] of that many million pixels, H times `aspect` wide."""
    width = int(round(math.sqrt(megapixels * 1e6 * aspect)))
    height = int(round(megapixels * 1e6 / width))
    picture = np.empty([height, width, 3], np.uint8)
    tall = zoom * min(images.check(path)[1] for path in paths)
    top, number = 0, 0
    while top < height:
        left = 0
        while left < width:
            photo = images.read(paths[number % len(paths)])
            photo = images.resize(photo, photo.shape[1] * zoom, photo.shape[0] * zoom)
            part = picture[top:top + tall, left:left + photo.shape[1]]
            part[:] = photo[:part.shape[0], :part.shape[1]]
            left, number = left + photo.shape[1], number + 1
        top += tall
    return picture


def run(model, source, target, max_memory, exact):
    """Restyles a file in a new process: dict with its peak of memory, its times and its grid."""
    code = 'import sys; from resnet_in_tf.benchmarks import large_pictures as b; b.child(sys.argv)'
    output, seconds, usage = run_python(
        ['-c', code, model, source, target, str(max_memory), str(int(exact))],
        'the run with %s' % source)
    found = json.loads(output.splitlines()[-1])
    return {'peak GB': found['peak'] / 2 ** 30, 'seconds': seconds,
            'CPU seconds': usage.ru_utime + usage.ru_stime, 'tiles': found['tiles'],
            'grid': found['grid']}


def child(argv):
    """What the new process does: as stylize.py, and it tells of its tiles."""
    _, model, source, target, max_memory, exact = argv
    stylizer = Stylizer(model)
    job, problems, counts = batch.Job(source, target), [], [1]
    options = pipeline.Options(stylizer.style_weights('1'), False, 95, bool(int(exact)))
    line = pipeline.Pipeline(stylizer, options, int(max_memory),
                             lambda job, error: problems.append(error),
                             lambda job, done, total: counts.append(total))
    line.run([job])
    if problems != [None]:
        raise SystemExit(problems[0])
    grid = line.grids.get(job)
    print(json.dumps({'peak': memory.peak(), 'tiles': counts[-1], 'grid': grid and list(grid)}))


EMPTY = {'mean difference': None, 'greatest difference': None, 'PSNR dB': None}


def difference(path, other):
    """How far two pictures are apart, in steps of 255, and in dB."""
    if path == other:
        return EMPTY
    pixels, reference = images.read(path), images.read(other)
    apart = pixels.astype(np.int16) - reference
    return {'mean difference': float(np.abs(apart).mean()),
            'greatest difference': int(np.abs(apart).max()),
            'PSNR dB': psnr(pixels, reference)}


def seam(path, grid):
    """Mean gradient across the tiles' borders over that across lines like them: 1 is no seam.

    Lines like them have the same phase on the network's own grid, which can show by itself, and lie
    near, so that they cross the same parts of the picture.

    Args:
        path: of the result.
        grid: Grid.

    Returns:
        float, or None where one tile was enough.
    """
    with row_files.open_source(path, PLENTY) as source:
        top, left = (grid.height - source.height) // 2, (grid.width - source.width) // 2
        down = [edge - top for edge in range(grid.tile_height, grid.height, grid.tile_height)]
        across = [edge - left for edge in range(grid.tile_width, grid.width, grid.tile_width)]
        if not down and not across:
            return None
        at, near = Mean(), Mean()
        for start in range(0, source.height, 64):  # borders from left to right
            pixels = source.read(start, min(start + 64, source.height)).astype(np.int16)
            for edge in across:
                at.add(pixels[:, edge] - pixels[:, edge - 1])
                for line in lines_alike(edge, source.width):
                    near.add(pixels[:, line] - pixels[:, line - 1])
        for edge in down:  # borders from the top down
            first, last = max(0, edge - PHASE * FAR - 1), min(source.height, edge + PHASE * FAR + 1)
            pixels = source.read(first, last).astype(np.int16)
            at.add(pixels[edge - first] - pixels[edge - first - 1])
            for line in lines_alike(edge, source.height):
                near.add(pixels[line - first] - pixels[line - first - 1])
    return at.value() / near.value()


def lines_alike(edge, length):
    """The lines near a border, but not at it, that lie in the network's own grid as it does: list of int."""
    steps = [step for step in range(-FAR, FAR + 1) if abs(step) >= NEAR]
    return [edge + PHASE * step for step in steps if 0 < edge + PHASE * step < length]


class Mean:
    """Mean of absolute values that come in parts."""

    def __init__(self):
        self.total, self.count = 0, 0

    def add(self, values):
        """Takes an array of integers."""
        self.total += int(np.abs(values).sum())
        self.count += values.size

    def value(self):
        """The mean so far."""
        return self.total / self.count
