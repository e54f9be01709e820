// Live video from the camera, where the network runs on this device: each frame is taken when the last one is painted.
'use strict';

const live = {
  // Pixels of the long side of a frame. The size follows the device: large enough to be worth a look, small enough
  // for RATE frames a second.
  FIRST: 256, LEAST: 128, MOST: 512, STEP: 32,
  RATE: 10,
  LOOK: 3, // frames of one size, before another is thought of; the first, which prepares the network, does not count
  FASTEST: 30, // frames a second, as most cameras give
  canvas: document.createElement('canvas'), // what goes to the network
  on: null, // the video that runs: {stream, side, frames and mean seconds of that side, empty: no style has a share}
};

const REFUSED = {
  NotAllowedError: 'The camera was refused. Allow it for this page in the browser’s settings, then press Live again.',
  NotFoundError: 'There is no camera here.',
  NotReadableError: 'Another program has the camera. Close that, then press Live again.',
};

// The side at which a frame should take 1 / RATE s, where one of `side` takes so many seconds: time goes with pixels.
function liveSide(side, seconds) {
  const fit = side / Math.sqrt(seconds * live.RATE);
  if (fit / side > 0.85 && fit / side < 1.2) return side;
  return Math.min(live.MOST, Math.max(live.LEAST, Math.round(fit / live.STEP) * live.STEP));
}

// Shows the button where frames can be painted.
function offerLive() {
  $('live-start').hidden = !backend.frame || Boolean(live.on);
}

async function startLive() {
  stopLive();
  if (!navigator.mediaDevices) return say('Browsers give the camera to pages on https alone: open this page there.', true);
  const session = live.on = {stream: null, side: live.FIRST, frames: 0, mean: 0, empty: false};
  try {
    const stream = await navigator.mediaDevices.getUserMedia({audio: false,
      video: {facingMode: 'environment', width: {ideal: 1280}, height: {ideal: 720}}});
    if (live.on !== session) return release(stream); // stopped while people were asked
    session.stream = stream;
    stream.getVideoTracks()[0].addEventListener('ended', () => live.on === session && stopLive('The camera has stopped.'));
    $('live-video').srcObject = stream;
    await $('live-video').play();
  } catch (error) {
    if (live.on === session) stopLive(REFUSED[error.name] || 'The camera does not start (' + error.message + ').');
    return;
  }
  if (live.on === session) await showLive(session);
}

async function showLive(session) {
  preview.cancel();
  if (downloading) downloading.abort();
  working(false);
  $('drop').hidden = $('compare').hidden = $('live-start').hidden = true;
  $('live').hidden = false;
  $('download').disabled = true;
  $('live-stop').focus();
  say('');
  try {
    while (live.on === session) await Promise.all([paintFrame(session), pause(1 / live.FASTEST)]);
  } catch (error) {
    if (live.on === session) stopLive(error.message);
  }
}

// Ends the video and gives the camera back; the page is as it was before.
function stopLive(problem) {
  if (!live.on) return;
  const {stream} = live.on;
  live.on = null;
  if (stream) release(stream);
  $('live-video').srcObject = null;
  $('live').hidden = true;
  offerLive();
  $('drop').hidden = Boolean(state.image);
  $('compare').hidden = $('download').disabled = !state.image;
  if (problem) say(problem, true);
  refresh();
}

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

// Takes the camera's picture, paints it as the controls stand, and shows it.
async function paintFrame(session) {
  const wanted = order();
  if (session.empty !== !wanted) say(wanted ? '' : NO_SHARE, !wanted);
  session.empty = !wanted;
  if (!wanted) return pause(0.1);
  const {width, height} = draw(live.canvas, session.side), started = performance.now();
  const frame = live.canvas.getContext('2d', {willReadFrequently: true}).getImageData(0, 0, width, height);
  const painted = await backend.frame(frame, wanted);
  if (live.on !== session) return;
  const canvas = $('live-picture');
  if (canvas.width !== painted.width || canvas.height !== painted.height) {
    Object.assign(canvas, {width: painted.width, height: painted.height});
    $('live-picture').parentElement.style.setProperty('--ratio', painted.width / painted.height);
  }
  canvas.getContext('2d').putImageData(painted, 0, 0);
  note(session, painted, (performance.now() - started) / 1000);
}

// Tells the frame rate, and sees whether another size would do better.
function note(session, {width, height}, seconds) {
  const frames = ++session.frames;
  if (frames === 1) return;
  const mean = session.mean = frames === 2 ? seconds : session.mean + (seconds - session.mean) / 3;
  $('live-rate').textContent = Math.min(live.FASTEST, 1 / mean).toFixed(1) + ' frames a second, ' + width + ' × ' + height;
  if (frames < live.LOOK) return;
  const side = liveSide(session.side, mean);
  if (side !== session.side) Object.assign(session, {side, frames: 0});
}

// Draws what the camera sees, with a long side of at most `side`.
function draw(canvas, side) {
  const video = $('live-video'), {videoWidth, videoHeight} = video;
  const scale = Math.min(1, side / Math.max(videoWidth, videoHeight));
  Object.assign(canvas, {width: Math.max(1, Math.round(videoWidth * scale)), height: Math.max(1, Math.round(videoHeight * scale))});
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// What the camera sees now, as large as it comes, becomes the page's photo.
function snapshot() {
  draw(document.createElement('canvas'), Infinity).toBlob(blob => usePhoto(new File([blob], 'snapshot.jpg', {type: 'image/jpeg'})), 'image/jpeg', 0.95);
}

function pause(seconds) {
  return new Promise(resolve => setTimeout(resolve, 1000 * seconds));
}

$('live-start').addEventListener('click', startLive);
$('live-stop').addEventListener('click', () => {
  stopLive();
  $('live-start').focus();
});
$('snapshot').addEventListener('click', snapshot);
document.addEventListener('visibilitychange', () => document.hidden && stopLive());
addEventListener('pagehide', () => stopLive());
