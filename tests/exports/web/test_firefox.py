"""The exported page in a real Firefox, a second engine: its pictures are the network's, also offline."""

import contextlib
import os
import shutil
import socket
import subprocess
import time

import pytest
from static_site import Site

from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer

pytestmark = pytest.mark.slow

FIREFOX = shutil.which('firefox') or shutil.which('firefox-esr')
if not FIREFOX:
    pytest.skip('FIREFOX IS NOT TESTED: it is not here (Debian: apt-get install firefox-esr)',
                allow_module_level=True)
marionette = pytest.importorskip('marionette_driver.marionette',
                                 reason='FIREFOX IS NOT TESTED: no marionette_driver')

PATIENCE = 120  # seconds
SETTINGS = {'browser.shell.checkDefaultBrowser': False, 'browser.download.folderList': 2,
            'browser.download.useDownloadDir': True, 'browser.download.alwaysOpenPanel': False,
            'media.navigator.streams.fake': True, 'media.navigator.permission.disabled': True}


@contextlib.contextmanager
def firefox(folder):
    """A Firefox without a window, driven over its own protocol; what it downloads goes to `folder`."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    profile = folder / 'profile'
    profile.mkdir()
    settings = dict(SETTINGS, **{'marionette.port': port, 'browser.download.dir': str(folder)})
    (profile / 'user.js').write_text(''.join('user_pref("%s", %s);\n' % (name, as_script(value))
                                             for name, value in settings.items()))
    with open(str(folder / 'firefox.log'), 'w') as log:
        process = subprocess.Popen(
            [FIREFOX, '--headless', '--no-remote', '--marionette', '--profile', str(profile)],
            stdout=log, stderr=log)
    try:
        browser = marionette.Marionette(host='127.0.0.1', port=port)
        browser.start_session(timeout=PATIENCE)
        browser.set_context('content')
        yield browser
    finally:
        process.terminate()
        process.wait()


def as_script(value):
    return '"%s"' % value if isinstance(value, str) else str(value).lower()


def text_of(browser, name):
    return browser.execute_script(
        'return (document.getElementById(arguments[0]) || {}).textContent || ""', [name])


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def restyled(browser, url, photo):
    """Visits the page and restyles a photo at full size: what runs the network, and the picture."""
    browser.navigate(url)
    until(lambda: text_of(browser, 'engine'))
    browser.execute_script('document.getElementById("file").hidden = false')  # else no path can be typed in
    browser.find_element('css selector', '#file').send_keys(str(photo))
    until(lambda: not browser.find_element('css selector', '#download').get_property('disabled'))
    browser.find_element('css selector', '#format').send_keys('PNG')
    browser.find_element('css selector', '#download').click()
    until(lambda: text_of(browser, 'status').startswith('Done'))
    made = photo.parent / 'photo-restyled.png'
    until(lambda: made.exists() and made.stat().st_size and not os.path.exists(str(made) + '.part'))
    picture = images.read(str(made))
    made.unlink()
    return text_of(browser, 'engine'), picture


def test_firefox_paints_what_the_pb_paints_and_goes_on_offline_and_live(folder, model, tmp_path, face):
    photo = tmp_path / 'photo.png'
    images.write(str(photo), images.resize(face, 512, 384))
    stylizer, site = Stylizer(model, impl='reference'), Site(str(folder))
    expected = stylizer.stylize(images.read(str(photo)), [1, 0, 0]).astype(int)
    stylizer.close()
    with firefox(tmp_path) as browser:
        engine, picture = restyled(browser, site.url, photo)
        assert picture.shape == expected.shape and abs(picture - expected).max() <= 2
        assert engine.startswith('Runs on this device: WebAssembly')
        assert browser.execute_script('return window.crossOriginIsolated')
        browser.navigate('about:blank')
        site.stop()
        _, again = restyled(browser, site.url, photo)
        assert abs(again.astype(int) - picture).max() == 0
        browser.find_element('css selector', '#live-start').click()
        until(lambda: ' frames a second, ' in text_of(browser, 'live-rate'))
        browser.find_element('css selector', '#live-stop').click()
        assert not browser.find_element('css selector', '#live').is_displayed()
