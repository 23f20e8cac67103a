// The tenant's workflows, and one of them with its graph, a form to run it, and its executions.

import { useEffect, useState } from "./vendor/hooks.js";
import { archiveWorkflow, execute, getWorkflow, getYaml, listWorkflows } from "./api.js";
import { ExecutionList } from "./executions.js";
import { Graph } from "./graph.js";
import { initialInput, SchemaForm } from "./schema_form.js";
import { Empty, html, Problem, Status, Time } from "./ui.js";

const PAGE = 50;

function useLoaded(load, key) {
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

function RunForm({ workflow }) {
  const schema = workflow.specification?.state_schema?.input;
  const [input, setInput] = useState(initialInput(schema));
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);
  async function submit(event) {
    event.preventDefault();
    setWorking(true);
    setError(null);
    try {
      const started = await execute(workflow.workflow_id, input);
      location.hash = `#/executions/${started.execution_id}`;
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  }
  return html`<form class="card run-form" onSubmit=${submit} aria-labelledby="run-title">
    <h2 id="run-title">Run it</h2>
    <${SchemaForm} schema=${schema} value=${input} onChange=${setInput} />
    <${Problem} error=${error} />
    <div class="actions"><button type="submit" class="primary" disabled=${working}>Run</button></div>
  </form>`;
}

function Yaml({ id }) {
  const [text, setText] = useState(null);
  const [error, setError] = useState(null);
  const open = (event) => {
    if (event.currentTarget.open && text === null) getYaml(id).then(setText).catch(setError);
  };
  return html`<details onToggle=${open}>
    <summary>Specification (YAML)</summary>
    <${Problem} error=${error} />
    ${text !== null && html`<pre class="value" tabindex="0">${text}</pre>`}
  </details>`;
}

export function WorkflowPage({ id }) {
  const [version, setVersion] = useState(0);
  const [problem, setProblem] = useState(null);
  const [workflow, error] = useLoaded(() => getWorkflow(id), `${id} ${version}`);
  useEffect(() => {
    if (workflow) document.title = `${workflow.name} – Weft`;
  }, [workflow]);
  if (!workflow) return error ? html`<h1 tabindex="-1">Workflow</h1><${Problem} error=${error} />` : html`<p class="quiet">loading…</p>`;
  const archive = () => archiveWorkflow(id).then(() => setVersion(version + 1)).catch(setProblem);
  const { specification } = workflow;
  return html`<div class="page-head">
      <div>
        <h1 tabindex="-1">${workflow.name}</h1>
        <div class="quiet"><span class="id">${workflow.workflow_id}</span> · version ${workflow.version} · <${Status} value=${workflow.status} /></div>
      </div>
      <div class="page-actions">${workflow.status === "active" && html`<button type="button" onClick=${archive}>Archive</button>`}</div>
    </div>
    ${workflow.description && html`<p class="description">${workflow.description}</p>`}
    <${Problem} error=${problem} />
    <section class="card" aria-label="Graph">
      <${Graph} levels=${workflow.levels ?? []} nodes=${specification.nodes} edges=${specification.edges ?? []} />
      <${Yaml} id=${id} />
    </section>
    ${workflow.status === "active" && html`<${RunForm} key=${id} workflow=${workflow} />`}
    <section aria-labelledby="executions-title"><${ExecutionList} title="Executions" workflowId=${id} /></section>`;
}
