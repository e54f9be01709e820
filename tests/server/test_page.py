"""The page in a real Chromium: what a visitor with a mouse, a phone or a keyboard can do."""

import os
import time

import numpy as np
import pytest
from browsing import Keys, find, last_sent, load, open_page, settle, spilled, until
from server_process import Server, write_network

from resnet_in_tf.pictures import images

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    server = Server(write_network(str(tmp_path_factory.mktemp('network') / 'styles.pb')),
                    '--max_result', '0.06')
    yield server
    server.stop()


@pytest.fixture
def page(browser, server):
    """The page, fresh, with its styles shown."""
    with open_page(browser, server, 8) as page:
        yield page


def test_a_photo_gets_a_preview_that_follows_style_and_strength(page, photo_path):
    load(page, photo_path)
    last_sent(page, 'order.style === "1:1" && order.strength === "1"')
    first = find(page, '#after').get_attribute('src')
    page.find_elements('css selector', '.style')[2].click()
    last_sent(page, 'order.style === "3:1"')
    assert find(page, '#after').get_attribute('src') != first
    pressed = page.execute_script(
        'return [...document.querySelectorAll(".style")].map(b => b.ariaPressed)')
    assert pressed == ['false', 'false', 'true'] + ['false'] * 5
    find(page, '#strength').send_keys(Keys.ARROW_LEFT * 20)
    last_sent(page, 'order.strength === "0.8"')
    find(page, '#preserve-color').click()
    last_sent(page, 'order.preserve_color === "true"')


def test_sliders_set_brush_size_and_palette(page, photo_path):
    load(page, photo_path)
    last_sent(page, 'order.brush === undefined && order.match_color === undefined')
    note = find(page, '#size-note').text
    find(page, '#brush').send_keys(Keys.ARROW_LEFT * 8)
    find(page, '#palette').send_keys(Keys.ARROW_RIGHT * 5)
    last_sent(page, 'order.brush === "0.6" && order.match_color === "photo:0.25"')
    assert find(page, '#brush-value').text == '60 %' and find(page, '#size-note').text != note
    find(page, '#brush').send_keys(Keys.END)
    last_sent(page, 'order.brush === "2"')
    assert find(page, '#size-note').text == note
    find(page, '#preserve-color').click()
    last_sent(page, 'order.preserve_color === "true" && order.match_color === undefined')
    assert not find(page, '#palette').is_enabled()


def test_styles_mix_by_their_sliders(page, photo_path):
    load(page, photo_path)
    find(page, '#mixing').click()
    page.find_elements('css selector', '.style')[1].click()
    sliders = page.find_elements('css selector', '#mix input')
    assert len(sliders) == 2
    sliders[0].send_keys(Keys.ARROW_LEFT * 25)
    last_sent(page, 'order.style === "1:0.75,2:0.5"')
    for slider in sliders:
        slider.send_keys(Keys.HOME)
    assert 'zero' in find(page, '#status').text
    sliders[1].send_keys(Keys.END)
    last_sent(page, 'order.style === "2:1"')
    find(page, '#mixing').click()
    assert not find(page, '#mix').is_displayed()


