/** Times as people and devices write them (ISO 8601) -> Unix seconds. */

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;

/**
 * @param {string} text such as 2026-03-28T22:41:05+01:00
 * @returns {{unixS: number, offsetMin: number | null} | null} without a zone, the time as if in UTC and no offset; null
 *   where the text is no time
 */
export function parseMoment(text) {
  const found = ISO.exec(text.trim());
  if (!found) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone] = found;
  const wholeMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const unixS = wholeMs / 1000 + (fraction ? Number(`0.${fraction}`) : 0);
  const offsetMin = zone === undefined ? null : offsetOf(zone);
  return { unixS: unixS - (offsetMin ?? 0) * 60, offsetMin };
}

function offsetOf(zone) {
  if (zone.toUpperCase() === "Z") return 0;
  const digits = zone.replace(":", "");
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return digits[0] === "-" ? -minutes : minutes;
}
