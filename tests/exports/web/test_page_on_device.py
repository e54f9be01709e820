"""The exported page in a real Chromium: its pictures are the network's, and it goes on without its server."""

import base64
import os
import time

import numpy as np
import pytest
from browsing import Keys, find, settle, spilled, until, visit
from PIL import Image
from static_site import Site

from resnet_in_tf.benchmarks import web
from resnet_in_tf.evaluation import table2
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.tiles import large, rows
from resnet_in_tf.tiles.network import FixedNetwork

pytestmark = pytest.mark.slow

WAVE, MIX = [1, 0, 0], [0.3, 0.5, 0.2]
PAINT = """
const [data, weights, keepColor, maxPixels, done] = arguments;
const photo = new Blob([Uint8Array.from(atob(data), letter => letter.charCodeAt(0))]);
backend.weights = () => weights;
backend.maxPixels = maxPixels;
const order = {preserve_color: keepColor, format: 'png'};
backend.stylize(photo, order, new AbortController().signal).then(blob => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.split(',')[1]);
  reader.readAsDataURL(blob);
}).catch(error => done('error ' + error.message));"""


@pytest.fixture(scope='module')
def stylizer(model):
    stylizer = Stylizer(model, impl='reference')
    yield stylizer
    stylizer.close()


def paint(page, path, weights, keep_color=False, max_pixels=0):
    """What the page makes of a file at full size: uint8 [H, W, 3]."""
    with open(str(path), 'rb') as file:
        data = base64.b64encode(file.read()).decode()
    answer = page.execute_async_script(PAINT, data, weights, keep_color, max_pixels)
    assert not answer.startswith('error'), answer
    return images.decode(base64.b64decode(answer), 'answer').astype(int)


def write(path, pixels):
    Image.fromarray(pixels).save(str(path))
    return path


@pytest.mark.parametrize('width, height, weights, keep_color', [
    (16, 16, WAVE, False), (5, 18, MIX, False), (61, 83, MIX, False), (200, 150, WAVE, False),
    (90, 64, [0, 1, 0], True), (33, 40, [0, 0, 1], False)])
def test_pictures_are_those_of_the_pb(page, tmp_path, face, stylizer, width, height, weights, keep_color):
    photo = images.resize(face, width, height)
    painted = paint(page, write(tmp_path / 'photo.png', photo), weights, keep_color)
    expected = stylizer.stylize(photo, weights)
    expected = preserve_color(photo, expected) if keep_color else expected
    assert painted.shape == expected.shape and abs(painted - expected).max() <= 2


def test_tiles_are_those_of_stylize(page, tmp_path, face, model):
    photo = images.resize(face, 351, 302)
    painted = paint(page, write(tmp_path / 'photo.png', photo), MIX, max_pixels=256 ** 2)
    network = FixedNetwork(frozen.read_graph(model)[0])
    sink = rows.MemorySink(302, 351, False)
    large.stylize_rows(network, rows.MemorySource(photo), sink, MIX, 256 ** 2)
    network.close()
    assert abs(painted - sink.pixels).max() <= 2
    whole = paint(page, tmp_path / 'photo.png', MIX)
    assert abs(painted - whole).max() > 2  # the statistics are those of a smaller copy


def test_what_the_device_does_not_do_is_not_offered(page):
    shown = page.execute_script("return ['strength', 'brush', 'palette'].map("
                                "id => document.getElementById(id).offsetParent !== null)")
    assert shown == [True, False, False]


def test_what_is_transparent_shows_white(page, tmp_path, face, stylizer):
    photo = np.dstack([images.resize(face, 40, 30), np.full([30, 40], 255, np.uint8)])
    photo[:, 20:, 3] = 0
    painted = paint(page, write(tmp_path / 'photo.png', photo), WAVE)
    photo[:, 20:] = 255
    assert abs(painted - stylizer.stylize(photo[..., :3], WAVE)).max() <= 2


def test_a_photo_is_turned_by_its_exif_tag(page, tmp_path, face):
    path, exif = tmp_path / 'photo.jpg', Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(images.resize(face, 60, 40)).save(str(path), exif=exif, quality=100, subsampling=0)
    painted = paint(page, path, [0, 0, 1])  # the photo itself
    upright = images.read(str(path)).astype(int)
    assert upright.shape == painted.shape == (60, 40, 3) and abs(painted - upright).max() <= 3


def test_the_download_is_at_full_size_and_offline_all_goes_on(browser, folder, tmp_path, face, stylizer):
    photo = images.resize(face, 240, 100)
    path = str(write(tmp_path / 'my photo.png', photo))
    own = Site(str(folder))
    visit(browser, own)
    assert browser.execute_script('return crossOriginIsolated')  # by its service worker: threads may run
    browser.get('about:blank')
    own.stop()
    browser.get(own.url)
    until(browser, 'document.getElementById("engine").textContent')
    find(browser, '#file').send_keys(path)
    settle(browser)
    browser.find_elements('css selector', '.style')[1].click()
    find(browser, '#format').send_keys('PNG')
    find(browser, '#download').click()
    until(browser, 'document.getElementById("status").textContent.startsWith("Done")')
    made, deadline = os.path.join(browser.downloads, 'my photo-restyled.png'), time.monotonic() + 60
    while not os.path.exists(made):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert abs(images.read(made) - stylizer.stylize(photo, [0, 1, 0])).max() <= 2
    browser.get_log('browser')


