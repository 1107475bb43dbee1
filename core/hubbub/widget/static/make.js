// Make nodes without markup.

export function make(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => {
    if (name === 'text') made.textContent = value;
    else if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  });
  made.append(...children);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  Object.entries({ viewBox: '0 0 24 24', width: 20, height: 20, fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true' })
    .forEach(([name, value]) => svg.setAttribute(name, value));
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}
