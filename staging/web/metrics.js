/** A hypnogram -> sleep architecture. What the words mean stands in the catalogue of `staging.architecture`. */

const ASLEEP = ["N1", "N2", "N3", "R"];

/**
 * Epochs in bed: from lights-off to lights-on, each rounded to the nearest boundary of epochs, or the whole hypnogram.
 *
 * @param {number} n epochs of the hypnogram
 * @param {number | undefined} lightsOffS
 * @param {number | undefined} lightsOnS
 * @param {number} epochS
 * @returns {[number, number]} the first may be negative, the second beyond the end
 */
export function inBedSpan(n, lightsOffS, lightsOnS, epochS) {
  const first = lightsOffS === undefined ? 0 : Math.floor(lightsOffS / epochS + 0.5);
  return [first, lightsOnS === undefined ? n : Math.floor(lightsOnS / epochS + 0.5)];
}

/**
 * Stages in bed; time in bed that the hypnogram does not reach is unscored.
 *
 * @param {string[]} stages
 * @param {[number, number]} span of `inBedSpan`
 */
export function inBed(stages, [first, last]) {
  return Array.from({ length: last - first }, (_, at) => stages[first + at] ?? "UNSCORED");
}

/**
 * @param {string[]} stages in bed, of W N1 N2 N3 R UNSCORED
 * @param {number} epochS
 * @returns {Record<string, number | null>} null where a metric is not defined
 */
export function summarize(stages, epochS) {
  const n = stages.length;
  const count = Object.fromEntries(["W", ...ASLEEP, "UNSCORED"].map((name) => [name, 0]));
  for (const stage of stages) count[stage] += 1;
  const sleep = ASLEEP.reduce((total, name) => total + count[name], 0);
  const isAsleep = (stage) => ASLEEP.includes(stage);
  const onset = stages.findIndex(isAsleep);
  const offset = n - [...stages].reverse().findIndex(isAsleep);
  const firstR = stages.indexOf("R");
  const isKnown = count.UNSCORED < n;
  const minutes = (epochs, isDefined = true) => (isDefined ? (epochs * epochS) / 60 : null);
  const share = (part, whole) => (whole > 0 ? (100 * part) / whole : null);
  const wakeAfter = stages.filter((stage, epoch) => stage === "W" && epoch > onset).length;
  const metrics = {
    tib_min: minutes(n),
    tst_min: minutes(sleep, isKnown),
    spt_min: minutes(sleep ? offset - onset : 0, isKnown),
    sol_min: minutes(onset, sleep > 0),
    waso_min: minutes(wakeAfter, sleep > 0),
    se_pct: isKnown ? share(sleep, n) : null,
    rem_latency_min: minutes(firstR - onset, firstR >= 0),
    unscored_min: minutes(count.UNSCORED),
    w_min: minutes(count.W, isKnown),
  };
  for (const name of ASLEEP) {
    metrics[`${name.toLowerCase()}_min`] = minutes(count[name], isKnown);
    metrics[`${name.toLowerCase()}_pct`] = share(count[name], sleep);
  }
  return metrics;
}
