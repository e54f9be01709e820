// Restyles pixels with the network: whole, or in tiles whose statistics come from a smaller copy.
import {HALO, padded, plan, reducedCopy, spans} from './tiles.js';
import {LUMA, mapTo, paletteOf} from './palette.js';

export class Painter {
  // `run` takes 'whole' or 'tiles' and named inputs {data, dims}, and promises named outputs, Float32Arrays.
  // table: Float32Array [S, K]; palettes: a list of S lists of nine numbers, or null.
  constructor(run, table, palettes, styles) {
    Object.assign(this, {run, table, palettes, styles, size: table.length / styles});
  }

  // source: {width, height, read(top, bottom) -> RGBA}; sink(top, RGBA) takes rows from the top on.
  // weights: a number a style, the last of `identity`. beforeTile(done, total) may throw to end it.
  async paint(source, sink, {weights, keepColor, maxPixels, beforeTile = async () => {}}) {
    const rows = padded(source.height), columns = padded(source.width);
    const finish = {share: Math.min(1, Math.max(0, weights[weights.length - 1])) ** 2, keepColor};
    if (rows.index.length * columns.index.length <= maxPixels) {
      await beforeTile(0, 1);
      const data = source.read(0, source.height);
      const {painted, colors} = await this.whole({...source, data}, weights, rows, columns);
      const result = new Uint8ClampedArray(data.length);
      compose(result, 0, source.width, painted, columns.index.length, rows.before, columns.before, data,
        source.width, source.height, {...finish, colors});
      return sink(0, result);
    }
    const copy = reducedCopy(source, maxPixels);
    const {affine, colors} = await this.whole(copy, weights, padded(copy.height), padded(copy.width));
    await this.tiled(source, sink, rows, columns, affine, {...finish, colors}, maxPixels, beforeTile);
  }

  // A pass over a whole picture {width, height, data}.
  async whole(picture, weights, rows, columns) {
    const dims = [1, 3, rows.index.length, columns.index.length];
    const {painted, affine} = await this.run('whole', {
      image: {data: planar(picture.data, picture.width, 0, rows.index, columns.index), dims},
      row: {data: this.rowOf(weights), dims: [1, this.size]},
    });
    return {painted, affine, colors: this.palettes && this.colors(picture, painted, weights, rows, columns)};
  }

  async tiled(source, sink, rows, columns, affine, finish, maxPixels, beforeTile) {
    const height = rows.index.length, width = columns.index.length;
    const core = plan(height, width, maxPixels);
    const down = spans(height, core.height, HALO), across = spans(width, core.width, HALO);
    let done = 0;
    for (const y of down) {
      const wanted = rows.index.subarray(y.from, y.to);
      const first = wanted.reduce((a, b) => Math.min(a, b)), last = wanted.reduce((a, b) => Math.max(a, b)) + 1;
      const band = source.read(first, last);
      const top = Math.max(y.start - rows.before, 0), bottom = Math.min(y.stop - rows.before, source.height);
      const result = new Uint8ClampedArray(Math.max(0, bottom - top) * source.width * 4);
      for (const x of across) {
        await beforeTile(done++, down.length * across.length);
        const dims = [1, 3, y.to - y.from, x.to - x.from];
        const {painted} = await this.run('tiles', {
          image: {data: planar(band, source.width, first, wanted, columns.index.subarray(x.from, x.to)), dims},
          affine: {data: affine, dims: [1, this.size]},
        });
        const left = Math.max(x.start - columns.before, 0), right = Math.min(x.stop - columns.before, source.width);
        if (bottom > top && right > left) {
          compose(result, left, source.width, painted, x.to - x.from, top + rows.before - y.from,
            left + columns.before - x.from, band.subarray(((top - first) * source.width + left) * 4),
            right - left, bottom - top, finish);
        }
      }
      if (bottom > top) sink(top, result);
    }
  }

  // The mix of the styles' rows.
  rowOf(weights) {
    const row = new Float32Array(this.size);
    weights.forEach((weight, style) => {
      if (!weight) return;
      for (let k = 0; k < this.size; k++) row[k] += weight * this.table[style * this.size + k];
    });
    return row;
  }

  // The map of colours that gives what was painted the palette of the mix.
  colors({width, height, data}, painted, weights, rows, columns) {
    const wide = columns.index.length, plane = wide * rows.index.length;
    const own = paletteOf(width * height, (place, rgb) => {
      const at = (Math.floor(place / width) + rows.before) * wide + place % width + columns.before;
      for (let k = 0; k < 3; k++) rgb[k] = painted[k * plane + at];
    });
    const identity = weights.length - 1;
    const photo = weights[identity] ? paletteOf(width * height, (place, rgb) => {
      for (let k = 0; k < 3; k++) rgb[k] = data[place * 4 + k] / 127.5 - 1;
    }) : own;
    const wanted = photo.map((value, k) => weights.reduce(
      (sum, weight, style) => sum + weight * (style === identity ? value : this.palettes[style][k]), 0));
    return mapTo(wanted, own);
  }
}

// Rows and columns of RGBA pixels, the first row being `first`, as floats [3, H, W].
function planar(data, width, first, rows, columns) {
  const plane = rows.length * columns.length, result = new Float32Array(3 * plane);
  let place = 0;
  for (const row of rows) {
    const start = (row - first) * width;
    for (const column of columns) {
      const at = (start + column) * 4;
      result[place] = data[at];
      result[place + plane] = data[at + 1];
      result[place + 2 * plane] = data[at + 2];
      place++;
    }
  }
  return result;
}

// Writes `height` rows of `width` painted pixels, from (top, left) of what was painted, into a result of `stride`
// pixels a row, at its column `at`; `photo` has the same stride.
function compose(result, at, stride, painted, paintedWidth, top, left, photo, width, height, finish) {
  const {colors, share, keepColor} = finish, plane = painted.length / 3, rgb = [0, 0, 0], given = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (top + y) * paintedWidth + left + x, place = (y * stride + x) * 4;
      for (let k = 0; k < 3; k++) given[k] = painted[k * plane + from];
      for (let k = 0; k < 3; k++) {
        let value = given[k];
        if (colors) {
          const {matrix, shift} = colors;
          value = matrix[3 * k] * given[0] + matrix[3 * k + 1] * given[1] + matrix[3 * k + 2] * given[2] + shift[k];
          value = Math.min(1, Math.max(-1, value));
        }
        rgb[k] = (1 - share) * 127.5 * (value + 1) + share * photo[place + k];
      }
      let lighter = 0;
      if (keepColor) {
        for (let k = 0; k < 3; k++) lighter += LUMA[k] * (rgb[k] - photo[place + k]);
      }
      const to = place + at * 4;
      for (let k = 0; k < 3; k++) result[to + k] = keepColor ? photo[place + k] + lighter : rgb[k]; // rounds, clamps
      result[to + 3] = 255;
    }
  }
}
