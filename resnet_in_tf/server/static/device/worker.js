// The network in a thread of its own: photos come in, pictures go out, and the page never waits.
import {open} from './network.js';
import {Painter} from './painter.js';

const NO_MEMORY = 'This device has no memory left for this picture. Close other pages, or take a smaller photo.';
let site = null, ready = null;
const cancelled = new Set();
let queue = Promise.resolve();

self.onmessage = ({data: message}) => {
  if (message.kind === 'start') start(message);
  else if (message.kind === 'cancel') cancelled.add(message.id);
  else queue = queue.then(() => answer(message));
};

function start(message) {
  site = message.site;
  ready = open(site, message.base, message.wants, (done, total) => postMessage({kind: 'loading', done, total})).then(network => {
    postMessage({kind: 'ready', engine: network.engine});
    return new Painter(network.run, network.table, site.palettes, site.styles.length + 1);
  });
  ready.catch(error => postMessage({kind: 'failed', message: error.message}));
}

async function answer({kind, id, photo, order}) {
  try {
    const result = await (kind === 'frame' ? restyleFrame(photo, order) : restyle(id, photo, order));
    postMessage({kind: 'painted', id, result});
  } catch (error) {
    const text = String(error && error.message || error), spent = /memory|allocat|abort|unreachable/i.test(text);
    postMessage({kind: 'refused', id, spent, message: spent ? NO_MEMORY : text});
  }
  cancelled.delete(id);
}

async function restyle(id, photo, {weights, keepColor, size, format, quality, maxPixels}) {
  const painter = await ready;
  throwIfCancelled(id);
  const bitmap = await createImageBitmap(photo);
  const scale = Math.min(1, (size || Infinity) / Math.max(bitmap.width, bitmap.height));
  const source = strips(bitmap, Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const canvas = new OffscreenCanvas(source.width, source.height), pen = canvas.getContext('2d', {willReadFrequently: true});
  await painter.paint(source, (top, data) => pen.putImageData(
    new ImageData(data, source.width, data.length / source.width / 4), 0, top), {
    weights, keepColor, maxPixels: maxPixels || site.pixels,
    beforeTile: async (done, total) => {
      await new Promise(resolve => setTimeout(resolve)); // lets `cancel` in
      throwIfCancelled(id);
      if (total > 1) postMessage({kind: 'tile', id, done, total});
    },
  });
  bitmap.close();
  return canvas.convertToBlob({type: 'image/' + (format || 'jpeg'), quality: (quality || 92) / 100});
}

// A frame of a video, small enough for one pass: ImageData for ImageData.
async function restyleFrame({width, height, data}, {weights, keepColor}) {
  const painter = await ready;
  let painted;
  await painter.paint({width, height, read: () => data}, (top, rows) => painted = rows, {weights, keepColor, maxPixels: Infinity});
  return new ImageData(painted, width, height);
}

function throwIfCancelled(id) {
  if (cancelled.has(id)) throw new Error('cancelled');
}

// A picture whose pixels are read some rows at a time; what is transparent shows white.
function strips(bitmap, width, height) {
  let canvas = new OffscreenCanvas(width, 1);
  return {width, height, read(top, bottom) {
    if (canvas.height !== bottom - top) canvas = new OffscreenCanvas(width, bottom - top);
    const pen = canvas.getContext('2d', {willReadFrequently: true});
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, width, bottom - top);
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(bitmap, 0, -top, width, height);
    return pen.getImageData(0, 0, width, bottom - top).data;
  }};
}
