"use strict";
// The map of the photos: a canvas with all of them as small pictures.
const showMap = async (stage) => {
  const $ = (name) => document.getElementById("map-" + name);
  const words = JSON.parse(document.getElementById("words").textContent);
  const data = await unpack($("data").textContent);
  // Each sheet as it is, and smaller copies, from which small pictures are drawn faster.
  const sheets = [], parts = data.side > 24 ? [1, 2, 4] : [1, 2];
  for (const image of document.querySelectorAll("img.sheet")) {
    await image.decode();
    sheets.push(await Promise.all(parts.map((part) => createImageBitmap(image, {
      resizeWidth: image.naturalWidth / part, resizeHeight: image.naturalHeight / part,
      resizeQuality: "medium",
    }))));
    image.remove();
  }
  const { side, columns, paths, labels, splits, label, split, x, y, neighbours } = data;
  const LISTED = 60, count = paths.length, perSheet = columns * columns;
  const canvas = $("canvas"), pen = canvas.getContext("2d"), tip = $("tip");
  const LANGUAGE = document.documentElement.lang;
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999999"];

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  // What a photo is coloured by: the name of each category, and the category of each photo.
  const schemes = {
    label: { names: labels, of: (i) => label[i] }, split: { names: splits, of: (i) => split[i] },
  };
  for (const [name, found] of Object.entries(data.marks)) {
    const of = new Map(found.rows);
    schemes[name] = { names: found.names, of: (i) => of.get(i) ?? 0, isMark: true };
  }
  let scheme = schemes.label, order = [];
  const said = (key, n) => words[key][n === 1 || (n === 0 && LANGUAGE === "fr") ? "one" : "many"]
    .replace("{n}", n.toLocaleString(LANGUAGE));
  const colours = (names) => names.length <= OKABE_ITO.length
    ? names.map((_, i) => OKABE_ITO[i])
    : names.map((_, i) => `hsl(${(i * 137.5) % 360} ${60 + (i % 3) * 15}% ${38 + (i % 4) * 8}%)`);
  let palette;

  // Photos are drawn in a random order, which is always the same; marked ones come last, on top.
  function arrange() {
    const random = (i) => Math.imul(i + 1, 2654435761) >>> 0;
    const isMarked = (i) => (scheme.isMark && scheme.of(i) ? 1 : 0);
    order = [...paths.keys()].sort((a, b) => isMarked(a) - isMarked(b) || random(a) - random(b));
    palette = colours(scheme.names);
    if (scheme.isMark) palette[0] = isDark.matches ? "#4a5460" : "#c3c9d0";
  }

  // The view: a photo at (x, y) of the map lies at x * scale * wide + left, y * scale + top.
  const view = { scale: 1, left: 0, top: 0 };
  const dpr = Math.min(window.devicePixelRatio || 1, 2);
  let width = 0, height = 0, wide = 1, fit = 1, hidden = 0;
  let shown = null, picked = -1, lasso = null, marked = new Set();
  const across = (i) => x[i] * view.scale * wide + view.left;
  const down = (i) => y[i] * view.scale + view.top;
  // Of a picture, in pixels: at first, and now.
  const first = () => Math.min(2 * side, Math.max(9, Math.sqrt((width * height) / count) * 0.8));
  const size = () => Math.min(2 * side, first() * (view.scale / fit) ** 0.8);
  const isShown = (i) => shown === null || shown[i];

  function reset() {
    wide = Math.min(Math.max(width / height, 0.6), 1.8);
    fit = Math.min((width - 1.3 * first()) / wide, height - 1.3 * first()) / data.extent;
    view.scale = fit;
    view.left = (width - data.extent * fit * wide) / 2;
    view.top = (height - data.extent * fit) / 2;
    redraw();
  }
  function resize() {
    const isNew = !width, wasWhole = view.scale === fit;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = width * dpr;
    canvas.height = height * dpr;
    pen.setTransform(dpr, 0, 0, dpr, 0, 0);
    if (isNew || wasWhole) reset(); else redraw();
  }
  function redraw() {
    if (!hidden) hidden = requestAnimationFrame(() => { hidden = 0; draw(); });
  }
  function sprite(target, i, left, top, edge) {
    const at = i % perSheet, times = side / (edge * dpr);
    const level = Math.min(times < 2 ? 0 : times < 4 ? 1 : 2, parts.length - 1);
    const from = side / 2 ** level, sheet = sheets[Math.floor(i / perSheet)][level];
    target.drawImage(sheet, (at % columns) * from, Math.floor(at / columns) * from, from, from,
      left, top, edge, edge);
  }
  function draw() {
    pen.clearRect(0, 0, width, height);
    const edge = size(), rim = Math.max(1, edge * 0.07), half = edge / 2;
    pen.imageSmoothingEnabled = edge > side / 2;
    pen.fillStyle = "#9aa3ad";
    if (shown) {
      for (let i = 0; i < count; i++) if (!shown[i]) pen.fillRect(across(i) - 1, down(i) - 1, 2, 2);
    }
    // Of many photos that cover each other, one of a place is drawn, and all that are marked.
    const step = edge / 3, taken = count > 5000 ? new Set() : null;
    for (const i of order) {
      const left = across(i), top = down(i);
      if (left < -edge || top < -edge || left > width + edge || top > height + edge) continue;
      if (!isShown(i)) continue;
      if (taken && !(scheme.isMark && scheme.of(i))) {
        const cell = Math.round(left / step) * 100003 + Math.round(top / step);
        if (taken.has(cell)) continue;
        taken.add(cell);
      }
      pen.fillStyle = marked.has(i) ? "#0072b2" : palette[scheme.of(i)];
      const wide = marked.has(i) ? 2 * rim + 1 : rim;
      pen.fillRect(left - half - wide, top - half - wide, edge + 2 * wide, edge + 2 * wide);
      sprite(pen, i, left - half, top - half, edge);
    }
    if (picked >= 0) {
      pen.strokeStyle = "#d55e00";
      pen.lineWidth = 2;
      for (const near of neighbours[picked]) {
        pen.beginPath();
        pen.moveTo(across(picked), down(picked));
        pen.lineTo(across(near), down(near));
        pen.stroke();
      }
      pen.lineWidth = 3;
      pen.strokeRect(across(picked) - half - 3, down(picked) - half - 3, edge + 6, edge + 6);
    }
    if (lasso) {
      pen.strokeStyle = "#0072b2";
      pen.lineWidth = 2;
      pen.beginPath();
      lasso.forEach(([left, top], at) => (at ? pen.lineTo(left, top) : pen.moveTo(left, top)));
      pen.stroke();
    }
  }

  function zoom(by, left = width / 2, top = height / 2) {
    const scale = Math.min(Math.max(view.scale * by, fit * 0.5), fit * 400);
    view.left = left - ((left - view.left) * scale) / view.scale;
    view.top = top - ((top - view.top) * scale) / view.scale;
    view.scale = scale;
    redraw();
  }
  function pan(left, top) {
    view.left += left;
    view.top += top;
    redraw();
  }
  function nearest(left, top, reach = Math.max(size() / 2, 8)) {
    let found = -1, best = Infinity;
    for (let i = 0; i < count; i++) {
      const dx = Math.abs(across(i) - left), dy = Math.abs(down(i) - top);
      if (dx <= reach && dy <= reach && dx + dy < best && isShown(i)) {
        best = dx + dy;
        found = i;
      }
    }
    return found;
  }

  function facts(i) {
    const lines = [labels[label[i]], splits[split[i]]];
    for (const [name, known] of Object.entries(schemes)) {
      const category = known.of(i);
      if (data.marks[name] && category) lines.push(known.names[category]);
    }
    return lines;
  }
  function thumbnail(i, edge) {
    const made = document.createElement("canvas");
    made.width = made.height = edge;
    sprite(made.getContext("2d"), i, 0, 0, edge);
    return made;
  }
  function hover(i, left, top) {
    tip.hidden = i < 0;
    if (i < 0) return;
    const path = document.createElement("div");
    path.className = "path";
    path.textContent = paths[i];
    tip.replaceChildren(thumbnail(i, 160), facts(i).join(" · "), path);
    tip.style.left = Math.max(0, Math.min(left + 16, width - 190)) + "px";
    tip.style.top = Math.max(0, Math.min(top + 16, height - 250)) + "px";
  }
  function button(i) {
    const made = document.createElement("button");
    made.type = "button";
    made.title = paths[i];
    made.setAttribute("aria-label", paths[i]);
    made.append(thumbnail(i, 62), labels[label[i]]);
    made.addEventListener("click", () => pick(i, true));
    return made;
  }
  function list(text, photos) {
    const more = photos.length > LISTED ? ` ${words.first.replace("{n}", LISTED)}` : "";
    $("said").textContent = text + more;
    $("list").replaceChildren(...photos.slice(0, LISTED).map(button));
    const copy = $("copy");
    copy.hidden = !photos.length;
    copy.onclick = () => window.copyText(photos.map((i) => paths[i]).join("\n"), copy);
  }
  function pick(i, move = false) {
    picked = i;
    marked = new Set();
    if (i >= 0) {
      if (move) pan(width / 2 - across(i), height / 2 - down(i));
      const text = words.neighbours.replace("{path}", () => paths[i])
        .replace("{facts}", () => facts(i).join(" · "));
      list(text, [i, ...neighbours[i]]);
    } else {
      filter();
    }
    redraw();
  }
  function filter() {
    const text = $("search").value.trim().toLowerCase(), wanted = $("label").value;
    shown = null;
    if (text || wanted) {
      shown = paths.map((path, i) => (!wanted || label[i] === Number(wanted))
        && (!text || path.toLowerCase().includes(text) || labels[label[i]].toLowerCase().includes(text)));
    }
    const found = shown === null ? [] : [...shown.keys()].filter((i) => shown[i]);
    list(said("shown", shown === null ? count : found.length), found);
    redraw();
  }
  function inside([left, top], polygon) {
    let found = false;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
      const [x1, y1] = polygon[i], [x2, y2] = polygon[j];
      if (y1 > top !== y2 > top && left < ((x2 - x1) * (top - y1)) / (y2 - y1) + x1) found = !found;
    }
    return found;
  }
  function legend() {
    const found = new Map();
    for (let i = 0; i < count; i++) found.set(scheme.of(i), (found.get(scheme.of(i)) ?? 0) + 1);
    const entries = [...found].sort((a, b) => a[0] - b[0]).map(([category, photos]) => {
      const entry = document.createElement("span"), colour = document.createElement("i");
      colour.style.background = palette[category];
      entry.append(colour, `${scheme.names[category]} (${photos.toLocaleString(LANGUAGE)})`);
      return entry;
    });
    $("legend").replaceChildren(...entries);
  }

  // Pointers: one moves the map or draws a lasso, two zoom.
  const pointers = new Map();
  let moved = 0;
  const place = (event) => [event.offsetX, event.offsetY];
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    moved = 0;
    if ($("lasso").getAttribute("aria-pressed") === "true") lasso = [place(event)];
    hover(-1);
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = place(event), before = pointers.get(event.pointerId);
    if (!before) return hover(nearest(...now), ...now);
    moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    if (lasso) {
      lasso.push(now);
      redraw();
    } else if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const apart = (at) => Math.hypot(at[0] - other[0], at[1] - other[1]) || 1;
      zoom(apart(now) / apart(before), ...other);
    } else {
      pan(now[0] - before[0], now[1] - before[1]);
    }
    pointers.set(event.pointerId, now);
  });
  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    const polygon = lasso;
    lasso = null;
    if (polygon && moved >= 5) {
      picked = -1;
      const found = [...paths.keys()].filter((i) => isShown(i) && inside([across(i), down(i)], polygon));
      marked = new Set(found);
      list(said("chosen", found.length), found);
      redraw();
    } else if (event.type === "pointerup" && moved < 5) {
      pick(nearest(...place(event)));
    }
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", (event) => {
    // Else the page could not be scrolled past the map.
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015), ...place(event));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0),
    ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
    "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: reset,
    Enter: () => pick(nearest(width / 2, height / 2, Infinity)), Escape: () => pick(-1),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  $("colour").addEventListener("change", (event) => {
    scheme = schemes[event.target.value];
    arrange();
    legend();
    redraw();
  });
  for (const name of ["search", "label"]) $(name).addEventListener("input", () => { picked = -1; marked = new Set(); filter(); });
  $("lasso").addEventListener("click", ({ currentTarget }) => {
    const on = currentTarget.getAttribute("aria-pressed") !== "true";
    currentTarget.setAttribute("aria-pressed", String(on));
    canvas.style.cursor = on ? "crosshair" : "grab";
  });
  $("in").addEventListener("click", () => zoom(1.4));
  $("out").addEventListener("click", () => zoom(1 / 1.4));
  $("reset").addEventListener("click", reset);
  isDark.addEventListener("change", () => { arrange(); legend(); redraw(); });
  arrange();
  new ResizeObserver(resize).observe(canvas);
  legend();
  filter();
  stage.dataset.ready = "true";
};
const mapStage = document.getElementById("map-stage");
if (mapStage) {
  showMap(mapStage).catch((error) => {
    mapStage.textContent = JSON.parse(document.getElementById("words").textContent).no_map;
    throw error;
  });
}