@pytest.mark.parametrize('broken', ['whole.onnx', 'threaded.wasm', 'weights.bin'])
def test_a_broken_download_is_one_line_and_a_retry(browser, folder, broken):
    own = Site(str(folder))
    own.server.broken = broken
    browser.get(own.url)
    until(browser, 'document.getElementById("retry") && !document.getElementById("retry").hidden')
    text = find(browser, '#status').text
    assert broken in text and 'try again' in text and '\n' not in text
    own.server.broken = ''
    find(browser, '#retry').click()
    until(browser, 'document.getElementById("engine").textContent')
    assert not find(browser, '#loading').is_displayed() and not find(browser, '#status').text
    assert sum(path.endswith('styles.bin') for path in own.server.asked) == 1  # what came whole is kept
    own.stop()
    browser.get_log('browser')


def test_without_service_workers_one_thread_does(browser, folder, tmp_path, face, stylizer):
    own = Site(str(folder))
    script = browser.execute_cdp_cmd('Page.addScriptToEvaluateOnNewDocument', {
        'source': 'Object.defineProperty(navigator, "serviceWorker", {value: undefined})'})
    try:
        visit(browser, own)
        assert 'one thread' in find(browser, '#engine').text
        photo = images.resize(face, 50, 40)
        painted = paint(browser, write(tmp_path / 'photo.png', photo), WAVE)
        assert abs(painted - stylizer.stylize(photo, WAVE)).max() <= 2
    finally:
        browser.execute_cdp_cmd('Page.removeScriptToEvaluateOnNewDocument', script)
        own.stop()


def test_everything_works_from_the_keyboard(page):
    find(page, '#sample').send_keys(Keys.ENTER)
    settle(page)
    first = find(page, '#after').get_attribute('src')
    seen = []
    for _ in range(40):
        page.switch_to.active_element.send_keys(Keys.TAB)
        active = page.switch_to.active_element
        if active.tag_name == 'body' or active in seen:
            break
        assert active.accessible_name, active.get_attribute('outerHTML')
        seen.append(active)
    assert [name for name in (each.get_attribute('id') for each in seen) if name] == [
        'split', 'mixing', 'strength', 'preserve-color', 'download', 'format']
    page.find_elements('css selector', '.style')[1].send_keys(Keys.SPACE)
    until(page, 'document.getElementById("after").src !== "%s"' % first)
    settle(page)


def test_a_phone_has_its_camera_and_nothing_spills(page):
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': 375, 'height': 812, 'deviceScaleFactor': 1, 'mobile': True})
    page.execute_cdp_cmd('Emulation.setTouchEmulationEnabled', {'enabled': True})
    try:
        page.refresh()
        until(page, 'document.querySelectorAll(".style").length === 2')
        assert find(page, '#take').is_displayed() and not spilled(page)
        assert find(page, '#camera').get_attribute('capture') == 'environment'
        find(page, '#sample').click()
        settle(page)
        assert not spilled(page)
    finally:
        page.execute_cdp_cmd('Emulation.setTouchEmulationEnabled', {'enabled': False})
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
    page.refresh()
    assert not find(page, '#take').is_displayed()


def test_it_is_timed_beside_onnxruntime(folder, tmp_path, face):
    photo, shown = str(tmp_path / 'photo.png'), []
    images.write(photo, face)
    rows = web.measure(str(folder), photo, [(32, 32)], 1, shown.append)
    assert rows == shown and [row['pixels'] for row in rows] == ['32 x 32'] * 4
    assert rows[0]['runs in'] == 'WebAssembly, one thread'
    assert [row['runs in'] for row in rows[2:]] == [
        'onnxruntime, at most 1 thread', 'onnxruntime, at most 4 threads']
    assert all(float(row['seconds']) >= 0 and float(row['processor seconds']) >= 0 for row in rows)
    assert 50 < int(rows[0]['own MB']) < int(rows[0]['resident MB']) < 2000


def test_it_has_its_table_2(model, tmp_path, face):
    shown = []
    table = table2.measure(model, 'web', images.resize(face, 32, 32), 2, 2, None, shown.append)
    assert [row['style'] for row in table] == ['1: wave', '2: udnie']
    assert all(row['1 (measured)'] > 0 and row['average (paper)'] for row in table)
    assert shown[0].startswith('Chromium') and 'WebAssembly, one thread, 32 x 32 pixels' in shown[0]


def test_the_page_asks_nobody_but_its_server(page, site):
    asked = page.execute_script('return performance.getEntriesByType("resource").map(entry => entry.name)')
    assert len(asked) > 5 and [name for name in asked if not name.startswith((site.url, 'blob:'))] == []
