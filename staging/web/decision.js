/** Probabilities -> one stage an epoch, by the model's own rule, and which epochs may have one. */
import { rint } from "./arrays.js";

const TINY = 1e-9;
const BEYOND = 1e-3;

/**
 * The stages of a night: W by its weight against the likeliest of light, N3 and R, N1 by its share of light sleep.
 *
 * @param {ArrayLike<number>[]} rows probabilities of W, N1, N2, N3, R
 * @param {boolean[]} known epochs that count for the weight of W, which gives as much of it as they add up to
 * @param {{least_wake_weight: number, most_wake_weight: number, n1_share: number}} rule
 * @returns {number[]} columns
 */
export function decide(rows, known, rule) {
  const ratios = rows.map(([w, n1, n2, n3, r]) => w / Math.max(n1 + n2, n3, r, TINY));
  const counted = ratios.filter((_, epoch) => known[epoch]);
  const total = rows.reduce((sum, [w], epoch) => sum + (known[epoch] ? w : 0), 0);
  const least = 1 / rule.most_wake_weight;
  const threshold = Math.min(Math.max(exceededBy(counted, rint(total)), least), 1 / rule.least_wake_weight);
  return rows.map(([, n1, n2, n3, r], epoch) => {
    if (ratios[epoch] > threshold) return 0;
    const light = n1 + n2;
    const most = Math.max(light, n3, r);
    if (light === most) return n1 / Math.max(light, TINY) > rule.n1_share ? 1 : 2;
    return n3 === most ? 3 : 4;
  });
}

/** What `n` of the values exceed: half-way between the n-th largest and the next one, or just beyond the last. */
function exceededBy(values, n) {
  const falling = [...values].sort((a, b) => b - a);
  if (falling.length === 0) return 1;
  if (n === 0) return falling[0] + BEYOND;
  if (n >= falling.length) return falling.at(-1) - BEYOND;
  return (falling[n - 1] + falling[n]) / 2;
}

/** Epochs with a sensor of heart or motion, and gaps between such epochs that are no longer than `bridged`. */
export function scorable(known, bridged) {
  const may = [...known];
  let before = -1;
  known.forEach((isKnown, epoch) => {
    if (!isKnown) return;
    if (before >= 0 && epoch - before - 1 <= bridged) may.fill(true, before, epoch);
    before = epoch;
  });
  return may;
}
