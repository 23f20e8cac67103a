// Changes and effects in the words of a person who reads no specifications. Pure functions.

export const readable = (id) => {
  const words = String(id).replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

// A value in one line; long ones are shown whole elsewhere.
export function brief(value) {
  if (value === null || value === undefined) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}

const WORKFLOW_FIELDS = {
  trigger: "How it starts",
  pattern: "Pattern",
  nodes: "Order of the steps as they are written",
  "metadata.name": "Name",
  "metadata.description": "Description",
  "metadata.tags": "Tags",
  state_schema: "Input and output",
};

function fieldWords(field) {
  const named = field.replace(/^parameters\./, "").replace(/^state_schema\.input\.properties\./, "input ");
  return named.replaceAll("_", " ");
}

function edgeWords({ node_id: from, field, old_value: old, new_value: now }) {
  if (field === "edges") return `${readable(from)}: the order in which its ways are tried`;
  const [target, ...rest] = field.slice("edges.".length).split(".");
  if (rest.length > 0) return `From ${readable(from)} to ${readable(target)}: ${fieldWords(rest.join("."))}`;
  const edge = now ?? old;
  const when = edge.type === "failure" ? " if it fails" : edge.condition ? ` (${edge.condition})` : "";
  return now === null
    ? `${readable(target)} no longer follows ${readable(from)}${when}`
    : `${readable(target)} follows ${readable(from)}${when}`;
}

// What a change does, in one sentence without its values.
export function changeWords(change) {
  const { node_id: id, field, old_value: old, new_value: now } = change;
  if (id === null) return WORKFLOW_FIELDS[field] ?? readable(fieldWords(field));
  if (field === "node") return old === null ? `New step: ${readable(id)}` : `The step ${readable(id)} is removed`;
  if (field === "id") return `The step ${readable(old)} is now called ${readable(now)}`;
  if (field === "edges" || field.startsWith("edges.")) return edgeWords(change);
  return `${readable(id)}: ${fieldWords(field)}`;
}

export const isNothing = (value) => value === null || value === undefined;

// added, removed or changed: what became of the field.
export function changeKind({ old_value: old, new_value: now }) {
  if (isNothing(old)) return "added";
  return isNothing(now) ? "removed" : "changed";
}

// What the agents do; one that is not named here is called by its name.
const AGENTS = {
  web_scraping: "read web pages",
  llm: "ask a language model",
  data_processing: "work on data",
  email: "send email",
  router: "choose a way",
  aggregator: "bring results together",
  human_loop: "ask a person",
  api: "call a web service",
  database: "use a database",
  wait: "wait",
  workers: "share work among workers",
  workflow: "run another workflow",
};

export const agentWords = (agent) => AGENTS[agent] ?? `use ${readable(agent).toLowerCase()}`;

const WIDENINGS = {
  agent: (value) => `${agentWords(value)} (agent ${value})`,
  host: (value) => `reach the host ${value}`,
  recipient: (value) => `send to ${value}`,
  database: (value) => `use the database ${value}`,
  secret: (value) => `read the secret ${value}`,
  workflow: (value) => `start the workflow ${value}`,
  effect: (value) => {
    const [agent, effect] = value.split(" ");
    return effect === "sends" ? `send something out (agent ${agent})` : `write something (agent ${agent})`;
  },
};

// What comes within reach, to be read after “it may now also …”.
export const wideningWords = ({ kind, value }) => (WIDENINGS[kind] ?? ((what) => `touch ${kind} ${what}`))(value);
