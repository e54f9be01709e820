"""The page of freeze_graph.py --format web in Chromium: seconds a photo, beside onnxruntime."""

import functools
import json
import os
import statistics
import time

import numpy as np
import psutil

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports.web.browser import keep, opened, paint, served
from resnet_in_tf.network import onnx_file
from resnet_in_tf.pictures import images

THREADS = (1, 4)  # the page takes no more, and none that the processor has not


def measure(site, photo, sides, rounds, show):
    """Times photos in the page, by one thread and by several, and the same network in onnxruntime.

    Args:
        site: folder of freeze_graph.py --format web.
        photo: path of a picture, made as large as each of `sides` is.
        sides: list of int, pixels of both sides.
        rounds: int, photos of each size; one more goes before.
        show: function of a line, for progress.

    Returns:
        List of dicts, a row for tables.markdown: medians of elapsed and of processor seconds, in the page
        from a JPEG to a JPEG, in onnxruntime the pass alone; the most memory that the page has held by then.

    Raises:
        UserError: not such a folder, or no Chromium with its driver and selenium.
    """
    if not os.path.exists(os.path.join(site, 'site.json')):
        raise UserError('--site %s: not a folder of freeze_graph.py --format web' % site)
    pixels = images.read(photo)
    rows = []

    def note(runs_in, side, **columns):
        rows.append(dict({'runs in': runs_in, 'pixels': '%d x %d' % (side, side)}, **columns))
        show(rows[-1])

    with served(site) as url:
        for threads in THREADS:
            with opened('%s?gpu=no&threads=%d' % (url, threads)) as (browser, engine):
                for side in sides:
                    keep(browser, images.resize(pixels, side, side))
                    columns = medians(functools.partial(paint, browser, 1), functools.partial(spent, browser),
                                      rounds)
                    note(engine, side, **columns,
                         **{'peak MB': '%d' % (max(map(peak, renderers(browser))) / 1e6)})
    for threads in THREADS:
        run = natively(site, threads)
        for side in sides:
            paint_square = functools.partial(run, images.resize(pixels, side, side))
            note('onnxruntime, at most %d thread%s' % (threads, 's' * (threads > 1)), side,
                 **medians(paint_square, time.process_time, rounds), **{'peak MB': ''})
    return rows


def medians(run, clock, rounds):
    """Median elapsed seconds of a function, and its median seconds by another clock: dict of columns."""
    elapsed, processor = [], []
    for _ in range(rounds + 1):
        before, start = clock(), time.perf_counter()
        run()
        elapsed.append(time.perf_counter() - start)
        processor.append(clock() - before)
    return {'seconds': '%.2f' % statistics.median(elapsed[1:]),
            'processor seconds': '%.2f' % statistics.median(processor[1:])}


def natively(site, threads):
    """The network alone in onnxruntime: a function of uint8 [H, W, 3] that paints it in the first style."""
    session = onnx_file.open_session(os.path.join(site, 'network', 'whole.onnx'), site,
                                     intra_op_num_threads=threads)
    with open(os.path.join(site, 'site.json'), encoding='utf-8') as file:
        styles = len(json.load(file)['styles']) + 1
    table = np.fromfile(os.path.join(site, 'network', 'styles.bin'), np.float32).reshape(styles, -1)

    def run(pixels):
        image = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
        session.run(['painted'], {'image': image, 'row': table[:1]})

    return run


def renderers(browser):
    """The processes of a browser's pages: list of psutil.Process."""
    driver = psutil.Process(browser.service.process.pid)
    return [each for each in driver.children(recursive=True) if '--type=renderer' in each.cmdline()]


def spent(browser):
    """Processor seconds of a browser's pages so far."""
    return sum(sum(each.cpu_times()[:2]) for each in renderers(browser))


def peak(process):
    """The most bytes of memory that a process has held."""
    with open('/proc/%d/status' % process.pid) as file:
        return next((1024 * int(line.split()[1]) for line in file if line.startswith('VmHWM:')), 0)