def test_the_download_is_the_photo_at_full_size_in_the_chosen_style(page, photo_path, server):
    load(page, photo_path)
    find(page, '#strength').send_keys(Keys.ARROW_LEFT * 50)
    find(page, '#format').send_keys('PNG')
    find(page, '#download').click()
    path = os.path.join(page.downloads, 'my photo-restyled.png')
    until(page, 'document.getElementById("status").textContent.startsWith("Done")')
    deadline = time.monotonic() + 60
    while not os.path.exists(path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with open(photo_path, 'rb') as file:
        expected = server.stylize(file.read(), 'strength=0.5&format=png')[2]
    assert np.array_equal(images.read(path), images.decode(expected, 'expected'))
    assert images.check(path) == (200, 150)


def test_a_larger_photo_is_told_and_given_the_largest_size_there_is(page, tmp_path, face):
    path = str(tmp_path / 'large.jpg')
    images.write(path, face)
    load(page, path)
    assert '282 × 212' in find(page, '#size-note').text  # 282 * 212 <= 60000 < 283 * 213
    find(page, '#download').click()
    until(page, 'document.getElementById("status").textContent.startsWith("Done")')
    until(page, 'document.getElementById("after").naturalWidth === 282')


def test_a_photo_can_be_dropped(page):
    page.execute_script("""
        const canvas = document.createElement('canvas');
        canvas.width = 64; canvas.height = 32;
        canvas.toBlob(blob => {
          const carried = new DataTransfer();
          carried.items.add(new File([blob], 'dropped.png', {type: 'image/png'}));
          document.getElementById('drop').dispatchEvent(
            new DragEvent('drop', {dataTransfer: carried, bubbles: true, cancelable: true}));
        });""")
    settle(page)
    assert page.execute_script('return document.getElementById("before").naturalWidth') == 64


def test_what_is_no_photo_is_told_so(page, tmp_path):
    path = str(tmp_path / 'notes.txt')
    with open(path, 'w') as file:
        file.write('no photo')
    find(page, '#file').send_keys(path)
    until(page, 'document.getElementById("status").textContent.includes("notes.txt")')
    assert find(page, '#drop').is_displayed()


def test_a_stale_answer_is_dropped(page):
    shown = page.execute_async_script("""
        const done = arguments[0], newest = new Newest(), shown = [];
        let finish;
        const first = new Promise(resolve => { finish = resolve; });
        newest.ask(0, () => { newest.ask(0, async () => 'second', answer => {
            shown.push(answer); finish('first'); setTimeout(() => done(shown), 50);
        }); return first; }, answer => shown.push(answer));""")
    assert shown == ['second']


def test_everything_works_from_the_keyboard_and_has_a_name(page, photo_path):
    load(page, photo_path)
    page.execute_script('document.body.focus()')
    seen = []
    for _ in range(40):
        active = page.switch_to.active_element
        active.send_keys(Keys.TAB)
        active = page.switch_to.active_element
        if active.tag_name == 'body' or active in seen:
            break
        assert active.accessible_name, active.get_attribute('outerHTML')
        seen.append(active)
    order = [element.get_attribute('id') for element in seen]
    assert [name for name in order if name] == [
        'choose-other', 'split', 'mixing', 'masking', 'strength', 'brush', 'palette', 'preserve-color',
        'download', 'format']
    assert order.count('') == 8  # the styles
    find(page, '#split').send_keys(Keys.ARROW_RIGHT * 10)
    assert page.execute_script(
        'return document.getElementById("compare").style.getPropertyValue("--split")') == '60%'
    page.find_elements('css selector', '.style')[4].send_keys(Keys.SPACE)
    last_sent(page, 'order.style === "5:1"')


@pytest.mark.parametrize('width, height', [(375, 812), (1280, 800)])
def test_nothing_spills_over_the_window(page, photo_path, width, height):
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': width < 600})
    try:
        load(page, photo_path)
        find(page, '#mixing').click()
        page.find_elements('css selector', '.style')[7].click()
        assert not spilled(page)
        assert page.execute_script('return document.documentElement.scrollWidth') == width
    finally:
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


def test_the_sliders_stay_in_sight_under_many_styles(page, photo_path):
    load(page, photo_path)
    bottom = page.execute_script("""
        const styles = document.querySelector('#styles');
        for (const style of [...styles.children, ...styles.children]) {
          styles.append(style.cloneNode(true));
        }
        const last = styles.lastElementChild;
        last.scrollIntoView();
        const box = last.getBoundingClientRect(), window_ = styles.getBoundingClientRect();
        return [styles.children.length, box.bottom - window_.bottom,
                document.querySelector('#strength').getBoundingClientRect().top + scrollY];""")
    assert bottom[0] == 24 and bottom[1] <= 1  # the last style can be reached
    assert bottom[2] < 620  # six rows of styles alone are 570 high


def test_the_page_asks_nobody_but_its_server(page, photo_path, server):
    load(page, photo_path)
    asked = page.execute_script(
        'return performance.getEntriesByType("resource").map(entry => entry.name)')
    assert len(asked) > 8
    assert [name for name in asked if not name.startswith((server.url, 'blob:'))] == []
