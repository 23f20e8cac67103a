// Agents: all of them by group, filtered by words and by what they do, and one with its parameters.

import { useState } from "./vendor/hooks.js";
import { getAgent, listAgents, listOwnAgents, tryAgent } from "./api.js";
import { initialInput, SchemaForm } from "./schema_form.js";
import { Empty, html, Problem, seconds, useLoaded, Value } from "./ui.js";

const EFFECTS = ["none", "reads", "writes", "sends"];
const EFFECT_WORDS = { none: "touches nothing", reads: "reads", writes: "writes", sends: "sends" };

function Card({ agent }) {
  return html`<li><a class="card template" href=${`#/agents/${agent.name}`}>
    <strong>${agent.title}</strong>
    <code>${agent.name}</code>
    <span>${agent.description}</span>
    <span class="tags">
      ${agent.side_effect && html`<span class="tag">${EFFECT_WORDS[agent.side_effect]}</span>`}
      ${agent.cost_class && html`<span class="tag">cost: ${agent.cost_class}</span>`}
      ${agent.own && html`<${OwnTags} own=${agent.own} />`}
    </span>
  </a></li>`;
}

const KIND_WORDS = {
  python_function: "Python", api_endpoint: "endpoint", docker_container: "container", mcp_tool: "MCP tool", chain: "chain",
};

function OwnTags({ own }) {
  const used = own.usage_count === 1 ? "used once" : `used ${own.usage_count} times`;
  return html`<span class="tag">${KIND_WORDS[own.type]}</span> <span class="tag">version ${own.version}</span>${" "}
    ${own.status !== "active" && html`<span class="tag">${own.status}</span>`} <span class="tag">${used}</span>`;
}

const OWN_GROUP = "your own";

// An own agent in the form of the others; what it does outside is told on its page.
const asAgent = (own) => ({
  name: own.agent_name,
  title: (own.agent_name[0].toUpperCase() + own.agent_name.slice(1)).replaceAll("_", " "),
  description: own.description,
  group: OWN_GROUP,
  service: null,
  synonyms: [],
  own,
});

async function listAll() {
  const [{ agents }, own] = await Promise.all([listAgents(), listOwnAgents()]);
  const all = [...own.agents.map(asAgent), ...agents];
  return { agents: all, total: all.length };
}

const textOf = ({ name, title, description, group, service, synonyms }) =>
  [name, title, description, group, service ?? "", ...synonyms].join(" ").toLowerCase();

function matching(agents, { words, group, effect }) {
  const wanted = words.toLowerCase().split(/\s+/);
  return agents.filter((agent) =>
    (!group || agent.group === group) &&
    (!effect || agent.side_effect === effect) &&
    wanted.every((word) => textOf(agent).includes(word)));
}

function Choice({ label, all, values, value, onChange }) {
  return html`<select aria-label=${label} value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
    <option value="">${all}</option>
    ${values.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
  </select>`;
}

export function AgentsPage() {
  const [wanted, setWanted] = useState({ words: "", group: "", effect: "" });
  const [page, error] = useLoaded(listAll, "");
  const all = page?.agents ?? [];
  const found = matching(all, wanted);
  const groups = [...new Set(all.map((agent) => agent.group))];
  const choose = (name) => (value) => setWanted({ ...wanted, [name]: value });
  return html`<div class="section-head"><h1 tabindex="-1">Agents</h1></div>
    <div class="agent-filters">
      <input class="search" type="search" aria-label="Search the agents" placeholder="Search…" value=${wanted.words}
        onInput=${(event) => choose("words")(event.currentTarget.value)} />
      <${Choice} label="Group" all="All groups" values=${groups} value=${wanted.group} onChange=${choose("group")} />
      <${Choice} label="Side effect" all="All side effects" values=${EFFECTS} value=${wanted.effect} onChange=${choose("effect")} />
      <span class="quiet" role="status">${page ? `${found.length} of ${page.total} agents` : ""}</span>
    </div>
    <${Problem} error=${error} />
    ${page && found.length === 0 && html`<${Empty} title="No agent is like this">Use fewer words, or the agent api for any other service.<//>`}
    ${groups.map((group) => {
      const members = found.filter((agent) => agent.group === group);
      return members.length > 0 && html`<section key=${group} class="agent-group" aria-label=${group}>
        <h2>${group[0].toUpperCase() + group.slice(1)}</h2>
        <ul class="templates">${members.map((agent) => html`<${Card} key=${agent.name} agent=${agent} />`)}</ul>
      </section>`;
    })}`;
}

const typeOf = (about) => (about.enum ? about.enum.map(String).join(" | ") : [about.type ?? "any"].flat().join(" | "));

function Parameter({ name, about, required }) {
  const need = "default" in about ? `default ${JSON.stringify(about.default)}` : required ? "required" : "may be left out";
  return html`<tr>
    <th scope="row"><code>${name}</code></th>
    <td>${typeOf(about)}</td>
    <td>${need}</td>
    <td>${about.description ?? ""}${about["x-secret"] && html` <span class="quiet">Usually <code>{secrets.${about["x-secret"]}}</code>.</span>`}</td>
  </tr>`;
}

function Parameters({ schema }) {
  const entries = Object.entries(schema.properties ?? {});
  if (entries.length === 0) return html`<p class="quiet">It takes no parameters.</p>`;
  const required = new Set(schema.required ?? []);
  return html`<div class="scroll"><table class="agent-parameters">
    <thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Need</th><th scope="col">What it is</th></tr></thead>
    <tbody>${entries.map(([name, about]) => html`<${Parameter} key=${name} name=${name} about=${about} required=${required.has(name)} />`)}</tbody>
  </table></div>`;
}

// One attempt with the agent; what it sends is sent.
function Trial({ agent }) {
  const [input, setInput] = useState(() => initialInput(agent.parameters));
  const [state, setState] = useState({});
  async function submit(event) {
    event.preventDefault();
    setState({ busy: true });
    try {
      setState({ told: await tryAgent(agent.name, input) });
    } catch (error) {
      setState({ error });
    }
  }
  const { busy, told, error } = state;
  return html`<section class="card" aria-label="Try it"><h2>Try it</h2>
    <p class="quiet">One attempt, as a node would make it. Nothing of it is kept.${agent.side_effect === "sends" && " It sends what it sends."}</p>
    <form onSubmit=${submit}>
      <${SchemaForm} schema=${agent.parameters} value=${input} onChange=${setInput} />
      <button class="primary" disabled=${busy}>${busy ? "Trying…" : "Try it"}</button>
    </form>
    <${Problem} error=${error} />
    ${told && html`<div role="status" class="trial-result">
      <h3>${told.status === "completed" ? "Done" : "Failed"} after ${seconds(told.seconds)}</h3>
      ${told.status === "completed" ? html`<${Value} value=${told.output} />` : html`<p>${told.error}</p>`}
    </div>`}
  </section>`;
}

function Own({ own }) {
  const { implementation } = own;
  const { code, ...rest } = implementation;
  return html`<section class="card" aria-label="What it is made of"><h2>What it is made of</h2>
    <span class="tags"><${OwnTags} own=${own} /></span>
    <pre class="scroll">${code ?? JSON.stringify(rest, null, 2)}</pre>
  </section>`;
}

export function AgentPage({ id }) {
  const [agent, error] = useLoaded(() => getAgent(id), id);
  if (!agent) return error ? html`<h1 tabindex="-1">Agent</h1><${Problem} error=${error} />` : html`<p class="quiet">loading…</p>`;
  const { hosts, output_fields: fields, documentation } = agent;
  return html`<div class="page-head"><div>
      <h1 tabindex="-1">${agent.title}</h1>
      <div class="quiet"><a href="#/agents">Agents</a> · ${agent.custom ? OWN_GROUP : agent.group} · <code>${agent.name}</code></div>
    </div></div>
    <p class="description">${agent.description}</p>
    <section class="card" aria-label="What it does">
      <span class="tags">
        <span class="tag">${EFFECT_WORDS[agent.side_effect]}</span>
        ${agent.cost_class && html`<span class="tag">cost: ${agent.cost_class}</span>`}
        ${hosts.map((host) => html`<span class="tag" key=${host}>calls ${host}</span>`)}
      </span>
      ${documentation && html`<p><a href=${documentation} rel="noreferrer noopener" target="_blank">Reference of ${agent.service}</a></p>`}
    </section>
    <section class="card" aria-label="Parameters"><h2>Parameters</h2><${Parameters} schema=${agent.parameters} /></section>
    ${fields.length > 0 && html`<section class="card" aria-label="Output"><h2>Output</h2><p>${fields.map((field) => html`<code key=${field}>${field}</code> `)}</p></section>`}
    ${agent.custom && html`<${Own} own=${agent.custom} />`}
    ${agent.custom && html`<${Trial} agent=${agent} />`}
    ${agent.example && html`<section class="card" aria-label="Example"><h2>Example</h2><pre class="scroll">${JSON.stringify(agent.example, null, 2)}</pre></section>`}`;
}
