'use strict';

// The page of scnn view. What it shows is told by scripts that call showScene, showImage and showShapes, so that it works from a disk, too.

const find = id => document.getElementById(id);
const smallest = 64;       // pixels of the smallest level that is asked for
const narrow = matchMedia('(max-width: 640px)');
const state = { scene: null, image: null, overlays: [], hidden: null, last: 0, pointer: null };

const viewer = OpenSeadragon({
  element: find('viewer'),
  drawer: 'canvas',        // the others cannot draw tiles from a disk
  showNavigationControl: false,
  showNavigator: true,
  navigatorPosition: 'TOP_RIGHT',
  navigatorAutoFade: false,
  navigatorSizeRatio: 0.16,
  navigatorDisplayRegionColor: '#2f8fdd',
  crossOriginPolicy: false,
  maxZoomPixelRatio: 16,
  minZoomImageRatio: 0.5,
  visibilityRatio: 0.4,
  zoomPerScroll: 1.3,
  animationTime: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 0.5,
  imageLoaderLimit: 6,
  timeout: 600000,         // a file without smaller levels is read through first
  tileRetryMax: 0,
  silenceMultiImageWarnings: true,
  placeholderFillStyle: '#111317',
});

/* Scene and images */

function showScene(scene) {
  state.scene = scene;
  const choice = find('images');
  scene.images.forEach((name, number) => choice.add(new Option(name, number)));
  choice.hidden = scene.images.length < 2;
  find('name').hidden = !choice.hidden;
  choice.addEventListener('change', () => { load(Number(choice.value)); choice.blur(); });
  window.addEventListener('hashchange', fromAddress);
  fromAddress();
}

function fromAddress() {
  const number = Number(location.hash.slice(1));
  load(Number.isInteger(number) && number >= 0 && number < state.scene.images.length ? number : 0);
}

function load(number) {
  if (state.image === null ? state.wanted === number : state.image.number === number) return;
  state.wanted = number;
  state.image = null;
  find('images').value = number;
  if (state.scene.images.length > 1) history.replaceState(null, '', `#${number}`);
  viewer.close();
  say('Opening\u2026');
  run(`images/${number}/image.js`);
}

function run(address) {
  const script = document.createElement('script');
  script.src = address;
  script.onload = () => script.remove();
  script.onerror = () => { script.remove(); fail(address); };
  document.head.append(script);
}

function showImage(image) {
  if (image.number !== state.wanted) return;
  state.image = image;
  state.overlays = image.overlays.map((overlay, number) => ({
    ...overlay, number, item: null, shapes: null, opacity: overlay.kind === 'classes' ? 0.6 : 1, shown: isShownAtFirst(image, number),
  }));
  state.hidden = null;
  state.last = Math.max(0, state.overlays.findIndex(overlay => overlay.shown));
  find('name').textContent = image.name;
  document.title = `${image.name} - scnn view`;
  find('size').textContent = `${group(image.width)} \u00d7 ${group(image.height)} px`;
  find('remark').textContent = image.remark ? `Shown: ${image.remark}.` : '';
  say('');
  fillPanel();
  viewer.close();
  viewer.addTiledImage({ tileSource: tileSource(image.layers[0], 0), x: 0, y: 0, width: 1, success: () => whole(true) });
  for (const overlay of state.overlays) {
    if (overlay.shown) bring(overlay);
  }
  if (state.scene.live && !image.whole) setTimeout(watch, 700, image);
}

// Of several maps of one kind the first; of a map of classes and its outlines both would say the same.
function isShownAtFirst(image, number) {
  const first = kind => image.overlays.findIndex(overlay => overlay.kind === kind);
  const map = first('classes') >= 0 ? first('classes') : first('heat');
  return number === map || (image.overlays[number].kind === 'shapes' && first('classes') < 0);
}

function tileSource(layer, number) {
  const folder = `images/${state.image.number}/${number}_files`;
  const source = new OpenSeadragon.TileSource({
    width: layer.width, height: layer.height, tileSize: layer.side, tileOverlap: 0, maxLevel: layer.top,
    minLevel: Math.min(layer.top, Math.ceil(Math.log2(smallest))), ready: true,
  });
  source.getTileUrl = (level, x, y) => `${folder}/${level}/${x}_${y}.${layer.ending}`;
  source.hasTransparency = () => layer.ending === 'png';
  return source;
}

