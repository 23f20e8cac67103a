// The items of a map that failed, and why.

import { useEffect, useState } from "./vendor/hooks.js";
import { listItems } from "./api.js";
import { html, Problem } from "./ui.js";

const PAGE = 20;
const MOST = 1000; // in one answer

// It asks again when the page sees that more of them failed, or that the node was visited anew.
function useFailed(executionId, node, limit) {
  const [page, setPage] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let stopped = false;
    listItems(executionId, node.node_id, { status: "failed", limit }).then(
      (loaded) => {
        if (stopped) return;
        setPage(loaded);
        setError(null);
      },
      (problem) => !stopped && setError(problem),
    );
    return () => {
      stopped = true;
    };
  }, [executionId, node.node_id, node.started_at, node.items.failed, limit]);
  return [page, error];
}

export function FailedItems({ executionId, node }) {
  const [limit, setLimit] = useState(PAGE);
  const [page, error] = useFailed(executionId, node, limit);
  const rows = page?.items ?? [];
  const more = page !== null && page.total > rows.length;
  return html`<section class="failed-items" aria-labelledby="failed-title">
    <h4 id="failed-title">Failed items</h4>
    <${Problem} error=${error} />
    ${rows.length > 0 &&
    html`<table>
      <thead><tr><th class="number">Item</th><th class="number">Attempt</th><th>Error</th></tr></thead>
      <tbody>${rows.map(
        (row) => html`<tr key=${row.index}>
          <td class="number">${row.index}</td>
          <td class="number">${row.attempt}</td>
          <td class="failure">${row.error}</td>
        </tr>`,
      )}</tbody>
    </table>`}
    ${more && rows.length < MOST &&
    html`<button type="button" class="more" onClick=${() => setLimit(Math.min(limit + PAGE, MOST))}>Show more (${rows.length} of ${page.total})</button>`}
    ${more && rows.length >= MOST &&
    html`<p class="quiet">The first ${rows.length} of ${page.total}. All: <code>weft items ${executionId} ${node.node_id} --failed --offset ${rows.length}</code></p>`}
  </section>`;
}
