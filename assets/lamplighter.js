// Lamplighter's own script: theme, keys, live parts that hold still under a hand, times. Pages work without it.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripts");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Choices are kept in cookies, so that the server's first paint has them.
  const year = 365 * 24 * 60 * 60;
  const keep = (name, value) => {
    document.cookie = `lamplighter-${name}=${value}; path=${root.dataset.base}; max-age=${value ? year : 0}; samesite=lax`;
  };

  // Theme: the operator's choice, else the system's. Set before anything is painted.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const kept = () => document.cookie.match(/(?:^|; )lamplighter-theme=(light|dark)(?:;|$)/)?.[1];
  const theme = () => kept() || (dark.matches ? "dark" : "light");
  const applyTheme = () => { root.dataset.theme = theme(); };
  dark.addEventListener("change", applyTheme);

  // Live parts: one event stream a page. It is closed while the page is hidden or paused, and opened again after.
  const liveSwitch = () => document.querySelector("[data-action=live]");
  let paused = document.cookie.includes("lamplighter-paused=1");
  const stream = () => document.querySelector("[sse-connect]");
  const listeners = () => all("[hx-trigger*='sse:']");
  const close = () => stream() && window.htmx?.trigger(stream(), "htmx:beforeCleanupElement");
  const open = () => {
    if (!stream()) return;
    htmx.trigger(stream(), "htmx:afterProcessNode");
    for (const part of listeners()) htmx.trigger(part, "htmx:afterProcessNode");
  };
  document.addEventListener("visibilitychange", () => {
    if (!paused) (document.hidden ? close : open)();
  });
  // A form that leads away may remove what the page shows: its parts are not asked for any more. A page that the browser has kept
  // and shows again goes on.
  document.addEventListener("submit", (event) => {
    const method = event.submitter?.formMethod || event.target.method;
    if (!event.defaultPrevented && method !== "dialog" && !paused) close();
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted && !paused) open(); });
  // The server ends a stream after a while, to check the login again: the next one follows at once.
  document.addEventListener("htmx:sseClose", (event) => {
    if (event.detail.type === "message" && !paused && !document.hidden) open();
  });
  // Without a stream the parts ask by themselves, and the switch says so.
  let lost = 0;
  const told = (text) => {
    const button = liveSwitch();
    if (!button || paused) return;
    if (button.textContent.trim() !== text) button.textContent = text;
    button.classList.toggle("lost", text !== "Live");
  };
  document.addEventListener("htmx:sseError", () => { lost ||= Date.now(); });
  document.addEventListener("htmx:sseOpen", () => { lost = 0; told("Live"); });
  setInterval(() => {
    if (!lost || paused || document.hidden || Date.now() - lost < 3000) return;
    told("Reconnecting");
    for (const part of listeners()) ask(part);
  }, 5000);

  // Nothing moves under a hand. While the pointer, the focus or a selection is in a list (`data-hold`), the part around it is not
  // replaced: cells of the rows that are there are brought up to date in place, and new rows are only counted. They are shown on a
  // click, or two seconds after the hand has left. A list of decisions (`data-hold=still`) is replaced on a click alone.
  const LEFT = 2000;
  const ask = (part) => htmx.trigger(part, "sse:change");
  let touched = null, pressed = null, showing = null;
  const left = new WeakMap();
  const lists = (part) => all("[data-hold]", part);
  const hasHand = (list) => list.matches(":hover") || list.contains(document.activeElement) || !!list.querySelector("input[data-pick]:checked")
    || (touched && list.contains(touched)) || (String(getSelection()) && list.contains(getSelection().anchorNode));
  const isHeld = (part) => {
    if (part.querySelector("dialog[open]")) return true;
    if (showing === part.id) return false;
    if (lists(part).some((list) => list.dataset.hold === "still")) return true;
    if (lists(part).some(hasHand)) { left.set(part, Date.now()); return true; }
    return Date.now() - (left.get(part) ?? 0) < LEFT;
  };
  const waiting = new Map(), FRESH = ".num, .st, [data-fresh]";
  const refresh = (part, text) => {
    const sent = new DOMParser().parseFromString(text, "text/html");
    let fresh = 0, changed = 0;
    const rows = "[data-hold] :is(tr, article)[id]";
    for (const row of all(rows, sent)) {
      const shown = document.getElementById(row.id);
      if (!shown) { fresh += 1; continue; }
      if (shown.dataset.version !== row.dataset.version) changed += 1;
      for (const [at, cell] of all(FRESH, row).entries()) {
        const old = all(FRESH, shown)[at];
        if (!old || old.className !== cell.className || old.innerHTML === cell.innerHTML) continue;
        if (old.querySelector(":focus") && !old.matches("[data-fresh]")) continue;
        old.innerHTML = cell.innerHTML;
        htmx.process(old);
      }
    }
    changed += all(rows, part).filter((row) => !sent.getElementById(row.id)).length;
    offer(part, fresh, changed);
  };
  // The offer lies over the head of the list: what is below does not move.
  const offer = (part, fresh, changed) => {
    const still = lists(part).some((list) => list.dataset.hold === "still");
    const words = fresh ? `${fresh} new · show` : still && changed ? "Changed elsewhere · show" : "";
    if (!words) return;
    let bar = part.querySelector(":scope > .held");
    if (!bar) {
      bar = Object.assign(document.createElement("div"), { className: "held" });
      bar.append(Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm" }));
      bar.firstChild.dataset.action = "show";
      part.prepend(bar);
    }
    if (bar.textContent === words) return;
    bar.firstChild.textContent = words;
    put(document.getElementById("told"), words.replace(" · show", ""));
  };
  const show = (part) => { showing = part.id; waiting.delete(part.id); ask(part); };
  setInterval(() => {
    for (const part of [...waiting.values()]) {
      if (!part.isConnected) waiting.delete(part.id);
      else if (!paused && !document.hidden && !isHeld(part)) { waiting.delete(part.id); ask(part); }
    }
  }, 250);
  let lift;
  document.addEventListener("touchstart", (event) => { clearTimeout(lift); touched = event.target; }, { passive: true });
  for (const end of ["touchend", "touchcancel"]) document.addEventListener(end, () => { lift = setTimeout(() => { touched = null; }, LEFT); });

  // A part is not replaced while a mouse button is down in it either: a click whose button is replaced in between is lost. What was
  // unfolded stays so, and so does how far a list was scrolled.
  let unfolded = [];
  document.addEventListener("pointerdown", (event) => { pressed = event.target; });
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { pressed = null; });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, target, elt, xhr } = event.detail;
    unfolded = all("details[open][id]:not(.confirm)", target).map((part) => part.id);
    if (requestConfig.verb !== "get") return;
    if (xhr.status === 204 && showing === target.id) { showing = null; target.querySelector(":scope > .held")?.remove(); }
    if (xhr.status !== 200) return;
    const held = target.id && isHeld(target);
    if (held) refresh(target, xhr.responseText);
    if (held || (pressed && target.contains(pressed))) {
      event.detail.shouldSwap = false;
      waiting.set(target.id || elt.id, elt);
    } else if (showing === target.id) showing = null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    unfolded = [];
    counted();
    tick();
  });
  // A connection that is lost has no status.
  const isTaken = ({ xhr }) => xhr.status >= 200 && xhr.status < 400;
  // A prompt that was taken is not sent twice.
  document.addEventListener("htmx:afterRequest", ({ detail, target }) => isTaken(detail) && target.matches(".trigger-form") && target.reset());
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { requestConfig, elt } = event.detail;
    if (requestConfig.verb === "get" && (paused || document.hidden) && showing !== elt.id && !elt.matches("form")) event.preventDefault();
  });

  // A form of settings counts what is typed and not saved.
  const isChanged = (field) => (["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked
    : field.options ? [...field.options].some((one) => one.selected !== one.defaultSelected) : field.value !== field.defaultValue);
  document.addEventListener("input", ({ target }) => {
    const form = target.closest("form[data-unsaved]");
    if (!form) return;
    const count = new Set([...form.elements].filter((field) => field.name && isChanged(field)).map((field) => field.name)).size;
    put(form.querySelector(".unsaved"), count ? `${count} unsaved change${count > 1 ? "s" : ""}` : "");
  });

  // The form of a schedule: typing a crontab expression chooses it, and the choices write it; another kind brings its example.
  document.addEventListener("input", ({ target }) => {
    const form = target.closest("form.plan");
    if (form && target.name === "cron") form.querySelector("[name=runs][value=cron]").checked = true;
    // What must be confirmed is asked where it applies.
    const waiver = form?.querySelector("[data-waiver]");
    if (waiver && target.name !== "confirm") waiver.hidden = !form.elements.confirm.checked && !form.elements.payload.value.includes('"full"');
    if (!form || target.name !== "kind" || !target.options) return;
    const { payload } = form.elements;
    const isExample = [...target.options].some((kind) => kind.dataset.example === payload.value.trim());
    if (isExample || ["", "{}"].includes(payload.value.trim())) payload.value = target.selectedOptions[0].dataset.example;
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id === "preview" && !detail.target.querySelector(".bad")) document.querySelector("[data-refused=rule]")?.remove();
    const cron = detail.target.querySelector("[data-cron]")?.dataset.cron, field = document.getElementById("plan-cron");
    if (detail.target.id === "preview" && cron && field !== document.activeElement) field.value = cron;
  });

  // Times go on between two updates, by the server's clock; the exact one is told in the viewer's zone and in UTC.
  const ahead = Date.now() - Number(root.dataset.now);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isNewZone = zone && zone !== "UTC" && !document.cookie.includes("lamplighter-zone=");
  if (zone && !document.cookie.includes(`lamplighter-zone=${zone}`)) keep("zone", zone);
  const local = new Intl.DateTimeFormat("en-GB", {
    weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
  });
  const coarse = (s) => (s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min`
    : s < 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`);
  const put = (place, text) => { if (place && place.textContent !== text) place.textContent = text; };
  const tick = () => {
    const now = Date.now() - ahead;
    for (const place of all("time[datetime]")) {
      const at = Date.parse(place.dateTime), past = now - at;
      if (!place.dataset.zone && zone !== "UTC") {
        place.dataset.zone = zone;
        place.title = `${local.format(at)} (${new Date(at).toISOString().slice(11, 19)} UTC)`;
      }
      const text = coarse(Math.floor(Math.abs(past) / 1000));
      put(place, past < -1000 ? `in ${text}` : past < 1000 ? "just now" : `${text} ago`);
    }
    for (const place of all("[data-since]")) {
      const s = Math.max(0, Math.floor((now - Number(place.dataset.since)) / 1000));
      const [m, h] = [Math.floor(s / 60), Math.floor(s / 3600)];
      put(place, s < 60 ? `${s} s` : s < 3600 ? `${m} min ${s % 60} s` : `${h} h ${m % 60} min`);
    }
  };
  setInterval(() => { if (!document.hidden && !paused) tick(); }, 1000);

  const actions = {
    // The theme that the system has is not kept: the page goes on following the system.
    theme: () => {
      const other = theme() === "dark" ? "light" : "dark";
      keep("theme", (other === "dark") === dark.matches ? "" : other);
      applyTheme();
    },
    live: () => {
      paused = !paused;
      keep("paused", paused ? "1" : "");
      const button = liveSwitch();
      button.setAttribute("aria-pressed", String(!paused));
      button.textContent = paused ? "Updates off" : "Live";
      lost = 0;
      (paused ? close : open)();
    },
    fold: (button) => button.closest("dialog").close(),
    show: (button) => show(button.closest("[hx-get]")),
  };
  // A question is asked over the page, where nothing moves for it, and its safe button has the focus. The fold that holds the
  // question without scripts is open as long as the question is.
  const raise = (dialog) => {
    if (dialog.parentElement.matches(".confirm")) dialog.parentElement.open = true;
    dialog.showModal();
    dialog.querySelector("[data-safe]")?.focus();
  };
  document.addEventListener("close", ({ target }) => { if (target.matches(".confirm > dialog")) target.parentElement.open = false; }, true);
  // What was made by a form is not made twice by it: its fields are empty afterwards.
  document.addEventListener("htmx:afterRequest", ({ detail, target }) => isTaken(detail) && target.matches("[data-emptied]") && target.reset());
  // What the server says of a deed stands on the page. Where it says nothing, the question stays.
  document.addEventListener("htmx:afterRequest", ({ detail, target }) => {
    const dialog = target.closest(".confirm > dialog");
    const { status } = detail.xhr;
    if (status >= 200 && status < 500) dialog?.close();
    else if (dialog) put(document.getElementById("told"), "The server has not answered: look whether it was done");
  });
  document.addEventListener("click", (event) => {
    const asks = event.target.closest(".confirm > summary");
    if (asks) { event.preventDefault(); raise(asks.nextElementSibling); }
    const button = event.target.closest("[data-action], [data-dialog], [data-copy]");
    if (!button) return;
    if (button.dataset.dialog) raise(document.getElementById(button.dataset.dialog));
    else if (button.dataset.copy) {
      const told = (words) => () => put(document.getElementById("told"), words);
      // Without TLS a browser lets no page of another machine copy.
      const copied = navigator.clipboard?.writeText(document.getElementById(button.dataset.copy).textContent) ?? Promise.reject();
      copied.then(told("Copied"), told("Not copied: select the text and copy it"));
    } else actions[button.dataset.action](button);
  });

  // The buttons of a form elsewhere say how many are picked.
  const counted = () => {
    for (const form of all("form.pick-bar")) {
      const count = all(`input[data-pick][form="${form.id}"]`).filter((box) => box.checked).length;
      for (const button of all("button[data-counts]", form)) {
        button.disabled = !count;
        put(button.querySelector("span"), count ? `${button.dataset.counts} ${count}${count > 1 ? "…" : ""}` : `${button.dataset.counts} selected…`);
      }
    }
  };
  // A selection: the bar says how many, and its buttons lead to the preview. What is selected stays so over a swap.
  const picks = () => all("input[data-pick]");
  let keptPicks = [], lastPick = null;
  const picked = () => {
    counted();
    const bar = document.querySelector("form.bulk");
    if (!bar) return;
    const on = picks().filter((box) => box.checked);
    for (const box of picks()) box.closest("tr").classList.toggle("picked", box.checked);
    const whole = document.querySelector("input[data-pick-all]");
    if (whole) whole.checked = !!on.length && on.length === picks().length;
    const every = bar.elements.all.checked;
    const count = every ? Number(bar.dataset.total || 0) : on.length;
    put(bar.querySelector("[data-count]"), every && !count ? "All selected" : `${count.toLocaleString("en")} selected`);
    for (const button of all("button[data-verb]", bar)) put(button, every && !count ? `${button.dataset.verb} all…` : `${button.dataset.verb} ${count.toLocaleString("en")}…`);
  };
  document.addEventListener("change", ({ target }) => {
    if (target.matches("input[data-pick-all]")) for (const box of picks()) box.checked = target.checked;
    if (target.matches("input[data-pick]")) lastPick = target;
    if (target.matches("input[data-pick], input[data-pick-all], .bulk input")) picked();
  });
  document.addEventListener("reset", () => setTimeout(picked));
  document.addEventListener("htmx:beforeSwap", () => { keptPicks = picks().filter((box) => box.checked).map((box) => box.value); });
  document.addEventListener("htmx:afterSwap", () => {
    for (const box of picks()) box.checked ||= keptPicks.includes(box.value);
    picked();
  });
  const pickRow = (range) => {
    const box = document.querySelector("tr.at input[data-pick]") || document.activeElement.closest?.("tr")?.querySelector("input[data-pick]");
    if (!box) return;
    const boxes = picks(), [at, from] = [boxes.indexOf(box), boxes.indexOf(lastPick)];
    if (range && from >= 0) for (const one of boxes.slice(Math.min(at, from), Math.max(at, from) + 1)) one.checked = true;
    else box.checked = !box.checked;
    lastPick = box;
    picked();
  };
  // What acts on many jobs is sent once, however often the button is pressed.
  const once = (off) => { for (const button of all("form[data-once] button")) button.disabled = off; };
  document.addEventListener("submit", ({ target }) => { if (target.matches("[data-once]")) setTimeout(() => once(true)); });
  window.addEventListener("pageshow", () => once(false));
  const act = (name) => picks().some((box) => box.checked) && document.querySelector(`.bulk button[value=${name}]`)?.click();

  // Suggestions: each begins with what was typed before the last word.
  document.addEventListener("input", ({ target }) => {
    const list = target.matches("input[type=search]") && target.list;
    if (!list) return;
    list.words ||= all("option", list).map((option) => option.value);
    const before = target.value.slice(0, target.value.search(/\S*$/));
    list.replaceChildren(...list.words.map((word) => Object.assign(document.createElement("option"), { value: before + word })));
  });

  // Keys: ? shows them, / searches, j and k go through the rows, g and a letter goes to a page.
  let going = false;
  const step = (by) => {
    const rows = all("main tbody tr").filter((row) => row.checkVisibility() && row.querySelector("td.main .first > a, td > a"));
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.classList.contains("at"));
    const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    for (const row of rows) row.classList.toggle("at", row === next);
    next.querySelector("td.main .first > a, td > a").focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    "?": () => { const list = document.getElementById("keys"); if (list) raise(list); },
    "/": () => {
      const box = document.querySelector("main input[type=search]"), jobs = document.querySelector("a[data-key=j]");
      if (box) box.focus();
      else if (jobs) location.href = `${jobs.href}#query`;
    },
    j: () => step(1),
    k: () => step(-1),
    ".": () => document.querySelector("[data-action=show]")?.click(),
    p: () => liveSwitch()?.click(),
    x: () => pickRow(false),
    X: () => pickRow(true),
    a: () => { for (const box of picks()) box.checked = true; picked(); },
    r: () => act("retry"),
    c: () => act("cancel"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]")) return;
    const went = going;
    going = false;
    if (document.querySelector("dialog[open]")) return;
    if (went) document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
    else if (event.key === "g") going = true;
    else if (event.key === "Escape" && picks().some((box) => box.checked)) document.querySelector(".bulk button[type=reset]")?.click();
    else if (Object.hasOwn(keys, event.key)) { event.preventDefault(); keys[event.key](); }
  });

  applyTheme();
  const ready = () => {
    // The first page of all was made before the server knew the zone: it is asked for again, once, so that all its times agree.
    if (isNewZone && stream() && document.cookie.includes("lamplighter-zone=")) location.reload();
    if (location.hash === "#query") document.getElementById("query")?.focus();
    for (const open of all(".tabs [aria-current]")) open.scrollIntoView({ block: "nearest", inline: "nearest" });
    counted();
    tick();
  };
  document.addEventListener("DOMContentLoaded", ready);
  window.addEventListener("load", () => { if (document.hidden || paused) close(); });
})();
