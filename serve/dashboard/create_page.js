// The first page: a sentence, or a template, becomes a workflow; below, what runs now.

import { useState } from "./vendor/hooks.js";
import { Composer } from "./composer.js";
import { ExecutionList } from "./executions.js";
import { TemplateRow } from "./templates_page.js";
import { html } from "./ui.js";

export function CreatePage() {
  const [typed, setTyped] = useState(false);
  return html`<h1 tabindex="-1" class="unseen">Weft</h1>
    <${Composer} onTyped=${setTyped} />
    ${!typed && html`<${TemplateRow} />`}
    <section aria-labelledby="executions-title">
      <${ExecutionList} title="Executions" />
    </section>`;
}
