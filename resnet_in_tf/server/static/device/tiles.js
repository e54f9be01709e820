// Where tiles lie and what they are given, as resnet_in_tf/tiles has it: the same numbers to the pixel.

const STEP = 4; // pixels: the network works at a quarter of the size
const SMALLEST = 16;
export const HALO = 60; // how far an output pixel sees

// Which pixels stand in a row of the picture once its edges are reflected to the network's grid.
export function padded(length) {
  const target = Math.max(SMALLEST, Math.ceil(length / STEP) * STEP);
  const before = Math.floor((target - length) / 2), period = Math.max(2 * (length - 1), 1);
  const index = Int32Array.from({length: target}, (_, place) => {
    const far = (((place - before) % period) + period) % period;
    return Math.min(far, period - far);
  });
  return {index, before};
}

function evenShare(length, parts) {
  return Math.ceil(length / (parts * STEP)) * STEP;
}

// Pairs of a core and a core with its halo along one side.
export function spans(length, step, halo) {
  const found = [];
  for (let start = 0; start < length; start += step) {
    const stop = Math.min(start + step, length);
    found.push({start, stop, from: Math.max(start - halo, 0), to: Math.min(start + step + halo, length)});
  }
  return found;
}

function computedPixels(height, width, tileHeight, tileWidth, halo) {
  const sum = (length, step) => spans(length, step, halo).reduce((all, {from, to}) => all + to - from, 0);
  return sum(height, tileHeight) * sum(width, tileWidth);
}

// The tiles of at most so many pixels, halos and all, that compute the fewest: {height, width} of a core.
export function plan(height, width, maxPixels, halo = HALO) {
  let best = null, least = Infinity;
  for (let columns = 1; columns <= Math.ceil(width / STEP); columns++) {
    const tileWidth = evenShare(width, columns);
    const across = Math.min(width, tileWidth + 2 * halo);
    const room = Math.floor(Math.floor(maxPixels / across) / STEP) * STEP;
    const tall = room >= height ? height : room - 2 * halo;
    if (tall < STEP) continue;
    const tileHeight = evenShare(height, Math.ceil(height / tall));
    const cost = computedPixels(height, width, tileHeight, tileWidth, halo);
    if (cost > 2 * least) break; // ever narrower tiles only get worse
    if (cost < least) {
      best = {height: tileHeight, width: tileWidth};
      least = cost;
    }
  }
  return best;
}

// A smaller copy of a picture, antialiased, read in strips: means over blocks, then a triangle filter.
export function reducedCopy(source, maxPixels) {
  const factor = Math.sqrt(source.height * source.width / maxPixels);
  const whole = Math.max(1, Math.floor(factor / 2));
  const wide = Math.ceil(source.width / whole), tall = Math.ceil(source.height / whole);
  const width = Math.max(1, Math.floor(source.width / factor));
  const height = Math.max(1, Math.floor(source.height / factor));
  const across = triangle(wide, width), down = triangle(tall, height);
  const narrow = new Uint8ClampedArray(tall * width * 3), line = new Float32Array(wide * 3);
  const step = Math.ceil(256 / whole) * whole;
  for (let top = 0; top < source.height; top += step) {
    const bottom = Math.min(top + step, source.height), rows = source.read(top, bottom);
    for (let row = top; row < bottom; row += whole) {
      blockMeans(rows, source.width, row - top, Math.min(row + whole, bottom) - top, whole, line);
      filterLine(line, across, narrow, row / whole * width * 3);
    }
  }
  const data = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let y = 0; y < height; y++) {
    const {first, shares} = down[y];
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let k = 0; k < shares.length; k++) sum += shares[k] * narrow[((first + k) * width + x) * 3 + channel];
        data[(y * width + x) * 4 + channel] = sum; // rounds
      }
    }
  }
  return {width, height, data};
}

// The mean of every block of `whole` columns over some rows of RGBA, into [columns, 3].
function blockMeans(rows, width, from, to, whole, line) {
  for (let left = 0, block = 0; left < width; left += whole, block++) {
    const right = Math.min(left + whole, width), count = (right - left) * (to - from);
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let y = from; y < to; y++) {
        for (let x = left; x < right; x++) sum += rows[(y * width + x) * 4 + channel];
      }
      line[block * 3 + channel] = Math.round(sum / count);
    }
  }
}

function filterLine(line, filter, result, place) {
  for (let x = 0; x < filter.length; x++) {
    const {first, shares} = filter[x];
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let k = 0; k < shares.length; k++) sum += shares[k] * line[(first + k) * 3 + channel];
      result[place + x * 3 + channel] = sum;
    }
  }
}

// For each of `to` places the shares of `from` places under a triangle: a linear filter that antialiases.
function triangle(from, to) {
  const scale = from / to, support = Math.max(scale, 1);
  return Array.from({length: to}, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(Math.floor(center - support + 0.5), 0);
    const last = Math.min(Math.floor(center + support + 0.5), from);
    const shares = [];
    for (let k = first; k < last; k++) shares.push(Math.max(0, 1 - Math.abs((k + 0.5 - center) / support)));
    const sum = shares.reduce((all, share) => all + share, 0);
    return {first, shares: shares.map(share => share / sum)};
  });
}
