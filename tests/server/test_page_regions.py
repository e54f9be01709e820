"""The brush of the page, in a real Chromium: painted with a mouse and from the keyboard, undone, cleared."""

import io

import numpy as np
import pytest
from browsing import Keys, bytes_of, find, last_sent, load, open_page, settle, spilled, until, webdriver
from PIL import Image
from server_process import Server, write_network

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    server = Server(write_network(str(tmp_path_factory.mktemp('network') / 'styles.pb')))
    yield server
    server.stop()


@pytest.fixture
def page(browser, server, photo_path):
    """The page with a photo, and the brush out."""
    with open_page(browser, server, 8) as page:
        load(page, photo_path)
        find(page, '#masking').click()
        yield page


def stroke(page, start, stop):
    """Drags the mouse over the picture; places are shares of its sides."""
    box = find(page, '#mask').rect
    (x, y), (to_x, to_y) = [((across - .5) * box['width'], (down - .5) * box['height'])
                            for across, down in (start, stop)]
    chain = webdriver.ActionChains(page)
    chain.move_to_element_with_offset(find(page, '#mask'), int(x), int(y)).click_and_hold()
    chain.move_by_offset(int(to_x - x), int(to_y - y)).release().perform()


def sent_mask(page):
    """The mask of the last request: uint8 [h, w]."""
    return np.array(Image.open(io.BytesIO(bytes_of(
        page, 'window.forms[window.forms.length - 1].get("mask")'))).convert('L'))


def test_a_stroke_is_sent_as_a_mask_and_the_rest_stays(page):
    last_sent(page, '!order.mask')
    stroke(page, (.1, .5), (.3, .5))
    last_sent(page, 'order.mask && !order.elsewhere')
    mask = sent_mask(page)
    height, width = mask.shape
    assert (width, height) == (200, 150)
    assert mask[75, 20:60].min() == 255 and mask[:, 120:].max() == 0
    assert 0 < (np.logical_and(mask > 0, mask < 255)).mean() < .2  # a soft edge
    until_right = page.execute_script("""
        const canvas = document.createElement('canvas'), difference = [];
        for (const id of ['before', 'after']) {
          Object.assign(canvas, {width: 200, height: 150});
          canvas.getContext('2d').drawImage(document.getElementById(id), 0, 0, 200, 150);
          difference.push([...canvas.getContext('2d').getImageData(150, 20, 40, 100).data]);
        }
        return Math.max(...difference[0].map((value, at) => Math.abs(value - difference[1][at])));""")
    assert until_right < 40  # the photo itself, but for JPEG
    find(page, '#elsewhere').send_keys(page.find_elements('css selector', '.style')[2].get_attribute('title'))
    last_sent(page, 'order.mask && order.elsewhere === "3:1"')


def asked_anew(page, act, *arguments):
    """The mask of the request that an act makes."""
    before = page.execute_script('return window.sent.length')
    act(*arguments)
    until(page, 'window.sent.length > %d' % before)
    return sent_mask(page)


def test_undo_clear_and_erase(page):
    one = asked_anew(page, stroke, page, (.1, .2), (.3, .2))
    two = asked_anew(page, stroke, page, (.6, .7), (.9, .7))
    assert two[105, 150] == 255 and one[105, 150] == 0
    assert np.array_equal(asked_anew(page, find(page, '#undo').click), one)
    find(page, '#erase').click()
    assert asked_anew(page, stroke, page, (.05, .2), (.95, .2))[30, 20:60].max() < 10
    find(page, '#clear').click()
    last_sent(page, '!order.mask')
    assert not find(page, '#undo').is_enabled() and not find(page, '#clear').is_enabled()
    find(page, '#masking').click()
    assert not find(page, '#mask').is_displayed() and not find(page, '#mask-brush').is_displayed()


def test_the_keyboard_paints(page):
    canvas = find(page, '#mask')
    assert canvas.accessible_name.startswith('Brush')
    canvas.send_keys(Keys.ARROW_LEFT * 4)
    canvas.send_keys(Keys.SPACE)
    last_sent(page, 'order.mask')
    mask = sent_mask(page)
    assert mask[75, 60] == 255 and mask[75, 150] == 0  # a radius is 20 pixels; 4 steps of half of it
    canvas.send_keys(Keys.CONTROL, 'z')
    last_sent(page, '!order.mask')
    page.execute_script('document.getElementById("split").focus()')
    names = []
    for _ in range(30):
        page.switch_to.active_element.send_keys(Keys.TAB)
        names.append(page.switch_to.active_element.accessible_name)
    start = names.index('Paint only a part, with a brush')
    assert names[0] == canvas.accessible_name
    assert names[start:start + 4] == ['Paint only a part, with a brush', 'Brush', 'Elsewhere', 'Erase']


def test_another_photo_has_a_clean_mask_and_a_phone_has_room(page, photo_path):
    stroke(page, (.1, .5), (.3, .5))
    last_sent(page, 'order.mask')
    load(page, photo_path)
    last_sent(page, '!order.mask')
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': 375, 'height': 812, 'deviceScaleFactor': 1, 'mobile': True})
    try:
        settle(page)
        assert not spilled(page)
    finally:
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
