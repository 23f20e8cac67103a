// Places the nodes of a graph, level by level, and the ways of its edges. Pure arithmetic.

export const NODE = { width: 204, height: 58 };
const GAP = { along: 40, across: 22, margin: 12 };
const SWEEPS = 4;
const LETTER = 6.4;
export const LABEL_LETTERS = 20;

// A long edge takes a place of its own in each level it passes, so that it goes around nodes.
function withPassages(levels, edges) {
  const levelOf = new Map(levels.flatMap((ids, level) => ids.map((id) => [id, level])));
  const rows = levels.map((ids) => ids.map((id) => ({ id, real: true })));
  const ways = edges
    .filter((edge) => levelOf.has(edge.from) && levelOf.has(edge.to))
    .map((edge, index) => {
      const [first, last] = [levelOf.get(edge.from), levelOf.get(edge.to)];
      const passages = [];
      for (let level = first + 1; level < last; level += 1) {
        const id = `${index}@${level}`;
        rows[level].push({ id, real: false });
        passages.push(id);
      }
      return { edge, back: last <= first, stops: [edge.from, ...passages, edge.to] };
    });
  return { rows, ways };
}

// Order each level by where its neighbours in the level before (or after) stand.
function untangle(rows, ways) {
  const before = new Map();
  const after = new Map();
  const link = (map, key, value) => map.set(key, [...(map.get(key) ?? []), value]);
  for (const { stops, back } of ways.filter((way) => !way.back)) {
    for (let i = 1; i < stops.length && !back; i += 1) {
      link(before, stops[i], stops[i - 1]);
      link(after, stops[i - 1], stops[i]);
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    const order = forward ? rows : [...rows].reverse();
    const place = new Map();
    for (const row of order) {
      const centre = (item, index) => {
        const known = ((forward ? before : after).get(item.id) ?? []).filter((id) => place.has(id));
        return known.length ? known.reduce((sum, id) => sum + place.get(id), 0) / known.length : index;
      };
      const wanted = new Map(row.map((item, index) => [item, centre(item, index)]));
      row.sort((a, b) => wanted.get(a) - wanted.get(b));
      row.forEach((item, index) => place.set(item.id, index - row.length / 2));
    }
  }
}

function extent(row, vertical) {
  const size = vertical ? NODE.width : NODE.height;
  return row.reduce((sum, item) => sum + (item.real ? size : 10) + GAP.across, -GAP.across);
}

// Where each level begins: a condition written on an edge needs room before the level it leads to.
function beginnings(levels, edges, vertical) {
  const size = vertical ? NODE.height : NODE.width;
  let at = GAP.margin;
  return levels.map((ids, level) => {
    const labels = edges.filter((edge) => edge.condition && ids.includes(edge.to));
    const letters = Math.max(0, ...labels.map((edge) => Math.min(edge.condition.length, LABEL_LETTERS)));
    if (level > 0) at += size + (vertical ? GAP.along : Math.max(GAP.along, letters * LETTER + 30));
    return at;
  });
}

function smooth(points, vertical) {
  let path = `M${points[0].x},${points[0].y}`;
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1], points[i]];
    const bend = (vertical ? b.y - a.y : b.x - a.x) / 2;
    path += vertical
      ? `C${a.x},${a.y + bend} ${b.x},${b.y - bend} ${b.x},${b.y}`
      : `C${a.x + bend},${a.y} ${b.x - bend},${b.y} ${b.x},${b.y}`;
  }
  return path;
}

function route(way, boxes, vertical) {
  const [from, to] = [boxes.get(way.stops[0]), boxes.get(way.stops.at(-1))];
  if (way.back) {
    const low = Math.max(from.y, to.y) + NODE.height + 26;
    const [a, b] = [from.x + NODE.width / 2, to.x + NODE.width / 2];
    const path = `M${a},${from.y + NODE.height}C${a},${low} ${b},${low} ${b},${to.y + NODE.height}`;
    return { path, label: { x: (a + b) / 2, y: low - 8 } };
  }
  const start = vertical
    ? { x: from.x + NODE.width / 2, y: from.y + NODE.height }
    : { x: from.x + NODE.width, y: from.y + NODE.height / 2 };
  const end = vertical
    ? { x: to.x + NODE.width / 2, y: to.y }
    : { x: to.x, y: to.y + NODE.height / 2 };
  const points = [start, ...way.stops.slice(1, -1).map((id) => boxes.get(id)), end];
  const [before, last] = points.slice(-2);
  return {
    path: smooth(points, vertical),
    label: { x: (before.x + last.x) / 2, y: (before.y + last.y) / 2 },
  };
}

// Returns {width, height, nodes: [{id, x, y}], edges: [{from, to, condition, path, label}]}.
export function layout(levels, edges, vertical = false) {
  const { rows, ways } = withPassages(levels, edges);
  untangle(rows, ways);
  const across = Math.max(...rows.map((row) => extent(row, vertical)), 0);
  const starts = beginnings(levels, edges, vertical);
  const boxes = new Map();
  rows.forEach((row, level) => {
    let at = GAP.margin + (across - extent(row, vertical)) / 2;
    for (const item of row) {
      const size = item.real ? (vertical ? NODE.width : NODE.height) : 10;
      const middle = item.real ? 0 : (vertical ? NODE.height : NODE.width) / 2;
      const along = starts[level] + middle;
      boxes.set(item.id, vertical ? { x: at, y: along } : { x: along, y: at });
      at += size + GAP.across;
    }
  });
  const hasBack = ways.some((way) => way.back);
  const alongSize = (starts.at(-1) ?? 0) + (vertical ? NODE.height : NODE.width) + GAP.margin;
  const acrossSize = across + 2 * GAP.margin + (hasBack && !vertical ? 30 : 0);
  return {
    width: vertical ? acrossSize : alongSize,
    height: vertical ? alongSize : acrossSize,
    nodes: rows.flat().filter((item) => item.real).map((item) => ({ id: item.id, ...boxes.get(item.id) })),
    edges: ways.map((way) => ({ ...way.edge, ...route(way, boxes, vertical) })),
  };
}
