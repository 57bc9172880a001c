// Purpose: the style and the script of the HTML page, as they stand in it.
// Thread:  any (constants).
#pragma once

#include <string_view>

namespace weft::storm {

inline constexpr std::string_view kPageStyle = R"css(
html, body { margin: 0; height: 100%; overflow: hidden; font: 14px system-ui, sans-serif; }
body { background: var(--wall); color: var(--text); }
.light { --wall: #fafaf7; --text: #1d1d1f; --bar: #ffffffee; --line: #c9c9d2; --mark: #d6006c; }
.dark { --wall: #1c1d22; --text: #f2f2f4; --bar: #2a2b33ee; --line: #4a4b55; --mark: #ffd54a; }
#wall { position: fixed; inset: 0; cursor: grab; touch-action: none; }
#wall.dragging { cursor: grabbing; }
#wall svg { width: 100%; height: 100%; display: block; }
#bar { position: fixed; right: 12px; bottom: 12px; display: flex; gap: 6px; align-items: center; padding: 6px;
  border: 1px solid var(--line); border-radius: 8px; background: var(--bar); }
#bar input, #bar button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line);
  border-radius: 5px; padding: 4px 8px; }
#bar button { min-width: 30px; cursor: pointer; }
#bar input { width: 12em; }
#found { min-width: 4em; text-align: right; }
.note, .area { cursor: pointer; outline: none; }
.edge, .note, .area { transition: opacity 0.12s; }
.note:focus-visible > rect, .area:focus-visible > rect, .found > rect { stroke: var(--mark); stroke-width: 4; }
.following .note:not(.lit), .following .edge:not(.lit) { opacity: 0.15; }
.following .lit.origin > rect { stroke: var(--mark); stroke-width: 4; }
.following .edge.lit { stroke: var(--mark); stroke-width: 2.6; }
@media (prefers-reduced-motion: reduce) { .edge, .note, .area { transition: none; } }
)css";

inline constexpr std::string_view kPageBody = R"html(
<div id="bar" role="toolbar" aria-label="View">
<input id="search" type="search" placeholder="Search ( / )" aria-label="Search notes"><span id="found" aria-live="polite"></span>
<button id="out" title="Smaller (-)" aria-label="Zoom out">&#8722;</button><button id="in" title="Larger (+)" aria-label="Zoom in">+</button>
<button id="fit" title="All (0)" aria-label="Show all">All</button>
</div>
)html";

