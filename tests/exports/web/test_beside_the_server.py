"""serve.py --site: the network on the server or on this device, in a real Chromium; refused sites."""

import gzip
import hashlib
import json
import os
import re
import shutil

import networks
import numpy as np
import pytest
from browsing import Keys, bytes_of, find, load, open_page, settle, spilled, until
from running import script
from server_process import Server

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images
from resnet_in_tf.server.device import open_site

pytestmark = pytest.mark.slow

ENGINE = 'document.getElementById("engine").textContent'
# What is shown, without a loss: the page's picture comes as a JPEG.
ASK = ("await backend.stylize(Object.values(state.small)[0], {...order(), format: 'png'}, "
       'new AbortController().signal)')


@pytest.fixture(scope='module')
def server(model, folder):
    server = Server(model, '--site', folder)
    yield server
    server.stop()


@pytest.fixture
def page(browser, server):
    """The page, fresh, of a visitor who has not chosen yet."""
    browser.get(server.url)
    browser.execute_script('localStorage.clear()')
    with open_page(browser, server, 2) as page:
        until(page, '!document.getElementById("where").hidden')
        yield page


CHECKED = 'return document.querySelector("input[name=where]:checked").value'


def choose(page, place):
    find(page, 'input[name="where"][value="%s"]' % place).click()


def on_device(page):
    until(page, ENGINE + '.startsWith("Runs on this device: WebAssembly")')


def posts(server):
    """How many photos the server was sent, whatever it said."""
    text = server.ask('GET', '/metrics')[2].decode()
    return sum(float(count) for count in re.findall(
        r'^resnet_in_requests_total{route="/v1/stylize".*} (\S+)$', text, re.M))


def test_both_ways_give_the_same_picture_and_the_page_says_which_is_in_use(page, server, photo_path):
    assert find(page, '#engine').text == 'Runs on the server.'
    load(page, photo_path)
    before = posts(server)
    assert before > 0
    on_server = images.decode(bytes_of(page, ASK), 'server').astype(int)
    choose(page, 'device')
    on_device(page)
    settle(page)
    assert page.execute_script('return crossOriginIsolated')
    assert os.cpu_count() < 2 or 'threads' in find(page, '#engine').text
    before = posts(server)
    here = images.decode(bytes_of(page, ASK), 'device').astype(int)
    assert here.shape == on_server.shape == (150, 200, 3) and abs(here - on_server).max() <= 2
    assert np.ptp(here) > 50 and posts(server) == before
    choose(page, 'server')
    settle(page)
    assert find(page, '#engine').text == 'Runs on the server.'
    until(page, 'window.sent.length > 0 && !document.getElementById("working").offsetParent')
    assert posts(server) > before


def test_the_choice_is_remembered_and_no_photo_leaves_the_device(browser, page, server, photo_path):
    choose(page, 'device')
    on_device(page)
    with open_page(browser, server, 2):  # another visit
        before = posts(server)
        on_device(page)
        assert page.execute_script(CHECKED) == 'device'
        assert 'stays on this device' in find(page, '#hint').text
        load(page, photo_path)
        page.find_elements('css selector', '.style')[1].click()
        settle(page)
        find(page, '#download').click()
        until(page, 'document.getElementById("status").textContent.startsWith("Done")')
        assert page.execute_script('return window.sent') == [] and posts(server) == before
        choose(page, 'server')
    with open_page(browser, server, 2):
        until(page, ENGINE + ' === "Runs on the server."')


def test_a_photo_that_was_chosen_before_the_network_came_waits_for_it(browser, page, server, photo_path):
    page.execute_script('localStorage.setItem("restyle where", "device")')
    with open_page(browser, server, 2):
        before = posts(server)
        load(page, photo_path)
        on_device(page)
        assert posts(server) == before


def test_the_page_offers_what_each_can_do(page):
    def shown():
        return page.execute_script('return ["brush", "palette", "masking", "live-start"].map('
                                   'id => document.getElementById(id).offsetParent !== null)')
    until(page, '!document.getElementById("region").hidden')
    assert shown() == [True, True, True, False]
    choose(page, 'device')
    on_device(page)
    assert shown() == [False, False, False, True]
    choose(page, 'server')
    until(page, '!document.getElementById("region").hidden')
    assert shown() == [True, True, True, False]


def test_the_choice_works_from_the_keyboard_and_fits_a_phone(page, photo_path):
    load(page, photo_path)
    find(page, '#format').send_keys(Keys.TAB)
    active = page.switch_to.active_element
    assert (active.get_attribute('value'), active.accessible_name) == ('server', 'on the server')
    active.send_keys(Keys.ARROW_RIGHT)
    on_device(page)
    settle(page)
    assert page.switch_to.active_element.get_attribute('value') == 'device'
    page.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': 375, 'height': 812, 'deviceScaleFactor': 1, 'mobile': True})
    try:
        assert not spilled(page) and find(page, '#where').is_displayed()
    finally:
        page.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


NO_WORKER = """
const [missing] = arguments, Real = window.RealWorker = Worker;
window.Worker = function (address, options) {
  return new Real(address.endsWith(missing) ? 'gone' : address, options);
};"""


@pytest.mark.parametrize('missing, told', [
    ('site.json', 'The network did not load'), ('worker.js', 'This browser cannot run the network'),
    ('backend.js', 'The network did not come')])
