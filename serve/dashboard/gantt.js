// When each attempt at each node ran, on one axis of time.

import { html, seconds, useNow } from "./ui.js";

const TICKS = 6;

function niceStep(span) {
  const rough = span / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

const tickText = (tick) => (tick < 60 ? `${Number(tick.toPrecision(3))} s` : seconds(tick));

function bars(node, logs, now) {
  const ended = logs.filter((log) => log.node_id === node.node_id && log.started_at);
  const found = ended.map((log) => ({
    status: log.status,
    attempt: log.attempt,
    from: Date.parse(log.started_at),
    to: log.completed_at ? Date.parse(log.completed_at) : now,
  }));
  const known = ended.some((log) => log.attempt === node.attempt && log.started_at === node.started_at);
  if (node.started_at && !known) {
    const to = node.completed_at ? Date.parse(node.completed_at) : now;
    found.push({ status: node.status, attempt: node.attempt, from: Date.parse(node.started_at), to });
  }
  return found;
}

export function Gantt({ execution, nodes, logs, over, selected, onSelect }) {
  const now = useNow(!over);
  const rows = nodes.map((node) => ({ node, bars: bars(node, logs, now) }));
  const all = rows.flatMap((row) => row.bars);
  if (all.length === 0) return html`<p class="quiet">No node has started yet.</p>`;
  const begin = Math.min(Date.parse(execution.started_at ?? 0) || Infinity, ...all.map((bar) => bar.from));
  const span = Math.max(...all.map((bar) => bar.to), begin + 100) - begin;
  const step = niceStep(span / 1000);
  const ticks = Array.from({ length: Math.floor(span / 1000 / step) + 1 }, (_, index) => index * step);
  const percent = (ms) => `${(100 * ms) / span}%`;
  return html`<div class="gantt" role="list" aria-label="Timeline">
    <div class="axis" aria-hidden="true">
      ${ticks.map((tick) => html`<span key=${tick} style=${{ left: percent(tick * 1000) }}>${tickText(tick)}</span>`)}
    </div>
    ${rows.map(
      ({ node, bars: own }) => html`<div class="lane" role="listitem" key=${node.node_id}>
        <button type="button" class="plain ${selected === node.node_id ? "selected" : ""}" onClick=${() => onSelect(node.node_id)}>
          ${node.node_id}
        </button>
        <div class="track">
          ${ticks.map((tick) => html`<i key=${tick} style=${{ left: percent(tick * 1000) }}></i>`)}
          ${own.map(
            (bar) => html`<span
              key=${`${bar.attempt} ${bar.from}`}
              class="bar ${bar.status}"
              style=${{ left: percent(bar.from - begin), width: percent(bar.to - bar.from) }}
              title=${`attempt ${bar.attempt}, ${bar.status}, ${seconds((bar.to - bar.from) / 1000)}`}
            ><b class="unseen">${`attempt ${bar.attempt}, ${bar.status}, ${seconds((bar.to - bar.from) / 1000)}`}</b></span>`,
          )}
        </div>
      </div>`,
    )}
  </div>`;
}
