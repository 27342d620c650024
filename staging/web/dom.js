/** Elements without any text being read as markup. */

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "rect", "line", "text", "title"]);

/**
 * @param {string} tag
 * @param {Record<string, string | number | boolean>} [attributes] those that are false are left out
 * @param {...(Node | string)} children
 * @returns {Element}
 */
export function make(tag, attributes = {}, ...children) {
  const isSvg = SVG_TAGS.has(tag);
  const element = isSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
