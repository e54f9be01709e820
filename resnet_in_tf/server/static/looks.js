// Brush size and colours: what a request says of them.
'use strict';

function ofLooks() {
  const keeps = document.getElementById('preserve-color').checked;
  const brush = share('brush'), palette = share('palette');
  return {
    preserve_color: keeps,
    ...(brush !== 1 && {brush}),
    ...(palette > 0 && !keeps && {match_color: 'photo:' + palette}),
  };
}

// How much of the largest result can be asked for: fine strokes are painted larger than they come back.
function mostOfResult() {
  return backend.looks ? Math.min(1, share('brush')) ** 2 : 1;
}

function share(id) {
  return document.getElementById(id).value / 100;
}

function showLooks() {
  for (const id of ['brush', 'palette']) document.getElementById(id).closest('label').hidden = !backend.looks;
}

for (const id of ['brush', 'palette']) {
  const slider = document.getElementById(id);
  slider.addEventListener('input', () => {
    document.getElementById(id + '-value').textContent = percent(slider);
    noteSize();
    refresh();
  });
}
document.getElementById('preserve-color').addEventListener('change', event => {
  document.getElementById('palette').disabled = event.target.checked; // they are all the photo's then
  refresh();
});
