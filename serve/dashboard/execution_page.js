// One execution, live: its graph, what it asks, its timeline, the logs of a node, its output.

import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { Origin, Retry, Reused, RunAgain } from "./again.js";
import { cancelExecution, getExecution, getLogs } from "./api.js";
import { Answered, Approval } from "./approval.js";
import { LiveState } from "./executions.js";
import { Gantt } from "./gantt.js";
import { Graph } from "./graph.js";
import { FailedItems } from "./items.js";
import { useLive, useLooks, useTexts } from "./live.js";
import { elapsed, errorText, html, isOver, Problem, seconds, Status, Time, usd, useNow, Value } from "./ui.js";

function Fact({ name, children }) {
  return html`<div class="fact"><dt>${name}</dt><dd>${children}</dd></div>`;
}

function Cancel({ execution, onDone }) {
  const dialog = useRef(null);
  const [error, setError] = useState(null);
  async function cancel() {
    dialog.current.close();
    try {
      await cancelExecution(execution.execution_id);
      onDone();
    } catch (problem) {
      setError(problem);
    }
  }
  return html`<button type="button" class="danger" onClick=${() => dialog.current.showModal()}>Cancel</button>
    <${Problem} error=${error} />
    <dialog ref=${dialog} aria-labelledby="cancel-title">
      <h2 id="cancel-title">Cancel this execution?</h2>
      <p>What has begun is stopped, nothing more starts. It cannot be taken back.</p>
      <div class="actions">
        <button type="button" class="danger" onClick=${cancel}>Cancel it</button>
        <button type="button" autofocus onClick=${() => dialog.current.close()}>Let it run</button>
      </div>
    </dialog>`;
}

