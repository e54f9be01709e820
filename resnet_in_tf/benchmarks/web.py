"""The page of freeze_graph.py --format web in Chromium: processor seconds a photo, beside onnxruntime."""

import base64
import contextlib
import functools
import http.server
import json
import os
import shutil
import socketserver
import statistics
import threading
import time

import numpy as np
import psutil

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import onnx_file
from resnet_in_tf.pictures import images

FLAGS = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync')
PATIENCE = 3600  # seconds that a picture may take
PAINT = """
const [data, done] = arguments;
const photo = new Blob([Uint8Array.from(atob(data), letter => letter.charCodeAt(0))]);
backend.stylize(photo, {style: '1:1', strength: 1, preserve_color: false}, new AbortController().signal).then(
  blob => done(blob.size), error => done(error.message));"""


def measure(site, photo, sides, rounds, show):
    """Times photos in the page, by one thread and by several, and the same network in onnxruntime.

    Args:
        site: folder of freeze_graph.py --format web.
        photo: path of a picture, made as large as each of `sides` is.
        sides: list of int, pixels of both sides.
        rounds: int, photos of each size; one more goes before.
        show: function of a line, for progress.

    Returns:
        List of dicts, a row for tables.markdown: medians of processor seconds, from a JPEG to a JPEG; and
        the most memory that the page has held by then.

    Raises:
        UserError: not such a folder, or no Chromium with its driver and selenium.
    """
    if not os.path.exists(os.path.join(site, 'site.json')):
        raise UserError('--site %s: not a folder of freeze_graph.py --format web' % site)
    pixels = images.read(photo)
    rows = []
    with served(site) as url:
        for threads in (1, 4):
            with opened('%s?gpu=no&threads=%d' % (url, threads)) as (browser, engine):
                for side in sides:
                    row = in_page(browser, images.resize(pixels, side, side), rounds)
                    rows.append(dict({'runs in': engine, 'pixels': '%d x %d' % (side, side)}, **row))
                    show(rows[-1])
    for side in sides:
        rows.append(dict({'runs in': 'onnxruntime', 'pixels': '%d x %d' % (side, side)},
                         **natively(site, images.resize(pixels, side, side), rounds)))
        show(rows[-1])
    return rows


@contextlib.contextmanager
def served(folder):
    """Serves a folder on a free port; yields its address."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *values):
            """Says nothing."""

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True

    server = Server(('127.0.0.1', 0), functools.partial(Quiet, directory=os.path.abspath(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield 'http://127.0.0.1:%d/' % server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def opened(url):
    """A Chromium that has the page and its network: yields (browser, what the network runs in)."""
    chromium = shutil.which('chromium') or shutil.which('chromium-browser')
    driver = shutil.which('chromedriver')
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        if not (chromium and driver):
            raise ImportError('there is no chromium with its chromedriver here')
    except ImportError as error:
        raise UserError('benchmark.py web: %s; it takes Chromium, chromedriver and the package selenium'
                        % error) from error
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    browser = webdriver.Chrome(service=Service(driver), options=options)
    try:
        browser.set_script_timeout(PATIENCE)
        browser.command_executor.set_timeout(PATIENCE)
        browser.get(url)
        end, engine = time.monotonic() + PATIENCE, ''
        while not engine and time.monotonic() < end:
            time.sleep(0.5)
            engine = browser.execute_script(
                'return (document.getElementById("engine") || {textContent: ""}).textContent')
        yield browser, engine.replace('Runs on this device: ', '').rstrip('.')
    finally:
        browser.quit()


def in_page(browser, pixels, rounds):
    """Times a picture in the page: dict of columns."""
    data = base64.b64encode(images.encode(pixels, 'JPEG', 95)).decode()
    taken = []
    for _ in range(rounds + 1):
        before = spent(browser)
        answer = browser.execute_async_script(PAINT, data)
        if not isinstance(answer, int):
            raise UserError('the page says: %s' % answer)
        taken.append(spent(browser) - before)
    return {'processor seconds': '%.2f' % statistics.median(taken[1:]),
            'peak MB': '%d' % (max(map(peak, renderers(browser))) / 1e6)}


def natively(site, pixels, rounds):
    """Times the network alone in onnxruntime, a whole picture at once: dict of columns."""
    session = onnx_file.open_session(os.path.join(site, 'network', 'whole.onnx'), site)
    with open(os.path.join(site, 'site.json'), encoding='utf-8') as file:
        styles = len(json.load(file)['styles']) + 1
    table = np.fromfile(os.path.join(site, 'network', 'styles.bin'), np.float32).reshape(styles, -1)
    feeds = {'image': np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32), 'row': table[:1]}
    taken = []
    for _ in range(rounds + 1):
        before = time.process_time()
        session.run(['painted'], feeds)
        taken.append(time.process_time() - before)
    return {'processor seconds': '%.2f' % statistics.median(taken[1:]), 'peak MB': ''}


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
