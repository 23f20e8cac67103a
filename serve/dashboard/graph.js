// A workflow's graph as SVG: from left to right, or downwards on a narrow screen.

import { useEffect, useId, useMemo, useRef, useState } from "./vendor/hooks.js";
import { LABEL_LETTERS, layout, NODE } from "./layout.js";
import { html, SIGNS } from "./ui.js";

const LEAST_SCALE = 0.66;
const GOOD_SCALE = 0.75;
const NARROW = matchMedia("(max-width: 720px)");

function useNarrow() {
  const [narrow, setNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const change = () => setNarrow(NARROW.matches);
    NARROW.addEventListener("change", change);
    return () => NARROW.removeEventListener("change", change);
  }, []);
  return narrow;
}

// How wide an element is, kept up to date; it counts as wide until it is drawn.
export function useWidth() {
  const element = useRef(null);
  const [width, setWidth] = useState(Infinity);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setWidth(contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

const shorten = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function done(items) {
  return (items.completed ?? 0) + (items.failed ?? 0);
}

// What becomes of a node or an edge when a workflow changes: told by sign and line as well as by colour.
export const MARKS = { added: "+", changed: "~", removed: "−" };

function NodeBox({ node, box, number, state, selected, onSelect }) {
  const status = state?.status ?? "pending";
  const each = node.pattern === "map";
  const items = each && state?.items?.count ? state.items : null;
  const about = items ? `${done(items)} of ${items.count}` : `${node.agent}${each ? ", each item" : ""}`;
  const told = state ? status : (node.mark ?? (number && `step ${number}`));
  const label = `${node.id}, ${node.agent}${told ? `, ${told}` : ""}${items ? `, ${about} items` : ""}`;
  const sign = state ? (SIGNS[status] ?? "?") : (MARKS[node.mark] ?? number ?? "●");
  const select = onSelect && (() => onSelect(node.id));
  const onKeyDown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    select();
  };
  return html`<g
    class="node ${state || !node.mark ? status : `mark-${node.mark}`} ${selected ? "selected" : ""} ${select ? "selectable" : ""}"
    transform="translate(${box.x},${box.y})"
    role=${select ? "button" : "img"}
    aria-label=${label}
    aria-pressed=${select ? String(Boolean(selected)) : undefined}
    tabindex=${select ? 0 : undefined}
    onClick=${select}
    onKeyDown=${select && onKeyDown}
    data-node=${node.id}
  >
    <title>${label}</title>
    ${each && html`<rect class="behind" x="5" y="-5" width=${NODE.width} height=${NODE.height} rx="10" />`}
    <rect class="box" width=${NODE.width} height=${NODE.height} rx="10" />
    <text class="sign" x="22" y=${NODE.height / 2 + 5} text-anchor="middle">${sign}</text>
    <text class="name" x="40" y="25">${shorten(node.id, 18)}</text>
    <text class="about" x="40" y="43">${shorten(about, 21)}</text>
    ${items &&
    html`<rect class="track" x="10" y=${NODE.height - 7} width=${NODE.width - 20} height="3" rx="1.5" />
      <rect class="bar" x="10" y=${NODE.height - 7} rx="1.5" height="3"
        width=${((NODE.width - 20) * done(items)) / items.count} />`}
  </g>`;
}

function edgeClass(edge, states) {
  if (edge.mark) return `edge mark-${edge.mark}`;
  const [from, to] = [states?.get(edge.from)?.status, states?.get(edge.to)?.status];
  if (!states || from !== "completed") return "edge";
  return !to || to === "pending" || to === "skipped" ? "edge" : "edge taken";
}

// A way that is taken only sometimes says when.
const withConditions = (edges) =>
  edges.map((edge) => (edge.type === "failure" && !edge.condition ? { ...edge, condition: "if it fails" } : edge));

export const graphLabel = ({ length }) => `Graph of ${length} ${length === 1 ? "node" : "nodes"}`;

// levels: node ids by level; nodes and edges: the specification's; states: node id → state, or null;
// numbered: whether nodes show which step they are, as a change in a sentence names them;
// room: how wide it may become before it goes downwards instead of being scrolled.
export function Graph({ levels, nodes, edges, states, selected, onSelect, numbered, label = graphLabel(nodes), room = Infinity }) {
  const narrow = useNarrow();
  const arrow = useId();
  const [drawn, upright] = useMemo(() => {
    const ways = withConditions(edges);
    const usual = layout(levels, ways, narrow);
    return narrow || GOOD_SCALE * usual.width <= room ? [usual, false] : [layout(levels, ways, true), true];
  }, [levels, edges, narrow, room]);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const numbers = new Map(numbered ? nodes.map(({ id }, index) => [id, index + 1]) : []);
  // It shrinks to fit as long as it can be read; then it scrolls.
  const [whole, least] = [drawn.width, LEAST_SCALE * drawn.width].map((pixels) => `${pixels}px`);
  const size = upright ? { width: whole } : { width: "100%", maxWidth: whole, minWidth: least };
  return html`<div class=${upright ? "graph upright" : "graph"} tabindex="0" role="group" aria-label=${label}>
    <svg viewBox="0 0 ${drawn.width} ${drawn.height}" style=${size}>
      <defs>
        <marker id=${arrow} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
          <path class="arrow" d="M0,0.8 L7.500,4 L0,7.200 z" />
        </marker>
      </defs>
      ${drawn.edges.map(
        (edge) => html`<path key=${`${edge.from}>${edge.to}>${edge.type}`} class=${edgeClass(edge, states)} d=${edge.path} marker-end="url(#${arrow})" />`,
      )}
      ${drawn.edges
        .filter((edge) => edge.condition)
        .map(
          (edge) => html`<text key=${`${edge.from}?${edge.to}?${edge.type}`} class="condition" x=${edge.label.x} y=${edge.label.y - 8} text-anchor="middle">
            ${shorten(edge.condition, LABEL_LETTERS)}<title>${edge.condition}</title>
          </text>`,
        )}
      ${drawn.nodes.map(
        (box) => html`<${NodeBox}
          key=${box.id}
          node=${byId.get(box.id) ?? { id: box.id, agent: "" }}
          box=${box}
          number=${numbers.get(box.id)}
          state=${states?.get(box.id)}
          selected=${selected === box.id}
          onSelect=${onSelect}
        />`,
      )}
    </svg>
  </div>`;
}
