"""In which numbers a network is computed: float32, or bfloat16 where that can be had and is near enough."""

import collections

import numpy as np

from resnet_in_tf.errors import UserError

AUTO, BFLOAT16, FLOAT32 = PRECISIONS = ('auto', 'bfloat16', 'float32')
LEAST_PSNR = 45.0  # dB from float32 that `auto` asks of bfloat16: a mean error of 1.4 of 255
SAME_PSNR = 90.0  # dB that no bfloat16 reaches, with its 8 bits: who does has computed in float32
# What Linux calls instructions that multiply in bfloat16, in the order of their speed, and what people do.
INSTRUCTIONS = collections.OrderedDict([('amx_bf16', 'AMX'), ('avx512_bf16', 'AVX512_BF16')])
CPUINFO = '/proc/cpuinfo'

Choice = collections.namedtuple('Choice', 'name why')
Choice.__doc__ = """What a network is computed in.

Fields:
    name: 'bfloat16' or 'float32'.
    why: str, for people.
"""


def choose(asked, lack, measure):
    """Decides between bfloat16 and float32.

    Args:
        asked: one of PRECISIONS.
        lack: str, why bfloat16 cannot be had; None where it can.
        measure: function that gives how far the built-in picture is from float32 in bfloat16, PSNR in dB.

    Returns:
        Choice.

    Raises:
        UserError: an unknown precision, or bfloat16 is asked for and cannot be had.
    """
    if asked not in PRECISIONS:
        raise UserError('--precision %s: there are %s' % (asked, ', '.join(PRECISIONS)))
    if asked == FLOAT32:
        return Choice(FLOAT32, 'asked for')
    psnr = None if lack else measure()
    if psnr is not None and psnr > SAME_PSNR:
        lack = 'TensorFlow computes in float32 all the same; is oneDNN switched off (TF_ENABLE_ONEDNN_OPTS)?'
    if lack and asked == BFLOAT16:
        raise UserError('--precision bfloat16: %s; take float32 or auto' % lack)
    if lack:
        return Choice(FLOAT32, lack)
    near = psnr >= LEAST_PSNR
    why = '%s, and its pictures are %.1f dB from those of float32, %s the %g that auto asks for' % (
        'this processor has %s' % instructions(), psnr, 'at or above' if near else 'below', LEAST_PSNR)
    return Choice(BFLOAT16 if near or asked == BFLOAT16 else FLOAT32, why)


def is_half(choice):
    """Whether a choice is bfloat16."""
    return choice.name == BFLOAT16


def line(choice):
    """A choice as one line for people."""
    return 'precision %s: %s' % choice


def instructions():
    """What multiplies bfloat16 here, 'AMX' or 'AVX512_BF16'; None without, or where Linux does not tell."""
    try:
        with open(CPUINFO) as file:
            flags = next((text.partition(':')[2].split() for text in file if text.startswith('flags')), [])
    except OSError:
        return None
    return next((name for flag, name in INSTRUCTIONS.items() if flag in flags), None)


def lack_of_processor():
    """Why the processor has no fast bfloat16: str; None where it has."""
    return None if instructions() else 'this processor is not known to have %s' % ' or '.join(
        INSTRUCTIONS.values())


def test_picture(side=64):
    """The built-in picture: smooth colours, a disc with a hard edge, stripes ever finer, and grain.

    Returns:
        float32 [side, side, 3] in [0, 255].
    """
    rows, columns = np.mgrid[:side, :side] / side
    picture = np.stack([rows, columns, 1 - rows * columns], axis=2) * 200
    picture[(rows - 0.4) ** 2 + (columns - 0.6) ** 2 < 0.05] = (230, 180, 60)
    picture[side // 2:] += 40 * np.sin(60 * columns[side // 2:] ** 2)[:, :, None]
    picture += np.random.RandomState(0).randn(side, side, 3) * 12
    return np.clip(picture, 0, 255).astype(np.float32)


def psnr(one, other):
    """PSNR in dB of pictures in [0, 255]; infinite where they are equal."""
    error = np.mean((np.asarray(one, np.float64) - other) ** 2)
    return float(10 * np.log10(255 ** 2 / error)) if error else float('inf')
