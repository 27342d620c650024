/** Lights-off and lights-on as a person gives them: times of day, in the night that was staged. */

const DAY_S = 86400;

/**
 * Seconds from the night's start of the first such time of day.
 *
 * @param {string} text as 22:45
 * @param {number} fromS earliest
 * @param {number} endS latest
 * @param {import("./clock.js").Clock} clock
 * @returns {number | null} null where there is none
 */
export function firstTime(text, fromS, endS, clock) {
  const [hours, minutes] = text.split(":").map(Number);
  const startS = clock.startUnixS + clock.offsetMin * 60;
  const afterStartS = (((hours * 3600 + minutes * 60 - startS) % DAY_S) + DAY_S) % DAY_S;
  const atS = afterStartS + Math.max(0, Math.ceil((fromS - afterStartS) / DAY_S)) * DAY_S;
  return atS <= endS ? atS : null;
}

/**
 * @param {string} off empty where it is not known
 * @param {string} on
 * @param {number} endS length of the night
 * @param {import("./clock.js").Clock} clock
 * @returns {{lightsOffS?: number, lightsOnS?: number, problem?: string}}
 */
export function lightsOf(off, on, endS, clock) {
  const lightsOffS = off ? firstTime(off, 0, endS, clock) : undefined;
  if (lightsOffS === null) return { problem: outside("Lights off", off, endS, clock) };
  const lightsOnS = on ? firstTime(on, lightsOffS ?? 0, endS, clock) : undefined;
  if (lightsOnS === null) return { problem: outside("Lights on", on, endS, clock) };
  return { lightsOffS, lightsOnS };
}

function outside(what, text, endS, clock) {
  return `${what}: ${text} is not within the recording, ${clock.span(endS)}; give another time, or none.`;
}
