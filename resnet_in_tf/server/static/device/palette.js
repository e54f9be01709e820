// The closed form by which a picture takes on the palette of another, as resnet_in_tf/network/palette.py.

const EPSILON = 1e-4;
const TO_YUV = [[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]];
const TO_RGB = inverse(TO_YUV);
export const LUMA = TO_YUV[0];

function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [[e * i - f * h, c * h - b * i, b * f - c * e], [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d]].map(row => row.map(value => value / det));
}

function product(left, right) {
  return left.map(row => right[0].map((_, column) => row.reduce((sum, value, k) => sum + value * right[k][column], 0)));
}

function transposed(matrix) {
  return matrix[0].map((_, column) => matrix.map(row => row[column]));
}

function times(matrix, vector) {
  return matrix.map(row => row.reduce((sum, value, k) => sum + value * vector[k], 0));
}

// Mean of Y, U, V and the lower Cholesky factor of their covariance, nine numbers. `color(place, rgb)` writes the
// colour of one of `count` places, in [-1, 1].
export function paletteOf(count, color) {
  const rgb = [0, 0, 0], mean = [0, 0, 0], moments = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  for (let place = 0; place < count; place++) {
    color(place, rgb);
    for (let k = 0; k < 3; k++) {
      mean[k] += rgb[k];
      for (let j = 0; j <= k; j++) moments[k][j] += rgb[k] * rgb[j];
    }
  }
  const own = mean.map(value => value / count);
  const covariance = moments.map((row, k) => row.map(
    (_, j) => moments[Math.max(k, j)][Math.min(k, j)] / count - own[k] * own[j]));
  const yuv = product(product(TO_YUV, covariance), transposed(TO_YUV));
  return [...times(TO_YUV, own), ...factor(yuv)];
}

function factor(m) {
  const root = value => Math.sqrt(Math.max(value, 0.5 * EPSILON));
  const a = root(m[0][0] + EPSILON), b = m[1][0] / a, d = m[2][0] / a;
  const c = root(m[1][1] + EPSILON - b * b), e = (m[2][1] - d * b) / c;
  return [a, b, c, d, e, root(m[2][2] + EPSILON - d * d - e * e)];
}

function triangle([, , , a, b, c, d, e, f]) {
  return [[a, 0, 0], [b, c, 0], [d, e, f]];
}

// The map of colours, in [-1, 1], from a palette to another: {matrix: nine numbers, shift: three}.
export function mapTo(wanted, own) {
  const lower = product(triangle(wanted), inverse(triangle(own)));
  const moved = times(lower, own.slice(0, 3));
  return {
    matrix: product(product(TO_RGB, lower), TO_YUV).flat(),
    shift: times(TO_RGB, wanted.slice(0, 3).map((value, k) => value - moved[k])),
  };
}
