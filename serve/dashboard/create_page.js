// The first page: a sentence becomes a graph while it is typed; below, what runs now.

import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { createWorkflow, dryRun, execute } from "./api.js";
import { ExecutionList } from "./executions.js";
import { Graph } from "./graph.js";
import { initialInput, SchemaForm } from "./schema_form.js";
import { html, Problem, Problems } from "./ui.js";

const PAUSE_MS = 500;
const EXAMPLES = [
  "Scrape the reviews at https://example.com → analyze the sentiment of each review in parallel → email a report to me@example.com",
  "Check https://example.com → if it is down, email an alert to me@example.com; otherwise log it to the database",
  "Summarize {input.text} in three sentences, then ask me to approve it",
];

// What the sentence would become, asked again after each pause in typing. A model costs something,
// so one reads only when it is asked to.
function usePlan(sentence, answers, offline) {
  const [state, setState] = useState({ plan: null, error: null, busy: false });
  const asked = JSON.stringify([sentence.trim(), answers, offline]);
  useEffect(() => {
    const text = sentence.trim();
    if (!text) {
      setState({ plan: null, error: null, busy: false });
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      setState((before) => ({ ...before, busy: true }));
      try {
        const plan = await dryRun({ description: text, answers, offline }, abort.signal);
        setState({ plan, error: null, busy: false });
      } catch (error) {
        if (error.name === "AbortError") return;
        const { questions, reading } = error;
        setState({ plan: questions?.length ? { questions, reading } : null, error, busy: false });
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);
  return state;
}

function Questions({ questions, answers, onAnswer }) {
  return html`<fieldset class="questions">
    <legend>${questions.length === 1 ? "One thing is open" : `${questions.length} things are open`}</legend>
    ${questions.map(
      (question) => html`<div class="field" key=${question.id}>
        <label for=${`answer-${question.id}`}>${question.text} ${!question.required && html`<em>optional</em>`}</label>
        <input id=${`answer-${question.id}`} value=${answers[question.id] ?? ""} autocomplete="off"
          onInput=${(event) => onAnswer(question.id, event.currentTarget.value)} />
        ${question.suggestions?.length > 0 &&
        html`<div class="chips">
          ${question.suggestions.map(
            (text) => html`<button type="button" class="chip" key=${text} onClick=${() => onAnswer(question.id, text)}>${text}</button>`,
          )}
        </div>`}
      </div>`,
    )}
  </fieldset>`;
}

function Preview({ plan, busy }) {
  const specification = plan.parsed_specification;
  if (!specification) return null;
  const count = specification.nodes.length;
  return html`<section class="preview ${busy ? "busy" : ""}" aria-label="What it becomes">
    <div class="preview-head">
      <h2>${plan.name ?? specification.metadata?.name ?? "Workflow"}</h2>
      <span class="quiet">${specification.pattern?.replace("_", "-")} · ${count} ${count === 1 ? "node" : "nodes"}</span>
    </div>
    ${plan.problems?.length > 0 && html`<${Problems} problems=${plan.problems} />`}
    <${Graph} levels=${plan.levels ?? []} nodes=${specification.nodes} edges=${specification.edges ?? []} />
    ${plan.yaml && html`<details><summary>Specification (YAML)</summary><pre class="value" tabindex="0">${plan.yaml}</pre></details>`}
  </section>`;
}

// Who read the sentence, what it cost, and why models were left; nothing when only offline was asked.
function Reading({ reading, asked }) {
  if (!reading || !asked) return null;
  const model = reading.by !== "offline";
  const cost = `${(reading.ms / 1000).toFixed(1)} s, ${reading.llm_tokens} tokens, $${reading.cost_usd}`;
  return html`<p class="quiet" role="note">
    ${model ? `Read by ${reading.by}: ${cost}.` : "Read offline: no language model gave an answer."}
    ${reading.notes.map((note) => html`<br />Left ${note}`)}
  </p>`;
}

// The questions of all rounds so far: an answered one stays on the page, so that it can be changed.
function useQuestions(plan, sentence) {
  const [known, setKnown] = useState([]);
  useEffect(() => setKnown([]), [sentence]);
  useEffect(() => {
    const fresh = (plan?.questions ?? []).filter(({ id }) => !known.some((question) => question.id === id));
    if (fresh.length) setKnown([...known, ...fresh]);
  }, [plan]);
  return known;
}

// Where to go after starting a new workflow. One that wants another input than was given exists
// all the same: its own page asks for it.
async function start(workflow, input) {
  try {
    return `#/executions/${(await execute(workflow.workflow_id, input)).execution_id}`;
  } catch (problem) {
    if (problem.status !== 422) throw problem;
    return `#/workflows/${workflow.workflow_id}`;
  }
}

function Composer() {
  const [sentence, setSentence] = useState("");
  const [answers, setAnswers] = useState({});
  const [input, setInput] = useState({});
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);
  const [offline, setOffline] = useState(true);
  const form = useRef(null);
  const given = Object.fromEntries(Object.entries(answers).filter(([, text]) => text.trim()));
  const { plan, error: planError, busy } = usePlan(sentence, given, offline);
  const questions = useQuestions(plan, sentence);
  const schema = plan?.parsed_specification?.state_schema?.input;
  const schemaKey = JSON.stringify(schema ?? null);
  useEffect(() => setInput(initialInput(schema)), [schemaKey]);

  const open = (plan?.questions ?? []).some(({ id, required }) => required && !given[id]);
  const usable = plan?.parsed_specification && !plan.problems?.length && !open;

  async function submit(event) {
    event.preventDefault();
    const run = event.submitter?.value !== "create";
    setWorking(true);
    setError(null);
    try {
      // What stands on the page is what is created; a model might read it anew in another way.
      const shown = offline ? { description: sentence.trim(), answers: given, offline } : { yaml: plan.yaml };
      const workflow = await createWorkflow(shown);
      location.hash = run ? await start(workflow, input) : `#/workflows/${workflow.workflow_id}`;
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  }

  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && usable) form.current.requestSubmit();
  };

  return html`<form class="composer card" ref=${form} onSubmit=${submit} onKeyDown=${onKeyDown}>
    <label class="lead" for="sentence">What should happen?</label>
    <textarea id="sentence" rows="3" value=${sentence} placeholder="Say it in one sentence…" autocomplete="off"
      onInput=${(event) => {
        setSentence(event.currentTarget.value);
        setOffline(true);
      }}></textarea>
    ${!sentence &&
    html`<div class="chips examples" aria-label="Examples">
      ${EXAMPLES.map((text) => html`<button type="button" class="chip" key=${text} onClick=${() => setSentence(text)}>${text}</button>`)}
    </div>`}
    ${questions.length > 0 &&
    html`<${Questions} questions=${questions} answers=${answers}
      onAnswer=${(id, text) => setAnswers({ ...answers, [id]: text })} />`}
    ${planError && !planError.questions?.length && html`<${Problem} error=${planError} />`}
    ${plan && html`<${Preview} plan=${plan} busy=${busy} />`}
    <${Reading} reading=${plan?.reading} asked=${!offline} />
    ${schema?.properties && html`<${SchemaForm} schema=${schema} value=${input} onChange=${setInput} />`}
    <${Problem} error=${error} />
    ${sentence &&
    html`<div class="actions">
      <button type="submit" class="primary" value="run" disabled=${!usable || working}>Create & run</button>
      <button type="submit" value="create" disabled=${!usable || working} formnovalidate>Create only</button>
      ${offline && html`<button type="button" class="plain" onClick=${() => setOffline(false)}>Read it with a language model</button>`}
      <span class="quiet" role="status">${working ? "creating…" : busy ? "reading…" : ""}</span>
    </div>`}
  </form>`;
}

export function CreatePage() {
  return html`<h1 tabindex="-1" class="unseen">Weft</h1>
    <${Composer} />
    <section aria-labelledby="executions-title">
      <${ExecutionList} title="Executions" />
    </section>`;
}