function bring(overlay) {
  const { image } = state;
  if (overlay.kind === 'shapes') {
    if (!overlay.shapes && !overlay.asked) {
      overlay.asked = true;
      run(`images/${image.number}/shapes/${overlay.number}.js`);
    }
    return draw();
  }
  if (overlay.item || overlay.asked) return;
  overlay.asked = true;
  const layer = image.layers[overlay.layer];
  viewer.addTiledImage({
    tileSource: tileSource(layer, overlay.layer),
    x: 0, y: 0,
    width: layer.width * layer.scale / image.width,
    opacity: overlay.shown ? overlay.opacity : 0,
    index: 1 + overlay.number,
    success: event => {
      if (state.image !== image) return;
      overlay.item = event.item;
      overlay.item.setOpacity(overlay.shown ? overlay.opacity : 0);
    },
  });
}

function showShapes({ image, overlay, shapes }) {
  if (!state.image || state.image.number !== image) return;
  state.overlays[overlay].shapes = shapes.map(([kind, name, ...rings]) => {
    const path = new Path2D();
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const ring of rings) {
      for (let i = 0; i < ring.length; i += 2) {
        const [x, y] = [ring[i], ring[i + 1]];
        if (i === 0) path.moveTo(x, y); else path.lineTo(x, y);
        [left, right] = [Math.min(left, x), Math.max(right, x)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      }
      path.closePath();
    }
    return { kind, name, path, left, top, right, bottom };
  });
  draw();
}

/* What is told */

function say(text, isBad) {
  find('notice').textContent = text;
  find('notice').hidden = !text;
  find('notice').classList.toggle('bad', Boolean(isBad));
}

// A server says in a sentence what is wrong; a disk does not.
async function fail(address) {
  let reason = `${address} cannot be read; is the folder complete?`;
  if (state.scene?.live) {
    try {
      const answer = await fetch(address);
      if (answer.ok) return;
      reason = await answer.text();
    } catch {
      reason = 'scnn view has ended; start it again.';
    }
  }
  say(reason, true);
}

async function watch(image) {
  if (state.image !== image) return;
  try {
    const share = await (await fetch(`images/${image.number}/state.json`)).json();
    if (state.image !== image) return;
    if (share >= 1) return say('');
    if (share > 0) say(`The file has no smaller levels and is read through once: ${Math.round(share * 100)} %`);
    setTimeout(watch, 700, image);
  } catch {
    fail('scene.js');
  }
}

/* Panel */

function fillPanel() {
  const list = find('overlays');
  list.replaceChildren();
  state.overlays.forEach((overlay, number) => list.append(entry(overlay, number)));
  const isBare = state.overlays.length === 0;
  find('panel').classList.toggle('bare', isBare);
  find('panel-button').hidden = isBare;
  openPanel(!isBare && !narrow.matches);
}

