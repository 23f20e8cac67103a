// What an execution asks a person, and the answer.

import { useState } from "./vendor/hooks.js";
import { decide } from "./api.js";
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
  return html`<div class="quiet">
    ${required > 1 && html`${votes.length} of ${required} answers. `}
    ${votes.length > 0 && html`${votes.map(({ by, decision }) => `${by}: ${decision}`).join(", ")}. `}
    ${approvers.length > 0 && html`To be answered by ${approvers.join(", ")}.`}
  </div>`;
}

export function Approval({ executionId, approval, onDecided }) {
  const [comment, setComment] = useState("");
  const [text, setText] = useState("");
  const [choice, setChoice] = useState("");
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
    else answer(event.submitter?.value ?? "approve");
  }

  const textId = `answer-${approval.approval_id}`;
  return html`<form class="approval card" onSubmit=${submit} aria-label="Approval of ${approval.node_id}">
    <div class="approval-head">
      <strong>${approval.message}</strong>
      <span class="quiet">${approval.node_id} waits since <${Time} value=${approval.requested_at} />${" "}
        ${approval.expires_at && html`until <${Time} value=${approval.expires_at} />`}</span>
    </div>
    <${Votes} approval=${approval} />
    ${kind === "text_input" &&
    html`<div class="field"><label for=${textId}>Answer</label>
      <textarea id=${textId} rows="2" required value=${text} onInput=${(event) => setText(event.currentTarget.value)}></textarea></div>`}
    ${kind === "multiple_choice" && html`<${Choices} approval=${approval} choice=${choice} onChoose=${setChoice} />`}
    <div class="field"><label for=${`${textId}-comment`}>Comment <em>optional</em></label>
      <input id=${`${textId}-comment`} value=${comment} onInput=${(event) => setComment(event.currentTarget.value)} /></div>
    <${Problem} error=${error} />
    <div class="actions">
      ${kind === "approve_reject"
        ? html`<button type="submit" class="primary" value="approve" disabled=${working}>Approve</button>
            <button type="submit" class="danger" value="reject" disabled=${working}>Reject</button>`
        : html`<button type="submit" class="primary" disabled=${working || (kind === "multiple_choice" && !choice)}>Answer</button>`}
    </div>
  </form>`;
}
