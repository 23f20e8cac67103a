// What differs between two texts, line by line. Pure arithmetic.

const MOST_CELLS = 4e6; // of the table below; beyond it the middle is told as a whole
const CONTEXT = 3;

// The lengths of the longest common subsequences of the rests of two lists of lines.
function commonRests(a, b) {
  const width = b.length + 1;
  const rests = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      rests[i * width + j] =
        a[i] === b[j] ? rests[(i + 1) * width + j + 1] + 1 : Math.max(rests[(i + 1) * width + j], rests[i * width + j + 1]);
    }
  }
  return (i, j) => rests[i * width + j];
}

function middle(a, b) {
  const removed = (text) => ({ sign: "-", text });
  const added = (text) => ({ sign: "+", text });
  if (a.length * b.length > MOST_CELLS) return [...a.map(removed), ...b.map(added)];
  const rest = commonRests(a, b);
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: " ", text: a[i] });
      i += 1;
      j += 1;
    } else if (j === b.length || (i < a.length && rest(i + 1, j) >= rest(i, j + 1))) {
      lines.push(removed(a[i]));
      i += 1;
    } else {
      lines.push(added(b[j]));
      j += 1;
    }
  }
  return lines;
}

// Returns [{sign: " " | "-" | "+", text}], all lines of both texts in order.
export function lineDiff(before, after) {
  const [a, b] = [before, after].map((text) => text.replace(/\n$/, "").split("\n"));
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const same = (text) => ({ sign: " ", text });
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

// Leaves out what is far from any change: {sign: "…", text: how many lines} stands for it.
export function folded(lines) {
  const near = new Set();
  lines.forEach(({ sign }, index) => {
    if (sign !== " ") for (let at = index - CONTEXT; at <= index + CONTEXT; at += 1) near.add(at);
  });
  const shown = [];
  let hidden = 0;
  const close = () => {
    if (hidden > 0) shown.push({ sign: "…", text: `${hidden} ${hidden === 1 ? "line" : "lines"} as before` });
    hidden = 0;
  };
  lines.forEach((line, index) => {
    if (!near.has(index)) {
      hidden += 1;
      return;
    }
    close();
    shown.push(line);
  });
  close();
  return shown;
}
