// The first page: a sentence, or a template, becomes a workflow; below, what runs now.

import { useState } from "./vendor/hooks.js";
import { Composer } from "./composer.js";
import { ExecutionList } from "./executions.js";
import { TemplateRow } from "./templates_page.js";
import { html } from "./ui.js";

// writes: whether who looks may create anything.
export function CreatePage({ writes }) {
  const [typed, setTyped] = useState(false);
  return html`<h1 tabindex="-1" class="unseen">Weft</h1>
    ${writes ? html`<${Composer} onTyped=${setTyped} />` : html`<p class="quiet">You may look at what runs; creating workflows takes another role.</p>`}
    ${writes && !typed && html`<${TemplateRow} />`}
    <section aria-labelledby="executions-title">
      <${ExecutionList} title="Executions" />
    </section>`;
}
