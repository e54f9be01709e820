// Paintings of the visitor's own as styles: they stay in this page and go along with each request.
'use strict';

function takesPaintings() {
  return Boolean(state.limits && state.limits.style_images);
}

// Shows what there is of them, and takes them out of the mix where they are not taken.
function showPaintings() {
  const shown = takesPaintings();
  if ($('add-painting')) $('add-painting').hidden = !shown;
  for (const tile of document.querySelectorAll('.own')) tile.hidden = !shown;
  const left = [...state.chosen].filter(([style]) => shown || !style.picture);
  if (left.length < state.chosen.size) select(left.length ? left : [[state.styles[0], 100]]);
}

// Whether the server takes one more painting in the mix.
function mixTakes(style) {
  const own = [...state.chosen.keys()].filter(other => other.picture);
  return !style.picture || own.length < state.limits.style_images;
}

// What a request says of them; `shares` are pairs of a style and its share.
function ofPaintings(shares) {
  return shares.length && {
    style_image: shares.map(([style]) => style.picture),
    style_image_weights: shares.map(([, share]) => share / 100).join(','),
  };
}

async function addPaintings(files) {
  for (const file of files) {
    try {
      await addPainting(file);
    } catch (error) {
      say(error.message, true);
    }
  }
}

// Its pixels go as the network sees them, and always as the same bytes: the server knows them again.
async function addPainting(file) {
  const image = await api.open(file);
  const picture = await api.shrink(image, state.limits.style_image_side);
  URL.revokeObjectURL(image.src);
  const style = {picture, thumbnail: URL.createObjectURL(picture),
    name: (file.name || '').replace(/\.[^.]*$/, '') || 'painting'};
  const tile = document.createElement('div');
  tile.className = 'own';
  const remove = document.createElement('button');
  remove.type = 'button';
  remove.className = 'remove';
  remove.textContent = '×';
  remove.setAttribute('aria-label', 'Remove ' + title(style.name));
  remove.addEventListener('click', () => removePainting(style, tile));
  tile.addEventListener('keydown', event => {
    if (event.key === 'Delete') removePainting(style, tile);
  });
  tile.append(addButton(style), remove);
  $('add-painting').after(tile);
  state.styles.push(style);
  choose(style);
  $('styles').scrollTop = 0;
  if (!state.image && state.chosen.has(style)) say('“' + title(style.name) + '” is a style now: choose a photo for it.');
}

function removePainting(style, tile) {
  tile.remove();
  URL.revokeObjectURL(style.thumbnail);
  state.styles = state.styles.filter(other => other !== style);
  const left = [...state.chosen].filter(([other]) => other !== style);
  select(left.length ? left : [[state.styles[0], 100]]);
  $('add-painting').focus();
}
