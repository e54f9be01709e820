"""The kernel is compiled once, kept whole, and done without where it cannot be had."""

import ctypes
import functools
import glob
import logging
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.instance_norm import build, cache, compiler, fused, instance_norm

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path / 'cache'))
    return str(tmp_path / 'cache')


@pytest.fixture
def unloaded(monkeypatch):
    """Forgets for one test what this process has found out about the op; a library loads but once."""
    monkeypatch.setattr(fused, '_load', functools.lru_cache(maxsize=None)(fused._load.__wrapped__))


def script(path, text):
    """Writes an executable shell script and returns its path."""
    path.write_text('#!/bin/sh\n' + text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope='module')
def library():
    """The real library, from the cache of whoever runs the tests."""
    return cache.build()


@pytest.fixture
def copying_compiler(library, tmp_path):
    """A compiler that notes its run in the file `runs` and copies the real library."""
    runs = tmp_path / 'runs'
    compiler_path = script(tmp_path / 'compiler', """
        [ "$1" = --version ] && { echo copying 1.0; exit; }
        while [ "$1" != -o ]; do shift; done
        echo run >> %s
        cp %s "$2"
        """ % (runs, library))
    return compiler_path, runs


def ops_of_auto():
    """The op types of a graph with one instance norm of impl='auto'."""
    with tf.Graph().as_default() as graph:
        instance_norm(tf.zeros([1, 4, 4, 2]), tf.ones([2]), tf.zeros([2]))
        return {operation.type for operation in graph.get_operations()}


def run_python(*arguments, **environment):
    return subprocess.Popen([sys.executable] + list(arguments), cwd=ROOT,
                            env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', **environment),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


def test_auto_is_the_fused_op_where_it_can_be_built():
    assert fused.OP in ops_of_auto()


def test_second_build_takes_the_first_one_s_file(folder, copying_compiler, monkeypatch):
    path, runs = copying_compiler
    monkeypatch.setenv('CXX', path)
    assert cache.build() == cache.build()
    assert runs.read_text() == 'run\n'
    assert glob.glob(folder + '/*') == [cache.build()]


def test_other_flags_or_sources_make_another_file(folder, copying_compiler, monkeypatch):
    monkeypatch.setenv('CXX', copying_compiler[0])
    paths = {cache.build()}
    for part, value in (('FLAGS', ('-O1',)), ('SOURCES', compiler.SOURCES[:1] * 3)):
        monkeypatch.setattr(compiler, part, value)
        paths.add(cache.build())
    assert len(paths) == 3


def test_processes_that_build_at_once_leave_one_good_file(folder, copying_compiler):
    code = 'from resnet_in_tf.instance_norm import cache; print(cache.build(again=True))'
    processes = [run_python('-c', code, CXX=copying_compiler[0]) for _ in range(3)]
    paths = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert glob.glob(folder + '/*') == list(paths)
    assert len(copying_compiler[1].read_text().split()) == 3


def test_damaged_file_in_the_cache_is_built_anew(folder, copying_compiler, monkeypatch):
    monkeypatch.setenv('CXX', copying_compiler[0])
    with open(cache.build(), 'wb') as file:
        file.write(b'not a library')
    code = 'from resnet_in_tf.instance_norm import load_op; print(load_op() is not None)'
    process = run_python('-c', code)
    assert process.communicate()[0].strip() == 'True'
    assert os.path.getsize(cache.build()) > 10000


@pytest.mark.parametrize('size', [0, 1, 4096, 20000])
def test_file_cut_short_in_the_cache_is_removed_and_built_anew(folder, copying_compiler, monkeypatch,
                                                               library, size):
    monkeypatch.setenv('CXX', copying_compiler[0])
    os.truncate(cache.build(), size)  # loading it would end the process by a signal
    with open(cache.build(), 'rb') as file, open(library, 'rb') as whole:
        assert file.read() == whole.read()
    assert os.listdir(folder) == [os.path.basename(library)]


def test_what_was_built_ahead_is_used_without_a_compiler(folder, copying_compiler, monkeypatch):
    monkeypatch.setenv('CXX', copying_compiler[0])
    path = cache.build()
    monkeypatch.setenv('CXX', 'no-such-compiler')
    assert cache.build() == path


def test_no_compiler_means_the_reference_and_one_line(folder, unloaded, monkeypatch, caplog):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    with caplog.at_level(logging.WARNING, 'resnet_in_tf'):
        assert fused.OP not in ops_of_auto()
        assert fused.OP not in ops_of_auto()
    lines = [record.getMessage() for record in caplog.records if record.name == 'resnet_in_tf']
    assert lines == ['instance norm runs in plain TensorFlow, slower: '
                     'no C++ compiler (no-such-compiler)']
    with pytest.raises(RuntimeError, match="impl='fused' needs the compiled kernel"):
        fused.is_chosen('fused')


def test_cache_folder_that_cannot_be_written_is_named(tmp_path, unloaded, monkeypatch, caplog):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('RESNET_IN_TF_CACHE', str(tmp_path / 'file' / 'cache'))
    with pytest.raises(compiler.BuildError, match='cache folder .*file/cache: Not a directory'):
        cache.build()
    assert fused.OP not in ops_of_auto()


def test_failed_compilation_gives_its_first_error_and_leaves_nothing(folder, tmp_path, monkeypatch):
    monkeypatch.setenv('CXX', script(tmp_path / 'full', """
        [ "$1" = --version ] && { echo full 1.0; exit; }
        echo 'note: working' >&2
        echo 'error: No space left on device' >&2
        exit 1
        """))
    with pytest.raises(compiler.BuildError, match='full failed: error: No space left on device$'):
        cache.build()
    assert os.listdir(folder) == []


@pytest.mark.parametrize('has_gpu_kernels', [False, True])
def test_op_without_a_gpu_kernel_stays_out_of_a_graph_for_the_gpu(monkeypatch, has_gpu_kernels):
    op = fused.load_op()
    monkeypatch.setattr(fused, 'gpu_is_visible', lambda: True)
    monkeypatch.setattr(fused, '_load', lambda: (op, has_gpu_kernels))
    assert (fused.OP in ops_of_auto()) == has_gpu_kernels


def test_command_without_a_compiler_ends_with_one_line(folder, monkeypatch, capsys):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    assert build.main(['--gpu', 'no']) == 2
    assert capsys.readouterr().err == 'error: no C++ compiler (no-such-compiler)\n'


@pytest.mark.slow
def test_command_builds_a_library_that_works(folder):
    process = run_python('-W', 'error::RuntimeWarning', '-m', 'resnet_in_tf.instance_norm.build',
                         '--gpu', 'no')
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    path = output.split('built ')[1].strip()
    assert os.path.dirname(path) == folder
    code = ('import tensorflow.compat.v1 as tf; op = tf.load_op_library(%r)\n'
            'with tf.Graph().as_default(), tf.Session() as session:\n'
            '    y = op.resnet_in_instance_norm([[[[3.0], [7.0]]]], [1.0], [0.0]).y\n'
            '    print(session.run(y).ravel().tolist())' % path)
    values = run_python('-c', code).communicate()[0]
    np.testing.assert_allclose([float(v) for v in values.strip()[1:-1].split(',')], [-1, 1], 1e-5)


@pytest.mark.slow
@pytest.mark.skipif(compiler.find_cuda() is None, reason='needs nvcc')
def test_cuda_kernels_compile_with_their_launchers_and_registration(tmp_path, monkeypatch):
    monkeypatch.setattr(compiler, 'CAPABILITIES', ('80',))
    output = str(tmp_path / 'library.so')
    compiler.compile_library(compiler.find_compiler(), compiler.find_cuda(), str(tmp_path), output)
    code = ("import tensorflow.compat.v1 as tf; tf.load_op_library(%r)\n"
            'from tensorflow.python.framework import kernels\n'
            'for op in (%r, %r):\n'
            '    found = kernels.get_registered_kernels_for_op(op).kernel\n'
            "    print(' '.join(sorted(kernel.device_type for kernel in found)))"
            % (output, fused.OP, fused.OP + 'Grad'))
    assert run_python('-c', code).communicate()[0].splitlines()[-2:] == ['CPU GPU', 'CPU GPU']


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('g++') is None or not sys.platform.startswith('linux'),
                    reason='needs g++')
