// One workflow: its graph, a box to change it, a form to run it, its versions and executions.

import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { archiveWorkflow, execute, getVersion, getWorkflow, getYaml, planWorkflow } from "./api.js";
import { EditBox } from "./edit_box.js";
import { ExecutionList } from "./executions.js";
import { Graph } from "./graph.js";
import { PlanView } from "./plan_view.js";
import { initialInput, SchemaForm } from "./schema_form.js";
import { html, Problem, Status, useLoaded } from "./ui.js";
import { Versions } from "./versions.js";

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

// The plan of an execution, asked for once somebody wants to read it.
function Plan({ workflow, chosen, onChoose }) {
  const { specification, workflow_id: id } = workflow;
  const [answer, error] = useLoaded(() => planWorkflow(id), id);
  if (!answer) return error ? html`<${Problem} error=${error} />` : html`<p class="quiet">loading…</p>`;
  return html`<${PlanView} plan=${answer.plan} specification=${specification} chosen=${chosen} onChoose=${onChoose} />`;
}

function GraphCard({ workflow }) {
  const [chosen, setChosen] = useState(null);
  const [open, setOpen] = useState(false);
  const { nodes, edges = [] } = workflow.specification;
  function choose(id) {
    setChosen(id === chosen ? null : id);
    if (id !== chosen) setOpen(true);
  }
  return html`<section class="card" aria-label="Graph">
    <${Graph} levels=${workflow.levels ?? []} nodes=${nodes} edges=${edges} numbered selected=${chosen} onSelect=${choose} />
    <details open=${open} onToggle=${(event) => setOpen(event.currentTarget.open)}>
      <summary>What it does, touches, takes and costs</summary>
      ${open && html`<${Plan} workflow=${workflow} chosen=${chosen} onChoose=${choose} />`}
    </details>
    <${Yaml} id=${workflow.workflow_id} />
  </section>`;
}

// What is changed: the current version, or a draft that was chosen below.
function useBase(workflow) {
  const [draft, setDraft] = useState(null);
  const [error, setError] = useState(null);
  const current = workflow && { version: workflow.version, state: "published", specification: workflow.specification };
  const choose = (version) => {
    setError(null);
    if (version === null) setDraft(null);
    else getVersion(workflow.workflow_id, version).then(setDraft, setError);
  };
  return { base: draft ?? current, choose, error };
}

// writes: whether who looks may change and start anything.
export function WorkflowPage({ id, writes }) {
  const [round, setRound] = useState(0);
  const [problem, setProblem] = useState(null);
  const [said, setSaid] = useState("");
  const status = useRef(null);
  const [workflow, error] = useLoaded(() => getWorkflow(id), `${id} ${round}`);
  const { base, choose, error: draftError } = useBase(workflow);
  useEffect(() => {
    if (workflow) document.title = `${workflow.name} – Weft`;
  }, [workflow]);
  if (!workflow) return error ? html`<h1 tabindex="-1">Workflow</h1><${Problem} error=${error} />` : html`<p class="quiet">loading…</p>`;

  const reload = () => setRound(round + 1);
  const archive = () => archiveWorkflow(id).then(reload).catch(setProblem);
  function changed(words) {
    setSaid(words);
    choose(null);
    reload();
  }
  // The button that was pressed goes away: who works by keyboard goes on at what was said.
  function moved(words) {
    changed(words);
    requestAnimationFrame(() => status.current.focus());
  }
  const accepted = ({ version, state }) =>
    changed(state === "draft" ? `Version ${version} is kept as a draft; nothing starts it before it is published.` : `Version ${version} is the current one now.`);
  const active = writes && workflow.status === "active";
  return html`<div class="page-head">
      <div>
        <h1 tabindex="-1">${workflow.name}</h1>
        <div class="quiet"><span class="id">${workflow.workflow_id}</span> · version ${workflow.version} · <${Status} value=${workflow.status} /></div>
      </div>
      <div class="page-actions">${active && html`<button type="button" onClick=${archive}>Archive</button>`}</div>
    </div>
    ${workflow.description && html`<p class="description">${workflow.description}</p>`}
    <${Problem} error=${problem ?? draftError} />
    <div class=${said ? "said" : "unseen"}>
      <p role="status" tabindex="-1" ref=${status}>${said}</p>
      ${said && html`<button type="button" class="plain" aria-label="Close the message" onClick=${() => setSaid("")}>✕</button>`}
    </div>
    <${GraphCard} key=${workflow.version} workflow=${workflow} />
    ${active && html`<${EditBox} id=${id} base=${base} onChanged=${accepted} onReload=${() => changed("")} />`}
    ${active && html`<${RunForm} key=${workflow.version} workflow=${workflow} />`}
    <${Versions} id=${id} current=${workflow.version} round=${round} active=${active} onChanged=${moved} onEdit=${choose} />
    <section aria-labelledby="executions-title"><${ExecutionList} title="Executions" workflowId=${id} /></section>`;
}
