"""Live video in a real Chromium, whose camera shows one photo: what is painted is the network's."""

import base64
import os
import time

import networks
import numpy as np
import pytest
from browsing import Keys, find, settle, spilled, start_browser, until, visit
from PIL import Image
from static_site import Site

from resnet_in_tf import exports
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.restyling.stylizer import Stylizer

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 320, 240  # of the camera
# Keeps the last frame that went to the network and the order that went with it.
RECORD = """
const real = backend.frame.bind(backend);
backend.frame = async (picture, order) => {
  const given = new ImageData(picture.data.slice(), picture.width, picture.height);
  const painted = await real(picture, order);
  window.seen = {given, order};
  return painted;
};"""
SEEN = """
const canvas = document.createElement('canvas'), {given} = window.seen;
Object.assign(canvas, {width: given.width, height: given.height});
canvas.getContext('2d').putImageData(given, 0, 0);
return [canvas, $('live-picture')].map(each => each.toDataURL().split(',')[1]);"""


def write_film(path, photo):
    """Writes a raw film of one frame, for the camera that Chromium pretends to have."""
    luma, blue, red = [np.asarray(plane) for plane in Image.fromarray(photo).convert('YCbCr').split()]
    planes = [16 + 219 / 255 * luma] + [128 + 224 / 255 * (halved(plane) - 128) for plane in (blue, red)]
    with open(str(path), 'wb') as file:
        file.write(b'YUV4MPEG2 W%d H%d F20:1 Ip A1:1 C420jpeg\nFRAME\n' % (photo.shape[1], photo.shape[0]))
        for plane in planes:
            file.write(np.round(plane).astype(np.uint8).tobytes())
    return path


def halved(plane):
    """The means of blocks of two by two."""
    return plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean((1, 3))


@pytest.fixture(scope='module')
def photo(face):
    return images.resize(face, WIDTH, HEIGHT)


@pytest.fixture(scope='module')
def browser(tmp_path_factory, photo):
    film = write_film(tmp_path_factory.mktemp('camera') / 'photo.y4m', photo)
    browser = start_browser(
        tmp_path_factory, '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
        '--use-file-for-fake-video-capture=%s' % film)
    yield browser
    browser.quit()


def go_live(page):
    """Starts the video and waits for a painted frame; all are of one size."""
    page.execute_script(RECORD)
    page.execute_script('live.LEAST = live.MOST = live.FIRST = 160;')
    find(page, '#live-start').click()
    until(page, 'window.seen')


def seen(page):
    """The last frame, as it came from the camera and as it is shown: two arrays uint8 [H, W, 3]."""
    return [images.decode(base64.b64decode(each), 'frame') for each in page.execute_script(SEEN)]


def check(page, stylizer, photo, weights, kept=False):
    """Whether what is shown is what the network makes of what the camera sees."""
    given, shown = seen(page)
    assert given.shape == shown.shape == (120, 160, 3)
    assert abs(given - images.resize(photo, 160, 120).astype(float)).mean() < 4
    expected = stylizer.stylize(given, weights)
    expected = preserve_color(given, expected) if kept else expected
    assert abs(shown.astype(int) - expected).max() <= 2


@pytest.mark.parametrize('system, width', [('resnet_any', 12), ('resnet_in', 32)])
def test_frames_are_those_of_the_pb_and_follow_the_controls(
        browser, needs_runtime, tmp_path, photo, system, width):
    model = networks.write_random(tmp_path / 'net.pb', system, width)
    exports.export(model, 'web', str(tmp_path / 'site'))
    own, stylizer = Site(str(tmp_path / 'site')), Stylizer(model, impl='reference')
    try:
        visit(browser, own)
        go_live(browser)
        check(browser, stylizer, photo, [1, 0, 0])
        browser.find_elements('css selector', '.style')[1].click()
        find(browser, '#strength').send_keys(Keys.ARROW_LEFT * 30)
        until(browser, 'window.seen.order.style === "2:1" && window.seen.order.strength === 0.7')
        check(browser, stylizer, photo, [0, 0.7, 0.3])
        find(browser, '#mixing').click()
        browser.find_elements('css selector', '.style')[0].click()
        find(browser, '#preserve-color').click()
        until(browser, 'window.seen.order.style === "2:1,1:0.5" && window.seen.order.preserve_color')
        check(browser, stylizer, photo, [0.7 / 3, 1.4 / 3, 0.3], kept=True)
        assert find(browser, '#live-rate').text.endswith(' frames a second, 160 × 120')
    finally:
        find(browser, '#live-stop').click()
        own.stop()
        stylizer.close()


