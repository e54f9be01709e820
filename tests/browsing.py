"""A real Chromium for tests of the page, and what they do in it."""

import base64
import contextlib
import shutil
import time

import pytest

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
DRIVER = shutil.which('chromedriver')
if not (CHROMIUM and DRIVER):
    pytest.skip('THE PAGE IS NOT TESTED: there is no chromium with its chromedriver here (Debian: '
                'apt-get install chromium chromium-driver)', allow_module_level=True)
webdriver = pytest.importorskip('selenium.webdriver', reason='THE PAGE IS NOT TESTED: no selenium')

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402, F401

FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync '
         '--disable-background-networking --disable-component-update --disable-dev-shm-usage '
         '--window-size=1280,800 --autoplay-policy=no-user-gesture-required').split()

# Keeps what the page sends.
RECORD = """
window.sent = [], window.forms = [];
const real = window.fetch;
window.fetch = (address, options) => {
  if (options && options.body) {
    window.sent.push(Object.fromEntries(options.body));
    window.forms.push(options.body);
  }
  return real(address, options);
};
"""


def start_browser(tmp_path_factory, *flags):
    """A Chromium without a window; what it downloads goes to the folder `downloads`."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    folder = tmp_path_factory.mktemp('downloads')
    for flag in FLAGS + ['--user-data-dir=%s' % tmp_path_factory.mktemp('profile'), *flags]:
        options.add_argument(flag)
    options.add_experimental_option('prefs', {'download.default_directory': str(folder)})
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    browser = webdriver.Chrome(service=Service(DRIVER), options=options)
    browser.set_script_timeout(60)
    browser.downloads = str(folder)
    return browser


@contextlib.contextmanager
def open_page(browser, server, styles):
    """The page, fresh, with its styles shown; what the browser logs as severe fails the test."""
    browser.get(server.url)
    browser.execute_script(RECORD)
    until(browser, 'document.querySelectorAll(".style").length === %d' % styles)
    yield browser
    check_log(browser)


def check_log(browser):
    """Fails where the browser has logged anything as severe."""
    severe = [entry for entry in browser.get_log('browser') if entry['level'] == 'SEVERE']
    assert not severe, severe


def visit(browser, site):
    """Opens an exported page of two styles and waits until the network is there."""
    browser.get(site.url)
    until(browser, '(document.getElementById("engine") || {textContent: ""}).textContent.startsWith('
                   '"Runs on this device: WebAssembly")')
    until(browser, 'document.querySelectorAll(".style").length === 2')


def until(browser, condition):
    deadline = time.monotonic() + 60
    while not browser.execute_script('return ' + condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


def find(browser, selector):
    return browser.find_element('css selector', selector)


def load(page, path):
    """Chooses a photo and waits for its preview."""
    find(page, '#file').send_keys(path)
    settle(page)


def settle(page):
    until(page, 'document.getElementById("working").hidden && '
                'document.getElementById("after").naturalWidth > 0')


def last_sent(page, condition):
    until(page, 'window.sent.length && (order => %s)(window.sent[window.sent.length - 1])' % condition)
    settle(page)


def bytes_of(page, blob):
    """The bytes of a Blob that an expression gives."""
    return base64.b64decode(page.execute_async_script("""
        const done = arguments[0];
        (async () => {
          const reader = new FileReader();
          reader.onload = () => done(reader.result.split(',')[1]);
          reader.readAsDataURL(%s);
        })();""" % blob))


def spilled(page):
    """The elements that reach beyond the window's left or right."""
    return page.execute_script("""
        return [...document.querySelectorAll('body *')].filter(element => {
          const box = element.getBoundingClientRect();
          return box.width && (box.left < -1 || box.right > innerWidth + 1);
        }).map(element => element.outerHTML);""")
