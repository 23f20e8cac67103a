// Templates: a gallery of them, and one with its graph, its plan and a form for what it needs.

import { useState } from "./vendor/hooks.js";
import { dryRun, getTemplate, listTemplates } from "./api.js";
import { DraftView } from "./draft_view.js";
import { useReading } from "./reading.js";
import { initialInput, SchemaForm } from "./schema_form.js";
import { createAndGo } from "./starting.js";
import { Empty, html, Problem, useLoaded } from "./ui.js";

function Card({ template }) {
  return html`<li><a class="card template" href=${`#/templates/${template.template_id}`}>
    <strong>${template.name}</strong>
    <span>${template.description}</span>
    <span class="tags">${template.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}</span>
  </a></li>`;
}

function Cards({ templates }) {
  return html`<ul class="templates">${templates.map((template) => html`<${Card} key=${template.template_id} template=${template} />`)}</ul>`;
}

const SHOWN = 3;

// The first templates, and the way to all of them. Without an answer there is nothing to choose from.
export function TemplateRow() {
  const [page] = useLoaded(listTemplates, "");
  if (!page || page.total === 0) return null;
  return html`<section aria-labelledby="templates-title">
    <div class="section-head">
      <h2 id="templates-title">Or begin with a template</h2>
      <a class="all" href="#/templates">All ${page.total} templates</a>
    </div>
    <${Cards} templates=${page.templates.slice(0, SHOWN)} />
  </section>`;
}

const textOf = ({ name, description, tags, pattern }) => [name, description, pattern, ...tags].join(" ").toLowerCase();

function matching(templates, wanted) {
  const words = wanted.toLowerCase().split(/\s+/);
  return templates.filter((template) => words.every((word) => textOf(template).includes(word)));
}

export function TemplatesPage() {
  const [wanted, setWanted] = useState("");
  const [page, error] = useLoaded(listTemplates, "");
  const found = matching(page?.templates ?? [], wanted);
  return html`<div class="section-head">
      <h1 tabindex="-1">Templates</h1>
      <input class="search" type="search" aria-label="Search the templates" placeholder="Search…" value=${wanted}
        onInput=${(event) => setWanted(event.currentTarget.value)} />
    </div>
    <p class="unseen" role="status">${page ? `${found.length} of ${page.total} templates` : ""}</p>
    <${Problem} error=${error} />
    ${page && found.length === 0 && html`<${Empty} title="No template has these words"><a href="#/">Say in a sentence what should happen.</a><//>`}
    <${Cards} templates=${found} />`;
}

const plan = (template, inputs, signal) => dryRun({ template, inputs }, signal);

function Form({ template }) {
  const { template_id: id, input_schema: schema } = template;
  const [input, setInput] = useState(initialInput(schema));
  const [name, setName] = useState(template.name);
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);
  const { result: draft, error: planError, fresh } = useReading(id, input, plan);

  async function submit(event) {
    event.preventDefault();
    setWorking(true);
    setError(null);
    try {
      const source = { template: id, inputs: input, name: name.trim() || template.name };
      await createAndGo(source, { run: event.submitter?.value !== "create", input });
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  }

  // What does not fit the schema yet is no failure while it is typed; the button says so.
  const failure = error ?? (planError?.status === 422 ? null : planError);
  return html`<form class="card" onSubmit=${submit} aria-label="Use this template">
    ${draft && html`<${DraftView} draft=${draft} name=${name} onName=${setName} stale=${!fresh || Boolean(planError)} />`}
    ${schema?.properties &&
    html`<h2 class="inputs-title">What it is given</h2>
      <p class="quiet">These values become the workflow's own; each run may be given others.</p>
      <${SchemaForm} schema=${schema} value=${input} onChange=${setInput} />`}
    <${Problem} error=${failure} />
    <div class="actions">
      <button type="submit" class="primary" value="run" disabled=${working}>Create & run</button>
      <button type="submit" value="create" disabled=${working} formnovalidate>Create only</button>
      <span class="quiet" role="status">${working ? "creating…" : ""}</span>
    </div>
  </form>`;
}

export function TemplatePage({ id }) {
  const [template, error] = useLoaded(() => getTemplate(id), id);
  if (!template) return error ? html`<h1 tabindex="-1">Template</h1><${Problem} error=${error} />` : html`<p class="quiet">loading…</p>`;
  return html`<div class="page-head"><div>
      <h1 tabindex="-1">${template.name}</h1>
      <div class="quiet"><a href="#/templates">Templates</a> · ${template.pattern.replace("_", "-")}</div>
    </div></div>
    <p class="description">${template.description}</p>
    <${Form} key=${id} template=${template} />`;
}