function openPanel(isOpen) {
  find('panel').hidden = !isOpen;
  find('panel-button').setAttribute('aria-expanded', isOpen);
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function entry(overlay, number) {
  const item = make('li');
  const label = make('label');
  overlay.box = make('input');
  overlay.box.type = 'checkbox';
  overlay.box.checked = overlay.shown;
  overlay.box.addEventListener('change', () => show(overlay, overlay.box.checked));
  label.append(overlay.box, make('span', 'name', overlay.name));
  if (number < 9) label.append(make('kbd', '', number + 1));
  const opacity = make('label', 'opacity', 'Opacity');
  overlay.slider = make('input');
  Object.assign(overlay.slider, { type: 'range', min: 0, max: 100, step: 5, value: overlay.opacity * 100 });
  overlay.slider.addEventListener('input', () => setOpacity(overlay, overlay.slider.value / 100));
  opacity.append(overlay.slider);
  item.append(label, opacity);
  if (overlay.limit !== undefined) {
    const bar = make('div', 'heat');
    bar.style.backgroundImage = `linear-gradient(to right, ${state.scene.heat.join(', ')})`;
    const ends = make('div', 'ends');
    ends.append(make('span', '', '0'), make('span', '', brief(overlay.limit / 2)), make('span', '', brief(overlay.limit)));
    item.append(bar, ends);
  }
  if (overlay.classes.length > 0) {
    const classes = make('ul', 'classes');
    for (const known of overlay.classes) {
      const line = make('li');
      const swatch = make('span', 'swatch');
      swatch.style.backgroundColor = known.colour;
      line.append(swatch, make('span', '', known.name));
      classes.append(line);
    }
    item.append(classes);
  }
  return item;
}

function show(overlay, isShown) {
  overlay.shown = isShown;
  overlay.box.checked = isShown;
  state.last = overlay.number;
  if (isShown) bring(overlay);
  overlay.item?.setOpacity(isShown ? overlay.opacity : 0);
  draw();
}

function setOpacity(overlay, opacity) {
  overlay.opacity = Math.min(1, Math.max(0, opacity));
  overlay.slider.value = overlay.opacity * 100;
  state.last = overlay.number;
  if (overlay.shown) overlay.item?.setOpacity(overlay.opacity);
  draw();
}

function toggleAll() {
  if (state.hidden) {
    const again = state.hidden;
    state.hidden = null;
    again.forEach(overlay => show(overlay, true));
  } else {
    state.hidden = state.overlays.filter(overlay => overlay.shown);
    state.hidden.forEach(overlay => show(overlay, false));
  }
}

/* Shapes, scale, position */

// Of the image's pixels to those of the stage: pixel = origin + scale * position.
function place() {
  const item = viewer.world.getItemAt(0);
  if (!item || !state.image) return null;
  const origin = viewer.viewport.viewportToViewerElementCoordinates(new OpenSeadragon.Point(0, 0), true);
  const end = viewer.viewport.viewportToViewerElementCoordinates(new OpenSeadragon.Point(1, 0), true);
  return { x: origin.x, y: origin.y, scale: (end.x - origin.x) / state.image.width };
}

function draw() {
  const canvas = find('shapes');
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const at = place();
  if (!at) return;
  drawBar(at.scale);
  sharpen(at.scale >= 4);
  find('zoom').textContent = at.scale >= 1 ? `${brief(at.scale * 100)} %` : `1 : ${brief(1 / at.scale)}`;
  context.setTransform(at.scale * ratio, 0, 0, at.scale * ratio, at.x * ratio, at.y * ratio);
  const seen = { left: -at.x / at.scale, top: -at.y / at.scale };
  Object.assign(seen, { right: seen.left + canvas.clientWidth / at.scale, bottom: seen.top + canvas.clientHeight / at.scale });
  for (const overlay of state.overlays) {
    if (!overlay.shown || !overlay.shapes) continue;
    for (const shape of overlay.shapes) {
      if (shape.right < seen.left || shape.left > seen.right || shape.bottom < seen.top || shape.top > seen.bottom) continue;
      context.fillStyle = overlay.classes[shape.kind].colour;
      const side = Math.max(shape.right - shape.left, shape.bottom - shape.top) * at.scale;
      context.globalAlpha = overlay.opacity;
      if (side < 3) {
        // What would be lost is a dot.
        context.fillRect(shape.left - 1 / at.scale, shape.top - 1 / at.scale, 3 / at.scale, 3 / at.scale);
        continue;
      }
      // On light tissue as on dark.
      context.lineWidth = 4 / at.scale;
      context.strokeStyle = '#fff';
      context.globalAlpha = overlay.opacity * 0.6;
      context.stroke(shape.path);
      context.lineWidth = 2 / at.scale;
      context.strokeStyle = context.fillStyle;
      context.globalAlpha = overlay.opacity;
      context.stroke(shape.path);
      context.globalAlpha = overlay.opacity * (shape === state.under ? 0.35 : 0.12);
      context.fill(shape.path, 'evenodd');
    }
  }
}

// Pixels that are looked at one by one have edges.
function sharpen(isSharp) {
  if (state.isSharp === isSharp) return;
  state.isSharp = isSharp;
  viewer.drawer.setImageSmoothingEnabled(!isSharp);
}

const units = [[1e9, 'km'], [1e6, 'm'], [1e3, 'mm'], [1, '\u00b5m'], [1e-3, 'nm']];

function drawBar(scale) {
  const { across } = state.image;
  find('bar').hidden = across === undefined;
  if (across === undefined) return;
  const most = 160 / scale * across;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map(step => step * power).find(step => step <= most);
  find('bar-line').style.width = `${length / across * scale}px`;
  find('bar-text').textContent = measure(length);
}

function measure(micrometres) {
  const [size, unit] = units.find(([size]) => Math.abs(micrometres) >= size * 0.9995) ?? units.at(-1);
  return `${brief(micrometres / size)} ${unit}`;
}

function brief(number) {
  return number !== 0 && (Math.abs(number) < 1e-3 || Math.abs(number) >= 1e6) ? number.toPrecision(3) : String(Number(number.toPrecision(3)));
}

function group(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

const tester = document.createElement('canvas').getContext('2d');

function point() {
  const at = place();
  if (!at || !state.pointer) return;
  const { image } = state;
  const [x, y] = [(state.pointer.x - at.x) / at.scale, (state.pointer.y - at.y) / at.scale];
  const isInside = x >= 0 && y >= 0 && x < image.width && y < image.height;
  const distance = image.across === undefined ? '' : ` (${measure(x * image.across)}, ${measure(y * image.down)})`;
  find('position').textContent = isInside ? `x ${group(Math.floor(x))}, y ${group(Math.floor(y))}${distance}` : '';
  const [a, b, c, d, e, f] = image.place ?? [];
  find('ground').textContent = isInside && image.place
    ? `${image.epsg ? `EPSG:${image.epsg} ` : ''}${+(a * x + b * y + c).toFixed(6)}, ${+(d * x + e * y + f).toFixed(6)}` : '';
  let under = null;
  let text = '';
  for (const overlay of isInside ? state.overlays : []) {
    if (!overlay.shown || !overlay.shapes) continue;
    for (const shape of overlay.shapes) {
      if (x < shape.left || x > shape.right || y < shape.top || y > shape.bottom || !tester.isPointInPath(shape.path, x, y, 'evenodd')) continue;
      under = shape;
      text = shape.name && shape.name !== overlay.classes[shape.kind].name
        ? `${overlay.classes[shape.kind].name}: ${shape.name}` : overlay.classes[shape.kind].name;
    }
  }
  find('shape').textContent = text;
  if (under !== state.under) {
    state.under = under;
    draw();
  }
}

/* Keys, buttons, pointers */

function zoom(factor) {
  state.isWhole = false;
  viewer.viewport.zoomBy(factor);
  viewer.viewport.applyConstraints();
}

function move(x, y, isFar) {
  state.isWhole = false;
  const bounds = viewer.viewport.getBounds();
  const step = isFar ? 0.9 : 0.15;
  viewer.viewport.panBy(new OpenSeadragon.Point(x * step * bounds.width, y * step * bounds.height));
  viewer.viewport.applyConstraints();
}

// The image alone: maps may reach a part of a position beyond it.
function whole(isAtOnce) {
  const item = viewer.world.getItemAt(0);
  state.isWhole = Boolean(item);
  if (item) viewer.viewport.fitBounds(item.getBounds(), isAtOnce);
}

function actual() {
  const item = viewer.world.getItemAt(0);
  state.isWhole = false;
  if (item) viewer.viewport.zoomTo(item.imageToViewportZoom(1 / (window.devicePixelRatio || 1)));
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen?.();
}

function other(step) {
  const count = state.scene.images.length;
  if (count > 1) load((state.wanted + step + count) % count);
}

const keys = {
  '+': () => zoom(1.5), '=': () => zoom(1.5), '-': () => zoom(1 / 1.5), _: () => zoom(1 / 1.5),
  0: () => whole(), Home: () => whole(), a: actual,
  ArrowLeft: far => move(-1, 0, far), ArrowRight: far => move(1, 0, far), ArrowUp: far => move(0, -1, far), ArrowDown: far => move(0, 1, far),
  o: toggleAll, f: fullScreen, PageUp: () => other(-1), PageDown: () => other(1), '?': () => find('keys').showModal(),
  '[': () => state.overlays.length && setOpacity(state.overlays[state.last], state.overlays[state.last].opacity - 0.1),
  ']': () => state.overlays.length && setOpacity(state.overlays[state.last], state.overlays[state.last].opacity + 0.1),
};

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey || find('keys').open || !state.image) return;
  const isArrow = event.key.startsWith('Arrow') || event.key.startsWith('Page') || event.key === 'Home';
  // A slider and a list have use for these themselves.
  if (isArrow && /^(INPUT|SELECT)$/.test(document.activeElement.tagName) && document.activeElement.type !== 'checkbox') return;
  if (document.activeElement.tagName === 'SELECT' && !isArrow) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const overlay = /^[1-9]$/.test(key) ? state.overlays[key - 1] : undefined;
  const action = overlay ? () => show(overlay, !overlay.shown) : keys[key];
  if (!action) return;
  event.preventDefault();
  action(event.shiftKey);
});

