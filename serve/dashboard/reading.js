// A text that is read while it is typed, and the questions that it leaves open.

import { useEffect, useState } from "./vendor/hooks.js";
import { READINGS } from "./api.js";
import { html, withCode } from "./ui.js";

const UNREAD = { result: null, error: null, of: null, busy: false };
// Questions about a text as a whole: they are answered by saying it in other words.
const WHOLE = ["description", "instruction"];

// Reads a text after each pause in typing. What was read last stays until something else is read.
// ask(text, answers, fields, signal) asks the API; `base` names what else the answer depends on.
// Returns {result, error, busy, fresh}; fresh: the answer is that of the text as it is.
export function useReading(text, answers, ask, base = "") {
  const [state, setState] = useState(UNREAD);
  const asked = JSON.stringify([text, answers, base]);
  useEffect(() => {
    if (!text) {
      setState(UNREAD);
      return undefined;
    }
    const abort = new AbortController();
    let latest = -1;
    const read = async (fields, turn) => {
      setState((before) => ({ ...before, busy: true }));
      const found = await ask(text, answers, fields, abort.signal).then(
        (result) => ({ result, error: null }),
        (error) => ({ error }),
      );
      // A slow first reading must not replace the one that came after it.
      if (found.error?.name === "AbortError" || turn < latest) return;
      latest = turn;
      setState((before) => ({ ...before, ...found, of: asked, busy: turn < READINGS.length - 1 }));
    };
    const timers = READINGS.map(({ pause_ms: pause, ...fields }, turn) => setTimeout(() => read(fields, turn), pause));
    return () => {
      timers.forEach(clearTimeout);
      abort.abort();
    };
  }, [asked]);
  const fresh = state.of === asked;
  return { ...state, fresh, busy: state.busy || (Boolean(text) && !fresh) };
}

// What is asked of a text that cannot be read at all yet, which is no failure while somebody types.
export const unread = (error) => error?.questions?.find(({ id }) => WHOLE.includes(id)) ?? null;

// Whether an answered question still belongs to a text: its step is there, or the words that it quotes.
function belongs({ field, text: question }, text, subjects) {
  const quoted = /“([^”]+)”/.exec(question)?.[1];
  if (field === "description") return !quoted || text.toLowerCase().includes(quoted.toLowerCase());
  return subjects.includes(field.split(".")[0]);
}

// The questions of a text while it grows: an answered one stays, to be changed, as long as it belongs to it.
// subjects: what the last result has that a question can be about, by id.
export function useQuestions({ result, error }, text, answers, subjects) {
  const [known, setKnown] = useState([]);
  const asked = ((error ? error.questions : result?.questions) ?? []).filter(({ id }) => !WHOLE.includes(id));
  useEffect(() => {
    setKnown((before) => {
      const fresh = new Map(asked.map((question) => [question.id, question]));
      const kept = before.filter((one) => fresh.has(one.id) || (answers[one.id] && (error || belongs(one, text, subjects))));
      const ids = kept.map(({ id }) => id);
      return [...kept.map((one) => fresh.get(one.id) ?? one), ...asked.filter(({ id }) => !ids.includes(id))];
    });
  }, [result, error]);
  return { questions: known, isOpen: asked.some(({ required }) => required) };
}

// Answering is not sending: the key that would send the form is left to its buttons.
const keepFromSending = (event) => {
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault();
};

function Question({ question, answer, onAnswer }) {
  const id = `answer-${question.id}`;
  return html`<div class="field">
    <label for=${id}>${withCode(question.text)} ${!question.required && html`<em>optional</em>`}</label>
    <input id=${id} value=${answer} autocomplete="off" required=${question.required} onKeyDown=${keepFromSending}
      onInput=${(event) => onAnswer(event.currentTarget.value)} />
    ${question.suggestions?.length > 0 &&
    html`<div class="chips" role="group" aria-label="Suggestions">
      ${question.suggestions.map(
        (text) => html`<button type="button" class="chip" key=${text} aria-pressed=${String(answer === text)}
          onClick=${() => onAnswer(text)}>${text}</button>`,
      )}
    </div>`}
  </div>`;
}

export function Questions({ questions, answers, onAnswer }) {
  if (questions.length === 0) return null;
  const isAnswered = ({ id }) => Boolean(answers[id]?.trim());
  const open = questions.filter((question) => question.required && !isAnswered(question)).length;
  const settled = questions.some(isAnswered) ? "Your answers" : "You may say more";
  const title = open === 0 ? settled : open === 1 ? "One thing is open" : `${open} things are open`;
  return html`<fieldset class=${open > 0 ? "questions" : "questions settled"}>
    <legend>${title}</legend>
    ${questions.map(
      (question) => html`<${Question} key=${question.id} question=${question} answer=${answers[question.id] ?? ""}
        onAnswer=${(text) => onAnswer(question.id, text)} />`,
    )}
  </fieldset>`;
}

const milliseconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

// Who read the text, and what that took: told once the API tells it.
export function ReadBy({ reading }) {
  if (!reading) return null;
  const parts = [reading.by === "offline" ? "read offline" : `read by ${reading.by}`];
  if (reading.ms !== undefined) parts.push(milliseconds(reading.ms));
  if (reading.by !== "offline") parts.push(`$${(reading.cost_usd ?? 0).toFixed(3)}`);
  return html`<p class="quiet reading">${parts.join(", ")}
    ${(reading.notes ?? []).map((note) => html`<span key=${note}> · ${note}</span>`)}</p>`;
}
