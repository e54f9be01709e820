"""Which machine a benchmark ran on."""

import os
import platform
import time

import tensorflow.compat.v1 as tf


def describe():
    """One line: processor, cores, TensorFlow and date."""
    try:
        with open('/proc/cpuinfo') as file:
            name = [line.split(':')[1].strip() for line in file if line.startswith('model name')][0]
    except (OSError, IndexError):
        name = platform.machine()
    return '%s, %d cores, TensorFlow %s, Python %s, %s' % (
        name, len(os.sched_getaffinity(0)), tf.version.VERSION, platform.python_version(),
        time.strftime('%Y-%m-%d'))
