// What an execution asks a person, and the answer.

import { useState } from "./vendor/hooks.js";
import { decide } from "./api.js";
import { initialInput, SchemaForm } from "./schema_form.js";
import { html, Problem, Time } from "./ui.js";

function Choices({ approval, choice, onChoose }) {
  return html`<fieldset class="choices">
    <legend class="unseen">Options</legend>
    ${approval.options.map(String).map(
      (option) => html`<label key=${option}>
        <input type="radio" name=${approval.approval_id} value=${option} checked=${choice === option} onChange=${() => onChoose(option)} />
        ${option}
      </label>`,
    )}
  </fieldset>`;
}

function Votes({ approval }) {
  const { votes = [], required = 1, approvers = [] } = approval;
  if (required < 2 && approvers.length === 0) return null;
  const needed = required - votes.length;
  const told = votes.length > 0 ? `: ${votes.map(({ by, decision }) => `${by} (${decision})`).join(", ")}` : "";
  return html`<div>
    ${required > 1 && html`<div>${votes.length} of ${required} answers so far${told}. ${needed} more ${needed === 1 ? "is" : "are"} needed.</div>`}
    ${approvers.length > 0 && html`<div class="quiet">Asked: ${approvers.join(", ")}.</div>`}
  </div>`;
}

const SHOWN = 20;

const whoAnswered = ({ votes = [], decided_by: by }) =>
  by === "timeout" ? "nobody in time" : votes.map((vote) => vote.by).join(", ") || by;

// What was asked before, and what it came to.
export function Answered({ rows }) {
  const shown = rows.slice(-SHOWN).reverse();
  return html`<section class="card" aria-labelledby="answered-title">
    <h2 id="answered-title">Answered questions</h2>
    <table>
      <thead><tr><th>Question</th><th>Answer</th><th>By</th><th class="number">Time</th></tr></thead>
      <tbody>${shown.map(
        (row) => html`<tr key=${row.approval_id}>
          <td>${row.message}<div class="quiet">${row.node_id}${row.map_index === null ? "" : `[${row.map_index}]`}</div></td>
          <td class="answer">${typeof row.value === "string" ? row.value : row.decision ?? row.status}${row.comment && html`<div class="quiet">${row.comment}</div>`}</td>
          <td>${whoAnswered(row)}</td>
          <td class="number"><${Time} value=${row.decided_at} /></td>
        </tr>`,
      )}</tbody>
    </table>
    ${rows.length > shown.length && html`<p class="quiet">The last ${shown.length} of ${rows.length}.</p>`}
  </section>`;
}

function AnswerForm({ executionId, approval, onDecided, children }) {
  const [comment, setComment] = useState("");
  const [text, setText] = useState("");
  const [choice, setChoice] = useState("");
  const [fields, setFields] = useState(() => initialInput(approval.schema));
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);
  const kind = approval.approval_type ?? "approve_reject";

  async function answer(decision, value) {
    setWorking(true);
    setError(null);
    try {
      const body = { approval_id: approval.approval_id, decision };
      if (value !== undefined) body.value = value;
      if (comment.trim()) body.comment = comment.trim();
      await decide(executionId, body);
      onDecided();
    } catch (problem) {
      setError(problem);
    }
    setWorking(false);
  }

  function submit(event) {
    event.preventDefault();
    if (kind === "text_input") answer("approve", text);
    else if (kind === "multiple_choice") answer(choice);
    else if (kind === "form" && event.submitter?.value !== "reject") answer("approve", fields);
    else answer(event.submitter?.value ?? "approve");
  }

  const textId = `answer-${approval.approval_id}`;
  return html`<form class="approval card" onSubmit=${submit} aria-label="Approval of ${approval.node_id}">
    ${children}
    ${kind === "text_input" &&
    html`<div class="field"><label for=${textId}>Answer</label>
      <textarea id=${textId} rows="2" required value=${text} onInput=${(event) => setText(event.currentTarget.value)}></textarea></div>`}
    ${kind === "multiple_choice" && html`<${Choices} approval=${approval} choice=${choice} onChoose=${setChoice} />`}
    ${kind === "form" && html`<${SchemaForm} schema=${approval.schema} value=${fields} onChange=${setFields} prefix=${textId} />`}
    <div class="field"><label for=${`${textId}-comment`}>Comment <em>optional</em></label>
      <input id=${`${textId}-comment`} value=${comment} onInput=${(event) => setComment(event.currentTarget.value)} /></div>
    <${Problem} error=${error} />
    <div class="actions">
      ${kind === "approve_reject"
        ? html`<button type="submit" class="primary" value="approve" disabled=${working}>Approve</button>
            <button type="submit" class="danger" value="reject" disabled=${working}>Reject</button>`
        : html`<button type="submit" class="primary" disabled=${working || (kind === "multiple_choice" && !choice)}>Answer</button>`}
      ${kind === "form" && html`<button type="submit" class="danger" value="reject" formnovalidate disabled=${working}>Reject</button>`}
    </div>
  </form>`;
}

// A question that is open; who has answered it sees what, and cannot answer again.
export function Approval({ executionId, approval, me, onDecided }) {
  const question = html`<div class="approval-head">
      <strong>${approval.message}</strong>
      <span class="quiet">${approval.node_id} waits since <${Time} value=${approval.requested_at} />${" "}
        ${approval.expires_at && html`until <${Time} value=${approval.expires_at} />`}</span>
    </div>
    <${Votes} approval=${approval} />`;
  const own = (approval.votes ?? []).find((vote) => vote.by === me);
  if (!own) return html`<${AnswerForm} executionId=${executionId} approval=${approval} onDecided=${onDecided}>${question}<//>`;
  return html`<section class="approval card" aria-label="Approval of ${approval.node_id}">
    ${question}
    <div role="status">You have answered: ${own.decision}.</div>
  </section>`;
}
