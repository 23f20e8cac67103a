// What an organization lets its workflows have: secrets, and the hosts that they may reach. What a
// secret holds goes to the platform and never comes back.

import { useRef, useState } from "./vendor/hooks.js";
import { deleteSecret, getEgress, listSecrets, setEgress, setSecret } from "./api.js";
import { Empty, html, Problem, Time, useLoaded } from "./ui.js";

const hostsIn = (text) => text.split(/[\s,]+/).filter(Boolean);

// A change that the page waits for: what went wrong stays until the next one.
function useChange(onDone) {
  const [state, setState] = useState({ working: false, error: null });
  const change = async (task) => {
    setState({ working: true, error: null });
    try {
      await task();
      setState({ working: false, error: null });
      onDone();
    } catch (error) {
      setState({ working: false, error });
    }
  };
  return [state, change];
}

function SecretForm({ onDone }) {
  const form = useRef(null);
  const [{ working, error }, change] = useChange(onDone);
  const submit = (event) => {
    event.preventDefault();
    const { name, value, hosts } = form.current.elements;
    change(async () => {
      await setSecret(name.value.trim(), value.value, hostsIn(hosts.value));
      form.current.reset();
    });
  };
  return html`<form ref=${form} onSubmit=${submit} aria-label="Set a secret">
    <div class="fields">
      <div class="field"><label for="secret-name">Name</label>
        <input id="secret-name" name="name" required pattern="[a-z][a-z0-9_\\-]*" maxlength="100" placeholder="slack_token" autocomplete="off" spellcheck="false" />
        <small>Workflows write <code>{secrets.name}</code>.</small></div>
      <div class="field"><label for="secret-value">What it holds</label>
        <input id="secret-value" name="value" type="password" required minlength="8" autocomplete="new-password" />
        <small>It is sealed, and never shown again.</small></div>
      <div class="field"><label for="secret-hosts">Hosts</label>
        <input id="secret-hosts" name="hosts" required placeholder="slack.com" autocomplete="off" spellcheck="false" />
        <small>The only ones that it is sent to, with a comma between two.</small></div>
    </div>
    <${Problem} error=${error} />
    <div class="actions"><button type="submit" class="primary" disabled=${working}>Set it</button></div>
  </form>`;
}

function SecretRow({ secret, manages, onDone }) {
  const dialog = useRef(null);
  const [{ working, error }, change] = useChange(onDone);
  const remove = () => {
    dialog.current.close();
    change(() => deleteSecret(secret.name));
  };
  return html`<tr>
    <th scope="row"><code>${secret.name}</code></th>
    <td>${secret.hosts.join(", ")}</td>
    <td><${Time} value=${secret.updated_at} /></td>
    <td>${secret.last_used_at ? html`<${Time} value=${secret.last_used_at} />` : html`<span class="quiet">never</span>`}</td>
    ${manages && html`<td>
      <button type="button" class="plain danger" disabled=${working} onClick=${() => dialog.current.showModal()}>Delete<span class="unseen"> ${secret.name}</span></button>
      <${Problem} error=${error} />
      <dialog ref=${dialog} aria-label=${`Delete ${secret.name}`}>
        <h2>Delete ${secret.name}?</h2>
        <p>Nodes that name it fail from then on. It cannot be taken back.</p>
        <div class="actions">
          <button type="button" class="danger" onClick=${remove}>Delete it</button>
          <button type="button" autofocus onClick=${() => dialog.current.close()}>Keep it</button>
        </div>
      </dialog></td>`}
  </tr>`;
}

function Secrets({ manages }) {
  const [changes, setChanges] = useState(0);
  const [page, error] = useLoaded(listSecrets, changes);
  const done = () => setChanges((count) => count + 1);
  return html`<section class="card" aria-labelledby="secrets-title">
    <h2 id="secrets-title">Secrets</h2>
    <${Problem} error=${error} />
    ${page?.secrets.length === 0 && html`<${Empty} title="There is no secret yet">Logins of services go here, not into workflows.<//>`}
    ${page?.secrets.length > 0 && html`<div class="scroll"><table>
      <thead><tr><th scope="col">Name</th><th scope="col">Sent to</th><th scope="col">Set</th><th scope="col">Last used</th>${manages && html`<th scope="col"><span class="unseen">Delete</span></th>`}</tr></thead>
      <tbody>${page.secrets.map((secret) => html`<${SecretRow} key=${secret.name} secret=${secret} manages=${manages} onDone=${done} />`)}</tbody>
    </table></div>`}
    ${manages && html`<${SecretForm} onDone=${done} />`}
  </section>`;
}

function HostsForm({ egress, onDone }) {
  const [every, setEvery] = useState(egress.hosts === null);
  const [text, setText] = useState((egress.hosts ?? []).join("\n"));
  const [{ working, error }, change] = useChange(onDone);
  const submit = (event) => {
    event.preventDefault();
    change(() => setEgress(every ? null : hostsIn(text)));
  };
  return html`<form onSubmit=${submit} aria-label="Hosts">
    <div class="choices">
      <label><input type="radio" name="every" checked=${every} onChange=${() => setEvery(true)} />Every public host</label>
      <label><input type="radio" name="every" checked=${!every} onChange=${() => setEvery(false)} />Only these</label>
    </div>
    ${!every && html`<div class="field wide"><label for="hosts">Hosts <em>names, *.example.com or addresses, one a line</em></label>
      <textarea id="hosts" rows="6" spellcheck="false" value=${text} onInput=${(event) => setText(event.currentTarget.value)}></textarea>
      <small>None at all means that workflows reach nothing outside.</small></div>`}
    <${Problem} error=${error} />
    <div class="actions"><button type="submit" class="primary" disabled=${working}>Save</button></div>
  </form>`;
}

function Hosts({ manages }) {
  const [changes, setChanges] = useState(0);
  const [egress, error] = useLoaded(getEgress, changes);
  const own = egress?.hosts;
  return html`<section class="card" aria-labelledby="hosts-title">
    <h2 id="hosts-title">Hosts that workflows may reach</h2>
    <${Problem} error=${error} />
    ${egress && html`<p role="status">${own === null ? "Every public host." : own.length === 0 ? "None." : `Only ${own.join(", ")}.`}
      ${egress.updated_at && html` <span class="quiet">Set <${Time} value=${egress.updated_at} />.</span>`}</p>
      ${egress.operator_hosts && html`<p class="quiet">The operator allows all organizations ${egress.operator_hosts.join(", ") || "nothing"}.</p>`}
      ${egress.loopback && html`<p class="quiet">The machine that the platform runs on may be reached as well, where the list allows it.</p>`}
      ${manages && html`<${HostsForm} key=${changes} egress=${egress} onDone=${() => setChanges((count) => count + 1)} />`}`}
  </section>`;
}

export function SettingsPage({ role }) {
  const manages = ["owner", "admin"].includes(role);
  return html`<div class="section-head"><h1 tabindex="-1">Secrets and hosts</h1></div>
    ${!manages && html`<p class="quiet">Owners and admins change these.</p>`}
    <div class="settings"><${Secrets} manages=${manages} /><${Hosts} manages=${manages} /></div>`;
}
