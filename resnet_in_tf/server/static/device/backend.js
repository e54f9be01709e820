// What goes between the page and the network where it runs on this device: the same calls as server.js.
'use strict';

const onDevice = {
  base: '', // address of the site's files, seen from the page
  engine: '', // what runs the network, once it is there
  cannot: null, // function of a text, where somebody else can do the work
  // As in server.js; a pass that runs cannot be broken off, so that the sharp one is not large.
  QUICK: {side: 320, delay: 120},
  SHARP: {side: 576, delay: 700},
  largest: 'the largest that goes in a browser',
  hint: 'It stays on this device: the network runs in this page.',
  failed: 'The network did not load. Check the connection and reload the page.',
  waiting: new Map(), // what was asked and not answered, by number
  worker: null,
  asked: 0,

  async styles() {
    if (!this.base && await this.comesAgain()) return new Promise(() => {}); // the page is on its way out
    const response = await fetch(this.base + 'site.json').catch(() => ({ok: false}));
    if (!response.ok) throw new Error(this.failed);
    this.site = await response.json();
    this.start();
    return {styles: this.site.styles.map(style => ({...style})), limits: {result_pixels: this.site.result_pixels, style_images: 0}};
  },

  // The service worker keeps the page for when there is no network, and isolates it, so that threads may run: for
  // that, the first visit loads the page twice, before anybody could have chosen a photo.
  async comesAgain() {
    if (!navigator.serviceWorker) return false;
    try {
      const registered = navigator.serviceWorker.register('service_worker.js');
      registered.catch(() => {}); // offline, what is there does
      if (navigator.serviceWorker.controller && self.crossOriginIsolated) return false;
      await registered;
      await Promise.race([new Promise(resolve => navigator.serviceWorker.controller ? resolve()
        : navigator.serviceWorker.addEventListener('controllerchange', resolve)),
      new Promise(resolve => setTimeout(resolve, 10000))]);
      if (self.crossOriginIsolated || !navigator.serviceWorker.controller || sessionStorage.cameAgain) return false;
      sessionStorage.cameAgain = 'yes';
      location.reload();
      return true;
    } catch (error) {
      return false; // offline comes to nothing, the rest works
    }
  },

  start() {
    if (this.worker) this.worker.terminate();
    this.worker = new Worker('static/device/worker.js', {type: 'module'});
    this.worker.onmessage = ({data}) => this.hear(data);
    this.worker.onerror = () => this.hear({kind: 'failed', message: 'This browser cannot run the network. '
      + 'Take a current Chrome, Edge, Firefox or Safari.'});
    this.worker.postMessage({kind: 'start', site: this.site, base: new URL(this.base || '.', location.href).href,
      wants: Object.fromEntries(new URLSearchParams(location.search))});
  },

  hear(message) {
    if (message.kind === 'ready') this.engine = message.engine;
    if (message.kind === 'failed' && this.cannot) {
      this.giveUp(message.message);
      return this.cannot(message.message);
    }
    if (backend !== this && !message.id) return; // the page is told when it comes back
    if (message.kind === 'loading') {
      $('loading').hidden = $('loaded').hidden = false;
      $('loaded').value = message.done / message.total;
      $('loading-text').textContent = 'Fetching the network, once: ' + megabytes(message.done) + ' of '
        + megabytes(message.total) + ' MB';
    } else if (message.kind === 'ready') {
      $('loading').hidden = true;
      if ($('status').classList.contains('alarm')) say('');
      this.tell();
    } else if (message.kind === 'failed') {
      $('loading').hidden = $('retry').hidden = false;
      $('loaded').hidden = true;
      $('loading-text').textContent = '';
      this.giveUp(message.message);
      say(message.message, true);
    } else if (this.waiting.has(message.id)) {
      const asked = this.waiting.get(message.id);
      if (message.kind === 'tile') return asked.onTile(message);
      this.waiting.delete(message.id);
      if (message.kind === 'painted') asked.resolve(message.result);
      else asked.reject(new Error(message.message));
      if (message.spent) { // without memory the network may be left half done: a fresh one
        this.giveUp(message.message);
        this.start();
      }
    }
  },

  // Says what runs the network.
  tell() {
    $('engine').textContent = this.engine ? 'Runs on this device: ' + this.engine + '.' : 'Runs on this device, once the network is here.';
  },

  // Tells all who wait that nothing comes.
  giveUp(text) {
    for (const each of this.waiting.values()) each.reject(new Error(text));
    this.waiting.clear();
  },

  retry() {
    $('retry').hidden = true;
    this.start();
    refresh();
  },

  // Whether a photo goes as it is: the worker opens what the page could open.
  takes() {
    return true;
  },

  // Asks for a restyled picture. Throws an Error whose message is for people.
  stylize(photo, order, signal) {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      const onTile = ({done, total}) => order.size && say('Painting at full size: part ' + (done + 1) + ' of ' + total + ' …');
      this.waiting.set(id, {resolve, reject, onTile});
      signal.addEventListener('abort', () => {
        if (!this.waiting.delete(id)) return;
        this.worker.postMessage({kind: 'cancel', id});
        reject(new DOMException('cancelled', 'AbortError'));
      });
      this.worker.postMessage({kind: 'paint', id, photo, order: {weights: this.weights(order), keepColor: order.preserve_color,
        size: order.size, format: order.format, quality: order.quality, maxPixels: this.maxPixels}});
    });
  },

  // Asks for a restyled frame of a video: ImageData for ImageData.
  frame(picture, order) {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, {resolve, reject});
      this.worker.postMessage({kind: 'frame', id, photo: picture, order: {weights: this.weights(order),
        keepColor: order.preserve_color}}, [picture.data.buffer]);
    });
  },

  // The weights of an order: the shares of its styles, made to sum to its strength, and the rest to `identity`.
  weights({style, strength}) {
    const weights = new Array(this.site.styles.length + 1).fill(0);
    const shares = style.split(',').map(text => text.split(':').map(Number));
    const sum = shares.reduce((all, [, share]) => all + share, 0);
    for (const [number, share] of shares) weights[number - 1] += strength * share / sum;
    weights[weights.length - 1] = 1 - strength;
    return weights;
  },
};

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

var backend = self.backend || onDevice; // the server's, where there is one