function Head({ execution, state, onChange }) {
  const over = isOver(execution.status);
  const now = useNow(!over);
  const { total_nodes: total = 0, completed_nodes: completed = 0 } = execution.progress ?? {};
  const cost = execution.cost ?? {};
  return html`<div class="page-head">
      <div>
        <h1 tabindex="-1">${execution.workflow_name ?? "Execution"}</h1>
        <div class="quiet"><span class="id">${execution.execution_id}</span> · <a href=${`#/workflows/${execution.workflow_id}`}>workflow</a> ${execution.workflow_version}<${Origin} origin=${execution.origin} />
          ${execution.parent && html` · started by <a href=${`#/executions/${execution.parent.execution_id}`}>${execution.parent.node_id}</a>`}</div>
      </div>
      <div class="page-actions">
        ${!over && html`<${LiveState} state=${state} />`}
        ${!over && html`<${Cancel} execution=${execution} onDone=${onChange} />`}
        ${["failed", "cancelled"].includes(execution.status) && html`<${Retry} execution=${execution} />`}
      </div>
    </div>
    <dl class="facts">
      <${Fact} name="Status"><span role="status"><${Status} value=${execution.status} reason=${execution.waiting_reason} /></span><//>
      <${Fact} name="Nodes">${completed} of ${total}<//>
      <${Fact} name="Time">${seconds(elapsed(execution, now)) || "–"}<//>
      <${Fact} name="Started"><${Time} value=${execution.started_at} /><//>
      <${Fact} name="Cost">${usd(cost.total_usd ?? 0)}<//>
      <${Fact} name="Tokens">${(cost.llm_tokens ?? 0).toLocaleString()}<//>
    </dl>`;
}

const CHILDREN_SHOWN = 100; // as many as an answer has

// The executions that the nodes of this one started.
function Children({ rows }) {
  return html`<section class="card" aria-labelledby="children-title">
    <h2 id="children-title">Started executions</h2>
    <table>
      <thead><tr><th>Status</th><th>Workflow</th><th>Node</th></tr></thead>
      <tbody>${rows.map(
        (row) => html`<tr key=${row.execution_id}>
          <td><${Status} value=${row.status} /></td>
          <td><a href=${`#/executions/${row.execution_id}`}>${row.workflow_name}</a></td>
          <td>${row.node_id}${row.map_index === null ? "" : `[${row.map_index}]`}</td>
        </tr>`,
      )}</tbody>
    </table>
    ${rows.length >= CHILDREN_SHOWN && html`<p class="quiet">The first ${rows.length}.</p>`}
  </section>`;
}

function Attempt({ log, open }) {
  const facts = Object.entries(log.metadata ?? {});
  return html`<details class="attempt" open=${open}>
    <summary>
      <${Status} value=${log.status} />
      <span>attempt ${log.attempt ?? 1}</span>
      <span class="quiet">${seconds(log.duration_seconds)}</span>
      <span class="quiet"><${Time} value=${log.started_at} /></span>
    </summary>
    ${log.error_message && html`<pre class="value error" tabindex="0">${log.error_message}</pre>`}
    ${facts.length > 0 &&
    html`<dl class="metadata">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd></div>`)}</dl>`}
    ${log.output !== null && log.output !== undefined && html`<h4>Output</h4><${Value} value=${log.output} />`}
    ${log.input !== null && log.input !== undefined && html`<h4>Input</h4><${Value} value=${log.input} />`}
  </details>`;
}

const TEXTS_SHOWN = 4; // of the items of a map that models are writing just now

function NodePanel({ execution, node, logs, each, growing }) {
  const own = logs.filter((log) => log.node_id === node.node_id);
  const attempts = [...own].sort((a, b) => (b.attempt ?? 1) - (a.attempt ?? 1));
  const output = node.output ?? null;
  const failing = each && node.items?.failed > 0;
  return html`<section class="card node-panel" aria-labelledby="node-title">
    <div class="section-head">
      <h2 id="node-title">${node.node_id}</h2>
      <span class="quiet">${node.agent}</span>
      <${Status} value=${node.status} />
      ${node.cost_usd > 0 && html`<span class="quiet">${usd(node.cost_usd)}</span>`}
      ${node.llm_tokens > 0 && html`<span class="quiet">${node.llm_tokens.toLocaleString()} tokens</span>`}
      ${each && node.items?.count > 0 && html`<span class="quiet">${node.items.completed ?? 0} of ${node.items.count} items${node.items.failed ? `, ${node.items.failed} failed` : ""}</span>`}
      <${Reused} metadata=${node.metadata} />
      ${isOver(execution.status) && attempts.length > 0 && html`<${RunAgain} execution=${execution} nodeId=${node.node_id} />`}
    </div>
    ${!isOver(node.status) && growing.slice(-TEXTS_SHOWN).map((one) => html`<div key=${one.index}><h4>Writing${one.index === undefined ? "" : ` item ${one.index}`}</h4><pre class="value growing" tabindex="0">${one.text}</pre></div>`)}
    ${node.error && attempts.length === 0 && html`<pre class="value error">${errorText(node.error)}</pre>`}
    ${attempts.map((log, index) => html`<${Attempt} key=${`${log.attempt} ${log.started_at}`} log=${log} open=${index === 0} />`)}
    ${attempts.length === 0 && output !== null && html`<h4>Output</h4><${Value} value=${output} />`}
    ${failing && html`<${FailedItems} executionId=${execution.execution_id} node=${node} />`}
    ${attempts.length === 0 && output === null && !node.error && !failing && html`<p class="quiet">It has not ended yet.</p>`}
  </section>`;
}

function inOrder(execution) {
  const place = new Map((execution.levels ?? []).flat().map((id, index) => [id, index]));
  return [...(execution.nodes ?? [])].sort((a, b) => (place.get(a.node_id) ?? 1e9) - (place.get(b.node_id) ?? 1e9));
}

// The node a reader most likely wants to see first.
function mostTelling(nodes) {
  const find = (status) => nodes.find((node) => node.status === status);
  return find("failed") ?? find("waiting") ?? find("running") ?? nodes.findLast((node) => node.status === "completed") ?? nodes[0];
}

async function load(id) {
  const [execution, logs] = await Promise.all([getExecution(id), getLogs(id)]);
  // An attempt that stands is told as its node is.
  const standing = isOver(execution.status) ? "skipped" : "waiting";
  return { execution, logs: logs.map((log) => (log.status === "pending" ? { ...log, status: standing } : log)) };
}

// No event tells how those before it in the queue go on, nor what it started.
function changesUnheard(execution) {
  if (!execution) return false;
  return Boolean(execution.queued) || execution.waiting_reason === "workflow" || (execution.children ?? []).some((child) => !isOver(child.status));
}

export function ExecutionPage({ id, me }) {
  const [texts, addPiece] = useTexts(id);
  const [data, error, state, reload] = useLive(id, () => load(id), id, undefined, addPiece);
  useLooks(reload, changesUnheard(data?.execution));
  const [chosen, setChosen] = useState(null);
  useEffect(() => {
    if (data) document.title = `${data.execution.status}: ${data.execution.workflow_name ?? id} – Weft`;
  }, [data]);
  if (!data) return error ? html`<h1 tabindex="-1">Execution</h1><${Problem} error=${error} />` : html`<p class="quiet">loading…</p>`;

  const { execution, logs } = data;
  const nodes = inOrder(execution);
  const states = new Map(nodes.map((node) => [node.node_id, node]));
  const selected = states.get(chosen) ?? mostTelling(nodes);
  const each = execution.specification?.nodes?.find(({ id: nodeId }) => nodeId === selected?.node_id)?.pattern === "map";
  const approvals = (execution.approvals ?? []).filter((approval) => approval.status === "pending");
  const answered = (execution.approvals ?? []).filter((approval) => approval.status !== "pending");
  const over = isOver(execution.status);
  return html`
    <${Head} execution=${execution} state=${state} onChange=${reload} />
    <${Problem} error=${error} />
    ${execution.queued && html`<p class="queued" role="status">${execution.queued.message}</p>`}
    ${execution.error && html`<div class="problem" role="alert"><strong>${execution.status === "cancelled" ? "It was cancelled" : "It failed"}</strong><p>${errorText(execution.error)}</p></div>`}
    ${approvals.map((approval) => html`<${Approval} key=${approval.approval_id} executionId=${id} approval=${approval} me=${me} onDecided=${reload} />`)}
    <section class="card" aria-label="Graph">
      <${Graph} levels=${execution.levels ?? []} nodes=${execution.specification?.nodes ?? []}
        edges=${execution.specification?.edges ?? []} states=${states} selected=${selected?.node_id} onSelect=${setChosen} />
    </section>
    <section class="card" aria-labelledby="timeline-title">
      <h2 id="timeline-title">Timeline</h2>
      <${Gantt} execution=${execution} nodes=${nodes} logs=${logs} over=${over} selected=${selected?.node_id} onSelect=${setChosen} />
    </section>
    ${answered.length > 0 && html`<${Answered} rows=${answered} />`}
    ${(execution.children ?? []).length > 0 && html`<${Children} rows=${execution.children} />`}
    ${over && execution.output !== null && execution.output !== undefined &&
    html`<section class="card" aria-labelledby="output-title"><h2 id="output-title">Output</h2><${Value} value=${execution.output} /></section>`}
    ${selected && html`<${NodePanel} key=${selected.node_id} execution=${execution} node=${selected} logs=${logs} each=${each} growing=${[...texts.values()].filter((one) => one.nodeId === selected.node_id)} />`}
  `;
}
