"""Paintings of the visitor's own as styles, in a real Chromium."""

import networks
import pytest
from browsing import Keys, bytes_of, find, last_sent, load, open_page, settle, spilled, until
from server_process import Server, form, write_network

from resnet_in_tf.pictures import images

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    server = Server(networks.write_any(
        tmp_path_factory.mktemp('any') / 'any.pb', training={'style_size': 64}))
    yield server
    server.stop()


@pytest.fixture
def page(browser, server):
    """The page, fresh, with its two named styles."""
    with open_page(browser, server, 2) as page:
        yield page


def add(page, *paths):
    before = len(page.find_elements('css selector', '.own'))
    find(page, '#painting-file').send_keys('\n'.join(paths))
    until(page, 'document.querySelectorAll(".own").length === %d' % (before + len(paths)))


def pressed(page):
    return page.execute_script('return [...document.querySelectorAll(".style")].filter('
                               'button => button.ariaPressed === "true").map(button => button.title)')


def test_a_painting_is_a_style_with_its_thumbnail_and_is_sent_along(page, photo_path, paintings, server):
    load(page, photo_path)
    add(page, paintings[0])
    assert pressed(page) == ['Waves']
    last_sent(page, '!order.style && order.style_image && order.style_image_weights === "1"')
    until(page, 'document.querySelector(".own img").naturalWidth === 64')  # as the network sees it, no larger
    photo, taken = [bytes_of(page, 'window.forms[window.forms.length - 1].get("%s")' % name)
                    for name in ('photo', 'style_image')]
    shown = bytes_of(page, """await new Promise(resolve => {
        const after = document.getElementById('after'), canvas = document.createElement('canvas');
        canvas.width = after.naturalWidth;
        canvas.height = after.naturalHeight;
        canvas.getContext('2d').drawImage(after, 0, 0);
        canvas.toBlob(resolve, 'image/png');
    })""")
    answer = server.ask('POST', '/v1/stylize', *form([('quality', '88')], photo, [taken]))[2]
    expected, shown = images.decode(answer, 'answer').astype(int), images.decode(shown, 'shown')
    assert shown.shape == expected.shape and abs(shown - expected).mean() < 1  # two decoders of one JPEG
    painting = images.read(paintings[0])
    sent = images.decode(taken, 'painting')
    assert abs(sent.mean(axis=(0, 1)) - painting.mean(axis=(0, 1))).max() < 3


def test_paintings_and_named_styles_mix(page, photo_path, paintings):
    load(page, photo_path)
    find(page, '#mixing').click()
    add(page, *paintings[:2])
    sliders = page.find_elements('css selector', '#mix input')
    assert len(sliders) == 3
    sliders[1].send_keys(Keys.ARROW_LEFT * 20)
    last_sent(page, 'order.style === "1:1" && order.style_image_weights === "0.3,0.5"')
    assert page.execute_script('return window.forms.pop().getAll("style_image").length') == 2
    sliders[0].send_keys(Keys.HOME)
    last_sent(page, '!order.style && order.style_image_weights === "0.3,0.5"')
    find(page, '#mixing').click()  # the largest share stays
    last_sent(page, 'order.style_image_weights === "1"')
    assert pressed(page) == ['Tiles']


def test_a_painting_is_removed_by_its_button_and_by_the_delete_key(page, photo_path, paintings):
    load(page, photo_path)
    add(page, *paintings[:2])
    names = [button.get_attribute('title') for button in page.find_elements('css selector', '.style')]
    assert names == ['Tiles', 'Waves', 'Wave', 'Udnie']
    removers = page.find_elements('css selector', '.remove')
    assert [button.accessible_name for button in removers] == ['Remove Tiles', 'Remove Waves']
    removers[1].click()  # not the chosen one
    assert pressed(page) == ['Tiles']
    page.find_elements('css selector', '.style')[0].send_keys(Keys.DELETE)
    assert pressed(page) == ['Wave'] and not page.find_elements('css selector', '.own')
    assert page.switch_to.active_element == find(page, '#add-painting')
    last_sent(page, 'order.style === "1:1" && !order.style_image')


def drop(page, where, color):
    page.execute_script("""
        const canvas = document.createElement('canvas'), [where, color] = arguments;
        canvas.width = 90; canvas.height = 60;
        const pen = canvas.getContext('2d');
        pen.fillStyle = color;
        pen.fillRect(0, 0, 90, 60);
        pen.clearRect(0, 0, 45, 30);  // one colour is no style
        canvas.toBlob(blob => {
          const carried = new DataTransfer(), target = document.querySelector(where);
          carried.items.add(new File([blob], color + '.png', {type: 'image/png'}));
          const event = name => new DragEvent(name, {dataTransfer: carried, bubbles: true, cancelable: true});
          target.dispatchEvent(event('dragover'));
          window.marked = document.body.className;
          target.dispatchEvent(event('drop'));
        });""", where, color)


def test_what_is_dropped_beside_the_photo_is_a_style_elsewhere_a_photo(page):
    drop(page, '#styles', 'red')
    until(page, 'document.querySelectorAll(".own").length === 1')
    assert page.execute_script('return window.marked') == 'dragging-style'
    until(page, 'document.getElementById("status").textContent.includes("Red")')
    assert pressed(page) == ['Red'] and find(page, '#drop').is_displayed()
    drop(page, '.stage', 'blue')
    settle(page)
    assert page.execute_script('return [window.marked, document.body.className]') == ['dragging', '']
    assert pressed(page) == ['Red']
    last_sent(page, 'order.style_image && order.style_image_weights === "1"')


def test_what_is_no_picture_is_told_so(page, tmp_path):
    path = str(tmp_path / 'notes.txt')
    with open(path, 'w') as file:
        file.write('no painting')
    find(page, '#painting-file').send_keys(path)
    until(page, 'document.getElementById("status").textContent.includes("notes.txt")')
    assert not page.find_elements('css selector', '.own') and pressed(page) == ['Wave']


def test_a_mix_has_room_for_as_many_as_the_server_takes(page, paintings):
    find(page, '#mixing').click()
    add(page, paintings[0])
    for _ in range(8):
        add(page, paintings[1])
    assert len(pressed(page)) == 9  # a named one and eight
    assert 'room for 8' in find(page, '#status').text


def test_it_works_from_the_keyboard_and_fits_a_phone(page, photo_path, paintings):
    load(page, photo_path)
    add(page, paintings[0])
    page.execute_script('document.body.focus()')
    names = []
    for _ in range(12):
        page.switch_to.active_element.send_keys(Keys.TAB)
        names.append(page.switch_to.active_element.accessible_name)
    start = names.index('Add a painting')
    assert names[start:start + 6] == ['Add a painting', 'Waves', 'Remove Waves', 'Wave', 'Udnie',
                                      'Mix several styles']
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': 375, 'height': 812, 'deviceScaleFactor': 1, 'mobile': True})
    try:
        find(page, '#mixing').click()
        add(page, paintings[1])
        assert not spilled(page)
        assert page.execute_script('return document.documentElement.scrollWidth') == 375
    finally:
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


def test_nothing_of_it_is_shown_where_the_network_makes_no_style_from_a_picture(browser, tmp_path):
    server = Server(write_network(str(tmp_path / 'plain.pb')))
    try:
        with open_page(browser, server, 8) as page:
            until(page, '!document.getElementById("add-painting")')
            drop(page, '#styles', 'red')  # a photo, as ever
            settle(page)
            assert page.execute_script('return window.marked') == 'dragging'
            assert not page.find_elements('css selector', '.own')
    finally:
        server.stop()
