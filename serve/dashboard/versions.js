// The versions of a workflow: which there are, what differs between two, publishing, rolling back.

import { useEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
import { compareVersions, getVersion, getVersionYaml, listVersions, publishVersion, rollBack } from "./api.js";
import { DiffView, Widening } from "./diff_view.js";
import { html, Problem, Time, useLoaded } from "./ui.js";

const PAGE = 20;
const SIGNS = { current: "●", draft: "✎", published: "○" };

const stateOf = (version) => (version.current ? "current" : version.state);

function RollBack({ id, version, current, onChanged }) {
  const dialog = useRef(null);
  const [error, setError] = useState(null);
  async function roll() {
    try {
      await rollBack(id, version);
      dialog.current.close();
      onChanged(`Version ${version} is the current one again.`);
    } catch (problem) {
      setError(problem);
    }
  }
  const title = `roll-back-${version}`;
  return html`<button type="button" aria-label=${`Roll back to ${version}`} onClick=${() => dialog.current.showModal()}>Roll back</button>
    <dialog ref=${dialog} aria-labelledby=${title}>
      <h2 id=${title}>Roll back to version ${version}?</h2>
      <p>New starts use ${version} instead of ${current}. What runs keeps its version, and no version is deleted.</p>
      <${Problem} error=${error} />
      <div class="actions">
        <button type="button" class="primary" onClick=${roll}>Roll back</button>
        <button type="button" autofocus onClick=${() => dialog.current.close()}>Leave it</button>
      </div>
    </dialog>`;
}

function DraftActions({ id, version, onChanged, onEdit }) {
  const [error, setError] = useState(null);
  const publish = () =>
    publishVersion(id, version).then(() => onChanged(`Version ${version} is published: new starts use it.`), setError);
  const edit = () => {
    onEdit(version);
    document.getElementById("instruction")?.focus();
  };
  return html`<button type="button" aria-label=${`Publish ${version}`} onClick=${publish}>Publish</button>
    <button type="button" aria-label=${`Change ${version}`} onClick=${edit}>Change</button>
    <${Problem} error=${error} />`;
}

function Row({ id, version, current, active, onChanged, onEdit }) {
  const state = stateOf(version);
  return html`<li aria-label=${`Version ${version.version}, ${state}`}>
    <span class="code">${version.version}</span>
    <span class="version-state ${state}"><span aria-hidden="true">${SIGNS[state]}</span> ${state}</span>
    <span class="quiet"><${Time} value=${version.created_at} /></span>
    <div class="summary">${version.summary || html`<span class="quiet">${version.base_version ? "" : "The first one."}</span>`}
      ${version.base_version && html`<span class="quiet"> made of ${version.base_version}</span>`}</div>
    <div class="row-actions">
      ${active && state === "draft" && html`<${DraftActions} id=${id} version=${version.version} onChanged=${onChanged} onEdit=${onEdit} />`}
      ${active && state === "published" && html`<${RollBack} id=${id} version=${version.version} current=${current} onChanged=${onChanged} />`}
    </div>
  </li>`;
}

function Difference({ id, from, to }) {
  const load = () => Promise.all([compareVersions(id, from, to), getVersion(id, from)]);
  const [loaded, error] = useLoaded(load, `${from} ${to}`);
  const loadTexts = useMemo(() => () => Promise.all([getVersionYaml(id, from), getVersionYaml(id, to)]), [id, from, to]);
  if (!loaded) return error ? html`<${Problem} error=${error} />` : html`<p class="quiet" role="status">comparing…</p>`;
  const [difference, older] = loaded;
  return html`<section class="preview" aria-label=${`From ${from} to ${to}`}>
    <${DiffView} specification=${older.specification} changes=${difference.changes} loadTexts=${loadTexts} />
    <${Widening} widens=${difference.widens} />
  </section>`;
}

function Choice({ label, name, versions, value, onChoose }) {
  return html`<label for=${name}>${label}</label>
    <select id=${name} onChange=${(event) => onChoose(event.currentTarget.value)}>
      ${versions.map((one) => html`<option key=${one.version} value=${one.version} selected=${one.version === value}>${one.version} (${stateOf(one)})</option>`)}
    </select>`;
}

// Begins with the highest version and the one it was made of.
function Compare({ id, versions, current }) {
  const [pair, setPair] = useState(null);
  const [shown, setShown] = useState(null);
  const [from, to] = pair ?? [versions[0].base_version ?? versions.at(-1).version, versions[0].version];
  useEffect(() => {
    setPair(null);
    setShown(null);
  }, [current, versions.length]);
  const compare = (event) => {
    event.preventDefault();
    setShown([from, to]);
  };
  return html`<form class="compare" onSubmit=${compare}>
      <${Choice} label="Compare" name="compare-from" versions=${versions} value=${from} onChoose=${(version) => setPair([version, to])} />
      <${Choice} label="with" name="compare-to" versions=${versions} value=${to} onChoose=${(version) => setPair([from, version])} />
      <button type="submit">Show what differs</button>
    </form>
    ${shown && html`<${Difference} key=${shown.join(" ")} id=${id} from=${shown[0]} to=${shown[1]} />`}`;
}

// round: rises whenever the page's workflow is loaded anew.
export function Versions({ id, current, round, active, onChanged, onEdit }) {
  const [limit, setLimit] = useState(PAGE);
  const [page, error] = useLoaded(() => listVersions(id, { limit }), `${id} ${round} ${limit}`);
  const versions = page?.versions ?? [];
  return html`<section class="card versions" aria-labelledby="versions-title">
    <h2 id="versions-title">Versions</h2>
    <${Problem} error=${error} />
    <ol class="version-list">${versions.map(
      (version) => html`<${Row} key=${version.version} id=${id} version=${version} current=${current} active=${active}
        onChanged=${onChanged} onEdit=${onEdit} />`,
    )}</ol>
    ${page && page.total > versions.length &&
    html`<button type="button" class="more" onClick=${() => setLimit(limit + PAGE)}>Show more (${versions.length} of ${page.total})</button>`}
    ${versions.length > 1 && html`<${Compare} id=${id} versions=${versions} current=${current} />`}
  </section>`;
}
