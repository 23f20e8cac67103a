// Making a new execution of one that has ended, and where an execution came from.

import { useRef, useState } from "./vendor/hooks.js";
import { rerunExecution, retryExecution } from "./api.js";
import { html, Problem } from "./ui.js";

const KINDS = { rerun: "rerun of", fork: "fork of", retry: "retry of" };

const goTo = (made) => {
  location.hash = `#/executions/${made.execution_id}`;
};

export function Origin({ origin }) {
  if (!origin) return null;
  const place = origin.checkpoint_number ? `, checkpoint ${origin.checkpoint_number}` : origin.node_id ? `, from ${origin.node_id}` : "";
  return html` · <span>${KINDS[origin.kind]} <a class="id" href=${`#/executions/${origin.execution_id}`}>${origin.execution_id}</a>${place}</span>`;
}

// What a node shows whose result is another execution's.
export function Reused({ metadata }) {
  const source = metadata?.reused_from;
  return source ? html`<span class="quiet">reused from <a class="id" href=${`#/executions/${source}`}>${source}</a></span>` : null;
}

export function Retry({ execution }) {
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);
  async function retry() {
    setWorking(true);
    setError(null);
    try {
      goTo(await retryExecution(execution.execution_id));
    } catch (problem) {
      setError(problem);
    }
    setWorking(false);
  }
  return html`<button type="button" class="primary" onClick=${retry} disabled=${working}
      title="All that was done is reused; what failed runs again in a new execution.">Retry</button>
    <${Problem} error=${error} />`;
}

function parsed(text, name) {
  if (!text.trim()) return undefined;
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw { title: `The ${name} is no JSON object`, remedy: 'Write something such as {"key": "value"}.' };
  }
  return value;
}

export function RunAgain({ execution, nodeId }) {
  const dialog = useRef(null);
  const before = JSON.stringify(execution.input ?? {}, null, 2);
  const [input, setInput] = useState(before);
  const [state, setState] = useState("");
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);

  async function submit(event) {
    event.preventDefault();
    setWorking(true);
    setError(null);
    try {
      const body = { node_id: nodeId, state: parsed(state, "list of results") };
      if (input !== before) body.input = parsed(input, "input") ?? {};
      const made = await rerunExecution(execution.execution_id, body);
      dialog.current.close();
      goTo(made);
    } catch (problem) {
      setError(problem);
    }
    setWorking(false);
  }

  return html`<button type="button" class="again" onClick=${() => dialog.current.showModal()}>Run again from here</button>
    <dialog ref=${dialog} class="again-dialog" aria-labelledby="again-title">
      <form onSubmit=${submit}>
        <h2 id="again-title">Run again from ${nodeId}?</h2>
        <p>A new execution reuses the results before it. This one stays as it is.</p>
        <details>
          <summary>Change something first</summary>
          <div class="field"><label for="again-input">Input <em>for what runs again</em></label>
            <textarea id="again-input" class="code" rows="5" value=${input} onInput=${(event) => setInput(event.currentTarget.value)}></textarea></div>
          <div class="field"><label for="again-state">Results to replace <em>JSON by key</em></label>
            <textarea id="again-state" class="code" rows="3" placeholder='{"key": "value"}' value=${state} onInput=${(event) => setState(event.currentTarget.value)}></textarea></div>
        </details>
        <${Problem} error=${error} />
        <div class="actions">
          <button type="submit" class="primary" disabled=${working}>Run it</button>
          <button type="button" onClick=${() => dialog.current.close()}>Leave it</button>
        </div>
      </form>
    </dialog>`;
}
