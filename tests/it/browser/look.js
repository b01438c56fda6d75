// What a script can see of a page's looks: text that is cut, covered by other text, too faint or without its line breaks,
// and a page wider than its window. Answers one line for each thing, with a selector.
(() => {
  const SLACK = 1; // pixels that rounding may cost
  const found = [];
  const root = document.querySelector('dialog[open]') ?? document.body;

  const name = element => {
    const parts = [];
    for (let e = element; e && e !== document.documentElement && parts.length < 4; e = e.parentElement) {
      const nth = e.parentElement ? [...e.parentElement.children].indexOf(e) + 1 : 1;
      parts.unshift(e.getAttribute('id') ? `#${e.getAttribute('id')}` : `${e.localName}${[...e.classList].slice(0, 2).map(c => `.${c}`).join('')}:nth-child(${nth})`);
      if (e.hasAttribute('id')) break;
    }
    return parts.join(' > ');
  };
  const words = text => JSON.stringify(text.replace(/\s+/g, ' ').trim().slice(0, 40));
  const report = (what, element, text, more) => found.push(`${what}: ${name(element)} ${words(text)} ${more}`);

  // Colours of any notation, as [r, g, b, alpha] with alpha 0 to 1.
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  const colours = new Map();
  const colour = css => {
    if (!colours.has(css)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = css;
      brush.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
      colours.set(css, [r, g, b, a / 255]);
    }
    return colours.get(css);
  };
  const over = ([r, g, b, a], [R, G, B, A]) => {
    const alpha = a + A * (1 - a);
    const mix = (top, bottom) => alpha ? (top * a + bottom * A * (1 - a)) / alpha : 0;
    return [mix(r, R), mix(g, G), mix(b, B), alpha];
  };
  const luminance = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const dark = getComputedStyle(document.documentElement).colorScheme.startsWith('dark')
    || getComputedStyle(document.documentElement).colorScheme.includes('dark')
    && matchMedia('(prefers-color-scheme: dark)').matches;
  const CANVAS = dark ? [18, 18, 18, 1] : [255, 255, 255, 1];

  // Text and background as painted: every layer from the element outwards, groups of partial opacity included.
  const contrast = (element, css) => {
    let text = colour(css), ground = [0, 0, 0, 0];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e), layer = colour(style.backgroundColor);
      text = over(text, layer);
      ground = over(ground, layer);
      text = [...text.slice(0, 3), text[3] * style.opacity];
      ground = [...ground.slice(0, 3), ground[3] * style.opacity];
    }
    const [light, faint] = [luminance(over(text, CANVAS)), luminance(over(ground, CANVAS))].sort((a, b) => b - a);
    return (light + 0.05) / (faint + 0.05);
  };
  const checkContrast = (element, text, css) => {
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const wanted = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5;
    const is = contrast(element, css);
    if (is < wanted) report('faint', element, text, `contrast ${is.toFixed(2)} < ${wanted}`);
  };

  const seen = element => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const clips = style => style !== 'visible';
  // For readers that speak: one pixel, or cut to nothing.
  const spoken = element => {
    for (let e = element; e && e !== root; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.clip !== 'auto' || style.clipPath === 'inset(50%)') return true;
      if (clips(style.overflowX) && (e.clientWidth <= 1 || e.clientHeight <= 1) && style.display !== 'inline') return true;
    }
    return false;
  };

  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) {
    const guilty = [...document.body.querySelectorAll('*')].filter(e => {
      if (!seen(e) || e.getBoundingClientRect().right <= wide.clientWidth + SLACK) return false;
      for (let p = e.parentElement; p; p = p.parentElement) {
        if (clips(getComputedStyle(p).overflowX) && p !== document.body) return false;
      }
      return true;
    });
    report('wide', guilty.at(-1) ?? document.body, '', `${wide.scrollWidth} > ${wide.clientWidth} px`);
  }

  // A framework's class may go before what a `pre` is by itself.
  for (const pre of root.querySelectorAll('pre')) {
    const style = getComputedStyle(pre).whiteSpace;
    if (seen(pre) && !['pre', 'pre-wrap', 'break-spaces'].includes(style)) report('joined', pre, pre.textContent, style);
  }

  const boxes = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || ['SCRIPT', 'STYLE', 'OPTION', 'NOSCRIPT'].includes(element.tagName)) continue;
    if (!seen(element) || spoken(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const lines = [...range.getClientRects()].filter(line => line.width > 0 && line.height > 0);
    if (!lines.length) continue;
    checkContrast(element, node.data, getComputedStyle(element).color);
    checkCut(node, element, lines);
  }
  for (const field of root.querySelectorAll('input, textarea, select')) {
    if (!seen(field) || ['hidden', 'checkbox', 'radio'].includes(field.type)) continue;
    const empty = !field.value && field.placeholder;
    if (field.value) checkContrast(field, field.value, getComputedStyle(field).color);
    if (empty) checkContrast(field, empty, getComputedStyle(field, '::placeholder').color);
  }

  // Cut: some of its lines lie outside a box that shows only what is inside, and neither dots nor a title tell so.
  // What can be scrolled to is not cut, and not covered either while it is out of sight.
  function checkCut(node, element, lines) {
    let shown = lines.map(({ left, top, right, bottom }) => ({ left, top, right, bottom }));
    for (let box = element; box && box !== document.documentElement; box = box.parentElement) {
      const style = getComputedStyle(box), frame = box.getBoundingClientRect();
      if (style.display === 'inline' || !clips(style.overflowX) && !clips(style.overflowY)) continue;
      const scrolls = value => ['auto', 'scroll'].includes(value);
      const outX = shown.some(l => l.right > frame.right + SLACK || l.left < frame.left - SLACK);
      // Lines are as high as the font says, which is more than letters need.
      const outY = shown.some(l => l.bottom - (l.bottom - l.top) / 4 > frame.bottom || l.top + (l.bottom - l.top) / 4 < frame.top);
      const told = style.textOverflow === 'ellipsis' || element.closest('[title]');
      if (!told && (outX && clips(style.overflowX) && !scrolls(style.overflowX)
        || outY && clips(style.overflowY) && !scrolls(style.overflowY))) {
        report('cut', element, node.data, `by ${name(box)}`);
      }
      shown = shown.map(l => ({
        left: Math.max(l.left, frame.left), right: Math.min(l.right, frame.right),
        top: Math.max(l.top, frame.top), bottom: Math.min(l.bottom, frame.bottom),
      })).filter(l => l.right > l.left && l.bottom > l.top);
    }
    for (const l of shown) boxes.push({ ...l, node, element });
  }

  const isAtFoot = (element) => {
    const bar = element.closest('.bulk, .held');
    return !!bar && (bar.matches('.bulk') || getComputedStyle(bar).position === 'fixed');
  };
  boxes.sort((a, b) => a.top - b.top);
  for (const [i, a] of boxes.entries()) {
    for (let j = i + 1; j < boxes.length && boxes[j].top < a.bottom; j++) {
      const b = boxes[j];
      if (a.node === b.node) continue;
      // The bar of a selection, and on a phone the offer of new rows, stay at the window's foot, over the rows that scroll by.
      if (isAtFoot(a.element) !== isAtFoot(b.element)) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const height = Math.min(a.bottom - a.top, b.bottom - b.top);
      // Lines of neighbouring rows may touch; letters that lie on letters share half a line.
      if (across > 2 * SLACK && down > height / 2) {
        report('overlap', a.element, a.node.data, `with ${name(b.element)} ${words(b.node.data)}`);
      }
    }
  }
  return found;
})()
