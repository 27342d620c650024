/** Probabilities -> one stage an epoch, by the model's own rule, and which epochs may have one. */

/**
 * The stage of an epoch: W by its weight against the likeliest of light, N3 and R; N1 by its share of light sleep.
 *
 * @param {ArrayLike<number>} row probabilities of W, N1, N2, N3, R
 * @param {{wake_weight: number, n1_share: number}} rule
 * @returns {number} column
 */
export function decide([w, n1, n2, n3, r], rule) {
  const light = n1 + n2;
  const most = Math.max(light, n3, r);
  if (w * rule.wake_weight > most) return 0;
  if (light === most) return n1 / Math.max(light, 1e-9) > rule.n1_share ? 1 : 2;
  return n3 === most ? 3 : 4;
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