inline constexpr std::string_view kPageScript = R"js(
'use strict';
(() => {
const board = JSON.parse(document.getElementById('board').textContent);
const wall = document.getElementById('wall'), svg = wall.querySelector('svg');
const search = document.getElementById('search'), found = document.getElementById('found');
const whole = svg.viewBox.baseVal, full = {x: 0, y: 0, width: whole.width, height: whole.height};
let view = {...full};

// ---- zoom and pan ----
const show = () => svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.width} ${view.height}`);
const scale = () => Math.max(view.width / wall.clientWidth, view.height / wall.clientHeight);
const point = event => {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return {x: at.x, y: at.y};
};
function zoom(factor, at) {
  const width = Math.min(full.width * 4, Math.max(120, view.width * factor)), by = width / view.width;
  at ??= {x: view.x + view.width / 2, y: view.y + view.height / 2};
  view = {x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by, width, height: view.height * by};
  show();
}
function pan(x, y) { view.x += x; view.y += y; show(); }
function fit() { view = {...full}; show(); }
wall.addEventListener('wheel', event => {
  event.preventDefault();
  zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004), point(event));
}, {passive: false});
let drag = null;
wall.addEventListener('pointerdown', event => { if (event.button === 0) drag = {x: event.clientX, y: event.clientY, moved: false}; });
addEventListener('pointermove', event => {
  if (!drag) return;
  const x = event.clientX - drag.x, y = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(x, y) < 4) return;
  wall.classList.add('dragging');
  pan(-x * scale(), -y * scale());
  drag = {x: event.clientX, y: event.clientY, moved: true};
});
let dragged = false;
const drop = () => { dragged = Boolean(drag && drag.moved); drag = null; wall.classList.remove('dragging'); };
addEventListener('pointerup', drop);
addEventListener('pointercancel', drop);
document.getElementById('in').onclick = () => zoom(1 / 1.3);
document.getElementById('out').onclick = () => zoom(1.3);
document.getElementById('fit').onclick = fit;

// ---- following a flow from its causes to its effects ----
const key = (kind, name) => kind + ' ' + name;
const number = new Map(board.nodes.map((node, i) => [key(node.kind, node.name), i]));
const ahead = board.nodes.map(() => []), back = board.nodes.map(() => []);
const flows = new Set(['triggers', 'issues', 'leads to']);
const near = board.nodes.map(() => []);
for (const edge of board.edges) {
  if (flows.has(edge.meaning)) { ahead[edge.from].push(edge.to); back[edge.to].push(edge.from); }
  else { near[edge.from].push(edge.to); near[edge.to].push(edge.from); }
}
function reach(start, next) {
  const seen = new Set([start]), queue = [start];
  while (queue.length) for (const to of next[queue.pop()]) if (!seen.has(to)) { seen.add(to); queue.push(to); }
  return seen;
}
const notes = [...svg.querySelectorAll('.note, .area')], edges = [...svg.querySelectorAll('.edge')];
const numberOf = note => number.get(key(note.dataset.kind, note.dataset.name));
let pinned = null;
function follow(note) {
  const start = note ? numberOf(note) : undefined;
  svg.classList.toggle('following', start !== undefined);
  for (const each of [...notes, ...edges]) each.classList.remove('lit', 'origin');
  if (start === undefined) return;
  const causes = reach(start, back), effects = reach(start, ahead);
  const lit = new Set([...causes, ...effects, ...near[start]]);
  // What a command is decided by and looks at belongs to the flow, but leads no further.
  for (const i of [...causes, ...effects]) if (board.nodes[i].kind === 'command') for (const j of near[i]) lit.add(j);
  for (const each of notes) {
    const i = numberOf(each);
    each.classList.toggle('lit', lit.has(i));
    each.classList.toggle('origin', i === start);
  }
  for (const edge of edges) {
    const from = number.get(key(edge.dataset.fromKind, edge.dataset.from)), to = number.get(key(edge.dataset.toKind, edge.dataset.to));
    edge.classList.toggle('lit', (causes.has(from) && causes.has(to)) || (effects.has(from) && effects.has(to)));
  }
}
function pin(note) { pinned = pinned === note ? null : note; follow(pinned); }
function reveal(note) {
  const box = note.getBoundingClientRect();
  if (box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight) return;
  const at = point({clientX: box.left + box.width / 2, clientY: box.top + box.height / 2});
  view.x = at.x - view.width / 2; view.y = at.y - view.height / 2; show();
}
for (const note of notes) {
  const isNote = note.classList.contains('note');
  if (isNote) note.addEventListener('mouseenter', () => { if (!pinned && !drag) follow(note); });
  if (isNote) note.addEventListener('mouseleave', () => { if (!pinned) follow(document.activeElement?.classList?.contains('note') ? document.activeElement : null); });
  note.addEventListener('focus', () => { if (note.matches(':focus-visible')) { reveal(note); if (!pinned) follow(note); } });
  note.addEventListener('blur', () => { if (!pinned) follow(null); });
  note.addEventListener('click', () => { if (!dragged) pin(note); });
}

// ---- search ----
let hits = [], hit = -1;
function look() {
  const wanted = search.value.trim().toLowerCase();
  hits = wanted ? notes.filter(note => note.textContent.toLowerCase().includes(wanted) || note.dataset.name.toLowerCase().includes(wanted)) : [];
  hit = -1;
  for (const note of notes) note.classList.toggle('found', hits.includes(note));
  found.textContent = wanted ? `${hits.length} found` : '';
}
function next(step) {
  if (!hits.length) return;
  hit = (hit + step + hits.length) % hits.length;
  found.textContent = `${hit + 1} of ${hits.length}`;
  const box = hits[hit].getBBox(), width = Math.min(full.width, Math.max(900, box.width * 1.3));
  const height = width * wall.clientHeight / Math.max(1, wall.clientWidth);
  view = {x: box.x + box.width / 2 - width / 2, y: box.y + box.height / 2 - height / 2, width, height};
  show();
  pinned = hits[hit];
  follow(pinned);
}
search.addEventListener('input', look);

// ---- keys ----
function clear() { pinned = null; search.value = ''; look(); follow(null); document.activeElement?.blur?.(); }
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') return clear();
  if (event.target === search) {
    if (event.key === 'Enter') { event.preventDefault(); next(event.shiftKey ? -1 : 1); }
    return;
  }
  const step = view.width / 12;
  const keys = {
    '/': () => { search.focus(); search.select(); }, '+': () => zoom(1 / 1.3), '=': () => zoom(1 / 1.3), '-': () => zoom(1.3), '0': fit,
    ArrowLeft: () => pan(-step, 0), ArrowRight: () => pan(step, 0), ArrowUp: () => pan(0, -step), ArrowDown: () => pan(0, step),
  };
  const note = event.target.closest?.('.note, .area');
  if (note && (event.key === 'Enter' || event.key === ' ')) { event.preventDefault(); pin(note); }
  else if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
})();
)js";

}  // namespace weft::storm
