"""The page of freeze_graph.py --format web in Chromium: seconds a photo, beside onnxruntime."""

import contextlib
import functools
import json
import os
import statistics
import threading
import time

import numpy as np
import psutil

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports.web.browser import keep, opened, paint, served
from resnet_in_tf.network import onnx_file
from resnet_in_tf.pictures import images

MEMORY = ('resident MB', 'own MB')
THREADS = (1, 4)  # the page takes no more, and none that the processor has not
WHOLE_UP_TO = 2048 * 2048  # pixels: up to here one photo warms up, and onnxruntime paints it whole
LOOK = 0.2  # seconds between two looks at the memory: Chromium starts the system's own peak anew as it runs


def measure(site, photo, sizes, rounds, show):
    """Times photos in the page, by one thread and by several, and the same network in onnxruntime.

    Args:
        site: folder of freeze_graph.py --format web.
        photo: path of a picture, made as large as each of `sizes` is.
        sizes: list of pairs of int, width and height in pixels.
        rounds: int, photos of each size; one more goes before those up to WHOLE_UP_TO.
        show: function of a line, for progress.

    Returns:
        List of dicts, a row for tables.markdown: medians of elapsed and of processor seconds, in the page
        from a JPEG to a JPEG, in onnxruntime the pass alone, up to WHOLE_UP_TO; the most memory of the page's
        process by then, all that is resident, and without what it shares with Chromium's others.

    Raises:
        UserError: not such a folder, or no Chromium with its driver and selenium.
    """
    if not os.path.exists(os.path.join(site, 'site.json')):
        raise UserError('--site %s: not a folder of freeze_graph.py --format web' % site)
    pixels = images.read(photo)
    rows = []

    def note(runs_in, width, height, columns, memory):
        rows.append(dict({'runs in': runs_in, 'pixels': '%d x %d' % (width, height)}, **columns, **memory))
        show(rows[-1])

    with served(site) as url:
        for threads in THREADS:
            page = opened('%s?gpu=no&threads=%d' % (url, threads))
            with page as (browser, engine), watched(browser) as most:
                for width, height in sizes:
                    keep(browser, images.resize(pixels, width, height))
                    columns = medians(functools.partial(paint, browser, 1), functools.partial(spent, browser),
                                      rounds, width * height <= WHOLE_UP_TO)
                    note(engine, width, height, columns, {
                        name: '%d' % (held / 1e6) for name, held in most.items()})
    for threads in THREADS:
        run = natively(site, threads)
        for width, height in sizes:
            if width * height <= WHOLE_UP_TO:
                columns = medians(functools.partial(run, images.resize(pixels, width, height)),
                                  time.process_time, rounds, True)
                note('onnxruntime, at most %d thread%s' % (threads, 's' * (threads > 1)), width, height,
                     columns, dict.fromkeys(MEMORY, ''))
    return rows


def medians(run, clock, rounds, warm):
    """Median elapsed seconds of a function, and its median seconds by another clock: dict of columns."""
    elapsed, processor = [], []
    if warm:
        run()
    for _ in range(rounds):
        before, start = clock(), time.perf_counter()
        run()
        elapsed.append(time.perf_counter() - start)
        processor.append(clock() - before)
    return {'seconds': '%.2f' % statistics.median(elapsed),
            'processor seconds': '%.2f' % statistics.median(processor)}


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


@contextlib.contextmanager
def watched(browser):
    """Looks at the memory of a browser's pages all the while: yields a dict, MEMORY, the most so far."""
    most, ended = dict.fromkeys(MEMORY, 0), threading.Event()

    def watch():
        while not ended.wait(LOOK):
            with contextlib.suppress(psutil.Error):  # processes come and go
                for process in renderers(browser):
                    for name, held in memory(process.pid).items():
                        most[name] = max(most[name], held)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


def memory(pid):
    """What a process holds, in bytes: dict of MEMORY; empty where it has ended."""
    try:
        with open('/proc/%d/smaps_rollup' % pid) as file:
            held = {line.split()[0]: 1024 * int(line.split()[1]) for line in list(file)[1:]}
    except OSError:
        return {}
    return dict(zip(MEMORY, (held['Rss:'], held['Private_Clean:'] + held['Private_Dirty:'])))
