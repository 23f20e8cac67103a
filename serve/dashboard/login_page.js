// The login: the token becomes a session cookie that no script can read.

import { useState } from "./vendor/hooks.js";
import { signIn } from "./api.js";
import { html, Problem } from "./ui.js";

export function LoginPage({ onSignedIn }) {
  const [token, setToken] = useState("");
  const [error, setError] = useState(null);
  const [working, setWorking] = useState(false);
  async function submit(event) {
    event.preventDefault();
    setWorking(true);
    try {
      await signIn(token.trim());
      onSignedIn();
    } catch (problem) {
      setError(problem);
      setWorking(false);
    }
  }
  return html`<main class="login">
    <form class="card" onSubmit=${submit}>
      <img src="icon.svg" alt="" width="44" height="44" />
      <h1>Weft</h1>
      <p class="quiet">From one English sentence to a durable execution.</p>
      <div class="field">
        <label for="token">Token</label>
        <input id="token" type="password" required autofocus autocomplete="current-password" value=${token}
          aria-describedby="token-note" onInput=${(event) => setToken(event.currentTarget.value)} />
        <small id="token-note">On the platform's machine, <code>weft token</code> prints it.</small>
      </div>
      <${Problem} error=${error} />
      <div class="actions"><button type="submit" class="primary" disabled=${working}>Sign in</button></div>
    </form>
  </main>`;
}
