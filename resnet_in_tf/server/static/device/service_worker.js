// Keeps the page for when there is no network, and isolates it, which threads ask for. SITE stands above: what is
// kept, and under which name.

const KEPT = SITE.cache + ' ' + registration.scope; // sites of one origin keep apart

addEventListener('install', event => {
  skipWaiting();
  event.waitUntil(caches.open(KEPT).then(cache => cache.addAll(
    SITE.page.map(path => new Request(path, {cache: 'no-cache'})))));
});

addEventListener('activate', event => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith('restyle ') && name.endsWith(' ' + registration.scope) && name !== KEPT) await caches.delete(name);
  }
  await clients.claim();
})()));

addEventListener('fetch', event => {
  const {request} = event;
  if (request.method !== 'GET' || !request.url.startsWith(registration.scope)) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(KEPT);
  const found = await cache.match(request, {ignoreSearch: true}) || await fetch(request);
  const headers = new Headers(found.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  return new Response(found.body, {status: found.status, statusText: found.statusText, headers});
}
