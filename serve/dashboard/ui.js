// The view library, bound once, and the small pieces that every page shares.
// Texts reach the page as text nodes only; nothing is ever parsed as HTML.

import { h } from "./vendor/preact.js";
import { useEffect, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { Markdown } from "./markdown.js";

export const html = htm.bind(h);

export const SIGNS = {
  pending: "○",
  running: "▶",
  waiting: "‖",
  retrying: "↻",
  completed: "✓",
  failed: "✕",
  cancelled: "⊘",
  skipped: "–",
  active: "●",
  archived: "▪",
};

export const isOver = (status) => ["completed", "failed", "cancelled"].includes(status);

export function Status({ value, reason }) {
  const text = reason && value === "waiting" ? `waiting: ${reason}` : value;
  return html`<span class="status ${value}">
    <span class="sign" aria-hidden="true">${SIGNS[value] ?? "?"}</span>${text}
  </span>`;
}

export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export function usd(value) {
  if (value === null || value === undefined) return "";
  if (value === 0) return "$0";
  return value >= 1 ? `$${value.toFixed(2)}` : `$${value.toFixed(4)}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export function moment(text) {
  if (!text) return "";
  const date = new Date(text);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

export function Time({ value }) {
  return value ? html`<time datetime=${value} title=${value}>${moment(value)}</time>` : null;
}

// The duration of something: what it took, or how long it has been going on.
export function elapsed(item, now) {
  if (isOver(item.status) || !item.started_at) return item.duration_seconds ?? null;
  return Math.max(0, (now - Date.parse(item.started_at)) / 1000);
}

// The time, renewed every second while something goes on.
export function useNow(active) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!active) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [active]);
  return now;
}

export function errorText(error) {
  if (!error) return "";
  if (typeof error === "string") return error;
  const place = error.node_id ? `${error.node_id}: ` : "";
  return `${place}${error.message ?? JSON.stringify(error)}`;
}

// What went wrong, where, and what to do about it.
export function Problem({ error }) {
  if (!error) return null;
  return html`<div class="problem" role="alert">
    <strong>${error.title}</strong>
    ${error.detail && html`<p>${error.detail}</p>`}
    ${error.problems?.length > 0 && html`<${Problems} problems=${error.problems} />`}
    ${error.remedy && html`<p class="remedy">${withCode(error.remedy)}</p>`}
  </div>`;
}

export function Problems({ problems }) {
  return html`<ul class="problems">
    ${problems.map(
      (problem) => html`<li key=${`${problem.path} ${problem.rule}`}>
        <code>${problem.path}${problem.line ? ` (line ${problem.line})` : ""}</code>
        <div>${withCode(problem.message)}</div>
        <div class="remedy">${withCode(problem.remedy)}</div>
      </li>`,
    )}
  </ul>`;
}

// A sentence in which backticks enclose names.
export const withCode = (text) => text.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part));

const isShort = (value) => typeof value !== "object" && !String(value).includes("\n");
const looksLikeMarkdown = (text) => /^(#{1,4} |[-*] |\d+\. |\|.*\|)/m.test(text);

const bytes = (count) => (count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`);

function isReference(value) {
  const url = value?.$artifact?.url;
  return typeof url === "string" && url.startsWith("/api/v1/workflows/executions/") && "preview" in value;
}

// A value that is too large to be shown: how it begins, and a link to the whole.
function Reference({ value: { $artifact: artifact, preview } }) {
  return html`<pre class="value text" tabindex="0">${`${preview}…`}</pre>
    <p class="quiet"><a href=${artifact.url} download>the whole value</a>, ${bytes(artifact.bytes)} of JSON</p>`;
}

// A JSON value as a person reads it: reports as Markdown, the rest as JSON.
export function Value({ value }) {
  if (isReference(value)) return html`<${Reference} value=${value} />`;
  if (typeof value === "string") {
    if (looksLikeMarkdown(value)) return html`<${Markdown} text=${value} />`;
    return html`<pre class="value text" tabindex="0">${value}</pre>`;
  }
  const texts = value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
  if (texts.some(([, part]) => isReference(part) || (typeof part === "string" && part.includes("\n")))) {
    // What one reads stands first; the small facts about it follow in one line.
    const short = texts.filter(([, part]) => isShort(part));
    const long = texts.filter(([, part]) => !isShort(part));
    return html`<dl class="value-parts">
        ${long.map(([key, part]) => html`<dt key=${key}>${key}</dt><dd><${Value} value=${part} /></dd>`)}
      </dl>
      ${short.length > 0 &&
      html`<dl class="metadata">${short.map(([key, part]) => html`<div key=${key}><dt>${key}</dt><dd>${String(part)}</dd></div>`)}</dl>`}`;
  }
  return html`<pre class="value" tabindex="0">${JSON.stringify(value, null, 2)}</pre>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><strong>${title}</strong><div>${children}</div></div>`;
}

// Loads something now and whenever its key changes; what was loaded stays until then.
export function useLoaded(load, key) {
  const [state, setState] = useState({ data: null, error: null });
  useEffect(() => {
    let current = true;
    load()
      .then((data) => current && setState({ data, error: null }))
      .catch((error) => current && setState({ data: null, error }));
    return () => {
      current = false;
    };
  }, [key]);
  return [state.data, state.error];
}
