"""Which precision a network runs in, and why: the rule itself, on known answers."""

import numpy as np
import pytest

from resnet_in_tf.errors import UserError
from resnet_in_tf.restyling import precision

INF = float('inf')


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    """Returns a function that makes the processor one with these flags, as Linux tells them."""
    def give(flags):
        path = tmp_path / 'cpuinfo'
        path.write_text('processor\t: 0\nflags\t\t: fpu %s sse\nbugs\t\t: amx_bf16_bug\n' % flags)
        monkeypatch.setattr(precision, 'CPUINFO', str(path))
    return give


@pytest.mark.parametrize('flags, name', [
    ('avx512_bf16 amx_tile amx_bf16', 'AMX'), ('avx512f avx512_bf16', 'AVX512_BF16'),
    ('avx512f amx_int8', None)])
def test_the_processors_instructions_are_read_from_its_flags(cpuinfo, flags, name):
    cpuinfo(flags)
    assert precision.instructions() == name
    assert (precision.lack_of_processor() is None) == (name is not None)


def test_a_system_that_does_not_tell_lacks_them(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, 'CPUINFO', str(tmp_path / 'none'))
    assert precision.instructions() is None
    assert precision.lack_of_processor() == 'this processor is not known to have AMX or AVX512_BF16'


@pytest.mark.parametrize('asked, lack, psnr, name, why', [
    ('float32', None, None, 'float32', 'asked for'),
    ('float32', 'none here', None, 'float32', 'asked for'),
    ('auto', 'none here', None, 'float32', 'none here'),
    ('auto', None, 45.0, 'bfloat16', 'has AMX, and its pictures are 45.0 dB from those of float32, at or '),
    ('auto', None, 44.9, 'float32', '44.9 dB from those of float32, below the 45 that auto asks for'),
    ('auto', None, INF, 'float32', 'computes in float32 all the same'),
    ('bfloat16', None, 54.2, 'bfloat16', '54.2 dB from those of float32, at or above'),
    ('bfloat16', None, 30.0, 'bfloat16', '30.0 dB from those of float32, below')])
def test_the_rule(cpuinfo, asked, lack, psnr, name, why):
    cpuinfo('amx_bf16')

    def measure():
        assert psnr is not None, 'measured for nothing'
        return psnr

    choice = precision.choose(asked, lack, measure)
    assert choice.name == name and why in choice.why
    assert precision.is_half(choice) == (name == 'bfloat16')
    assert precision.line(choice) == 'precision %s: %s' % choice


@pytest.mark.parametrize('asked, lack, psnr, message', [
    ('float16', None, 50, '--precision float16: there are auto, bfloat16, float32'),
    ('bfloat16', 'none here', 50, '--precision bfloat16: none here; take float32 or auto'),
    ('bfloat16', None, 120, '--precision bfloat16: TensorFlow computes in float32 all the same.*; take ')])
def test_what_cannot_be_had_is_one_line(asked, lack, psnr, message):
    with pytest.raises(UserError, match='^' + message) as caught:
        precision.choose(asked, lack, lambda: psnr)
    assert '\n' not in str(caught.value)


def test_psnr_has_its_closed_form():
    black = np.zeros([4, 4, 3], np.float32)
    assert precision.psnr(black, black + 25.5) == pytest.approx(20)
    assert precision.psnr(black, black) == INF


def test_the_built_in_picture_uses_the_range_and_is_the_same_each_time():
    picture = precision.test_picture()
    assert picture.shape == (64, 64, 3) and picture.dtype == np.float32
    assert picture.min() == 0 and picture.max() > 240 and len(np.unique(picture.astype(int))) > 200
    assert (precision.test_picture() == picture).all()
