// A plan in words: what each step does and touches outside, what the whole may take, cost and need.

import { useEffect, useRef } from "./vendor/hooks.js";
import { Parameters } from "./parameters.js";
import { html, withCode } from "./ui.js";
import { agentWords, costWords, durationWords, failureWords, itemWords, readable, referenceWords, sourceWords, touchWords, triggerWords, withWords } from "./words.js";

// Every workflow without a time limit is told so; alone that is no reason to stop anybody.
const QUIET_RULES = ["no_timeout"];

function conditionsOf(id, edges) {
  const into = edges.filter(({ to }) => to === id);
  return into.flatMap(({ from, type, condition }) => {
    if (type === "failure") return [`only if ${readable(from)} fails`];
    if (condition === "otherwise") return ["otherwise"];
    return condition ? [`only if ${condition}`] : [];
  });
}

function factsOf(node, edges) {
  const each = node.mapped ? [itemWords(node.items)] : [];
  const undone = node.compensation ? ["can be undone"] : [];
  return [...conditionsOf(node.id, edges), ...each, ...touchWords(node), failureWords(node.on_failure), ...undone].filter(Boolean);
}

function takes({ agent, seconds, cost_usd: cost }) {
  const words = [agentWords(agent), durationWords(seconds), cost.high > 0 && costWords(cost), sourceWords(seconds)];
  return words.filter(Boolean).join(" · ");
}

// A worker of a step, or what undoes it.
function Part({ title, part }) {
  const touched = touchWords(part);
  return html`<section class="part" aria-label=${title}>
    <h4>${title}</h4>
    ${touched.length > 0 && html`<p>${agentWords(part.agent)}, ${touched.join(", ")}</p>`}
    <${Parameters} node=${part} />
  </section>`;
}

function Step({ node, written, edges, chosen, onChoose }) {
  const item = useRef(null);
  useEffect(() => {
    if (chosen) item.current.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const facts = factsOf(node, edges);
  return html`<li ref=${item} class=${chosen ? "step chosen" : "step"}>
    <button type="button" class="step-head" aria-expanded=${String(chosen)} onClick=${() => onChoose(node.id)}>
      <span class="step-number">${written.number}</span>
      <span><strong>${withWords(written.description || readable(node.id))}</strong>
        <span class="quiet">${takes(node)}</span></span>
    </button>
    ${facts.length > 0 && html`<ul class="step-facts">${facts.map((fact) => html`<li key=${fact}>${fact}</li>`)}</ul>`}
    ${chosen && html`<${Parameters} node=${{ ...written, parameters: node.parameters, description: "" }} />
      ${Object.entries(node.workers).map(([name, worker]) => html`<${Part} key=${name} title=${`Worker ${name}`} part=${worker} />`)}
      ${node.compensation && html`<${Part} title="What undoes it" part=${node.compensation} />`}`}
  </li>`;
}

function Total({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}

function Estimate({ interval, words }) {
  const source = sourceWords(interval);
  return html`${words(interval)}${source && html` <span class="quiet">${source}</span>`}`;
}

const TOUCHED = [
  ["recipients", "Sends to"],
  ["hosts", "Reaches"],
  ["databases", "Databases"],
  ["secrets", "Secrets"],
];

function Totals({ plan, trigger }) {
  const touched = TOUCHED.filter(([field]) => plan[field].length > 0);
  return html`<dl class="totals">
    <${Total} name="Starts">${triggerWords(trigger)}<//>
    <${Total} name="Takes"><${Estimate} interval=${plan.seconds} words=${durationWords} /><//>
    <${Total} name="Costs"><${Estimate} interval=${plan.cost_usd} words=${costWords} /><//>
    ${touched.map(([field, name]) => html`<${Total} key=${field} name=${name}>${plan[field].map((value) => html`<div key=${value}>${referenceWords(value)}</div>`)}<//>`)}
    ${touched.length === 0 && html`<${Total} name="Touches outside">nothing<//>`}
  </dl>`;
}

function Warnings({ warnings }) {
  if (warnings.length === 0) return null;
  const open = warnings.some(({ rule }) => !QUIET_RULES.includes(rule));
  return html`<details class="warnings" open=${open}>
    <summary>${warnings.length === 1 ? "One thing to know" : `${warnings.length} things to know`}</summary>
    <ul>${warnings.map((warning) => html`<li key=${`${warning.path} ${warning.rule}`}>${withCode(warning.message)} <span class="quiet">${withCode(warning.remedy)}</span></li>`)}</ul>
  </details>`;
}

// specification: what is planned, in whose order steps are numbered; chosen: the id of the step whose
// parameters are shown.
export function PlanView({ plan, specification, chosen, onChoose }) {
  const written = new Map(specification.nodes.map((node, index) => [node.id, { ...node, number: index + 1 }]));
  return html`<div class="plan">
    <section aria-label="Steps"><ol class="steps">
      ${plan.nodes.map(
        (node) => html`<${Step} key=${node.id} node=${node} written=${written.get(node.id)}
          edges=${specification.edges ?? []} chosen=${chosen === node.id} onChoose=${onChoose} />`,
      )}
    </ol></section>
    <section aria-label="In all">
      <${Totals} plan=${plan} trigger=${specification.trigger} />
      <${Warnings} warnings=${plan.warnings} />
    </section>
  </div>`;
}