def test_every_set_of_instructions_gives_the_same(tmp_path):
    # The kernels for older processors, called through a shim: this processor would not choose them.
    sources = os.path.dirname(compiler.path_of('x'))
    (tmp_path / 'shim.cc').write_text("""
        #include "instance_norm_cpu.cc"
        using namespace resnet_in;
        template <template <bool> class Set>
        void Run(const Part& part, double* mean, double* deviations, double* sum, double* product,
                 float* y, float* dx) {
          Kernels kernels = Set<true>::All();
          kernels.statistics(part, mean, deviations);
          kernels.normalize(part, y);
          kernels.gradient_sums(part, sum, product);
          kernels.gradient(part, dx);
        }
        extern "C" int run(int set, const Part* part, double* doubles, float* y, float* dx) {
          const long long c = part->channels;
          double *a = doubles, *b = a + c, *s = b + c, *p = s + c;
          if (set == 0) Run<Plain>(*part, a, b, s, p, y, dx);
        #if defined(__x86_64__)
          if (set == 1 && !__builtin_cpu_supports("avx2")) return 1;
          if (set == 1) Run<Avx2>(*part, a, b, s, p, y, dx);
          if (set == 2 && !__builtin_cpu_supports("avx512f")) return 1;
          if (set == 2) Run<Avx512>(*part, a, b, s, p, y, dx);
        #else
          if (set) return 1;
        #endif
          return 0;
        }
        """)
    library = str(tmp_path / 'shim.so')
    compiler.run(['g++'] + list(compiler.FLAGS) + ['-I' + sources, str(tmp_path / 'shim.cc'), '-o',
                                                   library])
    run = ctypes.CDLL(library).run
    random = np.random.RandomState(0)
    positions, channels = 201, 77
    x, dy = [random.randn(positions, channels).astype(np.float32) for _ in range(2)]
    constants = [random.randn(channels).astype(np.float32) for _ in range(5)]

    class Part(ctypes.Structure):
        _fields_ = [(name, ctypes.c_void_p) for name in ('x', 'dy')] + [
            (name, ctypes.c_int64) for name in ('positions', 'channels')] + [
            (name, ctypes.c_void_p) for name in ('mean', 'scale', 'shift', 'slope', 'offset')]

    part = Part(x.ctypes.data, dy.ctypes.data, positions, channels,
                *[each.ctypes.data for each in constants])
    results = []
    for instructions in range(3):
        doubles, y, dx = np.empty([4, channels]), np.empty_like(x), np.empty_like(x)
        if run(instructions, ctypes.byref(part),
               *[ctypes.c_void_p(each.ctypes.data) for each in (doubles, y, dx)]) == 0:
            results.append((doubles, y, dx))
    for other in results[1:]:
        for expected, got in zip(results[0], other):
            np.testing.assert_array_equal(got, expected)
    np.testing.assert_allclose(results[0][0][0], x.mean(0, np.float64), rtol=0, atol=1e-6)
    np.testing.assert_allclose(results[0][0][1] / positions, x.var(0, np.float64), rtol=1e-5)
