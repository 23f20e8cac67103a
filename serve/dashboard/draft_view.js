// A workflow as it would be created: its name, graph, plan in words, and YAML.

import { useState } from "./vendor/hooks.js";
import { Graph, useWidth } from "./graph.js";
import { PlanView } from "./plan_view.js";
import { ReadBy } from "./reading.js";
import { html, Problems } from "./ui.js";

function Name({ name, onName }) {
  return html`<label class="name-field"><span class="quiet">Name</span>
    <input class="name" value=${name} maxlength="255" autocomplete="off" onInput=${(event) => onName(event.currentTarget.value)} /></label>`;
}

// draft: the answer to a dry run; stale: it is not that of what was typed last.
export function DraftView({ draft, name, onName, stale }) {
  const [chosen, setChosen] = useState(null);
  const specification = draft.parsed_specification;
  const count = specification.nodes.length;
  const [box, room] = useWidth();
  const choose = (id) => setChosen(id === chosen ? null : id);
  return html`<section ref=${box} class="preview ${stale ? "stale" : ""}" aria-label="What it becomes">
    <div class="preview-head">
      <${Name} name=${name} onName=${onName} />
      <span class="quiet">${specification.pattern?.replace("_", "-")} · ${count} ${count === 1 ? "step" : "steps"}</span>
    </div>
    ${draft.problems?.length > 0 && html`<div class="problem"><strong>It cannot run like this</strong><${Problems} problems=${draft.problems} /></div>`}
    <div class="drawn">
      <${Graph} levels=${draft.levels} nodes=${specification.nodes} edges=${specification.edges ?? []} room=${room} numbered
        selected=${chosen} onSelect=${choose} />
      <${PlanView} plan=${draft.plan} specification=${specification} chosen=${chosen} onChoose=${choose} />
    </div>
    <${ReadBy} reading=${draft.reading} />
    <details><summary>Specification (YAML)</summary><pre class="value" tabindex="0">${draft.yaml}</pre></details>
  </section>`;
}
