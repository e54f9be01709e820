"""How steady films are: closed forms on frames that move by whole pixels, files of flow, what fits not."""

import numpy as np
import pytest
from PIL import Image

cv2 = pytest.importorskip('cv2', reason="STEADINESS IS NOT TESTED: pip install 'resnet_in_tf[video]'")

from resnet_in_tf.errors import UserError  # noqa: E402
from resnet_in_tf.evaluation import steadiness  # noqa: E402


def texture(height=64, width=96, seed=0):
    noise = np.random.RandomState(seed).uniform(0, 255, [height // 4, width // 4, 3]).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.BICUBIC))


def write(folder, frames):
    folder.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(str(folder / ('%d.png' % number)))
    return str(folder)


def moving(picture, count=4, step=2):
    return [picture[:, step * number:step * number + 64] for number in range(count)]


def write_flow(path, step=2):
    values = np.zeros([64, 64, 2], np.float32)
    values[..., 0] = -step  # the window moves right, what it shows left
    values[0, 0] = 1e10
    cv2.writeOpticalFlow(str(path), values)
    return str(path)


def test_what_moves_with_the_film_is_steady_and_noise_is_told(tmp_path):
    picture = texture()
    source = write(tmp_path / 'source', moving(picture))
    negative = write(tmp_path / 'negative', moving(255 - picture))
    still = write(tmp_path / 'still', [picture[:, :64]] * 4)
    light = write(tmp_path / 'light', [np.full([64, 64, 3], 100 + 10 * (number % 2), np.uint8)
                                       for number in range(4)])
    rows = steadiness.measure(source, [negative, still, light])
    assert [row['frames'] for row in rows] == [4] * 4
    assert rows[0]['error'] < 6 and rows[1]['error'] == pytest.approx(rows[0]['error'], rel=0.05)
    assert rows[2]['error'] > 4 * rows[0]['error']  # it does not move as it should
    assert rows[3]['error'] == pytest.approx(10, abs=0.1) and rows[3]['detail'] == 0
    assert rows[1]['detail'] == pytest.approx(rows[0]['detail'])


def test_a_true_flow_is_taken_from_either_kind_of_file(tmp_path):
    picture = texture()
    source, result = [write(tmp_path / name, moving(each, 2)) for name, each in (
        ('source', picture), ('result', 255 - picture))]
    kitti = np.zeros([64, 64, 3], np.uint16)
    kitti[..., 2], kitti[..., 1], kitti[..., 0] = 2 ** 15 - 2 * 64, 2 ** 15, 1
    kitti[5, 5, 0] = 0
    cv2.imwrite(str(tmp_path / 'flow.png'), kitti)
    for path in (write_flow(tmp_path / 'flow.flo'), str(tmp_path / 'flow.png')):
        values, known = steadiness.read_flow(path)
        assert known.sum() == known.size - 1 and np.all(values[known] == [-2, 0]) and not values[~known].any()
        rows = steadiness.measure(source, [result], path)
        assert rows[0]['error'] == 0 and rows[1]['error'] == 0  # whole pixels, without any rounding


@pytest.mark.parametrize('count, size, flow, says', [
    (1, 64, None, 'fewer frames'), (4, 64, None, 'more frames'),
    (2, 32, None, 'has frames of 32x64'), (2, 64, 'junk', 'is neither a .flo'),
    (2, 64, 'small', 'is of 8x8 pixels'), (3, 64, 'true', 'is of two frames')])
def test_what_does_not_fit_is_one_line(tmp_path, count, size, flow, says):
    picture = texture()
    source = write(tmp_path / 'source', moving(picture, {1: 2, 4: 3}.get(count, count)))
    result = write(tmp_path / 'result', [frame[:, :size] for frame in moving(picture, count)])
    (tmp_path / 'junk').write_bytes(b'no flow')
    cv2.writeOpticalFlow(str(tmp_path / 'small.flo'), np.zeros([8, 8, 2], np.float32))
    write_flow(tmp_path / 'true.flo')
    path = flow and str(tmp_path / (flow if flow == 'junk' else flow + '.flo'))
    with pytest.raises(UserError, match=says) as caught:
        steadiness.measure(source, [result], path)
    assert '\n' not in str(caught.value)


def test_the_command_prints_a_table_and_writes_it(tmp_path):
    picture = texture()
    source, result = [write(tmp_path / name, moving(each, 2)) for name, each in (
        ('source', picture), ('result', 255 - picture))]
    lines = []
    steadiness.print_table(source, [result, source], None, str(tmp_path / 'table.csv'), lines.append)
    assert len(lines) == 4 and lines[2].split()[2] == '1.000'
    assert (tmp_path / 'table.csv').read_text().startswith('film,error,detail,frames')
