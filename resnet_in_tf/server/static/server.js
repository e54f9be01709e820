// What goes between the page and the server.
'use strict';

const onServer = {
  // Small and quick while a slider moves; sharper once it rests.
  QUICK: {side: 320, delay: 120},
  SHARP: {side: 800, delay: 700},
  hint: 'It goes to this server and nowhere else, and is not kept.',
  largest: 'the largest that this server makes',
  looks: true, // brush size and palette

  // The styles and the server's limits.
  async styles() {
    try {
      const response = await fetch('v1/styles');
      if (!response.ok) throw new Error(await this.reason(response));
      return await response.json();
    } catch (error) {
      throw new Error('The styles did not load. Is the server still running? Reload the page to try again.');
    }
  },

  // Whether a photo of so many pixels goes as it is, beside other files of so many bytes.
  takes(photo, pixels, others) {
    return ['image/jpeg', 'image/png'].includes(photo.type)
      && photo.size + others <= state.limits.upload_bytes && pixels <= state.limits.photo_pixels;
  },

  // Asks for a restyled picture. Throws an Error whose message is for people.
  async stylize(photo, order, signal) {
    const form = new FormData();
    form.append('photo', photo, 'photo');
    for (const name of Object.keys(order)) {
      for (const value of [order[name]].flat()) form.append(name, value);
    }
    let response;
    try {
      response = await fetch('v1/stylize', {method: 'POST', body: form, signal});
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new Error('The server does not answer. Is it still running?');
    }
    if (response.ok) return response.blob();
    const problem = new Error(await this.reason(response));
    problem.retryAfter = Number(response.headers.get('Retry-After')) || 0;
    throw problem;
  },

  async reason(response) {
    try {
      const text = (await response.json()).error.message;
      return text.charAt(0).toUpperCase() + text.slice(1) + '.';
    } catch (error) {
      return 'The server answered ' + response.status + '.';
    }
  },
};

var backend = onServer; // where.js may put the device in its place
