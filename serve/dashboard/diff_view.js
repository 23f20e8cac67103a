// What differs between two versions: in words, in the graph, and line by line; and what that widens.

import { useEffect, useMemo, useState } from "./vendor/hooks.js";
import { mergedGraph } from "./diff_graph.js";
import { Graph, graphLabel, MARKS, useWidth } from "./graph.js";
import { folded, lineDiff } from "./line_diff.js";
import { Parameters } from "./parameters.js";
import { html, Problem } from "./ui.js";
import { brief, changeKind, changeWords, isNothing, wideningWords } from "./words.js";

const KINDS = ["added", "changed", "removed"];
const AND = new Intl.ListFormat("en");

const LINE_KINDS = { "+": "added", "-": "removed", "…": "left-out", " ": "same" };

function Lines({ before, after }) {
  const lines = useMemo(() => folded(lineDiff(before, after)), [before, after]);
  return html`<pre class="value lines" tabindex="0">${lines.map(
    ({ sign, text }, index) => html`<span class="line ${LINE_KINDS[sign]}" key=${index}>${`${sign} ${text}\n`}</span>`,
  )}</pre>`;
}

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

// What a field was and is: side by side, or line by line if it has several.
function Values({ change: { field, old_value: old, new_value: now } }) {
  if (field === "node" || /^edges\.[^.]+$/.test(field)) return null;
  const texts = [old, now].map(asText);
  if (!isNothing(old) && !isNothing(now) && texts.some((text) => text.includes("\n"))) {
    return html`<${Lines} before=${texts[0]} after=${texts[1]} />`;
  }
  return html`<div class="values">
    <span class="unseen">before:</span>
    ${isNothing(old) ? html`<span class="quiet">nothing</span>` : html`<del>${brief(old)}</del>`}
    <span aria-hidden="true">→</span><span class="unseen">, after:</span>
    ${isNothing(now) ? html`<span class="quiet">nothing</span>` : html`<ins>${brief(now)}</ins>`}
  </div>`;
}

function Change({ change }) {
  const kind = changeKind(change);
  const place = change.node_id === null ? change.field : `${change.node_id} · ${change.field}`;
  return html`<li class="change mark-${kind}">
    <span class="sign" aria-hidden="true">${MARKS[kind]}</span>
    <div>
      <span class="unseen">${kind}: </span>${changeWords(change)} <code class="quiet">${place}</code>
      <${Values} change=${change} />
      ${change.field === "node" && html`<details><summary>${kind === "added" ? "What it does" : "What it did"}</summary>
        <${Parameters} node=${change.new_value ?? change.old_value} /></details>`}
    </div>
  </li>`;
}

function tally(nodes) {
  const counts = KINDS.map((kind) => [kind, nodes.filter(({ mark }) => mark === kind).length]);
  return counts.filter(([, count]) => count > 0).map(([kind, count]) => `${count} ${kind}`).join(", ");
}

function MarkedGraph({ specification, changes }) {
  const { nodes, edges, levels } = useMemo(() => mergedGraph(specification, changes), [specification, changes]);
  const [box, room] = useWidth();
  const told = tally(nodes);
  const marked = KINDS.filter((kind) => [...nodes, ...edges].some(({ mark }) => mark === kind));
  return html`<div ref=${box}><${Graph} levels=${levels} nodes=${nodes} edges=${edges} room=${room}
      label=${`${graphLabel(nodes)}${told ? `: ${told}` : ", none of them changed"}`} /></div>
    ${marked.length > 0 &&
    html`<div class="legend">${marked.map(
      (kind) => html`<span class="mark-${kind}" key=${kind}><span class="sign" aria-hidden="true">${MARKS[kind]}</span> ${kind}</span>`,
    )}</div>`}`;
}

// load() returns a promise of both texts; they are fetched once somebody looks.
function TextDiff({ load }) {
  const [open, setOpen] = useState(false);
  const [texts, setTexts] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (!open) return undefined;
    let current = true;
    load()
      .then((loaded) => current && setTexts(loaded))
      .catch((problem) => current && setError(problem));
    return () => {
      current = false;
    };
  }, [open, load]);
  return html`<details onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>Lines of the YAML that differ</summary>
    <${Problem} error=${error} />
    ${texts && html`<${Lines} before=${texts[0]} after=${texts[1]} />`}
  </details>`;
}

// specification: of the older version; loadTexts: both YAML texts.
export function DiffView({ specification, changes, loadTexts }) {
  if (changes.length === 0) return html`<p class="quiet">No step and no setting differs.</p><${TextDiff} load=${loadTexts} />`;
  return html`<${MarkedGraph} specification=${specification} changes=${changes} />
    <ul class="changes" aria-label="Changes">
      ${changes.map((change, index) => html`<${Change} key=${`${index} ${change.node_id} ${change.field}`} change=${change} />`)}
    </ul>
    <${TextDiff} load=${loadTexts} />`;
}

// What a change adds to that which the workflow may touch; with onTick it has to be acknowledged.
export function Widening({ widens, ticked, onTick }) {
  if (widens.length === 0) return null;
  return html`<div class="widening" role="group" aria-labelledby="widening-title">
    <strong id="widening-title"><span aria-hidden="true">▲</span> It may now do more than before</strong>
    <ul>${widens.map(
      (one) => html`<li key=${`${one.kind} ${one.value}`}>${wideningWords(one)}
        ${one.node_id && html`<span class="quiet"> in the step <code>${one.node_id}</code></span>`}</li>`,
    )}</ul>
    ${onTick &&
    html`<label><input type="checkbox" checked=${ticked} onChange=${(event) => onTick(event.currentTarget.checked)} />
      <span>I know that it may now also ${AND.format(widens.map(wideningWords))}.</span></label>`}
  </div>`;
}
