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
  return named.replace(/^settings\./, "setting ").replaceAll(/[._]/g, " ");
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

const REFERENCES = [
  [/^\{input\.(.+)\}$/, (name) => `the input “${name.replaceAll("_", " ")}”`],
  [/^\{secrets\.(.+)\}$/, (name) => `the secret “${name}”`],
  [/^\{user\.email\}$/, () => "you"],
];

// A value that is known only at run time, told by where it comes from.
export function referenceWords(value) {
  for (const [pattern, words] of REFERENCES) {
    const found = pattern.exec(value);
    if (found) return words(found[1]);
  }
  return value;
}

// A text with such values in it.
export const withWords = (text) => text.replace(/\{[^{}]+\}/g, referenceWords);

const listed = (values) => values.map(referenceWords).join(", ");

// What a step, or what undoes it, touches outside of the platform.
export function touchWords({ side_effect: effect, hosts, recipients, databases, secrets }) {
  const parts = [];
  if (recipients.length > 0) parts.push(`sends to ${listed(recipients)}`);
  if (hosts.length > 0) parts.push(`${effect === "reads" ? "reads" : "calls"} ${listed(hosts)}`);
  if (databases.length > 0) parts.push(`${effect === "reads" ? "reads" : "writes to"} the database ${listed(databases)}`);
  if (secrets.length > 0) parts.push(`needs the secret ${secrets.join(", ")}`);
  return parts;
}

const FAILURES = {
  branch: "another way is taken if it fails",
  default: "a set value stands in if it fails",
  continue: "the rest goes on if it fails",
  rollback: "what was done is undone if it fails",
};
export const failureWords = (onFailure) => FAILURES[onFailure] ?? "";

// A condition; its name, if it has one, in words.
export const conditionWords = (condition) => (/^\w+$/.test(condition) ? condition.replaceAll("_", " ") : condition);

const UNITS = [
  { unit: "s", seconds: 1, below: 120 },
  { unit: "min", seconds: 60, below: 7200 },
  { unit: "h", seconds: 3600, below: 172_800 },
  { unit: "days", seconds: 86_400, below: Infinity },
];

function duration(seconds) {
  const { unit, seconds: size } = UNITS.find(({ below }) => seconds < below);
  return { unit, number: seconds < 1 ? "<1" : String(Math.round(seconds / size)) };
}

// An estimate of time: from low to high.
export function durationWords({ low, high, bounded }) {
  if (high === 0) return "no time";
  const more = bounded ? "" : " or more";
  const [from, to] = [duration(low), duration(high)];
  if (from.unit !== to.unit) return `${from.number} ${from.unit} – ${to.number} ${to.unit}${more}`;
  return from.number === to.number ? `${to.number} ${to.unit}${more}` : `${from.number}–${to.number} ${to.unit}${more}`;
}

export const dollars = (value) => (value >= 1 ? `$${value.toFixed(2)}` : `$${Number(value.toPrecision(2))}`);

// An estimate of cost: from low to high.
export function costWords({ low, high, bounded }) {
  if (high === 0) return "nothing";
  const [from, to] = [dollars(low), dollars(high)];
  return `${from === to ? to : `${from}–${to}`}${bounded ? "" : " or more"}`;
}

// How often the body of a map runs; a number that is assumed is none.
export function itemWords({ low, high, bounded }) {
  if (!bounded) return "once for each item";
  return low === high ? `once for each of ${high} items` : `once for each of ${low} to ${high} items`;
}

// Where an estimate comes from; one of the catalogue says nothing.
export function sourceWords({ source, samples }) {
  if (source === "history") return `as the last ${samples} runs`;
  return source === "agent" ? `as the same steps elsewhere, ${samples} runs` : "";
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const isNumber = (text) => /^\d+$/.test(text);
const clock = (hour, minute) => `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;

function daysOf(field) {
  if (field === "1-5") return "on working days";
  const days = field.split(",");
  return days.every((day) => DAYS[day]) ? `every ${days.map((day) => DAYS[day]).join(" and ")}` : null;
}

function cronWords(cron) {
  const [minute, hour, day, month, weekday] = cron.split(" ");
  const every = /^\*\/(\d+)$/.exec(minute)?.[1];
  const rest = [hour, day, month, weekday].join(" ");
  if (rest === "* * * *") return every ? `every ${every} minutes` : isNumber(minute) ? "every hour" : minute === "*" ? "every minute" : null;
  if (!isNumber(minute) || !isNumber(hour) || month !== "*") return null;
  const at = `at ${clock(hour, minute)}`;
  if (day === "*" && weekday === "*") return `every day ${at}`;
  if (day === "*") return daysOf(weekday) && `${daysOf(weekday)} ${at}`;
  return isNumber(day) && weekday === "*" ? `on day ${day} of each month ${at}` : null;
}

// What starts a workflow.
export function triggerWords(trigger) {
  if (trigger?.kind === "schedule") {
    const zone = trigger.timezone && trigger.timezone !== "UTC" ? ` (${trigger.timezone})` : "";
    return `${cronWords(trigger.cron ?? "") ?? `by the schedule ${trigger.cron}`}${zone}`;
  }
  if (trigger?.kind === "event") return `when “${trigger.event}” happens`;
  if (trigger?.kind === "webhook") return "when its web address is called";
  return "when you start it";
}
