"""What memory there is, what is used, sizes as text, and what a run is said to hold."""

import os
import subprocess
import sys

import networks
import pytest
import running

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.restyling import bfloat16
from resnet_in_tf.tiles import large


@pytest.mark.parametrize('text, size', [
    ('2GB', 2 ** 31), ('500MB', 500 * 2 ** 20), ('1.5g', 3 * 2 ** 29), ('64 KiB', 2 ** 16),
    ('123456', 123456), (' 1 TB ', 2 ** 40)])
def test_sizes_of_memory_are_read_as_people_write_them(text, size):
    assert memory.parse_size(text) == size


@pytest.mark.parametrize('text', ['', '0', 'GB', '-1GB', '2 pounds', '1e9', 'nan', '0MB', '2000000T',
                                  pytest.param('9' * 400 + 'GB', id='400 digits')])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UserError, match='^--max_memory .* is not a size of memory'):
        memory.parse_size(text)


def test_sizes_are_shown_so_that_what_is_shown_is_enough():
    for size in (1, 2 ** 20, 2 ** 20 + 1, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 31 + 1, 12345678901):
        assert size <= memory.parse_size(memory.show(size)) <= size * 1.1 + 2 ** 20
    assert memory.show(2 ** 31) == '2GB' and memory.show(600 * 2 ** 20) == '600MB'


def test_the_default_limit_heeds_a_containers(tmp_path, monkeypatch):
    (tmp_path / 'max').write_text('%d\n' % (3 * 2 ** 30))
    (tmp_path / 'now').write_text('%d\n' % (2 ** 30))
    free = memory.limit_by_default() - memory.resident()
    monkeypatch.setattr(memory, 'CGROUPS', ((str(tmp_path / 'max'), str(tmp_path / 'now'),
                                      str(tmp_path / 'stat'), 'inactive_file'),))
    within = memory.limit_by_default() - memory.resident()
    assert within <= memory.MARGIN * 2 * 2 ** 30 + 2 ** 20 and free > 0
    (tmp_path / 'max').write_text('max\n')
    assert memory.limit_by_default() - memory.resident() > 0.5 * free


@pytest.mark.parametrize('pair', range(2))
def test_files_pages_of_a_container_count_as_free(tmp_path, monkeypatch, machine_memory, pair):
    key = memory.CGROUPS[pair][-1]
    for name, text in (('max', 3 * 2 ** 30), ('now', 3 * 2 ** 30),
                       ('stat', 'anon 1\n%s %d\nactive_file 2' % (key, 2 * 2 ** 30))):
        (tmp_path / name).write_text('%s\n' % text)
    machine_memory(99 * 2 ** 30)
    monkeypatch.setattr(memory, 'CGROUPS', (tuple(str(tmp_path / name)
                                                  for name in ('max', 'now', 'stat')) + (key,),))
    free = memory.limit_by_default() - memory.resident()
    assert abs(free - memory.MARGIN * 2 * 2 ** 30) < 50 * 2 ** 20


def test_no_run_reserves_more_than_the_system_grants(machine_memory):
    machine_memory(2 ** 20, total=8 * 2 ** 30, swap=2 ** 29)
    pixels = large.pixels_in(2 ** 50, 32)
    assert 0.9 < pixels * 9 * 32 * 4 / (8.5 * 2 ** 30) < 1  # 1x9 of 32 channels, float32
    assert large.pixels_in(2 ** 30, 32) < pixels // 2


def test_memory_that_is_taken_and_given_back_shows_in_the_peak():
    before, size = memory.resident(), 300 * 2 ** 20
    data = b'x' * size
    held = memory.resident()
    del data
    assert 0.9 * size < held - before < 1.5 * size
    assert memory.peak() > 0.99 * held  # Linux counts either roughly
    assert memory.resident() < held - 0.9 * size


def test_a_process_does_not_count_what_the_one_that_started_it_holds():
    data = b'x' * 300 * 2 ** 20
    code = 'from resnet_in_tf import memory; print(memory.peak())'
    peak = int(subprocess.check_output([sys.executable, '-c', code], cwd=running.ROOT))
    assert 2 ** 20 < peak < len(data) / 3


@pytest.mark.slow
@pytest.mark.parametrize('engine, precision', [
    ('tensorflow', 'float32'), ('tensorflow', 'bfloat16'), ('onnxruntime', 'float32')])
def test_a_run_holds_what_it_is_said_to_hold(engine, precision):
    if precision == 'bfloat16' and bfloat16.lack():
        pytest.skip('no bfloat16: %s' % bfloat16.lack())
    if engine == 'onnxruntime':
        pytest.importorskip('onnxruntime')
        pytest.importorskip('tf2onnx')
    code = """
import sys
import numpy as np
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf import memory
stylizer = Stylizer(%r, engine=sys.argv[1], precision=sys.argv[2])
weights = stylizer.style_weights(stylizer.styles[0])
stylizer.stylize(np.zeros([64, 64, 3]), weights)
before = memory.resident()
stylizer.stylize(np.zeros([1000, 700, 3]), weights)
print(memory.peak() - before, 1000 * 700 * memory.run_bytes(32, sys.argv[1]))
""" % networks.CHECKPOINT
    result = subprocess.run([sys.executable, '-c', code, engine, precision], cwd=running.ROOT, check=True,
                            stdout=subprocess.PIPE, universal_newlines=True)
    grown, said = map(int, result.stdout.split())
    least = 0.25 if engine == 'onnxruntime' else 0.5  # which counts for networks of other systems, too
    assert least * said < grown < said + memory.SLACK


@pytest.mark.slow
@pytest.mark.parametrize('engine', ['tensorflow', 'onnxruntime'])
def test_a_style_predictor_holds_what_it_is_said_to_hold(engine, tmp_path):
    if engine == 'onnxruntime':
        pytest.importorskip('onnxruntime')
        pytest.importorskip('tf2onnx')
    model = networks.write_any(tmp_path / 'any.pb')
    code = """
import sys
import numpy as np
from resnet_in_tf.restyling import engines
from resnet_in_tf import memory
engine = engines.start(sys.argv[1], sys.argv[2])
engine.predict(np.zeros([16, 16, 3], np.float32))
before = memory.resident()
engine.predict(np.zeros([512, 512, 3], np.float32))
print(memory.peak() - before, 512 ** 2 * memory.PREDICTOR_BYTES)
"""
    for _ in range(2):  # what converting takes is not in the second
        result = subprocess.run([sys.executable, '-c', code, engine, model], cwd=running.ROOT, check=True,
                                stdout=subprocess.PIPE, universal_newlines=True,
                                env=dict(os.environ, RESNET_IN_TF_CACHE=str(tmp_path)))
    grown, said = map(int, result.stdout.split())
    assert 0.5 * said < grown < 1.1 * said
