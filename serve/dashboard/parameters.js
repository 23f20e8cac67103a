// What a step is given: its parameters, as a person reads them.

import { html } from "./ui.js";
import { readable } from "./words.js";

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function settings(node) {
  return [
    ["For each item of", node.pattern === "map" ? node.input_keys?.[0] : undefined],
    ["Result is called", node.output_key],
    ["Timeout", node.timeout && `${node.timeout} s`],
    ["Attempts", node.retry?.max_attempts],
    ["If it fails", node.on_failure],
  ].filter(([, value]) => value !== undefined && value !== null);
}

// node: of a specification, or one with parameters that are resolved.
export function Parameters({ node }) {
  const own = Object.entries(node.parameters ?? {});
  return html`<div class="parameters">
    ${node.description && html`<p>${node.description}</p>`}
    <p class="quiet">Agent <code>${node.agent}</code>${settings(node).map(([name, value]) => ` · ${name.toLowerCase()} ${value}`)}</p>
    ${own.length === 0
      ? html`<p class="quiet">It needs no parameters.</p>`
      : html`<dl>${own.map(
          ([name, value]) => html`<div key=${name}><dt>${readable(name)}</dt><dd><pre tabindex=${String(shown(value)).length > 400 ? 0 : undefined}>${shown(value)}</pre></dd></div>`,
        )}</dl>`}
  </div>`;
}
