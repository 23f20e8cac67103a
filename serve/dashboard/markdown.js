// A small Markdown reader for reports: headings, lists, tables, paragraphs, emphasis, code, links.
// It makes elements, never HTML text, so a report cannot carry markup of its own into the page.

import { h } from "./vendor/preact.js";

const INLINE = /(`[^`]+`)|(\*\*[^*]+\*\*)|(\*[^*\s][^*]*\*)|(\[[^\]]+\]\(https?:\/\/[^)\s]+\))/;

function inline(text) {
  const parts = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    if (found.index > 0) parts.push(rest.slice(0, found.index));
    parts.push(inlineElement(found[0]));
    rest = rest.slice(found.index + found[0].length);
  }
  return [...parts, rest];
}

function inlineElement(source) {
  if (source.startsWith("`")) return h("code", null, source.slice(1, -1));
  if (source.startsWith("**")) return h("strong", null, inline(source.slice(2, -2)));
  if (source.startsWith("*")) return h("em", null, inline(source.slice(1, -1)));
  const [, text, address] = /^\[([^\]]+)\]\((.+)\)$/.exec(source);
  return h("a", { href: address, rel: "noreferrer noopener", target: "_blank" }, text);
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
const isRule = (line) => /^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$/.test(line) && line.includes("-");

const KINDS = [
  { kind: "code", start: /^```/ },
  { kind: "heading", start: /^#{1,6} / },
  { kind: "table", start: /^\s*\|.*\|/ },
  { kind: "bullets", start: /^\s*[-*] / },
  { kind: "numbers", start: /^\s*\d+[.)] / },
  { kind: "quote", start: /^> ?/ },
  { kind: "rule", start: /^(-{3,}|\*{3,})\s*$/ },
];

const kindOf = (line) => KINDS.find(({ start }) => start.test(line))?.kind ?? "paragraph";

function blocks(text) {
  const found = [];
  let open = null;
  for (const line of text.split(/\r?\n/)) {
    if (open?.kind === "code") {
      if (line.startsWith("```")) open = null;
      else open.lines.push(line);
      continue;
    }
    if (!line.trim()) {
      open = null;
      continue;
    }
    const kind = kindOf(line);
    const joins = open?.kind === kind && kind !== "heading" && kind !== "rule";
    if (!joins) {
      open = { kind, lines: [] };
      found.push(open);
    }
    if (kind !== "code") open.lines.push(line);
  }
  return found;
}

function list(tag, lines) {
  const items = lines.map((line) => h("li", null, inline(line.replace(/^\s*([-*]|\d+[.)]) /, ""))));
  return h(tag, null, items);
}

function table(lines) {
  const hasHead = lines.length > 1 && isRule(lines[1]);
  const row = (line, tag) => h("tr", null, cells(line).map((cell) => h(tag, null, inline(cell))));
  const body = lines.slice(hasHead ? 2 : 0).map((line) => row(line, "td"));
  return h("table", null, hasHead && h("thead", null, row(lines[0], "th")), h("tbody", null, body));
}

function heading(line) {
  const [, marks, text] = /^(#+) +(.*)$/.exec(line);
  return h(`h${Math.min(6, marks.length + 2)}`, null, inline(text));
}

const ELEMENTS = {
  code: (lines) => h("pre", { class: "value" }, lines.join("\n")),
  heading: (lines) => heading(lines[0]),
  table,
  bullets: (lines) => list("ul", lines),
  numbers: (lines) => list("ol", lines),
  quote: (lines) => h("blockquote", null, inline(lines.map((line) => line.replace(/^> ?/, "")).join(" "))),
  rule: () => h("hr"),
  paragraph: (lines) => h("p", null, inline(lines.join(" "))),
};

export function Markdown({ text }) {
  return h("div", { class: "markdown" }, blocks(text).map(({ kind, lines }) => ELEMENTS[kind](lines)));
}
