// Live events over a WebSocket that comes back by itself, after the last event that was seen.

import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { checkSession, streamPath } from "./api.js";

const QUIET_MS = 35_000; // the platform pings every 10 s
const MAX_DELAY_MS = 5_000;
const NORMAL = 1000;

const isRefusal = (code) => code === 1008 || (code >= 4000 && code < 5000);

// Follow an execution, or all of them with null. Returns a function that ends it.
// onState hears "connecting", "live", "lost" and "ended".
export function follow(executionId, onEvent, onState) {
  let socket = null;
  let last = 0;
  let failures = 0;
  let timer = 0;
  let ended = false;

  function connect() {
    const address = new URL(streamPath(executionId), location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (executionId) address.searchParams.set("after", last);
    socket = new WebSocket(address);
    socket.onopen = () => onState("live");
    socket.onmessage = (message) => take(JSON.parse(message.data));
    socket.onclose = (closing) => lost(closing.code);
    watchForSilence();
  }

  function watchForSilence() {
    clearTimeout(timer);
    timer = setTimeout(() => socket.close(), QUIET_MS);
  }

  function take(event) {
    failures = 0;
    watchForSilence();
    if (event.type === "ping") return;
    if (executionId && event.seq !== undefined) {
      if (event.seq <= last) return;
      last = event.seq;
    }
    onEvent(event);
  }

  function lost(code) {
    clearTimeout(timer);
    if (ended) return;
    if ((code === NORMAL && executionId) || isRefusal(code)) {
      ended = true;
      onState("ended");
      if (isRefusal(code)) checkSession().catch(() => {});
      return;
    }
    onState("lost");
    failures += 1;
    // A handshake that the ingress refuses looks like a lost connection: does the session stand?
    if (failures === 3) checkSession().catch(() => {});
    timer = setTimeout(connect, Math.min(MAX_DELAY_MS, 200 * 2 ** failures));
  }

  onState("connecting");
  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    socket.close();
  };
}

// Run a task now and after each call of the returned function, never twice at once and never more
// often than every so many milliseconds. The task's result is ignored once the owner is gone.
export function throttled(task, intervalMs) {
  let timer = 0;
  let running = false;
  let again = false;
  let stopped = false;
  let begun = -Infinity;

  async function run() {
    timer = 0;
    running = true;
    again = false;
    begun = performance.now();
    await task(() => stopped);
    running = false;
    if (again) schedule();
  }

  function schedule() {
    if (stopped || timer) return;
    if (running) {
      again = true;
      return;
    }
    timer = setTimeout(run, Math.max(0, begun + intervalMs - performance.now()));
  }

  schedule.stop = () => {
    stopped = true;
    clearTimeout(timer);
  };
  return schedule;
}

// Keep data fresh: load it now and whenever an event of the stream arrives. A piece of a text that
// grows is no event: onPiece takes it. Returns [data, error, stream state, reload].
export function useLive(executionId, load, key, intervalMs = 400, onPiece = () => {}) {
  const [data, setData] = useState(null);
  const [error, setError] = useState(null);
  const [state, setState] = useState("connecting");
  const reload = useRef(() => {});
  useEffect(() => {
    let unfollow = null;
    const listen = () => {
      const take = (event) => (event.type === "token" ? onPiece(event) : refresh());
      unfollow ??= follow(executionId, take, (next) => {
        setState(next);
        if (next === "live") refresh();
      });
    };
    const refresh = throttled(async (isStopped) => {
      try {
        const loaded = await load();
        if (isStopped()) return;
        setData(loaded);
        setError(null);
        listen();
      } catch (problem) {
        if (isStopped()) return;
        setError(problem);
        // What does not exist has no events; a platform that is away comes back.
        if (!(problem.status >= 400 && problem.status < 500)) listen();
      }
    }, intervalMs);
    reload.current = refresh;
    refresh();
    return () => {
      unfollow?.();
      refresh.stop();
    };
  }, [key]);
  return [data, error, state, () => reload.current()];
}

// Whose text a piece goes on with: a node's, or that of an item of its map.
const textName = (piece) => (piece.map_index === undefined ? piece.node_id : `${piece.node_id}[${piece.map_index}]`);

// The texts that language models are writing, by name, those that grew last at the end: put together
// of the pieces of the stream. An attempt that is made again and an answer that is given anew begin
// the text again; so does the stream, with all of it, when its connection was lost.
export function useTexts(key) {
  const [texts, setTexts] = useState(new Map());
  useEffect(() => setTexts(new Map()), [key]);
  const add = (piece) =>
    setTexts((known) => {
      const name = textName(piece);
      const { attempt, answer, offset, node_id: nodeId, map_index: index } = piece;
      const former = known.get(name);
      const goesOn = former && former.attempt === attempt && former.answer === answer;
      const { text, end } = goesOn ? former : { text: "", end: 0 };
      const gap = offset > end ? "…" : "";
      const before = offset < end ? [...text].slice(0, offset - end).join("") : text + gap;
      const grown = new Map(known);
      grown.delete(name);
      if (piece.last) return grown;
      const letters = [...piece.text].length;
      return grown.set(name, { nodeId, index, attempt, answer, text: before + piece.text, end: offset + letters });
    });
  return [texts, add];
}

const LOOK_INTERVAL_MS = 2000;

// Reload from time to time while something changes that no event tells of.
export function useLooks(reload, active) {
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(reload, LOOK_INTERVAL_MS);
    return () => clearInterval(timer);
  }, [active]);
}

export const STATE_TEXTS = {
  connecting: "connecting",
  live: "live",
  lost: "reconnecting",
  ended: "ended",
};
