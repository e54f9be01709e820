"""An exported page in a real browser on this machine: Chromium without a window, driven by selenium."""

import base64
import contextlib
import functools
import http.server
import os
import shutil
import socketserver
import threading
import time

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images

FLAGS = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync')
PATIENCE = 3600  # seconds that a picture, or the network, may take
STATE = """
const text = id => (document.getElementById(id) || {textContent: ''}).textContent;
const retry = document.getElementById('retry');
return [text('engine'), retry && !retry.hidden ? text('status') : ''];"""
OPEN = """
const [data, done] = arguments;
const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
const isThere = () => $('working').hidden && $('after').naturalWidth;
const wait = () => isThere() || $('status').classList.contains('alarm') ? done() : setTimeout(wait, 50);
usePhoto(new File([bytes], 'photo.jpg', {type: 'image/jpeg'})).then(wait);"""
PAINT = """
const [number, done] = arguments;
const order = {style: number + ':1', strength: 1, preserve_color: false};
backend.stylize(state.photo, order, new AbortController().signal).then(
  blob => done(blob.size), error => done(error.message));"""


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
    """A Chromium that has the page and its network: yields (browser, what the network runs in).

    Raises:
        UserError: no Chromium with its driver and selenium, or the page did not get its network.
    """
    chromium = shutil.which('chromium') or shutil.which('chromium-browser')
    driver = shutil.which('chromedriver')
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        if not (chromium and driver):
            raise ImportError('there is no chromium with its chromedriver here')
    except ImportError as error:
        raise UserError('the page cannot be run here (%s); it takes Chromium, chromedriver and the package '
                        'selenium' % error) from error
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    browser = webdriver.Chrome(service=Service(driver), options=options)
    try:
        browser.set_script_timeout(PATIENCE)
        browser.command_executor.set_timeout(PATIENCE)
        browser.get(url)
        end, engine, problem = time.monotonic() + PATIENCE, '', ''
        while not engine:
            if problem or time.monotonic() > end:
                raise UserError('the page says: %s' % (problem or 'nothing, for an hour'))
            time.sleep(0.1)
            engine, problem = browser.execute_script(STATE)
        yield browser, engine.replace('Runs on this device: ', '').rstrip('.')
    finally:
        browser.quit()


def keep(browser, pixels):
    """Gives the page a photo, as if it was chosen there, and waits for its preview: uint8 [H, W, 3]."""
    browser.execute_async_script(OPEN, base64.b64encode(images.encode(pixels, 'JPEG', 95)).decode())


def paint(browser, number):
    """Restyles the page's photo at full size in a style, from a JPEG to a JPEG.

    Args:
        browser: as `opened` gives it.
        number: int, the style's, from 1.

    Raises:
        UserError: the page refuses, with its reason.
    """
    answer = browser.execute_async_script(PAINT, number)
    if not isinstance(answer, int):
        raise UserError('the page says: %s' % answer)
