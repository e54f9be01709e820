"""How much memory there is, how much is used, and how much a network needs a pixel."""

import ctypes
import math
import os
import re

from resnet_in_tf.errors import UserError

UNITS = {'': 1, 'K': 2 ** 10, 'M': 2 ** 20, 'G': 2 ** 30, 'T': 2 ** 40}
LARGEST = 2 ** 60  # bytes; a number of 400 digits is infinite
MARGIN = 0.8  # share of the free memory that is taken by default
SLACK = 128 * 2 ** 20  # bytes that the first runs of a session leave behind

# What one run holds at its peak, in bytes a pixel: at least so much, and so much a channel of the
# first layer. Measured with 4 to 64 channels on TensorFlow 1.15 and 2.15, with plain, fused and
# fixed normalization, and on onnxruntime 1.10; rounded up. A palette and a row do not change it.
# In bfloat16 TensorFlow holds a fifth less. On onnxruntime it is what networks of other systems hold, which
# tf2onnx converts; those that onnx_generator writes hold a quarter to a half of it.
RUN_BYTES = {'tensorflow': (420, 13), 'onnxruntime': (300, 38),
             'tensorflow by region': (600, 19), 'onnxruntime by region': (900, 38)}

# What a style predictor holds at its peak, in bytes a pixel of the painting as it is shown to it. Measured
# as above, at 512 x 512 pixels; rounded up.
PREDICTOR_BYTES = 900

# What TensorFlow 1.15 reserves in one piece, in the same unit, and hardly touches: room to unroll
# the first or the last convolution, 9*9*3 and 9*channels numbers a pixel. More than Linux grants, and
# it aborts the process.
RESERVED_BYTES = (1024, 38)

# What a picture's file holds at its peak while it is decoded, while it is encoded, and while it is encoded
# with its transparency: bytes a pixel, its own uint8 pixels included. Measured with Pillow 9.5, rounded up.
CODEC_BYTES = {'WEBP': (18, 24, 52), 'TIFF': (11, 15, 21)}
OTHER_CODECS = (11, 10, 16)

# Limits of a container, which psutil does not tell: cgroups version 2, then 1: limit, usage,
# statistics, and the line of these that counts files' pages, which the kernel drops when memory is short.
CGROUPS = (('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory.current',
            '/sys/fs/cgroup/memory.stat', 'inactive_file'),
           ('/sys/fs/cgroup/memory/memory.limit_in_bytes',
            '/sys/fs/cgroup/memory/memory.usage_in_bytes',
            '/sys/fs/cgroup/memory/memory.stat', 'total_inactive_file'))


def run_bytes(width, engine='tensorflow'):
    """Bytes a pixel that a run holds at its peak, with a first layer of `width` channels."""
    least, channel = RUN_BYTES[engine]
    return max(least, channel * width)


def reserved_bytes(width):
    """Bytes a pixel that a run asks for in one piece."""
    least, channel = RESERVED_BYTES
    return max(least, channel * width)


def decoding_bytes(format):
    """Bytes a pixel that decoding a picture whole holds; `format` as Pillow names it."""
    return CODEC_BYTES.get(format, OTHER_CODECS)[0]


def encoding_bytes(format, has_alpha=True):
    """Bytes a pixel that encoding a picture whole holds."""
    return CODEC_BYTES.get(format, OTHER_CODECS)[1 + has_alpha]


def parse_size(text, flag='--max_memory'):
    """Reads '2GB', '500 MB', '1.5G' or a plain number of bytes, in powers of 1024.

    Args:
        text: str.
        flag: str that the message names.

    Returns:
        int, bytes.

    Raises:
        UserError: not such a size, zero, or more than any machine has.
    """
    found = re.match(r'^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*$', str(text), re.IGNORECASE)
    size = float(found.group(1)) * UNITS[found.group(2).upper()] if found else 0
    if not 1 <= size < LARGEST:
        raise UserError('%s %s is not a size of memory, such as 2GB or 500MB' % (flag, str(text)[:40]))
    return int(size)


def show(size):
    """Bytes as text that `parse_size` reads: '1.5GB', '300MB'; never less than they are."""
    unit, digits = ('GB', 10) if size >= 2 ** 30 else ('MB', 1)
    return '%g%s' % (math.ceil(size / UNITS[unit[0]] * digits) / digits, unit)


def resident():
    """Bytes of memory that this process holds now."""
    found = UNITS['K'] * line_of('/proc/self/status', 'VmRSS:')
    if not found:
        import psutil
        found = psutil.Process().memory_info().rss
    return found


def peak():
    """The most bytes of memory that this program has held; 0 where the system does not tell.

    `resource.getrusage` would count in what the process that started it held.
    """
    return UNITS['K'] * line_of('/proc/self/status', 'VmHWM:')


def trim():
    """Gives freed memory back to the system, where the C library keeps it (glibc)."""
    try:
        ctypes.CDLL('libc.so.6').malloc_trim(0)
    except (OSError, AttributeError):
        pass


def limit_by_default():
    """What this process may hold if nothing is said: its share now, and most of what is free."""
    free = [machine()[0]]
    for limit, usage, statistics, key in CGROUPS:
        if os.path.exists(limit) and os.path.exists(usage):
            most, used = number(limit), number(usage)
            if most:
                free.append(max(most - max(used - line_of(statistics, key), 0), 0))
    return resident() + int(MARGIN * min(free))


def reservable():
    """The most bytes that the system grants in one piece: all memory, used or not."""
    return sum(machine()[1:])


def machine():
    """Bytes of memory of this machine: [available, in all, of swap]."""
    keys = 'MemAvailable:', 'MemTotal:', 'SwapTotal:'
    found = [UNITS['K'] * line_of('/proc/meminfo', key) for key in keys]
    if not found[0]:
        import psutil  # where there is no Linux; importing it takes longer than all that is asked of it
        memory = psutil.virtual_memory()
        found = [memory.available, memory.total, psutil.swap_memory().total]
    return found


def line_of(path, key):
    """The number behind a key in a file of lines `key number`; 0 where there is none."""
    try:
        with open(path) as file:
            return next((int(line.split()[1]) for line in file if line.split()[:1] == [key]), 0)
    except (OSError, ValueError, IndexError):
        return 0


def number(path):
    """The number in a file; 0 where it says 'max'."""
    with open(path) as file:
        text = file.read().strip()
    return int(text) if text.isdigit() else 0
