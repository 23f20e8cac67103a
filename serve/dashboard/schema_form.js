// A form for an execution's input, from the JSON Schema of the workflow.

import { html } from "./ui.js";
import { readable } from "./words.js";

const typeOf = (schema) => (Array.isArray(schema.type) ? schema.type.find((type) => type !== "null") : schema.type);
const hasFields = (schema) => Object.keys(schema?.properties ?? {}).length > 0;

function initialValue(schema) {
  if (schema.default !== undefined) return schema.default;
  return typeOf(schema) === "boolean" ? false : undefined;
}

export function initialInput(schema) {
  if (!hasFields(schema)) return {};
  const fields = Object.entries(schema.properties).map(([name, field]) => [name, initialValue(field)]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

function parseJson(element, onChange) {
  try {
    const value = element.value.trim() ? JSON.parse(element.value) : undefined;
    element.setCustomValidity("");
    onChange(value);
  } catch (error) {
    element.setCustomValidity(`This is not JSON: ${error.message}`);
  }
}

// Strings that the browser knows how to help with.
const KINDS = { email: "email", uri: "url", date: "date" };

// Where a schema takes anything: JSON as what it means, all else as the text that it is.
function anything(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text || undefined;
  }
}

const asText = (value) => (value === undefined || typeof value === "string" ? (value ?? "") : JSON.stringify(value));

const EXAMPLE_CHARACTERS = 80;

function exampleOf({ examples: [first] = [] }) {
  const text = Array.isArray(first) ? first.join("\n") : asText(first);
  return text.length > EXAMPLE_CHARACTERS ? `${text.slice(0, EXAMPLE_CHARACTERS)}…` : text;
}

function Control({ id, schema, value, required, onChange, describedBy }) {
  const common = { id, required, "aria-describedby": describedBy };
  const typed = { ...common, placeholder: exampleOf(schema) };
  const text = (event) => onChange(event.currentTarget.value || undefined);
  if (schema.enum) {
    const choose = (event) => onChange(schema.enum[event.currentTarget.selectedIndex - 1]);
    return html`<select ...${common} onChange=${choose}>
      <option value="" selected=${value === undefined}>choose…</option>
      ${schema.enum.map((option) => html`<option key=${option} selected=${option === value}>${String(option)}</option>`)}
    </select>`;
  }
  const type = typeOf(schema);
  if (type === "boolean") {
    return html`<input ...${common} required=${false} type="checkbox" checked=${Boolean(value)}
      onChange=${(event) => onChange(event.currentTarget.checked)} />`;
  }
  if (type === "integer" || type === "number") {
    const number = (event) => onChange(event.currentTarget.value === "" ? undefined : event.currentTarget.valueAsNumber);
    return html`<input ...${typed} type="number" step=${type === "integer" ? 1 : "any"} min=${schema.minimum}
      max=${schema.maximum} value=${value ?? ""} onInput=${number} />`;
  }
  if (type === "array" && typeOf(schema.items ?? {}) === "string") {
    const lines = (event) => onChange(event.currentTarget.value.split("\n").map((line) => line.trim()).filter(Boolean));
    return html`<textarea ...${typed} rows="3" placeholder=${typed.placeholder || "one in each line"} onInput=${lines}>${(value ?? []).join("\n")}</textarea>`;
  }
  const kind = KINDS[schema.format];
  if (type === "string" && kind) return html`<input ...${typed} type=${kind} value=${value ?? ""} onInput=${text} />`;
  // A text may have many lines, such as a contract; the field grows with it.
  if (type === "string") return html`<textarea ...${typed} rows="1" class="line-of-text" value=${value ?? ""} onInput=${text}></textarea>`;
  if (type === undefined) {
    return html`<textarea ...${typed} rows="1" class="line-of-text" defaultValue=${asText(value)}
      onInput=${(event) => onChange(anything(event.currentTarget.value))}></textarea>`;
  }
  return html`<textarea ...${typed} rows="3" class="code" placeholder="JSON" defaultValue=${value === undefined ? "" : JSON.stringify(value, null, 2)}
    onInput=${(event) => parseJson(event.currentTarget, onChange)} />`;
}

export function SchemaForm({ schema, value, onChange, prefix = "input" }) {
  if (!hasFields(schema)) {
    return html`<details class="free-input">
      <summary>Input as JSON, if it needs any</summary>
      <label class="field">
        <span>Input <em>JSON</em></span>
        <textarea class="code" rows="3" placeholder="{}" onInput=${(event) =>
          parseJson(event.currentTarget, (parsed) => onChange(parsed ?? {}))}></textarea>
      </label>
    </details>`;
  }
  const required = new Set(schema.required ?? []);
  const set = (name, part) => {
    const { [name]: _, ...rest } = value;
    onChange(part === undefined ? rest : { ...rest, [name]: part });
  };
  return html`<div class="fields">
    ${Object.entries(schema.properties).map(([name, field]) => {
      const id = `${prefix}-${name}`;
      const title = field.title ?? readable(name);
      const note = field.description && field.description !== title ? `${id}-note` : undefined;
      return html`<div class="field" key=${name}>
        <label for=${id}>${title} ${!required.has(name) && html`<em>optional</em>`}</label>
        <${Control} id=${id} schema=${field} value=${value[name]} required=${required.has(name)}
          onChange=${(part) => set(name, part)} describedBy=${note} />
        ${note && html`<small id=${note}>${field.description}</small>`}
      </div>`;
    })}
  </div>`;
}
