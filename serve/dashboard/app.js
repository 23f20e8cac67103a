// The dashboard's frame: session, navigation, and which page stands in it.

import { render } from "./vendor/preact.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { getSession, signOut, whenSignedOut } from "./api.js";
import { AgentPage, AgentsPage } from "./agents_page.js";
import { CreatePage } from "./create_page.js";
import { ExecutionPage } from "./execution_page.js";
import { LoginPage } from "./login_page.js";
import { SettingsPage } from "./settings_page.js";
import { TemplatePage, TemplatesPage } from "./templates_page.js";
import { html, Problem } from "./ui.js";
import { WorkflowPage } from "./workflow_page.js";
import { WorkflowsPage } from "./workflows_page.js";

const ROUTES = [
  { pattern: /^#\/executions\/([^/]+)$/, named: true, page: ExecutionPage, area: "home", title: "Execution" },
  { pattern: /^#\/workflows\/([^/]+)$/, named: true, page: WorkflowPage, area: "workflows", title: "Workflow" },
  { pattern: /^#\/workflows$/, page: WorkflowsPage, area: "workflows", title: "Workflows" },
  { pattern: /^#\/templates\/([^/]+)$/, named: true, page: TemplatePage, area: "home", title: "Template" },
  { pattern: /^#\/templates$/, page: TemplatesPage, area: "home", title: "Templates" },
  { pattern: /^#\/agents\/([^/]+)$/, named: true, page: AgentPage, area: "agents", title: "Agent" },
  { pattern: /^#\/agents$/, page: AgentsPage, area: "agents", title: "Agents" },
  { pattern: /^#\/settings$/, page: SettingsPage, area: "settings", title: "Secrets and hosts" },
  { pattern: /^(#\/?)?$/, page: CreatePage, area: "home", title: "Home" },
];

function routeOf(hash) {
  for (const route of ROUTES) {
    const found = route.pattern.exec(hash);
    if (found) return { ...route, id: route.named ? decodeURIComponent(found[1]) : undefined };
  }
  return { page: NotFound, area: "", title: "Not found" };
}

function NotFound() {
  return html`<h1 tabindex="-1">There is no such page</h1><p><a href="#/">Go to the first page.</a></p>`;
}

function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const change = () => {
      setHash(location.hash);
      scrollTo(0, 0);
      // A reader who cannot see the page hears that it is another one.
      requestAnimationFrame(() => (document.querySelector("main h1") ?? document.querySelector("main"))?.focus({ preventScroll: true }));
    };
    addEventListener("hashchange", change);
    setHash(location.hash); // it may have changed before anybody listened
    return () => removeEventListener("hashchange", change);
  }, []);
  useEffect(() => {
    document.title = `${routeOf(hash).title} – Weft`;
  }, [hash]);
  return { hash, ...routeOf(hash) };
}

function Frame({ session, onSignOut }) {
  const route = useRoute();
  const current = (area) => (route.area === area ? "page" : undefined);
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header>
      <a class="brand" href="#/"><img src="icon.svg" alt="" width="26" height="26" />Weft</a>
      <nav aria-label="Main">
        <a href="#/" aria-current=${current("home")}>Home</a>
        <a href="#/workflows" aria-current=${current("workflows")}>Workflows</a>
        <a href="#/agents" aria-current=${current("agents")}>Agents</a>
        <a href="#/settings" aria-current=${current("settings")}>Settings</a>
      </nav>
      <div class="who">
        <span class="quiet">${session.user?.email ?? session.user?.name}</span>
        <button type="button" class="plain" onClick=${onSignOut}>Sign out</button>
      </div>
    </header>
    <main id="main" tabindex="-1"><${route.page} key=${route.hash} id=${route.id} me=${session.user?.email} writes=${session.role !== "viewer"} role=${session.role} /></main>`;
}

// A link to #main would be a route; it moves the focus instead.
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function App() {
  const [session, setSession] = useState(undefined);
  const [error, setError] = useState(null);
  const look = async () => {
    try {
      setSession(await getSession());
      setError(null);
    } catch (problem) {
      if (problem.status === 401) setSession(null);
      else setError(problem);
    }
  };
  useEffect(() => {
    whenSignedOut(() => setSession(null));
    look();
  }, []);
  if (error) {
    return html`<main class="login"><div class="card"><${Problem} error=${error} />
      <div class="actions"><button type="button" onClick=${look}>Try again</button></div></div></main>`;
  }
  if (session === undefined) return null;
  if (session === null) return html`<${LoginPage} onSignedIn=${look} />`;
  return html`<${Frame} session=${session} onSignOut=${() => signOut().finally(() => setSession(null))} />`;
}

render(html`<${App} />`, document.getElementById("app"));