def test_a_device_that_cannot_is_one_line_and_the_server_paints_once_it_is_asked(
        browser, page, server, photo_path, missing, told):
    page.execute_cdp_cmd('Network.enable', {})
    page.execute_cdp_cmd('Network.setBlockedURLs', {'urls': ['*/' + missing]})
    page.execute_script(NO_WORKER, missing)  # its script is not blocked as others are
    try:
        load(page, photo_path)
        until(page, 'window.sent.length > 0')
        before = posts(server)
        choose(page, 'device')
        until(page, 'document.getElementById("status").textContent.includes("Back on the server")')
        text = find(page, '#status').text
        assert text.startswith(told) and 'with your next change' in text and '\n' not in text
        assert find(page, '#engine').text == 'Runs on the server.' and posts(server) == before
        assert page.execute_script(CHECKED) == 'server'
        page.find_elements('css selector', '.style')[1].click()
        settle(page)
        assert posts(server) > before
        page.execute_cdp_cmd('Network.setBlockedURLs', {'urls': []})
        page.execute_script('window.Worker = RealWorker')
        choose(page, 'device')  # it can, after all
        on_device(page)
    finally:
        page.execute_cdp_cmd('Network.setBlockedURLs', {'urls': []})
        page.execute_cdp_cmd('Network.disable', {})
        browser.get_log('browser')


def test_without_a_site_there_is_no_choice(browser, model):
    server = Server(model)
    try:
        with open_page(browser, server, 2) as page:
            until(page, '!document.getElementById("region").hidden')
            assert not find(page, '#where').is_displayed() and find(page, '#engine').text == ''
            assert not page.execute_script('return crossOriginIsolated')
        assert json.loads(server.ask('GET', '/v1/styles')[2].decode())['device'] == ''
        assert server.ask('GET', '/device/site.json')[0] == 404
        assert 'wasm' not in server.ask('GET', '/')[1]['Content-Security-Policy']
    finally:
        server.stop()


def test_files_of_the_network_are_whole_packed_or_not_and_no_others_are_given(server, folder):
    for path in ('site.json', 'network/weights.bin', 'onnxruntime/ort.wasm.min.js'):
        with open(str(folder / path), 'rb') as file:
            expected = file.read()
        status, headers, body = server.ask('GET', '/device/' + path, headers={'Accept-Encoding': 'gzip'})
        assert (status, headers['Content-Encoding']) == (200, 'gzip') and gzip.decompress(body) == expected
        assert headers['Cross-Origin-Embedder-Policy'] == 'require-corp'
        status, headers, body = server.ask('GET', '/device/' + path)
        assert (status, headers['Content-Encoding'], body) == (200, None, expected)
        again = server.ask('GET', '/device/' + path, headers={'If-None-Match': headers['ETag']})
        assert again[0] == 304
    for path in ('index.html', 'network/card.json', '../site.json', '%2e%2e/x', ''):
        assert server.ask('GET', '/device/' + path)[0] == 404


def spoil(folder, tmp_path, change):
    """A copy of the site with a change."""
    copy = str(tmp_path / 'site')
    shutil.copytree(str(folder), copy)
    change(copy)
    return copy


def flip(site):
    path = os.path.join(site, 'network', 'weights.bin')
    with open(path, 'rb') as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open(path, 'wb') as file:
        file.write(data)


def nested(site):
    with open(os.path.join(site, 'site.json'), 'w') as file:
        file.write('[' * 10 ** 5)


def point_outside(site):
    path = os.path.join(site, 'site.json')
    with open(path) as file:
        index = json.load(file)
    secret = os.path.join(site, '..', 'secret')
    with open(secret, 'w') as file:
        file.write('x')
    index['files']['whole'] = {'path': '../secret', 'bytes': 1, 'sha256': hashlib.sha256(b'x').hexdigest()}
    with open(path, 'w') as file:
        json.dump(index, file)


@pytest.mark.parametrize('change, told', [
    (lambda site: os.remove(os.path.join(site, 'site.json')), 'site.json cannot be read'),
    (lambda site: open(os.path.join(site, 'site.json'), 'w').close(), 'site.json is damaged'),
    (nested, 'site.json is damaged'),
    (lambda site: os.remove(os.path.join(site, 'network', 'whole.onnx')), 'whole.onnx cannot be read'),
    (flip, 'weights.bin is damaged'),
    (point_outside, 'names ../secret, which is no file of it')])
def test_a_site_that_is_not_whole_is_refused(tmp_path, model, folder, change, told):
    _, names, card = frozen.read_graph(model)
    with pytest.raises(UserError, match=re.escape(told)):
        open_site(spoil(folder, tmp_path, change), names, card)


def test_a_site_of_another_network_is_refused(model, folder):
    _, names, card = frozen.read_graph(model)
    assert open_site(str(folder), names, card).files
    with pytest.raises(UserError, match='another network .*its styles are wave, udnie'):
        open_site(str(folder), ['wave', 'scream', 'identity'], card)
    with pytest.raises(UserError, match='another network .*the cards differ in steps'):
        open_site(str(folder), names, dict(card, steps=8))


def test_a_network_that_paints_otherwise_is_refused_with_one_line(tmp_path, folder):
    model = networks.write_random(tmp_path / 'other.pb', 'resnet_any', seed=1)
    ended = script('serve.py', '--model', model, '--port', '0', '--site', folder)
    assert ended.returncode == 2 and ended.stderr.count('\n') == 1
    assert 'made of another network' in ended.stderr and 'its pictures differ' in ended.stderr
