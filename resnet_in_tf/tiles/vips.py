"""Rows straight from and into files, by libvips: memory does not grow with the picture.

Optional: pip install resnet_in_tf[large]. Without it, and for what it is not used for here, Pillow
decodes and encodes pictures whole.
"""

import logging

import numpy as np
from PIL import Image

from resnet_in_tf import files
from resnet_in_tf.pictures import decoding
from resnet_in_tf.pictures.containers import without_metadata
from resnet_in_tf.pictures.guards import MAX_PIXELS, guarded, open_file, open_picture
from resnet_in_tf.pictures.images import format_of
from resnet_in_tf.tiles.rows import SpooledSink

# Pillow's format and modes of what libvips decodes to the same 8-bit samples; and its operation.
MODES = {'JPEG': ('RGB', 'L'), 'PNG': ('RGB', 'L', 'RGBA'), 'TIFF': ('RGB', 'L')}
LOADERS = {'JPEG': 'jpegload_source', 'PNG': 'pngload_source', 'TIFF': 'tiffload_source'}
DEEP = (';16', ';4', ';2', '1')  # ends or parts of layouts that are not 8 bits

SAVERS = {'JPEG': 'jpegsave_target', 'PNG': 'pngsave_target', 'TIFF': 'tiffsave_target'}


def library():
    """pyvips, or None where it is not installed."""
    try:
        import pyvips
    except (ImportError, OSError):  # OSError: there, but without libvips
        return None
    pyvips.cache_set_max(0)
    logging.getLogger('pyvips').setLevel(logging.WARNING)  # it tells of each thread
    return pyvips


def open_source(path):
    """Opens a picture file whose rows can be streamed.

    Returns:
        VipsSource, or None where the file is better decoded whole: another format, 16 bits, a
        palette, interlaced, or to be turned.

    Raises:
        PictureError: as images.read, but for damage after the header.
    """
    if library() is None:
        return None
    with open_file(path) as file:
        image, (width, height), orientation = open_picture(file, path)
        layouts = [str(part[-1]) for part in image.tile or []]
        turned = orientation != 1 or image.format == 'TIFF' and image.tag_v2.get(274, 1) != 1
        if (image.mode not in MODES.get(image.format, ()) or turned
                or 'transparency' in image.info or image.info.get('interlace')
                or any(layout.endswith(DEEP) or ';16' in layout for layout in layouts)):
            return None
        return VipsSource(path, image.format, height, width, image.mode == 'RGBA',
                          image.info.get('icc_profile'))


class VipsSource:
    """A picture file, decoded row by row; going back starts from the top again.

    Args:
        path: str.
        format_: str, a key of LOADERS.
        height, width: int.
        has_alpha: bool.
        profile: bytes of an ICC profile, or None.
    """

    def __init__(self, path, format_, height, width, has_alpha, profile):
        self.path, self.format, self.profile, self.file = path, format_, profile, None
        self.height, self.width, self.has_alpha = height, width, has_alpha
        self.restart()

    def restart(self):
        vips = library()
        self.close()
        with guarded(self.path):
            self.file = open(self.path, 'rb')
            # Its decoders, too, are given the picture alone, without tags that point at themselves.
            view, _ = without_metadata(self.file, self.path, self.format, MAX_PIXELS)
            source = self.source = vips.SourceCustom()  # kept, for libvips calls back into it
            source.on_read(view.read)
            source.on_seek(view.seek)
            options = {'access': 'sequential', 'fail_on': 'truncated'}
            self.image = getattr(vips.Image, LOADERS[self.format])(source, **options)
            self.region = vips.Region.new(self.image)
        self.start, self.rows = 0, np.empty([0, self.width, 4 if self.has_alpha else 3], np.uint8)

    def read(self, start, stop):
        """Rows of the picture: uint8 [stop - start, W, 3]."""
        self.fetch(start, stop)
        return self.rows[start - self.start:stop - self.start, :, :3]

    def read_alpha(self, start, stop):
        """Rows of its transparency: uint8 [stop - start, W], or None."""
        if not self.has_alpha:
            return None
        self.fetch(start, stop)
        return self.rows[start - self.start:stop - self.start, :, 3]

    def fetch(self, start, stop):
        """Makes `rows` hold those from `start` to `stop`; what is above is let go."""
        if start < self.start:
            self.restart()
        end = self.start + len(self.rows)
        if stop > end:
            kept = self.rows[max(0, start - self.start):].copy()
            self.start, self.rows = end - len(kept), None  # what is above goes before more comes
            self.rows = np.empty((stop - self.start,) + kept.shape[1:], np.uint8)
            self.rows[:len(kept)] = kept
            for first in range(end, stop, 64):
                last = min(first + 64, stop)
                self.rows[first - self.start:last - self.start] = self.decode(first, last)

    def decode(self, start, stop):
        with guarded(self.path):
            data = self.region.fetch(0, start, self.width, stop - start)
            rows = np.frombuffer(data, np.uint8).reshape(stop - start, self.width, -1)
            colors = rows[..., 0] if rows.shape[-1] == 1 else rows[..., :3]
            pixels = decoding.to_srgb(Image.fromarray(colors), self.profile)
            if not self.has_alpha:
                return np.asarray(pixels)
            pixels = np.array(pixels)
            pixels[rows[..., 3] == 0] = 255
            return np.dstack([pixels, rows[..., 3]])

    def close(self):
        """Closes the file."""
        self.image = self.region = self.rows = self.source = None
        if self.file is not None:
            self.file.close()


def streams_to(path, has_alpha):
    """Whether libvips can encode that file row by row."""
    format_ = format_of(path)
    return library() is not None and format_ in SAVERS and not (has_alpha and format_ == 'JPEG')


class VipsSink(SpooledSink):
    """Collects rows on disk, and encodes the file row by row from there."""

    def finish(self):
        """Writes the file, whole or not at all."""
        format_ = format_of(self.path)
        options = {
            'JPEG': {'Q': self.quality, 'subsample_mode': 'off' if self.quality >= 90 else 'on'},
            'TIFF': {'compression': 'lzw', 'predictor': 'horizontal'},
        }.get(format_, {})
        vips, (width, channels) = library(), self.spool.shape
        self.spool.file.flush()
        with guarded(self.path, 'write'), files.atomic_file(self.path) as file:
            image = vips.Image.rawload('/dev/fd/%d' % self.spool.file.fileno(), width, self.height,
                                       channels, access='sequential')
            image = image.copy(interpretation='srgb')
            target = vips.Target.new_to_descriptor(file.fileno())
            getattr(image, SAVERS[format_])(target, **options)