def test_no_style_with_a_share_is_said_and_goes_on(page):
    go_live(page)
    find(page, '#mixing').click()
    slider = find(page, '#mix input')
    slider.send_keys(Keys.HOME)
    until(page, 'document.getElementById("status").textContent.includes("zero")')
    slider.send_keys(Keys.END)
    until(page, 'document.getElementById("status").textContent === ""')


def test_the_size_follows_the_time_that_a_frame_takes(page):
    page.execute_script("""
        window.wait = 0.4, backend.frame = async picture => {
          await pause(window.wait);
          return picture;
        };""")
    find(page, '#live-start').click()
    until(page, 'live.on && live.on.side === live.LEAST')
    until(page, 'document.getElementById("live-picture").width === live.LEAST')
    page.execute_script('window.wait = 0')
    until(page, 'live.on.side === live.MOST')
    until(page, 'document.getElementById("live-picture").width === %d' % WIDTH)  # the camera has no more
    assert page.execute_script('return [liveSide(256, 0.1), liveSide(256, 0.11), liveSide(256, 0.2)]') == [
        256, 256, 192]


@pytest.mark.parametrize('end', ['#live-stop', 'hidden', 'unplugged'])
def test_the_camera_is_given_back(page, end):
    go_live(page)
    page.execute_script('window.track = live.on.stream.getVideoTracks()[0]')
    assert page.execute_script('return window.track.readyState') == 'live'
    if end == 'hidden':
        first = page.current_window_handle
        page.switch_to.new_window('tab')
        page.close()
        page.switch_to.window(first)
    elif end == 'unplugged':
        page.execute_script('window.track.dispatchEvent(new Event("ended"))')
    else:
        find(page, end).click()
    until(page, 'live.on === null && window.track.readyState === "ended"')
    assert find(page, '#drop').is_displayed() and not find(page, '#live').is_displayed()
    assert find(page, '#live-start').is_displayed()
    assert ('stopped' in find(page, '#status').text) == (end == 'unplugged')


def test_a_snapshot_is_the_photo_of_the_page(page, photo):
    go_live(page)
    page.execute_script('window.track = live.on.stream.getVideoTracks()[0]')
    assert not find(page, '#download').is_enabled()
    find(page, '#snapshot').click()
    settle(page)
    assert page.execute_script('return window.track.readyState') == 'ended'
    find(page, '#strength').send_keys(Keys.HOME)
    find(page, '#download').click()
    until(page, 'document.getElementById("status").textContent.startsWith("Done")')
    made, deadline = os.path.join(page.downloads, 'snapshot-restyled.jpg'), time.monotonic() + 60
    while not os.path.exists(made):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    taken = images.read(made)
    assert taken.shape == photo.shape and abs(taken - photo.astype(float)).mean() < 5


def test_another_photo_ends_the_video(page, tmp_path, photo):
    images.write(str(tmp_path / 'photo.png'), photo)
    go_live(page)
    find(page, '#file').send_keys(str(tmp_path / 'photo.png'))
    settle(page)
    assert page.execute_script('return live.on === null') and find(page, '#compare').is_displayed()
    find(page, '#live-start').click()
    until(page, 'live.on && live.on.frames')
    assert not find(page, '#compare').is_displayed()
    find(page, '#live-stop').click()
    settle(page)
    assert find(page, '#compare').is_displayed() and find(page, '#download').is_enabled()


def test_on_a_phone_nothing_spills(page):
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': 375, 'height': 812, 'deviceScaleFactor': 1, 'mobile': True})
    try:
        go_live(page)
        assert find(page, '#snapshot').is_displayed() and not spilled(page)
    finally:
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


@pytest.mark.parametrize('flags, line', [
    (['--use-fake-ui-for-media-stream=deny', '--use-fake-device-for-media-stream'],
     'The camera was refused. Allow it for this page in the browser’s settings, then press Live again.'),
    (['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=0'],
     'There is no camera here.')])
def test_no_camera_is_one_line(tmp_path_factory, site, flags, line):
    browser = start_browser(tmp_path_factory, *flags)
    try:
        visit(browser, site)
        find(browser, '#live-start').click()
        until(browser, 'document.getElementById("status").textContent')
        assert find(browser, '#status').text == line
        assert browser.execute_script('return live.on === null') and find(browser, '#drop').is_displayed()
    finally:
        browser.quit()


def test_without_https_the_line_says_so(page):
    page.execute_script('Object.defineProperty(navigator, "mediaDevices", {value: undefined})')
    find(page, '#live-start').click()
    assert 'the camera to pages on https alone' in find(page, '#status').text
