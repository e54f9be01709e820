"""The exact mode: true statistics, layer by layer over tiles, with the features on disk.

The network is cut at its normalizations. Stage k computes the input of the k-th for the whole
picture, a tile at a time, and sums up its mean and variance; the next stage reads what it wrote.
Full-size features are computed again rather than kept: the disk is slower than their convolution.
"""

import collections
import os
import shutil

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import interface
from resnet_in_tf.pictures.color import TO_YUV
from resnet_in_tf.pictures.palette import palette_of_moments
from resnet_in_tf.tiles import grid as grids
from resnet_in_tf.tiles import scratch
from resnet_in_tf.tiles.fixed import Affine

# How far one stage can see: 9x9 (4) behind 3x3 and interpolation (2 + 1), to the next step of 4.
HALO = 8

# Bytes of features on disk, a pixel and channel of the first layer: four arrays at a quarter of
# the size, of four times the channels, in float32.
DISK_BYTES = 4

Stage = collections.namedtuple('Stage', 'norm fetches feeds kept needs_image')


def plan_stages(network):
    """Cuts a network at its norms.

    Args:
        network: FixedNetwork.

    Returns:
        List of Stage: `norm`, whose input the stage computes, is a number, or None for the last
        one, which gives the stylized picture; `fetches`, `feeds` and `kept` (what of the fetches
        later stages are fed) are names of steps.
    """
    steps = network.steps
    measured = {norm.shifted: number for number, norm in enumerate(network.norms)}
    stage, scale = {}, {}

    def visit(name):  # the stage that computes a step; 0 is what does not depend on the photo
        if name not in stage:
            sources, factor = steps[name]
            for source in sources:
                visit(source)
            stage[name] = max([stage[source] + (source in measured) for source in sources],
                              default=int(name == interface.IMAGE))
            scale[name] = factor * max([scale[source] for source in sources],
                                       default=int(name == interface.IMAGE))
        return stage[name]

    last = visit(interface.STYLIZED)
    late = {source for name in stage for source in steps[name].sources if stage[source] < stage[name]}
    kept = {name for name in stage if stage[name] and scale[name] >= 2
            and (name in measured or name in late)}
    targets = {number: [name for name in stage if stage[name] == number
                        and (name in measured or name in kept)] for number in range(1, last)}
    targets[last] = [interface.STYLIZED]
    return [make_stage(steps, targets[number], kept, measured) for number in range(1, last + 1)]


def make_stage(steps, targets, kept, measured):
    """The stage that computes `targets` from kept features and the picture."""
    feeds, seen, todo = set(), set(targets), list(targets)
    while todo:
        for source in steps[todo.pop()].sources:
            if source in kept and source not in targets:
                feeds.add(source)
            elif source not in seen:
                seen.add(source)
                todo.append(source)
    norm = [measured[name] for name in targets if name in measured]
    return Stage(norm[0] if norm else None, targets, sorted(feeds),
                 [name for name in targets if name in kept], interface.IMAGE in seen)


