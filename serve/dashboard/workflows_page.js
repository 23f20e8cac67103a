// The tenant's workflows.

import { useState } from "./vendor/hooks.js";
import { listWorkflows } from "./api.js";
import { Empty, html, Problem, Time, useLoaded } from "./ui.js";

const PAGE = 50;

export function WorkflowsPage() {
  const [status, setStatus] = useState("active");
  const [limit, setLimit] = useState(PAGE);
  const [page, error] = useLoaded(() => listWorkflows({ status, limit }), `${status} ${limit}`);
  const workflows = page?.workflows ?? [];
  return html`<div class="section-head">
      <h1 tabindex="-1">Workflows</h1>
      <div class="filters" role="group" aria-label="Filter by status">
        ${["active", "archived"].map(
          (name) => html`<button type="button" class="chip" key=${name} aria-pressed=${String(status === name)} onClick=${() => setStatus(name)}>${name}</button>`,
        )}
      </div>
    </div>
    <${Problem} error=${error} />
    ${page && workflows.length === 0 && html`<${Empty} title=${status === "active" ? "There is no workflow yet" : "Nothing is archived"}>
      ${status === "active" && html`<a href="#/">Create one from a sentence.</a>`}
    <//>`}
    ${workflows.length > 0 &&
    html`<div class="card table-card"><table>
      <thead><tr><th>Name</th><th>Tags</th><th class="number">Version</th><th class="number">Runs</th><th class="number">Last run</th><th><span class="unseen">Actions</span></th></tr></thead>
      <tbody>${workflows.map(
        (workflow) => html`<tr key=${workflow.workflow_id}>
          <td><a href=${`#/workflows/${workflow.workflow_id}`}>${workflow.name}</a>
            <div class="quiet clip">${workflow.description}</div></td>
          <td>${(workflow.tags ?? []).map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}</td>
          <td class="number">${workflow.version}</td>
          <td class="number">${workflow.executions_count ?? 0}</td>
          <td class="number"><${Time} value=${workflow.last_executed} /></td>
          <td class="number">${status === "active" && html`<a class="button" href=${`#/workflows/${workflow.workflow_id}`} aria-label=${`Run ${workflow.name}`}>Run</a>`}</td>
        </tr>`,
      )}</tbody>
    </table></div>`}
    ${page && page.total > workflows.length &&
    html`<button type="button" class="more" onClick=${() => setLimit(limit + PAGE)}>Show more (${workflows.length} of ${page.total})</button>`}`;
}
