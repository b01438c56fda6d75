// Lamplighter's own script: theme, keys, live parts, the dashboard's chart. Pages work without it.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripts");

  // Theme: the operator's choice, else the system's. Set before anything is painted.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => localStorage.getItem("theme") || (dark.matches ? "dark" : "light");
  const applyTheme = () => { root.dataset.bsTheme = theme(); drawCharts(); };
  dark.addEventListener("change", applyTheme);

  // Charts: uPlot is loaded on the dashboard only, after this script.
  const hourOf = (second) => new Date(second * 1000).toTimeString().slice(0, 5);
  const numbers = (text) => text.split(" ").map(Number);
  const drawCharts = () => {
    if (!window.uPlot) return;
    for (const place of document.querySelectorAll(".chart[data-times]")) {
      place.replaceChildren();
      const style = getComputedStyle(root);
      const colour = (name) => style.getPropertyValue(name).trim();
      const axis = { stroke: colour("--tblr-secondary-color"), grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { show: false } };
      const hour = { ...axis, grid: { show: false }, size: 28, values: (_, ticks) => ticks.map(hourOf) };
      const bars = (label, name) => ({
        label, stroke: colour(name), fill: colour(name), width: 0,
        paths: uPlot.paths.bars({ size: [0.7], radius: 0.15 }), points: { show: false },
      });
      const { times, completed, failed } = place.dataset;
      const [done, broken] = [numbers(completed), numbers(failed)];
      // Stacked: what completed is drawn on top of what failed.
      const stacked = done.map((count, hour) => count + broken[hour]);
      new uPlot({
        width: place.clientWidth, height: 220, padding: [8, 8, 0, 0], legend: { show: false }, cursor: { show: false },
        axes: [hour, { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5] }],
        scales: { x: { range: (_, first, last) => [first - 1800, last + 1800] }, y: { range: (_, __, most) => [0, Math.max(1, most)] } },
        series: [{}, bars("Completed", "--chart-good"), bars("Failed", "--chart-bad")],
      }, [numbers(times), stacked, broken], place);
    }
  };
  window.addEventListener("resize", drawCharts);

  // Live parts: one event stream a page. It is closed while the page is hidden or paused, and opened again after.
  let paused = false;
  const stream = () => document.querySelector("[sse-connect]");
  const listeners = () => document.querySelectorAll("[hx-trigger*='sse:']");
  const close = () => stream() && htmx.trigger(stream(), "htmx:beforeCleanupElement");
  const open = () => {
    if (!stream()) return;
    htmx.trigger(stream(), "htmx:afterProcessNode");
    for (const part of listeners()) htmx.trigger(part, "htmx:afterProcessNode");
  };
  document.addEventListener("visibilitychange", () => {
    if (!paused) (document.hidden ? close : open)();
  });
  // The server ends a stream after a while, to check the login again: the next one follows at once.
  document.addEventListener("htmx:sseClose", (event) => {
    if (event.detail.type === "message" && !paused && !document.hidden) open();
  });
  // Without a stream the parts ask by themselves, and the switch says so.
  let lost = 0;
  const told = (text) => {
    const button = document.querySelector("[data-action=live]");
    if (button && !paused && button.textContent !== text) button.textContent = text;
  };
  document.addEventListener("htmx:sseError", () => { lost ||= Date.now(); });
  document.addEventListener("htmx:sseOpen", () => { lost = 0; told("Live"); });
  setInterval(() => {
    if (!lost || paused || document.hidden || Date.now() - lost < 3000) return;
    told("Reconnecting");
    for (const part of listeners()) htmx.trigger(part, "sse:change");
  }, 5000);

  // A part is not replaced while somebody selects in it or moves over its rows (it asks again a little later), nor while
  // a mouse button is down in it: a click whose button is replaced in between is lost. What was unfolded stays so.
  let moved = 0, pressed = null, unfolded = [];
  const late = new WeakSet();
  const postpone = (part) => {
    if (late.has(part)) return;
    late.add(part);
    setTimeout(() => { late.delete(part); htmx.trigger(part, "sse:change"); }, 1500);
  };
  document.addEventListener("pointermove", () => { moved = Date.now(); });
  document.addEventListener("pointerdown", (event) => { pressed = event.target; });
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { pressed = null; });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, target, elt } = event.detail;
    unfolded = [...target.querySelectorAll("details[open][id]")].map((part) => part.id);
    if (requestConfig.verb !== "get" || !pressed || !target.contains(pressed)) return;
    event.detail.shouldSwap = false;
    postpone(elt);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    unfolded = [];
    drawCharts();
  });
  // A prompt that was taken is not sent twice.
  document.addEventListener("htmx:afterRequest", ({ detail, target }) => detail.successful && target.matches(".trigger-form") && target.reset());
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (event.detail.requestConfig.verb !== "get") return;
    const selected = String(getSelection()) && part.contains(getSelection().anchorNode);
    const over = part.querySelector("table") && part.matches(":hover") && Date.now() - moved < 1500;
    if (!paused && !document.hidden && !selected && !over) return;
    event.preventDefault();
    if (!paused && !document.hidden) postpone(part);
  });

  // Times go on between two updates, by the server's clock.
  const ahead = Date.now() - Number(root.dataset.now);
  const coarse = (s) => (s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min`
    : s < 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`);
  const put = (place, text) => { if (place.textContent !== text) place.textContent = text; };
  const tick = () => {
    const now = Date.now() - ahead;
    for (const place of document.querySelectorAll("time[datetime]")) {
      const past = now - Date.parse(place.dateTime);
      const text = coarse(Math.floor(Math.abs(past) / 1000));
      put(place, past < -1000 ? `in ${text}` : past < 1000 ? "just now" : `${text} ago`);
    }
    for (const place of document.querySelectorAll("[data-since]")) {
      const s = Math.max(0, Math.floor((now - Number(place.dataset.since)) / 1000));
      const [m, h] = [Math.floor(s / 60), Math.floor(s / 3600)];
      put(place, s < 60 ? `${s} s` : s < 3600 ? `${m} min ${s % 60} s` : `${h} h ${m % 60} min`);
    }
  };
  setInterval(() => { if (!document.hidden && !paused) tick(); }, 1000);

  const actions = {
    theme: () => { localStorage.setItem("theme", theme() === "dark" ? "light" : "dark"); applyTheme(); },
    live: (button) => {
      paused = !paused;
      button.setAttribute("aria-pressed", String(!paused));
      button.textContent = paused ? "Paused" : "Live";
      lost = 0;
      (paused ? close : open)();
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action], [data-dialog]");
    if (!button) return;
    if (button.dataset.dialog) document.getElementById(button.dataset.dialog).showModal();
    else actions[button.dataset.action](button);
  });

  // Keys: ? shows them, / searches, g and a letter goes to a page.
  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea, [contenteditable]")) return;
    const went = going;
    going = false;
    const dialog = document.getElementById("keys");
    const search = event.key === "/" && document.querySelector("input[type=search]");
    if (event.key === "?" && dialog && !dialog.open) dialog.showModal();
    else if (search) { event.preventDefault(); search.focus(); }
    else if (went) document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
    else going = event.key === "g";
  });

  applyTheme();
  window.addEventListener("load", () => { drawCharts(); if (document.hidden) close(); });
})();
