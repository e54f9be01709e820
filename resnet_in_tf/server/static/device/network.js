// Fetches what runs the network, once, and opens it: on the GPU where the browser has WebGPU, else in WebAssembly.

const THREADS = 4; // at most: a phone's other cores are slow ones
const PROBE = 32; // pixels: side of the picture by which a GPU is tried
const CLOSE = 2 / 127.5; // 2 of 255

// Bytes of a file {path, bytes, sha256} of a site, from the browser's cache or fetched into it.
async function fetchKept(file, base, cacheName, onBytes) {
  const cache = self.caches && await caches.open(cacheName), url = base + file.path;
  const kept = cache && await cache.match(url);
  if (kept) {
    const data = new Uint8Array(await kept.arrayBuffer());
    if (data.length === file.bytes) {
      onBytes(data.length, false);
      return data;
    }
  }
  const data = new Uint8Array(file.bytes);
  let length = 0;
  try {
    const response = await fetch(url, {cache: 'no-store'});
    if (!response.ok) throw new Error('the server answered ' + response.status);
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (length + part.value.length > data.length) throw new Error('it is longer than it should be');
      data.set(part.value, length);
      length += part.value.length;
      onBytes(part.value.length, true);
    }
    if (length < data.length) throw new Error('it was cut short');
    if (!await isWhole(data, file.sha256)) throw new Error('it came damaged');
  } catch (error) {
    onBytes(-length, true);
    throw new Error('The network did not come (' + file.path.replace(/.*\//, '') + ': ' + error.message
      + '). Check the connection and try again.');
  }
  if (cache) await cache.put(url, new Response(data)).catch(() => {}); // a full disk costs the next visit
  return data;
}

// Browsers tell checksums on https and on this machine alone.
async function isWhole(data, sha256) {
  if (!self.crypto || !crypto.subtle) return true;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('') === sha256;
}

// Whether there is a real GPU behind WebGPU.
async function hasGpu() {
  try {
    const adapter = self.navigator.gpu && await navigator.gpu.requestAdapter();
    return Boolean(adapter && !(adapter.info && adapter.info.isFallbackAdapter) && !adapter.isFallbackAdapter);
  } catch (error) {
    return false;
  }
}

// Opens the network of a site (site.json) at the address `base`. onProgress(bytes, of) follows what is fetched.
// `wants` are the words of the page's address: gpu=no, threads=1. Promises {run, table, engine}: `run` as Painter takes it, `engine` a text for people.
export async function open(site, base, wants, onProgress) {
  const gpu = wants.gpu !== 'no' && await hasGpu(), runtime = site.runtimes[gpu ? 'webgpu' : 'wasm'];
  const files = [runtime.wasm, site.files.weights, site.files.whole, site.files.tiles, site.files.styles];
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  let fetched = 0, fresh = false;
  const count = (bytes, isFresh) => {
    fetched += bytes;
    fresh = fresh || isFresh;
    if (fresh) onProgress(fetched, total); // what is kept is there at once
  };
  const got = await Promise.allSettled(files.map(
    file => fetchKept(file, base, site.cache + ' ' + base, count)));
  const failed = got.find(each => each.status === 'rejected');
  if (failed) throw failed.reason;
  const [wasm, weights, whole, tiles, styles] = got.map(each => each.value);
  const ort = await import(base + runtime.script);
  ort.env.logLevel = 'error';
  Object.assign(ort.env.wasm, {wasmBinary: wasm, wasmPaths: {mjs: base + runtime.glue},
    numThreads: self.crossOriginIsolated ? Math.min(Number(wants.threads) || THREADS, navigator.hardwareConcurrency || 1) : 1});
  const graphs = {whole, tiles};

  const start = (name, provider) => ort.InferenceSession.create(graphs[name], {
    executionProviders: [provider], externalData: [{path: site.weights, data: weights}],
    enableMemPattern: false, logSeverityLevel: 3});

  async function runOn(provider) {
    const sessions = {};
    return async (name, inputs) => {
      if (!sessions[name]) sessions[name] = await start(name, provider);
      const feeds = {};
      for (const key of Object.keys(inputs)) feeds[key] = new ort.Tensor('float32', inputs[key].data, inputs[key].dims);
      const outputs = await sessions[name].run(feeds), result = {};
      for (const key of Object.keys(outputs)) {
        result[key] = outputs[key].data;
        if (provider !== 'wasm') outputs[key].dispose();
      }
      return result;
    };
  }

  const table = new Float32Array(styles.buffer, styles.byteOffset, styles.byteLength / 4);
  const inWasm = await runOn('wasm');
  const threads = ort.env.wasm.numThreads;
  const cpu = {run: inWasm, table, engine: 'WebAssembly, ' + (threads > 1 ? threads + ' threads' : 'one thread')};
  if (!gpu) return cpu;
  const onGpu = await runOn('webgpu');
  return await agree(onGpu, inWasm, table.length / site.styles.length, table) ? {run: onGpu, table, engine: 'WebGPU'} : cpu;
}

// Whether a GPU paints what the processor paints: drivers differ, and some are wrong.
async function agree(onGpu, inWasm, size, table) {
  const data = Float32Array.from({length: 3 * PROBE * PROBE}, (_, place) => (place * 37 + (place >> 5) * 11) % 256);
  const inputs = {image: {data, dims: [1, 3, PROBE, PROBE]}, row: {data: table.slice(0, size), dims: [1, size]}};
  try {
    const [one, other] = [await onGpu('whole', inputs), await inWasm('whole', inputs)];
    return one.painted.every((value, place) => Math.abs(value - other.painted[place]) <= CLOSE);
  } catch (error) {
    return false;
  }
}
