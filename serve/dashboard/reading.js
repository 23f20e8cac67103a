// A text that is read while it is typed, and the questions that it leaves open.

import { useEffect, useState } from "./vendor/hooks.js";
import { getReaders } from "./api.js";
import { html, useLoaded, withCode } from "./ui.js";
import { dollars } from "./words.js";

const PAUSE_MS = 400;

const UNREAD = { result: null, error: null, of: null };
// Questions about a text as a whole: they are answered by saying it in other words.
const WHOLE = ["description", "instruction"];

// Whether a language model reads a text. It costs something, so it is asked only for a text for which
// it was wanted, and what is typed is read offline.
export function useModel(text) {
  const [readers] = useLoaded(getReaders, "");
  const [wanted, setWanted] = useState(null);
  const offline = wanted !== text;
  return { offline, exists: readers?.models.length > 0, toggle: () => setWanted(offline ? text : null) };
}

// Reads a text after each pause in typing. What was read last stays until something else is read.
// ask(text, answers, signal) asks the API; `base` names what else the answer depends on.
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
    const timer = setTimeout(async () => {
      try {
        const result = await ask(text, answers, abort.signal);
        setState({ result, error: null, of: asked });
      } catch (error) {
        if (error.name !== "AbortError") setState((before) => ({ ...before, error, of: asked }));
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);
  const fresh = state.of === asked;
  return { result: state.result, error: state.error, fresh, busy: Boolean(text) && !fresh };
}

// What is asked of a text that cannot be read at all yet, which is no failure while somebody types.
export const unread = (error) => error?.questions?.find(({ id }) => WHOLE.includes(id)) ?? null;

// Whether an answered question still belongs to a text: its step is there, or the words that it is about.
function belongs({ question, askedOf: former }, text, subjects) {
  if (question.field !== "description") return subjects.includes(question.field.split(".")[0]);
  const words = /“([^”]+)”/.exec(question.text)?.[1] ?? former;
  return text.toLowerCase().includes(words.toLowerCase());
}

// The questions of a text while it grows: an answered one stays, to be changed, as long as it belongs to it.
// subjects: what the last result has that a question can be about, by id.
export function useQuestions({ result, error }, text, answers, subjects) {
  const [known, setKnown] = useState([]);
  const asked = ((error ? error.questions : result?.questions) ?? []).filter(({ id }) => !WHOLE.includes(id));
  useEffect(() => {
    setKnown((before) => {
      const fresh = new Map(asked.map((question) => [question.id, { question, askedOf: text }]));
      const stays = (one) => answers[one.question.id] && (error || belongs(one, text, subjects));
      const kept = before.filter((one) => fresh.has(one.question.id) || stays(one));
      // Each keeps its place, so that the field with the focus does not move.
      const merged = new Map([...kept.map((one) => [one.question.id, one]), ...fresh]);
      return [...merged.values()];
    });
  }, [result, error]);
  return { questions: known.map(({ question }) => question), isOpen: asked.some(({ required }) => required) };
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

export function AskModel({ model }) {
  if (!model.exists) return null;
  return html`<button type="button" class="chip" aria-pressed=${String(!model.offline)} onClick=${model.toggle}>Read it with a language model</button>`;
}

export const readingWords = (model) => (model.offline ? "reading…" : "a language model is reading…");

const milliseconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

// Who read a text, what that took, and why models were left.
export function ReadBy({ reading }) {
  if (!reading) return null;
  const byModel = reading.by !== "offline";
  const parts = [byModel ? `read by ${reading.by}` : "read offline", milliseconds(reading.ms)];
  if (reading.cached) parts.push("remembered");
  else if (byModel || reading.cost_usd > 0) parts.push(dollars(reading.cost_usd));
  return html`<p class="quiet reading">${parts.join(", ")}${reading.notes.map((note) => html`<span key=${note}> · ${note}</span>`)}</p>`;
}
