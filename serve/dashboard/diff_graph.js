// The graph of two versions in one, each node and edge marked by what becomes of it. Pure functions.

const edgeKey = ({ from, to, type }) => JSON.stringify([from, to, type ?? ""]);

// Node ids by how many nodes stand before them; edges that lead back count for nothing.
export function levelsOf(nodes, edges) {
  const ids = nodes.map(({ id }) => id);
  const targets = new Map(ids.map((id) => [id, []]));
  for (const { from, to } of edges) if (targets.has(from) && targets.has(to)) targets.get(from).push(to);
  const order = [];
  const state = new Map();
  const forward = new Map(ids.map((id) => [id, []]));
  // By hand instead of by recursion: a graph may be a thousand nodes deep.
  for (const root of ids) {
    if (state.has(root)) continue;
    state.set(root, "open");
    const stack = [{ id: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1);
      const target = targets.get(top.id)[top.next];
      top.next += 1;
      if (target === undefined) {
        state.set(top.id, "done");
        order.unshift(top.id);
        stack.pop();
      } else if (state.get(target) !== "open") {
        forward.get(top.id).push(target);
        if (!state.has(target)) {
          state.set(target, "open");
          stack.push({ id: target, next: 0 });
        }
      }
    }
  }
  const level = new Map(ids.map((id) => [id, 0]));
  for (const id of order) {
    for (const target of forward.get(id)) level.set(target, Math.max(level.get(target), level.get(id) + 1));
  }
  const rows = Array.from({ length: Math.max(-1, ...level.values()) + 1 }, () => []);
  for (const id of ids) rows[level.get(id)].push(id);
  return rows;
}

function mergedNodes(old, changes, renamed) {
  const added = changes.filter(({ field, old_value: was }) => field === "node" && was === null);
  const kept = old.map((node) => {
    const own = changes.filter(({ node_id: id, field }) => id === node.id && !/^edges(\.|$)/.test(field));
    const gone = own.some(({ field, new_value: now }) => field === "node" && now === null);
    const agent = own.find(({ field }) => field === "agent")?.new_value ?? node.agent;
    const pattern = own.find(({ field }) => field === "pattern");
    return {
      ...node,
      id: renamed.get(node.id) ?? node.id,
      agent,
      pattern: pattern ? pattern.new_value : node.pattern,
      mark: gone ? "removed" : own.length > 0 ? "changed" : undefined,
    };
  });
  return [...kept, ...added.map(({ new_value: node }) => ({ ...node, mark: "added" }))];
}

function mergedEdges(old, changes, renamed) {
  const name = (id) => renamed.get(id) ?? id;
  const named = old.map((edge) => ({ ...edge, from: name(edge.from), to: name(edge.to) }));
  const merged = new Map(named.map((edge) => [edgeKey(edge), edge]));
  for (const { node_id: source, field, old_value: was, new_value: now } of changes) {
    if (!field.startsWith("edges.")) continue;
    const [target, ...rest] = field.slice("edges.".length).split(".");
    if (rest.length > 0) {
      const [key, edge] = [...merged].find(([, { from, to }]) => from === name(source) && to === target) ?? [];
      if (edge) merged.set(key, { ...edge, [rest[0]]: now ?? undefined, mark: "changed" });
    } else {
      const edge = now ?? was;
      merged.set(edgeKey(edge), { ...edge, mark: now === null ? "removed" : "added" });
    }
  }
  return [...merged.values()];
}

// specification: the older one; changes: as the API lists them. Returns {nodes, edges, levels}.
export function mergedGraph(specification, changes) {
  const renamed = new Map(
    changes.filter(({ node_id: id, field }) => id !== null && field === "id").map((change) => [change.node_id, change.new_value]),
  );
  const nodes = mergedNodes(specification.nodes, changes, renamed);
  const edges = mergedEdges(specification.edges ?? [], changes, renamed);
  return { nodes, edges, levels: levelsOf(nodes, edges) };
}
