// The executions of all workflows, or of one, live.

import { useState } from "./vendor/hooks.js";
import { listExecutions } from "./api.js";
import { STATE_TEXTS, useLive } from "./live.js";
import { elapsed, Empty, html, isOver, Problem, seconds, Status, Time, usd, useNow } from "./ui.js";

const FILTERS = ["", "running", "waiting", "completed", "failed", "cancelled"];
const PAGE = 20;
const LIST_INTERVAL_MS = 1000;

export function LiveState({ state }) {
  return html`<span class="live state-${state}" role="status"><i aria-hidden="true"></i>${STATE_TEXTS[state]}</span>`;
}

function Progress({ progress, status }) {
  if (!progress?.total_nodes) return null;
  const { total_nodes: total, completed_nodes: completed = 0, failed_nodes: failed = 0 } = progress;
  return html`<span class="progress">
    <span class="track" aria-hidden="true"><span class="bar ${status}" style=${{ width: `${(100 * (completed + failed)) / total}%` }}></span></span>
    ${completed}/${total}
  </span>`;
}

function Row({ row, now, showWorkflow }) {
  return html`<tr>
    <td><${Status} value=${row.status} /></td>
    <td>
      <a href=${`#/executions/${row.execution_id}`}>${showWorkflow ? row.workflow_name : row.execution_id}</a>
      ${showWorkflow && html`<div class="quiet id">${row.execution_id}</div>`}
      ${row.origin && html`<div class="quiet">${row.origin.kind}</div>`}
    </td>
    <td><${Progress} progress=${row.progress} status=${row.status} /></td>
    <td class="number">${seconds(elapsed(row, now))}</td>
    <td class="number">${usd(row.cost_usd)}</td>
    <td class="number"><${Time} value=${row.started_at} /></td>
  </tr>`;
}

export function ExecutionList({ title, workflowId }) {
  const [status, setStatus] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const load = () => listExecutions({ status, workflow_id: workflowId, limit });
  const [page, error, state] = useLive(null, load, `${status} ${limit} ${workflowId}`, LIST_INTERVAL_MS);
  const rows = page?.executions ?? [];
  const now = useNow(rows.some((row) => !isOver(row.status)));
  return html`<div class="section-head">
      <h2 id="executions-title">${title}</h2>
      <${LiveState} state=${state} />
      <div class="filters" role="group" aria-label="Filter by status">
        ${FILTERS.map(
          (name) => html`<button type="button" class="chip" key=${name} aria-pressed=${String(status === name)}
            onClick=${() => setStatus(name)}>${name || "all"}</button>`,
        )}
      </div>
    </div>
    <${Problem} error=${error} />
    ${page && rows.length === 0 && html`<${Empty} title=${status ? `No execution is ${status}` : "Nothing has run yet"}>
      ${status ? "Choose another filter to see more." : workflowId ? "Run it to see its executions here." : "Say above what should happen, then create and run it."}
    <//>`}
    ${rows.length > 0 &&
    html`<div class="card table-card">
      <table>
        <thead><tr><th>Status</th><th>${workflowId ? "Execution" : "Workflow"}</th><th>Nodes</th>
          <th class="number">Time</th><th class="number">Cost</th><th class="number">Started</th></tr></thead>
        <tbody>${rows.map((row) => html`<${Row} key=${row.execution_id} row=${row} now=${now} showWorkflow=${!workflowId} />`)}</tbody>
      </table>
    </div>`}
    ${page && page.total > rows.length &&
    html`<button type="button" class="more" onClick=${() => setLimit(limit + PAGE)}>Show more (${rows.length} of ${page.total})</button>`}`;
}