viewer.addHandler('canvas-key', event => { event.preventDefaultAction = true; });
viewer.addHandler('tile-load-failed', event => { if (event.tile?.getUrl) fail(event.tile.getUrl()); });
// A whole image stays whole where the panel or the window takes room or leaves it; the viewer zooms once more behind this event.
viewer.addHandler('after-resize', () => queueMicrotask(() => { if (state.isWhole) whole(true); }));
for (const event of ['canvas-drag', 'canvas-scroll', 'canvas-pinch', 'canvas-click', 'navigator-drag', 'navigator-click']) {
  viewer.addHandler(event, () => { state.isWhole = false; });
}
viewer.addHandler('update-viewport', () => { draw(); point(); });
new ResizeObserver(draw).observe(find('stage'));

find('viewer').addEventListener('pointermove', event => {
  const box = find('viewer').getBoundingClientRect();
  state.pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
  point();
});
find('viewer').addEventListener('pointerleave', () => {
  state.pointer = null;
  for (const id of ['position', 'ground', 'shape']) find(id).textContent = '';
});
find('zoom-in').addEventListener('click', () => zoom(1.5));
find('zoom-out').addEventListener('click', () => zoom(1 / 1.5));
find('zoom-whole').addEventListener('click', () => whole());
find('zoom-actual').addEventListener('click', actual);
find('keys-button').addEventListener('click', () => find('keys').showModal());
find('panel-button').addEventListener('click', () => openPanel(find('panel').hidden));
