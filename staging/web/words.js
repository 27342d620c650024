/** Numbers as people read them, as the report of the staging program writes them. */

const NO_VALUE = "–";
const NO_BREAK = "\u00a0";

/** Minutes as hours and minutes, or as minutes where there is less than an hour. */
export function minutesText(minutes) {
  if (minutes === null) return NO_VALUE;
  if (minutes < 60) return `${Math.round(minutes * 10) / 10}${NO_BREAK}min`;
  const rest = String(Math.floor(minutes) % 60).padStart(2, "0");
  return `${Math.floor(minutes / 60)}${NO_BREAK}h ${rest}${NO_BREAK}min`;
}

/** A value with its unit, or a dash. */
export function valueText(value, unit, decimals) {
  return value === null ? NO_VALUE : `${value.toFixed(decimals)}${NO_BREAK}${unit}`;
}

/** A share in whole percent that says neither none nor all unless it is. */
export function wholePct(share) {
  const pct = 100 * share;
  if (pct > 0 && pct < 1) return "<1";
  return String(pct < 99.95 ? Math.min(Math.round(pct), 99) : 100);
}
