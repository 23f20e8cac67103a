// Calls of the API from the browser. The session cookie goes along by itself.

const WORKFLOWS = "/api/v1/workflows";
const EXECUTIONS = `${WORKFLOWS}/executions`;
const TEMPLATES = "/api/v1/templates";
const AGENTS = "/api/v1/agents";
const SECRETS = "/api/v1/secrets";
const EGRESS = "/api/v1/egress";
const RETRY_DELAYS_MS = [200, 400, 800, 1600];
const GATEWAY_STATUSES = [500, 502, 503, 504];

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.title);
    this.status = status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.remedy = problem.remedy;
    this.problems = problem.problems ?? [];
    this.questions = problem.questions ?? [];
    this.widens = problem.widens ?? [];
    this.reading = problem.reading ?? null;
  }
}

// Told when a call is refused because the session is over.
let onSignedOut = () => {};
export const whenSignedOut = (callback) => {
  onSignedOut = callback;
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const part = encodeURIComponent;

// crypto.randomUUID exists on https and localhost only.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function problemOf(response) {
  if (/json/.test(response.headers.get("content-type") ?? "")) {
    const problem = await response.json();
    return new ApiError(response.status, { title: `HTTP ${response.status}`, ...problem });
  }
  return new ApiError(response.status, {
    title: `HTTP ${response.status}`,
    detail: "The platform refused without a reason.",
    remedy: "Look at its log; weft doctor checks its parts.",
  });
}

// The ingress turns 502 to 504 into a bare 500; what the platform itself says is JSON.
const isGateway = (response) =>
  GATEWAY_STATUSES.includes(response.status) && !/json/.test(response.headers.get("content-type") ?? "");

async function attempt(method, path, { body, key, signal }) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  return fetch(path, { method, headers, body: body && JSON.stringify(body), credentials: "same-origin", signal });
}

async function call(method, path, options = {}) {
  const delays = options.repeatable === false ? [] : [...RETRY_DELAYS_MS];
  for (;;) {
    let response = null;
    try {
      response = await attempt(method, path, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (delays.length === 0) {
        throw new ApiError(0, {
          title: "The platform does not answer",
          detail: "The connection could not be made.",
          remedy: "Is it running? Start it with weft up.",
        });
      }
    }
    if (response && !(isGateway(response) && delays.length > 0)) return read(response, options);
    await pause(delays.shift());
  }
}

async function read(response, { text, login }) {
  if (!response.ok) {
    if (response.status === 401 && !login) onSignedOut();
    throw await problemOf(response);
  }
  if (response.status === 204) return null;
  return text ? response.text() : response.json();
}

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "" && value !== null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

export const getSession = () => call("GET", "/api/v1/session", { login: true });
// The same for one who believes to have a session: when it is over, the login appears.
export const checkSession = () => call("GET", "/api/v1/session");
export const signIn = (token) => call("POST", "/api/v1/session", { body: { token }, login: true });
export const signOut = () => call("DELETE", "/api/v1/session");

// The language models that read texts, unless these are to be read offline.
export const getReaders = () => call("GET", "/api/v1/readers");

export const dryRun = (source, signal) =>
  call("POST", `${WORKFLOWS}/create`, { body: { ...source, dry_run: true }, signal });
export const createWorkflow = (source) =>
  call("POST", `${WORKFLOWS}/create`, { body: source, repeatable: false });
export const listAgents = () => call("GET", AGENTS);
export const getAgent = (name) => call("GET", `${AGENTS}/${part(name)}`);
export const listOwnAgents = () => call("GET", `${AGENTS}/custom?limit=1000`);
export const tryAgent = (name, input) => call("POST", `${AGENTS}/${part(name)}/test`, { body: { input }, repeatable: false });
export const listSecrets = () => call("GET", SECRETS);
export const setSecret = (name, value, hosts) => call("PUT", `${SECRETS}/${part(name)}`, { body: { value, hosts } });
export const deleteSecret = (name) => call("DELETE", `${SECRETS}/${part(name)}`);
export const getEgress = () => call("GET", EGRESS);
export const setEgress = (hosts) => call("PUT", EGRESS, { body: { hosts } });
export const listTemplates = () => call("GET", TEMPLATES);
export const getTemplate = (id) => call("GET", `${TEMPLATES}/${part(id)}`);
export const listWorkflows = (filters) => call("GET", WORKFLOWS + query(filters));
export const getWorkflow = (id) => call("GET", `${WORKFLOWS}/${part(id)}`);
export const getYaml = (id) => call("GET", `${WORKFLOWS}/${part(id)}?format=yaml`, { text: true });
export const planWorkflow = (id) => call("POST", `${WORKFLOWS}/${part(id)}/plan`, { body: {} });
// A change in one sentence, or with `dry_run` what it would change.
export const changeWorkflow = (id, change, signal) =>
  call("PUT", `${WORKFLOWS}/${part(id)}`, { body: change, signal, repeatable: Boolean(change.dry_run) });
export const archiveWorkflow = (id) => call("POST", `${WORKFLOWS}/${part(id)}/archive`);
export const execute = (id, input) =>
  call("POST", `${WORKFLOWS}/${part(id)}/execute`, { body: { input, options: { async: true } }, key: newKey() });

const versionPath = (id, version) => `${WORKFLOWS}/${part(id)}/versions/${part(version)}`;
export const listVersions = (id, filters) => call("GET", `${WORKFLOWS}/${part(id)}/versions${query(filters)}`);
export const getVersion = (id, version) => call("GET", versionPath(id, version));
export const getVersionYaml = (id, version) => call("GET", `${versionPath(id, version)}?format=yaml`, { text: true });
export const compareVersions = (id, from, to) => call("GET", `${versionPath(id, from)}/diff/${part(to)}`);
export const publishVersion = (id, version) => call("POST", `${versionPath(id, version)}/publish`);
export const rollBack = (id, version) =>
  call("POST", `${WORKFLOWS}/${part(id)}/rollback`, { body: { target_version: version } });

export const listExecutions = (filters) => call("GET", EXECUTIONS + query(filters));
export const getExecution = (id) => call("GET", `${EXECUTIONS}/${part(id)}`);
export const getLogs = async (id) => (await call("GET", `${EXECUTIONS}/${part(id)}/logs`)).logs;
export const listItems = (id, nodeId, filters) =>
  call("GET", `${EXECUTIONS}/${part(id)}/nodes/${part(nodeId)}/items${query(filters)}`);
export const cancelExecution = (id) => call("POST", `${EXECUTIONS}/${part(id)}/cancel`);
export const rerunExecution = (id, body) => call("POST", `${EXECUTIONS}/${part(id)}/rerun`, { body, key: newKey() });
export const retryExecution = (id) => call("POST", `${EXECUTIONS}/${part(id)}/retry`, { key: newKey() });
export const decide = (id, decision) =>
  call("POST", `${EXECUTIONS}/${part(id)}/approve`, { body: decision, repeatable: false });

export const streamPath = (id) => (id ? `${EXECUTIONS}/${part(id)}/stream` : `${WORKFLOWS}/stream`);
