// The page: a photo, a style mix, a preview that follows, and the result at full size.
'use strict';

const $ = id => document.getElementById(id);
const state = {limits: null, styles: [], chosen: new Map(), photo: null, image: null, small: {}};
const NO_SHARE = 'All shares are zero: raise one of them.';
const preview = new Newest();
let downloading = null; // AbortController of the full-size request

function say(text, alarm) {
  $('status').textContent = text;
  $('status').classList.toggle('alarm', Boolean(alarm));
}

function percent(input) {
  return input.value + ' %';
}

function title(name) {
  const words = name.replace(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// Styles

async function loadStyles() {
  $('hint').textContent = backend.hint;
  let known;
  try {
    known = await backend.styles();
  } catch (error) {
    return say(error.message, true);
  }
  state.styles = known.styles;
  for (const style of state.styles) $('styles').append(addButton(style));
  if (!known.limits.style_images) $('add-painting').remove();
  select([[state.styles[0], 100]]);
  if (known.device) return offerDevice(known);
  take(known.limits);
  refresh();
}

// Shows what the backend at hand can do.
function take(limits) {
  state.limits = limits;
  $('hint').textContent = backend.hint;
  showPaintings();
  showRegionTools();
  showLooks();
  offerLive();
  noteSize();
}

function addButton(style) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'style';
  const image = document.createElement('img');
  image.src = style.thumbnail;
  image.alt = '';
  const label = document.createElement('span');
  label.textContent = title(style.name);
  button.title = title(style.name);
  button.append(image, label);
  button.addEventListener('click', () => choose(style));
  return style.button = button;
}

function choose(style) {
  if (!$('mixing').checked) return select([[style, 100]]);
  if (!state.chosen.has(style)) {
    return mixTakes(style) ? select([...state.chosen, [style, 50]]) : say('A mix has room for '
      + state.limits.style_images + ' paintings of yours: take one out first.');
  }
  if (state.chosen.size === 1) return say('One style stays: pick another one first.');
  select([...state.chosen].filter(([other]) => other !== style));
}

function select(shares) {
  state.chosen = new Map(shares);
  for (const style of state.styles) {
    style.button.setAttribute('aria-pressed', String(state.chosen.has(style)));
  }
  const mixing = $('mixing');
  mixing.closest('label').hidden = state.styles.length < 2;
  mixing.checked = mixing.checked && state.styles.length > 1;
  showMix();
  refresh();
}

function showMix() {
  const mix = $('mix');
  mix.hidden = !$('mixing').checked;
  mix.textContent = '';
  if (mix.hidden) return;
  for (const [style, share] of state.chosen) {
    const label = document.createElement('label');
    label.className = 'slider';
    const name = document.createElement('span');
    name.textContent = title(style.name);
    const input = document.createElement('input');
    Object.assign(input, {type: 'range', min: 0, max: 100, value: share});
    const output = document.createElement('output');
    output.textContent = percent(input);
    input.addEventListener('input', () => {
      state.chosen.set(style, Number(input.value));
      output.textContent = percent(input);
      refresh();
    });
    label.append(name, input, output);
    mix.append(label);
  }
}

// Numbers, not names: a name may hold a comma or a colon.
function order() {
  const shares = [...state.chosen].filter(([, share]) => share > 0);
  if (!shares.length) return null;
  const named = shares.filter(([style]) => !style.picture);
  return {
    ...(named.length && {style: named.map(([style, share]) => style.number + ':' + share / 100).join(',')}),
    ...ofPaintings(shares.filter(([style]) => style.picture)),
    strength: $('strength').value / 100,
    ...ofLooks(),
    ...ofRegion(),
  };
}

// The preview

function refresh(step = backend.QUICK) {
  if (!state.image || !state.limits || (live.on && live.on.stream)) return;
  const wanted = order();
  if (!wanted) {
    preview.cancel();
    working(false);
    return say(NO_SHARE, true);
  }
  working(true);
  preview.ask(step.delay, async signal => {
    const side = Math.min(step.side, fullSide());
    if (!state.small[side]) state.small[side] = await api.shrink(state.image, side);
    return backend.stylize(state.small[side], {...wanted, quality: 88}, signal);
  }, blob => {
    show($('after'), blob);
    $('after-tag').textContent = 'Preview';
    if (!downloading) say('');
    working(false);
    if (step.side === backend.QUICK.side && fullSide() > backend.QUICK.side) refresh(backend.SHARP);
  }, error => {
    working(false);
    if (error.retryAfter) { // busy: what is asked by then goes first
      say('The server is busy; the preview follows.');
      return refresh({...step, delay: 1000 * error.retryAfter});
    }
    say(error.message, true);
  });
}

function working(on) {
  $('working').hidden = !on;
  $('compare').setAttribute('aria-busy', String(on));
}

function show(image, blob) {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

// The photo

async function usePhoto(file) {
  let image;
  try {
    image = await api.open(file);
  } catch (error) {
    return say(error.message, true);
  }
  stopLive();
  preview.cancel();
  if (downloading) downloading.abort();
  if (state.image) URL.revokeObjectURL(state.image.src);
  Object.assign(state, {photo: file, image, small: {}});
  $('before').src = image.src;
  $('compare').style.setProperty('--ratio', image.naturalWidth / image.naturalHeight);
  $('after').removeAttribute('src');
  $('drop').hidden = true;
  $('compare').hidden = $('choose-other').hidden = false;
  $('download').disabled = false;
  fitMask();
  say('');
  noteSize();
  refresh({...backend.QUICK, delay: 0});
}

function fullSide() {
  return api.fittingSide(state.image.naturalWidth, state.image.naturalHeight,
    state.limits.result_pixels * mostOfResult());
}

function noteSize() {
  if (!state.image || !state.limits) return;
  const long = Math.max(state.image.naturalWidth, state.image.naturalHeight);
  const scale = fullSide() / long;
  $('size-note').textContent = 'Full size: ' + Math.round(state.image.naturalWidth * scale) + ' × '
    + Math.round(state.image.naturalHeight * scale) + ' pixels'
    + (scale < 1 ? ', ' + backend.largest + '.' : '.');
}

// What can go as it is does; the browser makes a JPEG of anything else.
async function fullPhoto(wanted) {
  const {photo, image} = state;
  const pixels = image.naturalWidth * image.naturalHeight;
  const others = [...wanted.style_image || [], wanted.mask].reduce((sum, file) => sum + (file ? file.size : 0), 4096);
  return backend.takes(photo, pixels, others) ? photo : api.shrink(image, fullSide());
}

async function download(event) {
  event.preventDefault();
  if (downloading) return downloading.abort();
  const wanted = order();
  if (!state.image || !state.limits || !wanted) return;
  const controller = downloading = new AbortController();
  const format = $('format').value;
  const name = (state.photo.name || 'photo').replace(/\.[^.]*$/, '') + '-restyled.'
    + (format === 'png' ? 'png' : 'jpg');
  preview.cancel();
  working(true);
  $('download').textContent = 'Cancel';
  say('Painting at full size …');
  try {
    const blob = await backend.stylize(await fullPhoto(wanted), {...wanted, size: fullSide(), format},
      controller.signal);
    save(blob, name);
    show($('after'), blob);
    $('after-tag').textContent = 'After';
    say('Done: ' + name);
  } catch (error) {
    if (!controller.signal.aborted) say(error.message, true);
    else say('Cancelled.');
  }
  if (downloading === controller) downloading = null;
  $('download').textContent = 'Download at full size';
  working(false);
}

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// What people do

function takeFirst(files) {
  if (files && files.length) usePhoto(files[0]);
}

$('choose').addEventListener('click', () => $('file').click());
$('choose-other').addEventListener('click', () => $('file').click());
for (const input of [$('file'), $('camera')]) {
  input.addEventListener('change', () => {
    takeFirst(input.files);
    input.value = ''; // so that the same file can be chosen again
  });
}
// Elsewhere a browser knows no camera here, and would ask for a file.
$('take').hidden = !matchMedia('(pointer: coarse)').matches;
$('take').addEventListener('click', () => $('camera').click());
$('add-painting').addEventListener('click', () => $('painting-file').click());
$('painting-file').addEventListener('change', () => {
  addPaintings([...$('painting-file').files]);
  $('painting-file').value = '';
});
$('sample').addEventListener('click', async () => {
  const response = await fetch('static/sample.jpg');
  usePhoto(new File([await response.blob()], 'sample.jpg', {type: 'image/jpeg'}));
});
$('split').addEventListener('input', () => {
  $('compare').style.setProperty('--split', $('split').value + '%');
  $('split').setAttribute('aria-valuetext', $('split').value + ' % original');
});
$('strength').addEventListener('input', () => {
  $('strength-value').textContent = percent($('strength'));
  refresh();
});
$('mixing').addEventListener('change', () => {
  if (!$('mixing').checked) choose([...state.chosen].sort((a, b) => b[1] - a[1])[0][0]);
  showMix();
});
$('controls').addEventListener('submit', download);

// What is dragged over the styles becomes a style, anywhere else it is the photo.
function dragging(event, on) {
  const style = takesPaintings() && Boolean(event.target.closest && event.target.closest('.controls'));
  document.body.classList.toggle('dragging', on && !style);
  document.body.classList.toggle('dragging-style', on && style);
  return style;
}

addEventListener('dragover', event => {
  event.preventDefault();
  dragging(event, true);
});
addEventListener('dragleave', event => {
  if (!event.relatedTarget) dragging(event, false);
});
addEventListener('drop', event => {
  event.preventDefault();
  const {files} = event.dataTransfer;
  if (dragging(event, false)) addPaintings([...files]);
  else takeFirst(files);
});
addEventListener('paste', event => takeFirst(event.clipboardData.files));

$('retry').addEventListener('click', () => backend.retry());

addEventListener('DOMContentLoaded', loadStyles); // once all scripts are there
