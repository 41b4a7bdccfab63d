"use strict";
(function () {
  // Each word: its text, its count, x and y between 0 and 1, and its neighbours with their cosines.
  const words = JSON.parse(document.getElementById("words").textContent);
  const frame = document.querySelector(".map"), svg = frame.querySelector("svg"), tip = frame.querySelector(".tip");
  const search = document.querySelector(".tools input"), found = document.querySelector(".found");
  const groups = Array.from(svg.querySelectorAll("g.word")), font = 12, margin = 14;
  const measure = document.createElement("canvas").getContext("2d");
  measure.font = font + "px system-ui, sans-serif";
  const widths = words.map((word) => measure.measureText(word[0]).width * 1.06);
  let width = 1, height = 1, zoom = 1, left = 0, top = 0, hits = null, open = -1, waiting = false;

  const place = (i) => [
    (words[i][2] * (width - 2 * margin) + margin - left) * zoom,
    (words[i][3] * (height - 2 * margin) + margin - top) * zoom,
  ];

  function draw() {
    waiting = false;
    const cell = 48, cells = new Map(), order = words.map((_, i) => i);
    // What is searched for gets its label first, then the most frequent words.
    if (hits) order.sort((a, b) => hits.has(b) - hits.has(a) || a - b);
    const each = (box, visit) => {
      for (let x = Math.floor(box[0] / cell); x <= Math.floor(box[2] / cell); x++)
        for (let y = Math.floor(box[1] / cell); y <= Math.floor(box[3] / cell); y++)
          if (visit(x + "," + y)) return true;
      return false;
    };
    // No text covers a point: those of others are taken from the start.
    const places = words.map((_, i) => place(i)), dots = new Map();
    places.forEach(([x, y], i) => each([x - 2.5, y - 2.5, x + 2.5, y + 2.5], (key) => {
      dots.has(key) ? dots.get(key).add(i) : dots.set(key, new Set([i]));
    }));
    const covers = (box, own) => each(box, (key) => [...(dots.get(key) || [])].some((i) => {
      const [x, y] = places[i];
      return i !== own && x + 2.5 > box[0] && x - 2.5 < box[2] && y + 2.5 > box[1] && y - 2.5 < box[3];
    }));
    const isTaken = (box) => each(box, (key) => (cells.get(key) || []).some((other) =>
      box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]));
    const take = (box) => { each(box, (key) => { cells.has(key) ? cells.get(key).push(box) : cells.set(key, [box]); }); };
    for (const i of order) {
      const group = groups[i], dot = group.firstElementChild, label = group.lastElementChild, [x, y] = places[i];
      const isSeen = x > -4 && y > -4 && x < width + 4 && y < height + 4;
      group.setAttribute("class", "word" + (hits ? (hits.has(i) ? " hit" : " dim") : ""));
      group.style.display = isSeen ? "" : "none";
      if (!isSeen) continue;
      dot.setAttribute("cx", x.toFixed(1));
      dot.setAttribute("cy", y.toFixed(1));
      const w = widths[i], half = font * 0.6;
      const choices = [[x + 6, y, "start", x + 6], [x - 6, y, "end", x - 6 - w],
        [x, y - 6 - half, "middle", x - w / 2], [x, y + 6 + half, "middle", x - w / 2],
        [x + 4, y - half, "start", x + 4], [x + 4, y + half, "start", x + 4],
        [x - 4, y - half, "end", x - 4 - w], [x - 4, y + half, "end", x - 4 - w]];
      let shown = false;
      for (const [at, middle, anchor, start] of choices) {
        const box = [start, middle - half, start + w, middle + half];
        if (box[0] < 0 || box[1] < 0 || box[2] > width || box[3] > height || isTaken(box) || covers(box, i)) continue;
        take(box);
        label.setAttribute("x", at.toFixed(1));
        label.setAttribute("y", (middle + font * 0.35).toFixed(1));
        label.setAttribute("text-anchor", anchor);
        shown = true;
        break;
      }
      label.style.display = shown ? "" : "none";
    }
    if (open >= 0) show(open);
  }
  const redraw = () => { if (!waiting) { waiting = true; requestAnimationFrame(draw); } };

  function zoomAt(x, y, factor) {
    const next = Math.min(60, Math.max(1, zoom * factor));
    left += x / zoom - x / next;
    top += y / zoom - y / next;
    zoom = next;
    stayInside();
  }
  function stayInside() {
    left = Math.min(Math.max(left, 0), width - width / zoom);
    top = Math.min(Math.max(top, 0), height - height / zoom);
    redraw();
  }

  function show(i) {
    open = i;
    tip.hidden = i < 0;
    if (i < 0) return;
    const [word, count, , , near] = words[i], [x, y] = place(i);
    tip.textContent = "";
    const line = (name, text, kind) => {
      const element = document.createElement(name);
      element.textContent = text;
      element.className = kind || "";
      tip.append(element);
      return element;
    };
    line("b", word === "" ? '""' : word);
    if (count) line("div", count.toLocaleString("en") + " occurrences", "muted");
    for (const [other, cosine] of near) line("div", cosine.toFixed(2) + "  " + other);
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 12 + box.width > width ? x - 12 - box.width : x + 12, width - box.width - 4)) + "px";
    tip.style.top = Math.max(4, Math.min(y + 12, height - box.height - 4)) + "px";
  }
  function nearest(event, reach) {
    const box = svg.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    let best = -1, least = reach * reach;
    for (let i = 0; i < words.length; i++) {
      const [x, y] = place(i), distance = (x - px) ** 2 + (y - py) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  const pointers = new Map();
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    show(nearest(event, event.pointerType === "mouse" ? 14 : 26));
  });
  svg.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return show(nearest(event, 14));
    const others = [...pointers.values()].filter((other) => other.pointerId !== event.pointerId);
    if (others.length) {
      const other = others[0], box = svg.getBoundingClientRect();
      const gap = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      zoomAt((event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top, gap(event) / gap(before));
    } else if (zoom > 1) {
      left -= (event.clientX - before.clientX) / zoom;
      top -= (event.clientY - before.clientY) / zoom;
      stayInside();
    }
    pointers.set(event.pointerId, event);
  });
  const release = (event) => pointers.delete(event.pointerId);
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && !pointers.size) show(-1); });
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoomAt(event.clientX - box.left, event.clientY - box.top, Math.exp(-event.deltaY / 400));
  }, { passive: false });
  for (const button of document.querySelectorAll(".tools button"))
    button.addEventListener("click", () => {
      if (button.value === "0") [zoom, left, top] = [1, 0, 0];
      zoomAt(width / 2, height / 2, Number(button.value) || 1);
    });

  function find() {
    const text = search.value.trim().toLowerCase();
    const matching = words.map((_, i) => i).filter((i) => words[i][0].toLowerCase().includes(text));
    hits = text ? new Set(matching) : null;
    found.textContent = text ? matching.length + " of " + words.length : words.length + " words";
    const exact = matching.find((i) => words[i][0].toLowerCase() === text);
    show(!text || exact === undefined ? -1 : exact);
    redraw();
  }
  search.addEventListener("input", find);

  function resize() {
    [width, height] = [frame.clientWidth, frame.clientHeight];
    svg.setAttribute("viewBox", "0 0 " + width + " " + height);
    stayInside();
  }
  resize();
  new ResizeObserver(resize).observe(frame);
  search.value = decodeURIComponent(location.hash.slice(1));
  find();
  draw();
})();
