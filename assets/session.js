// A session's transcript, row by row as the server makes them. It goes on after the last line it has, whatever happens
// to the connection. Without it the page shows what a reload shows.
(() => {
  "use strict";
  const list = document.querySelector("ol.transcript[data-stream]");
  if (!list) return;
  const MOST_ROWS = 5000; // of a long run the oldest rows leave the page: a reload and its links lead to them
  const button = document.querySelector("[data-follow]");
  let after = list.dataset.after, source = null;

  // A person who reads further up is not pulled down; the button, or scrolling to the end, follows again.
  const follows = () => button?.getAttribute("aria-pressed") === "true";
  const follow = (on) => { button?.setAttribute("aria-pressed", String(on)); if (on) list.scrollTop = list.scrollHeight; };
  button?.addEventListener("click", () => follow(!follows()));
  list.addEventListener("scroll", () => follow(list.scrollTop + list.clientHeight > list.scrollHeight - 40));

  const close = () => { source?.close(); source = null; };
  const open = () => {
    source ||= new EventSource(`${list.dataset.stream}?as=html&after=${after}`);
    source.onmessage = (event) => {
      after = event.lastEventId;
      list.insertAdjacentHTML("beforeend", event.data);
      while (list.childElementCount > MOST_ROWS) list.firstElementChild.remove();
      if (follows()) follow(true);
    };
    source.addEventListener("done", () => { close(); list.dataset.done = ""; button?.remove(); });
  };
  const look = () => { if (document.hidden) close(); else if (!("done" in list.dataset)) open(); };
  document.addEventListener("visibilitychange", look);
  follow(true);
  look();
})();
