// A sentence becomes a graph and a plan while it is typed; what is shown is what is created.

import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { dryRun } from "./api.js";
import { DraftView } from "./draft_view.js";
import { AskModel, Questions, ReadBy, readingWords, unread, useModel, useQuestions, useReading } from "./reading.js";
import { initialInput, SchemaForm } from "./schema_form.js";
import { createAndGo } from "./starting.js";
import { html, Problem } from "./ui.js";

const EXAMPLES = [
  "Scrape the reviews at https://example.com → analyze the sentiment of each review in parallel → email a report to me@example.com",
  "Check https://example.com → if it is down, email an alert to me@example.com; otherwise log it to the database",
  "Summarize {input.text} in three sentences, then ask me to approve it",
];

function subjectsOf(draft) {
  const { nodes = [], trigger } = draft?.parsed_specification ?? {};
  return [...nodes.map(({ id }) => id), ...(trigger ? ["trigger"] : [])];
}

function Hint({ question, sentence, onChoose }) {
  const examples = question?.suggestions.length ? question.suggestions : EXAMPLES;
  return html`${sentence && question && html`<p class="quiet hint">${question.text}</p>`}
    <div class="chips examples" role="group" aria-label="Examples">
      ${examples.map((text) => html`<button type="button" class="chip" key=${text} onClick=${() => onChoose(text)}>${text}</button>`)}
    </div>`;
}

// What a reader who does not see the graph hears once it is read.
function told(draft, isOpen) {
  if (!draft) return "";
  const count = draft.parsed_specification.nodes.length;
  return `${count} ${count === 1 ? "step" : "steps"}${isOpen ? "; something is open" : ""}`;
}

// The input of a first run: what was given stays as long as the schema has a field for it.
function useInput(schema) {
  const [input, setInput] = useState({});
  const key = JSON.stringify(schema ?? null);
  useEffect(() => {
    const fields = Object.keys(schema?.properties ?? {});
    setInput((before) => ({ ...initialInput(schema), ...Object.fromEntries(fields.filter((name) => name in before).map((name) => [name, before[name]])) }));
  }, [key]);
  return [input, setInput];
}

export function Composer({ onTyped }) {
  const [sentence, setSentence] = useState("");
  const [answers, setAnswers] = useState({});
  const [name, setName] = useState(null);
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);
  const form = useRef(null);
  const given = Object.fromEntries(Object.entries(answers).filter(([, text]) => text.trim()));
  const model = useModel(sentence.trim());
  const ask = (description, answered, signal) => dryRun({ description, answers: answered, offline: model.offline }, signal);
  const reading = useReading(sentence.trim(), given, ask, String(model.offline));
  const { questions, isOpen } = useQuestions(reading, sentence, given, subjectsOf(reading.result));
  const draft = sentence.trim() ? reading.result : null;
  const schema = draft?.parsed_specification.state_schema?.input;
  const [input, setInput] = useInput(schema);
  const stale = Boolean(reading.error) || !reading.fresh;
  const usable = draft && !stale && !isOpen && draft.problems.length === 0 && !working;
  const failure = error ?? (reading.error?.questions.length === 0 ? reading.error : null);

  function type(text) {
    setSentence(text);
    setError(null);
    onTyped(text.trim() !== "");
    if (text.trim()) return;
    setAnswers({});
    setName(null);
  }

  async function submit(event) {
    event.preventDefault();
    if (!usable) return;
    setWorking(true);
    setError(null);
    try {
      // The text that is shown, not the sentence: who reads it again may read it in another way.
      const source = { yaml: draft.yaml, ...(name?.trim() && { name: name.trim() }) };
      await createAndGo(source, { run: event.submitter?.value !== "create", input });
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  }

  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.current.requestSubmit();
  };

  return html`<form class="composer card" ref=${form} onSubmit=${submit} onKeyDown=${onKeyDown}>
    <label class="lead" for="sentence">What should happen?</label>
    <textarea id="sentence" rows="3" value=${sentence} placeholder="Say it in a sentence or two…" autocomplete="off"
      onInput=${(event) => type(event.currentTarget.value)}></textarea>
    ${!draft && html`<${Hint} question=${unread(reading.error)} sentence=${sentence.trim()} onChoose=${type} />`}
    ${!model.offline && html`<${ReadBy} reading=${reading.error?.reading} />`}
    ${draft && unread(reading.error) && html`<p class="quiet hint">The last words are not understood yet; this is what was understood before them.</p>`}
    ${sentence.trim() &&
    html`<${Questions} questions=${questions} answers=${answers}
      onAnswer=${(id, text) => setAnswers({ ...answers, [id]: text })} />`}
    <${Problem} error=${failure} />
    ${draft && html`<${DraftView} draft=${draft} name=${name ?? draft.name} onName=${setName} stale=${stale} />`}
    ${schema?.properties && !isOpen && html`<h3 class="inputs-title">What the first run is given</h3><${SchemaForm} schema=${schema} value=${input} onChange=${setInput} />`}
    ${sentence.trim() &&
    html`<div class="actions">
      <button type="submit" class="primary" value="run" disabled=${!usable}>Create & run</button>
      <button type="submit" value="create" disabled=${!usable} formnovalidate>Create only</button>
      <${AskModel} model=${model} />
      <span class="quiet" role="status">${working ? "creating…" : reading.busy ? readingWords(model) : told(draft, isOpen)}</span>
    </div>`}
  </form>`;
}
