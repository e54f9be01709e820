// What goes to the network and in what order: photos made small, requests that overtake each other.
'use strict';

const api = {
  // Opens a file as an image. Throws an Error whose message is for people.
  async open(file) {
    const image = new Image();
    image.src = URL.createObjectURL(file);
    try {
      await image.decode();
      return image;
    } catch (error) {
      URL.revokeObjectURL(image.src);
      throw new Error('“' + (file.name || 'This file') + '” is not a picture that this browser can open. '
        + 'Choose a JPEG or PNG.');
    }
  },

  // Draws an image, upright, with a long side of at most `side`, and makes a JPEG of it.
  async shrink(image, side) {
    const scale = Math.min(1, side / Math.max(image.naturalWidth, image.naturalHeight));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    const pen = canvas.getContext('2d');
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve, reject) => canvas.toBlob(
      blob => blob ? resolve(blob) : reject(new Error('This picture is too large for the browser.')),
      'image/jpeg', 0.95));
  },

  // The long side that keeps a picture within so many pixels.
  fittingSide(width, height, pixels) {
    const side = Math.max(width, height);
    return Math.min(side, Math.floor(side * Math.sqrt(pixels / (width * height))));
  },
};

// Runs the newest of many requests: waits for a pause, and drops what was asked before.
class Newest {
  constructor() {
    this.timer = 0;
    this.controller = null;
  }

  cancel() {
    clearTimeout(this.timer);
    if (this.controller) this.controller.abort();
    this.controller = null;
  }

  // `work` gets an AbortSignal; its answer reaches `done` only if nothing newer was asked since.
  ask(delay, work, done, failed) {
    this.cancel();
    this.timer = setTimeout(async () => {
      const controller = this.controller = new AbortController();
      try {
        const answer = await work(controller.signal);
        if (!controller.signal.aborted) done(answer);
      } catch (error) {
        if (!controller.signal.aborted) failed(error);
      }
    }, delay);
  }
}
