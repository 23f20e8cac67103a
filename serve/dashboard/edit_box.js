// Changing a workflow in one sentence: what it would change is shown before anything is stored.

import { useMemo, useRef, useState } from "./vendor/hooks.js";
import { changeWorkflow, getVersionYaml } from "./api.js";
import { DiffView, Widening } from "./diff_view.js";
import { AskModel, Questions, ReadBy, readingWords, unread, useModel, useQuestions, useReading } from "./reading.js";
import { html, Problem, Problems } from "./ui.js";

const EXAMPLES = ["Ask me to approve before the last step", "Remove the last step", "Run it every Monday at 9"];
const SUMMARY_CHARACTERS = 200;
const CHANGED_MEANWHILE = 409;

const isConflict = (error) => error?.status === CHANGED_MEANWHILE && error.widens.length === 0;
const stepsOf = (base, changes) => ["trigger", ...base.specification.nodes.map(({ id }) => id), ...changes.map(({ node_id: id }) => id)];

const count = ({ changes }) => (changes.length === 1 ? "One change" : `${changes.length} changes`);

// What a reader who does not see the graph hears once it is read.
const told = (change) => (change.widens.length > 0 ? `${count(change)}; it may now do more than before` : count(change));

function Preview({ base, change, id, stale }) {
  const { version, changes, problems, yaml } = change;
  const loadTexts = useMemo(() => async () => [await getVersionYaml(id, base.version), yaml], [id, base.version, yaml]);
  return html`<section class="preview ${stale ? "stale" : ""}" aria-label="What would change">
    <div class="preview-head">
      <h3>${count(change)}</h3>
      <span class="quiet">version ${base.version} → ${version}</span>
    </div>
    <${DiffView} specification=${base.specification} changes=${changes} loadTexts=${loadTexts} />
    ${problems.length > 0 && html`<div class="problem"><strong>It cannot be accepted like this</strong><${Problems} problems=${problems} /></div>`}
    <${ReadBy} reading=${change.reading} />
  </section>`;
}

function Conflict({ error, onReload }) {
  return html`<div class="problem" role="alert">
    <strong>The workflow was changed meanwhile</strong>
    <p>${error.detail} What you typed stays here.</p>
    <div class="actions"><button type="button" onClick=${onReload}>Load the current version</button></div>
  </div>`;
}

function Hint({ question, text, onChoose }) {
  const examples = question?.suggestions ?? EXAMPLES;
  return html`${text && question && html`<p class="quiet hint">${question.text}</p>`}
    <div class="chips" role="group" aria-label="Examples">
      ${examples.map((example) => html`<button type="button" class="chip" key=${example} onClick=${() => onChoose(example)}>${example}</button>`)}
    </div>`;
}

// base: {version, state, specification} that the change is made of; onChanged hears the new version.
export function EditBox({ id, base, onChanged, onReload }) {
  const [text, setText] = useState("");
  const [answers, setAnswers] = useState({});
  const [ticked, setTicked] = useState("");
  const [refusal, setRefusal] = useState(null);
  const [working, setWorking] = useState(false);
  const box = useRef(null);
  const given = Object.fromEntries(Object.entries(answers).filter(([, answer]) => answer.trim()));
  const model = useModel(text.trim());
  const ask = (description, answered, signal) =>
    changeWorkflow(id, { description, answers: answered, base_version: base.version, dry_run: true, offline: model.offline }, signal);
  const reading = useReading(text.trim(), given, ask, `${base.version} ${model.offline}`);
  const { result: change, error, busy, fresh } = reading;
  const { questions, isOpen } = useQuestions(reading, text, given, stepsOf(base, change?.changes ?? []));

  // What was understood last stays in sight while more is typed; it is accepted only when it is of this text.
  const shown = text.trim() ? change : null;
  const stale = Boolean(error) || !fresh;
  const widened = JSON.stringify(shown?.widens ?? []);
  const acknowledged = widened === "[]" || ticked === widened;
  const conflict = [refusal, error].find(isConflict);
  const usable = shown && !stale && !conflict && !isOpen && shown.problems.length === 0 && acknowledged && !working;
  const failure = refusal ?? (error && !error.questions.length ? error : null);

  function begin(words) {
    setText(words);
    setRefusal(null);
  }

  function discard() {
    begin("");
    setAnswers({});
    setTicked("");
    box.current.focus();
  }

  function reload() {
    setRefusal(null);
    onReload();
  }

  async function accept(draft) {
    setWorking(true);
    setRefusal(null);
    try {
      const summary = [...text.trim()].slice(0, SUMMARY_CHARACTERS).join("");
      // The text that is shown, not the sentence: who reads it again may read it in another way.
      const body = { yaml: shown.yaml, summary, base_version: base.version, draft, confirm: shown.widens.length > 0 };
      const made = await changeWorkflow(id, body);
      discard();
      onChanged(made);
    } catch (problem) {
      setRefusal(problem);
    }
    setWorking(false);
  }

  function submit(event) {
    event.preventDefault();
    if (usable) accept(event.submitter?.value === "draft");
  }

  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
  };

  return html`<form class="card edit-box" onSubmit=${submit} onKeyDown=${onKeyDown} aria-labelledby="edit-title">
    <h2 id="edit-title"><label for="instruction">Change it in a sentence</label></h2>
    ${base.state === "draft" && html`<p class="quiet">It changes the draft ${base.version}, so what is accepted has the draft's changes, too.
      <button type="button" class="plain" onClick=${reload}>Change the current version instead</button></p>`}
    <textarea id="instruction" ref=${box} rows="2" value=${text} autocomplete="off" placeholder="Say what should be different…"
      onInput=${(event) => begin(event.currentTarget.value)}></textarea>
    ${(!text.trim() || unread(error)) && html`<${Hint} question=${unread(error)} text=${text} onChoose=${begin} />`}
    <${Questions} questions=${text.trim() ? questions : []} answers=${answers}
      onAnswer=${(question, answer) => setAnswers({ ...answers, [question]: answer })} />
    ${!model.offline && html`<${ReadBy} reading=${error?.reading} />`}
    ${conflict ? html`<${Conflict} error=${conflict} onReload=${reload} />` : html`<${Problem} error=${failure} />`}
    ${shown && html`<${Preview} base=${base} change=${shown} id=${id} stale=${stale} />
      <${Widening} widens=${shown.widens} ticked=${ticked === widened} onTick=${(on) => setTicked(on ? widened : "")} />`}
    ${text.trim() &&
    html`<div class="actions">
      <button type="submit" class="primary" value="publish" disabled=${!usable}>Accept${shown ? ` as ${shown.version}` : ""}</button>
      <button type="submit" value="draft" disabled=${!usable}>Accept as draft</button>
      <button type="button" onClick=${discard}>Discard</button>
      <${AskModel} model=${model} />
      <span class="quiet" role="status">${working ? "storing…" : busy ? readingWords(model) : shown && !stale ? told(shown) : ""}</span>
    </div>`}
  </form>`;
}
