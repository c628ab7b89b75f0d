/*
 * The service worker of the technician's pages: what was opened once opens again without network. It reaches /tecnico/ and nothing else.
 *
 * Pages come from the network, and from here only when it says nothing; files, whose address names their content, are kept. Only GET is
 * answered: what is sent is the business of fieldwork.js. Everything is forgotten when somebody signs out.
 */
"use strict";
const PAGES = "field-pages", FILES = "field-files", PATIENCE = 6000;

const isFile = (url) => url.pathname.startsWith("/static/");
const isPage = (request, url) => url.pathname.startsWith(new URL(registration.scope).pathname) && (request.mode === "navigate" || request.headers.get("X-Keep"));

const keep = async (name, request, answer) => {
  if (answer.ok && !answer.redirected && answer.type === "basic") await (await caches.open(name)).put(request.url ?? request, answer.clone());
  return answer;
};
const page = async (request) => {
  const kept = () => caches.match(request.url, { ignoreVary: true });
  try {
    return await keep(PAGES, request, await fetch(request, navigator.onLine ? { signal: AbortSignal.timeout(PATIENCE) } : {}));
  } catch {
    return (await kept()) || (await caches.match(registration.scope, { ignoreVary: true })) || Response.error();
  }
};
const file = async (request) => (await caches.match(request.url, { ignoreVary: true })) || keep(FILES, request, await fetch(request));

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (isFile(url)) event.respondWith(file(request));
  else if (isPage(request, url) && !/\/(paper|photo)\/|worker\.js$/.test(url.pathname)) event.respondWith(page(request));
});
/* {forget: true}: somebody signed out, or somebody else signed in. {keep: addresses}: have these at hand before the network goes. */
self.addEventListener("message", (event) => {
  const { data } = event;
  const keepOne = async (address) => {
    const name = isFile(new URL(address, location)) ? FILES : PAGES;
    if (name === FILES && await caches.match(address, { ignoreVary: true })) return;
    try { await keep(name, address, await fetch(address, { headers: { "X-Keep": "1" } })); } catch { /* later */ }
  };
  event.waitUntil(Promise.all(data.forget ? [PAGES, FILES].map((name) => caches.delete(name)) : [])
    .then(() => Promise.all((data.keep || []).map(keepOne))).then(() => event.ports[0]?.postMessage("done")));
});
