// Keeps what the Self-Monitoring page shows, with the time of each change, for as long as the document lives.
(() => {
  const text = element => element?.textContent.replace(/\s+/g, ' ').trim() ?? '';
  // What the status section says, without what its buttons say.
  const status = () => {
    const section = document.querySelector('#scan-status')?.cloneNode(true);
    section?.querySelectorAll('button').forEach(button => button.remove());
    return text(section);
  };
  const shown = () => {
    const button = document.querySelector('#run-now');
    const rows = selector => [...document.querySelectorAll(`${selector} table tbody tr`)];
    return {
      button: text(button) + (button?.disabled ? ' (disabled)' : ''),
      status: status(),
      newest: text(rows('#scan-history')[0]),
      scans: rows('#scan-history').length,
      issues: rows('#issues').length,
    };
  };
  const now = () => performance.timeOrigin + performance.now();
  let last;
  const look = () => {
    const is = shown(), key = JSON.stringify(is);
    if (key !== last) record.push({ at: now(), ...is });
    last = key;
  };
  window.record = [];
  window.clicked = 0;
  document.addEventListener('click', () => { window.clicked = now(); }, true);
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
  look();
})()
