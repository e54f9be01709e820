// The same network on the server and on this device, where the server offers both: the visitor's choice, remembered.
'use strict';

const where = {
  KEY: 'restyle where',
  limits: {}, // of each place, as far as they are known
  chosen: '',
};

const choices = [...document.querySelectorAll('input[name="where"]')];

// `known` is the server's answer: it says under which address the device finds its network.
async function offerDevice(known) {
  where.limits.server = known.limits;
  where.address = known.device;
  $('where').hidden = false;
  await runOn(remembered() === 'device' ? 'device' : 'server');
}

function remembered(place) {
  try { // browsers may keep nothing
    if (place) localStorage.setItem(where.KEY, place);
    return localStorage.getItem(where.KEY);
  } catch (error) {
    return null;
  }
}

// Goes over to a place, and asks it for a preview. Until it is ready nothing is asked of the other one.
async function runOn(place, asks = true) {
  state.limits = null;
  stopLive();
  preview.cancel();
  working(false);
  if (downloading) downloading.abort();
  where.chosen = place;
  for (const choice of choices) choice.checked = choice.value === place;
  if (place === 'device') {
    try {
      await openDevice();
    } catch (error) {
      if (where.chosen === 'device') backToServer(error.message);
      return;
    }
    if (where.chosen !== 'device') return; // they thought better of it
    backend = onDevice;
    onDevice.tell();
  } else {
    backend = onServer;
    $('loading').hidden = true;
    $('engine').textContent = 'Runs on the server.';
  }
  take(where.limits[place]);
  if (asks) refresh({...backend.QUICK, delay: 0});
}

async function openDevice() {
  if (typeof onDevice === 'undefined') await load('static/device/backend.js');
  if (where.limits.device) return;
  onDevice.base = where.address;
  onDevice.cannot = backToServer;
  where.limits.device = (await onDevice.styles()).limits;
}

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error('The network did not come. Check the connection.'));
    document.head.append(script);
  });
}

// The device cannot. Who chose it may not want the photo to go to the server: it waits there for their next step.
function backToServer(problem) {
  where.limits.device = null;
  if (where.chosen !== 'device') return;
  runOn('server', false);
  const next = state.image ? ': the photo goes there with your next change.' : '.';
  setTimeout(() => say(problem + ' Back on the server' + next, true)); // the last word
}

for (const choice of choices) {
  choice.addEventListener('change', () => {
    remembered(choice.value);
    say('');
    runOn(choice.value);
  });
}