class Features:
    """Arrays on disk, in files without a name, so that none outlives the process.

    Args:
        height, width: int, of the padded picture.
    """

    def __init__(self, height, width):
        self.height, self.width = height, width
        self.arrays = {}

    def write(self, name, core, tile, value):
        """Keeps a tile's core of a feature: `value` is float32 [h', w', C], halo and all."""
        scale = (tile.bottom - tile.top) // len(value)
        if name not in self.arrays:
            shape = (self.height // scale, self.width // scale, value.shape[-1])
            self.arrays[name] = (reserve(4 * int(np.prod(shape))), shape)
        self.open(name)[window(core, scale)] = value[grids.inside(core, tile, scale)]

    def read(self, name, tile):
        """A tile of a feature: float32 [h', w', C]."""
        return np.array(self.open(name)[window(tile, self.height // self.arrays[name][1][0])])

    def open(self, name):
        file, shape = self.arrays[name]
        # Mapped anew each time: pages count as memory of the process for as long as a map lives.
        return np.memmap(file, np.float32, 'r+', shape=shape)

    def drop(self, names):
        """Gives the disk back."""
        for name in names:
            self.arrays.pop(name)[0].close()


def window(tile, scale):
    return (slice(tile.top // scale, tile.bottom // scale),
            slice(tile.left // scale, tile.right // scale))


def reserve(size):
    """A file of that size without a name; UserError where the disk is full."""
    file = scratch.file()
    try:
        if hasattr(os, 'posix_fallocate'):
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk behind a map would be a crash
        else:
            file.truncate(size)
    except OSError as error:
        file.close()
        raise disk_error(size, error.strerror) from error
    return file


def disk_error(size, reason):
    return UserError('--exact: %s for features in %s (%s); free some, or set TMPDIR to a larger '
                     'disk' % (memory.show(size), scratch.folder(), reason))


class Moments:
    """Mean and variance of an array that comes in parts (Chan et al. 1979)."""

    def __init__(self):
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def add(self, values):
        """Takes float32 [h, w, C]."""
        for start in range(0, len(values), 64):  # few rows at a time: the temporaries are small
            self.add_rows(values[start:start + 64].reshape(-1, values.shape[-1]))  # [n, C]

    def add_rows(self, values):
        count, mean = len(values), values.mean(0, dtype=np.float64)
        squares = np.square(values - mean.astype(np.float32)).sum(0, dtype=np.float64)
        total, step = self.count + count, mean - self.mean
        self.squares = self.squares + squares + step ** 2 * self.count * count / total
        self.mean = self.mean + step * count / total
        self.count = total

    def affine(self, gamma, beta, epsilon):
        """What formula (11) does with these statistics: Affine."""
        scale = gamma / np.sqrt(self.squares / self.count + epsilon)
        return Affine(scale.astype(np.float32), (beta - self.mean * scale).astype(np.float32))


class Colors:
    """Mean and covariance of colours that come in parts."""

    def __init__(self):
        self.moments = Moments()

    def add(self, values):
        """Takes float32 [h, w, 3], RGB in [-1, 1]."""
        yuv = values @ TO_YUV.T
        # The variance of a sum tells the covariance of its parts.
        self.moments.add(np.concatenate([yuv, yuv + yuv[..., [1, 2, 0]]], 2))

    def palette(self):
        """The palette: float32 [9]."""
        variance = self.moments.squares / self.moments.count  # [6]
        covariance = np.diag(variance[:3])
        for number, other in enumerate((1, 2, 0)):
            shared = (variance[3 + number] - variance[number] - variance[other]) / 2
            covariance[number, other] = covariance[other, number] = shared
        return palette_of_moments(self.moments.mean[:3], covariance)


def within(core, picture):
    """The part of a tile's core that is picture, and not padding."""
    return core._replace(
        top=max(core.top, picture.top), bottom=min(core.bottom, picture.top + picture.source.height),
        left=max(core.left, picture.left), right=min(core.right, picture.left + picture.source.width))


class ExactPainter:
    """Measures the true statistics of a picture, then restyles its tiles.

    Args:
        network: FixedNetwork.
        picture: PaddedRows.
        grid: Grid whose halo is HALO.
        styles: TileStyles.
        on_tile: called after each tile.

    Raises:
        UserError: the disk has no room for the features.
    """

    def __init__(self, network, picture, grid, styles, on_tile):
        self.network, self.styles = network, styles
        needed = DISK_BYTES * network.width * picture.height * picture.width
        free = shutil.disk_usage(scratch.folder()).free
        if needed > free:
            raise disk_error(needed, 'only %s free' % memory.show(free))
        if scratch.memory_bytes(needed) > memory.limit_by_default() - memory.resident():
            raise disk_error(needed, 'which is memory')
        self.features, self.affines = Features(picture.height, picture.width), []
        stages, self.gamma_beta = plan_stages(network), network.gamma_beta(styles.of_none())
        *measuring, self.last = stages
        try:
            for number, stage in enumerate(measuring):
                self.affines.append(self.measure(stage, picture, grid, on_tile))
                wanted = {name for later in stages[number + 1:] for name in later.feeds}
                self.features.drop(set(self.features.arrays) - wanted)
            if network.has_palette:
                self.affines.append(self.measure_palette(picture, grid, on_tile))
        except BaseException:
            self.close()
            raise

    def measure_palette(self, picture, grid, on_tile):
        """Runs the last stage over the picture as far as its colours: the Affine of its palette."""
        own, photo = Colors(), Colors()
        stage = self.last._replace(fetches=[self.network.given], needs_image=True)
        for rows in grids.spans(grid.height, grid.tile_height, grid.halo):
            band = picture.read(*rows[1])
            for core, tile in grids.tiles(grid, rows):
                pixels = band[:, tile.left:tile.right]
                part = grids.inside(within(core, picture), tile)
                own.add(self.run(stage, tile, pixels, self.affines)[0][part])
                photo.add(pixels[part].astype(np.float32) / 127.5 - 1.0)
                on_tile()
        return self.network.palette_affine(own.palette(), photo.palette(), self.styles.of_none())

    def measure(self, stage, picture, grid, on_tile):
        """Runs a stage over the picture: the Affine of its norm."""
        norm = self.network.norms[stage.norm]
        gamma, beta = self.gamma_beta[stage.norm]
        untouched = Affine(np.ones_like(gamma), np.zeros_like(beta))
        moments = Moments()
        for rows in grids.spans(grid.height, grid.tile_height, grid.halo):
            band = picture.read(*rows[1]) if stage.needs_image else None
            for core, tile in grids.tiles(grid, rows):
                pixels = None if band is None else band[:, tile.left:tile.right]
                values = self.run(stage, tile, pixels, self.affines + [untouched])
                for name, value in zip(stage.fetches, values):
                    if name == norm.shifted:
                        scale = (tile.bottom - tile.top) // len(value)
                        moments.add(value[grids.inside(core, tile, scale)])
                    if name in stage.kept:
                        self.features.write(name, core, tile, value)
                on_tile()
        return moments.affine(gamma, beta, norm.epsilon)

    def run(self, stage, tile, pixels, affines):
        feeds = {}
        for name in stage.feeds:
            feeds[name] = self.features.read(name, tile)
            for norm, affine in zip(self.network.norms, affines):
                if name == norm.shifted:  # kept as it was before its norm
                    feeds[name] *= affine.scale
                    feeds[name] += affine.shift
        return self.network.run(stage.fetches, pixels, self.styles.of_tile(tile), affines, feeds)

    def __call__(self, tile, pixels):
        """Restyles a tile: float32 [h, w, 3] for uint8 [h, w, 3], exact but for its halo."""
        return self.run(self.last, tile, pixels, self.affines)[0]

    def close(self):
        """Gives the disk back."""
        self.features.drop(list(self.features.arrays))
