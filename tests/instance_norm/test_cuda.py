"""The CUDA kernels by themselves, without TensorFlow: on a device, and thread by thread on the CPU.

The second is no proof of speed, nor of what a compiler makes of the source: it runs that very source
with its threads, barriers and shuffles, see cuda_on_cpu/cuda_runtime.h.
"""

import ctypes
import os
import re
import subprocess
import sys

import norms
import numpy as np
import pytest

from resnet_in_tf.benchmarks import cuda_kernels
from resnet_in_tf.instance_norm import compiler

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAUNCH = re.compile(r'(\w+<[^<>]*>)<<<(\w+), (\w+), 0, stream>>>(\([^;]*\));')
# [N, positions, C]: odd ones, many blocks of positions, more than one group of channels, both widths.
SHAPES = [(1, 1, 1), (1, 1, 3), (2, 35, 3), (3, 561, 33), (5, 81, 128), (2, 300, 4), (1, 4900, 1),
          (2, 33000, 4), (1, 700, 37), (2, 1100, 260), (1, 8193, 8)]


def results(kernels, x, gamma, beta, relu, dy=None, in_place=False):
    """y, or [y, dx, dgamma, dbeta] where dy is given; x is float32 [N, positions, C]."""
    strides = tuple(x.shape[2] if each.ndim == 2 else 0 for each in (gamma, beta))
    sizes = cuda_kernels.Sizes(*x.shape + strides)
    inputs = [kernels.put(each) for each in (x, gamma, beta)]
    unwritten = [np.full(shape, np.nan, np.float32) for shape in (
        x.shape, (x.shape[0], 3, x.shape[2]), (kernels.scratch_bytes(sizes) // 4,))]
    y, statistics, scratch = pointers = [kernels.put(each) for each in unwritten]
    source = inputs[0]
    if in_place:
        source = y = kernels.put(x)
    kernels.forward(sizes, source, *inputs[1:], relu, y, statistics, scratch)
    taken = [kernels.take(y, x)]
    pointers += inputs + [y]
    if dy is not None:
        gradient = kernels.put(dy)
        dx = gradient if in_place else kernels.put(unwritten[0])
        dgamma, dbeta = [kernels.put(np.full_like(each, np.nan)) for each in (gamma, beta)]
        kernels.gradient(sizes, gradient, *inputs, statistics, relu, dx, dgamma, dbeta, scratch)
        taken += [kernels.take(*pair) for pair in ((dx, x), (dgamma, gamma), (dbeta, beta))]
        pointers += [gradient, dx, dgamma, dbeta]
    kernels.free(pointers)
    return taken[0] if dy is None else taken


def build_for_cpu(folder):
    with open(compiler.path_of(compiler.CUDA_SOURCE), encoding='utf-8') as file:
        source, launches = LAUNCH.subn(r'on_cpu::Launch(\2, \3, [=] { \1\4; });', file.read())
    assert launches == 4 and '<<<' not in source
    (folder / 'kernels.cc').write_text(source)
    output = str(folder / 'on_cpu.so')
    compiler.run([compiler.find_compiler(), '-std=c++11', '-O1', '-w', '-fPIC', '-shared',
                  '-I' + os.path.join(HERE, 'cuda_on_cpu'), '-I' + os.path.dirname(compiler.path_of('')),
                  str(folder / 'kernels.cc'), '-o', output])
    return output


def build_for_device(folder):
    try:
        has_device = ctypes.CDLL('libcuda.so.1').cuInit(0) == 0
    except OSError:
        has_device = False
    if not has_device or compiler.find_cuda() is None:
        pytest.skip('THE CUDA KERNELS ARE NOT RUN ON A DEVICE: there is none here')
    return cuda_kernels.build(str(folder))


@pytest.fixture(scope='module', params=[build_for_cpu, build_for_device], ids=['cpu', 'device'])
def kernels(request, tmp_path_factory):
    return cuda_kernels.Kernels(request.param(tmp_path_factory.mktemp('cuda')))


def arguments(shape, per_sample):
    random = np.random.RandomState(sum(shape))
    rows = [(shape[0],) if each else () for each in per_sample]
    return [(random.randn(*shape) * 3 + 5).astype(np.float32)] + [
        random.randn(*row + shape[2:]).astype(np.float32) for row in rows], (
        random.randn(*shape).astype(np.float32))


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('relu, per_sample', [(False, (False, False)), (True, (True, True)),
                                              (True, (False, True)), (False, (True, False))])
def test_kernels_agree_with_float64(kernels, shape, relu, per_sample):
    inputs, dy = arguments(shape, per_sample)
    got = results(kernels, *inputs, relu=relu, dy=dy)
    expected = norms.closed_form(*inputs, relu=relu, dy=dy)
    for name, value, true in zip(('y', 'dx', 'dgamma', 'dbeta'), got, expected):
        # One position has no spread: dx is a difference of equals over sqrt(epsilon).
        scale = np.abs(true).max() + (300 if shape[1] == 1 and name == 'dx' else 1)
        np.testing.assert_allclose(value, true, rtol=0, atol=1e-5 * scale, err_msg=name)


def test_in_place_is_the_same(kernels):
    inputs, dy = arguments((2, 1100, 36), (False, True))
    for one, other in zip(results(kernels, *inputs, relu=True, dy=dy),
                          results(kernels, *inputs, relu=True, dy=dy, in_place=True)):
        np.testing.assert_array_equal(one, other)


def test_a_mean_far_above_the_spread_costs_nothing(kernels):
    random = np.random.RandomState(0)
    x = (1e4 + random.randn(2, 3000, 8)).astype(np.float32)
    ones, zeros = np.ones(8, np.float32), np.zeros(8, np.float32)
    expected = norms.closed_form(x, ones, zeros, False, x)[0]
    np.testing.assert_allclose(results(kernels, x, ones, zeros, False), expected, rtol=0, atol=1e-4)


def test_a_constant_channel_gives_beta(kernels):
    x = np.full([1, 1111, 5], 1e4 / 3, np.float32)
    beta = np.arange(5, dtype=np.float32)
    np.testing.assert_array_equal(results(kernels, x, beta + 1, beta, False), np.broadcast_to(beta, x.shape))


@pytest.mark.parametrize('relu', [False, True])
def test_nan_stays_in_its_sample_and_channel(kernels, relu):
    inputs, dy = arguments((3, 600, 8), (False, False))
    inputs[0][1, 77, 5] = np.nan
    y = results(kernels, *inputs, relu=relu)
    assert np.isnan(y[1, :, 5]).all() and np.isnan(y).sum() == 600


@pytest.mark.parametrize('shape', [(0, 9, 4), (2, 0, 4), (2, 9, 0)])
def test_nothing_to_normalize_is_no_error(kernels, shape):
    inputs, dy = arguments(shape, (False, True))
    y, dx, dgamma, dbeta = results(kernels, *inputs, relu=True, dy=dy)
    assert y.shape == dx.shape == shape
    assert not dgamma.any() or shape[0] == 0
    assert not dbeta.any()


def test_the_order_of_threads_and_blocks_changes_no_bit(kernels):
    if not hasattr(kernels.library, 'turn_around'):
        pytest.skip('a device takes its own order')
    for shape in ((2, 33000, 4), (3, 1100, 260), (2, 700, 37)):
        inputs, dy = arguments(shape, (False, False))
        found = []
        for backwards in (0, 1):
            kernels.library.turn_around(backwards)
            found.append(results(kernels, *inputs, relu=True, dy=dy))
        kernels.library.turn_around(0)
        for one, other in zip(*found):
            np.testing.assert_array_equal(one, other)


def test_a_shape_is_timed_forward_and_back_next_to_a_copy(kernels):
    forward, both = cuda_kernels.measure_shape(kernels, (2, 9, 7, 4), 3)
    assert forward['case'] == both['case'] == '2x9x7x4'
    assert (forward['pass'], both['pass']) == ('forward', 'forward+backward')
    for row in (forward, both):
        assert row['ms'] > 0 and row['copy ms'] > 0 and row['of bandwidth'] > 0


def test_without_a_gpu_or_nvcc_the_benchmark_is_one_line():
    result = subprocess.run([sys.executable, 'scripts/benchmark.py', 'cuda'], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, universal_newlines=True, cwd=os.path.dirname(HERE))
    if result.returncode == 0:
        pytest.skip('there is a GPU here')
    assert result.returncode == 2 and result.stdout == ''
    assert re.match(r'error: (CUDA: .+|no CUDA compiler: .+|.+nvcc.+)\n$', result.stderr)
