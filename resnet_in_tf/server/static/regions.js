// A brush that paints where the style goes: strokes on a canvas over the picture, sent along as a mask.
'use strict';

const region = {SIDE: 768, strokes: [], stroke: null, blob: null, cursor: null};

function takesMasks() {
  return Boolean(state.limits && state.limits.masks);
}

// What a request says of it. Nothing painted yet: the style goes everywhere.
function ofRegion() {
  if (!$('masking').checked || !region.blob) return {};
  return {mask: region.blob, ...($('elsewhere').value && {elsewhere: $('elsewhere').value + ':1'})};
}

function showRegionTools() {
  $('region').hidden = !takesMasks();
  if (!takesMasks()) $('masking').checked = false;
  showTools();
  if ($('elsewhere').length > 1) return;
  for (const style of state.styles) $('elsewhere').append(new Option(title(style.name), style.number));
}

// Strokes

function fitMask() {
  const {naturalWidth: width, naturalHeight: height} = state.image;
  const scale = Math.min(1, region.SIDE / Math.max(width, height));
  $('mask').width = Math.max(1, Math.round(width * scale));
  $('mask').height = Math.max(1, Math.round(height * scale));
  Object.assign(region, {strokes: [], stroke: null, blob: null, cursor: null});
  showTools();
}

// The brush's radius in pixels of the mask.
function radius() {
  return Math.max(2, $('mask-brush').value / 200 * Math.max($('mask').width, $('mask').height));
}

function begin(x, y) {
  region.stroke = {points: [], radius: radius(), erase: $('erase').checked};
  region.strokes.push(region.stroke);
  $('compare').classList.add('painting');
  extend(x, y);
}

function extend(x, y) {
  const {points, radius} = region.stroke;
  const last = points[points.length - 1] || {x, y};
  const steps = Math.max(1, Math.ceil(Math.hypot(x - last.x, y - last.y) / (radius / 4)));
  for (let step = 1; step <= steps; step++) {
    const point = {x: last.x + (x - last.x) * step / steps, y: last.y + (y - last.y) * step / steps};
    points.push(point);
    dab(region.stroke, point);
  }
}

// A round spot with a soft edge: styles run into each other there.
function dab({radius, erase}, {x, y}) {
  const pen = $('mask').getContext('2d');
  const soft = pen.createRadialGradient(x, y, radius * 0.6, x, y, radius);
  soft.addColorStop(0, 'rgba(255, 255, 255, 1)');
  soft.addColorStop(1, 'rgba(255, 255, 255, 0)');
  pen.globalCompositeOperation = erase ? 'destination-out' : 'source-over';
  pen.fillStyle = soft;
  pen.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

function end() {
  if (!region.stroke) return;
  region.stroke = null;
  painted();
}

function undo() {
  region.strokes.pop();
  redraw();
}

function clearMask() {
  region.strokes = [];
  redraw();
}

function redraw() {
  const canvas = $('mask');
  canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
  for (const stroke of region.strokes) for (const point of stroke.points) dab(stroke, point);
  painted();
}

// Makes the mask a picture, white on black, and asks for a preview.
function painted() {
  showTools();
  if (!region.strokes.length) {
    region.blob = null;
    return refresh();
  }
  const canvas = document.createElement('canvas'), count = region.strokes.length;
  Object.assign(canvas, {width: $('mask').width, height: $('mask').height});
  const pen = canvas.getContext('2d');
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage($('mask'), 0, 0);
  canvas.toBlob(blob => {
    if (count !== region.strokes.length) return; // painted on, or undone, since
    region.blob = blob;
    refresh();
  }, 'image/png');
}

function showTools() {
  const on = $('masking').checked && Boolean(state.image);
  $('region-tools').hidden = !$('masking').checked;
  $('mask').hidden = !on;
  $('undo').disabled = $('clear').disabled = !region.strokes.length;
}

// What people do: a mouse, a finger or a pen paints; from the keyboard, arrows move the brush and Space dabs.

function place(event) {
  const box = $('mask').getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * $('mask').width,
    (event.clientY - box.top) / box.height * $('mask').height];
}

const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

function moveCursor([across, down]) {
  const {width, height} = $('mask');
  const {x, y} = region.cursor || {x: width / 2, y: height / 2};
  region.cursor = {x: Math.min(width, Math.max(0, x + across * radius() / 2)),
    y: Math.min(height, Math.max(0, y + down * radius() / 2))};
  showCursor();
}

function showCursor() {
  const {width, height} = $('mask');
  const {x, y} = region.cursor || {x: width / 2, y: height / 2};
  Object.assign($('cursor').style, {left: 100 * x / width + '%', top: 100 * y / height + '%',
    width: 200 * radius() / width + '%'});
}

$('mask').addEventListener('pointerdown', event => {
  if (event.button) return;
  $('mask').setPointerCapture(event.pointerId);
  begin(...place(event));
});
$('mask').addEventListener('pointermove', event => {
  if (region.stroke) extend(...place(event));
});
for (const name of ['pointerup', 'pointercancel']) $('mask').addEventListener(name, end);
$('mask').addEventListener('focus', showCursor);
$('mask').addEventListener('keydown', event => {
  if (event.key in ARROWS) moveCursor(ARROWS[event.key]);
  else if (event.key === ' ' || event.key === 'Enter') {
    const {x, y} = region.cursor || {x: $('mask').width / 2, y: $('mask').height / 2};
    begin(x, y);
    end();
  } else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) undo();
  else return;
  event.preventDefault();
});
$('after').addEventListener('load', () => $('compare').classList.remove('painting'));
$('masking').addEventListener('change', () => {
  showTools();
  if ($('masking').checked && state.image) {
    $('split').value = 0; // the whole result in sight
    $('compare').style.setProperty('--split', '0%');
    if (!region.strokes.length) say('Paint over the picture where the style goes.');
  }
  if (region.blob) refresh();
});
$('elsewhere').addEventListener('change', () => refresh());
$('mask-brush').addEventListener('input', () => {
  $('mask-brush-value').textContent = percent($('mask-brush'));
  showCursor();
});
$('undo').addEventListener('click', undo);
$('clear').addEventListener('click', clearMask);
