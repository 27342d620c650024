/** Small numeric helpers that mean what numpy's functions of these names mean. */

/** @param {ArrayLike<number>} values @returns {number} NaN where there are none */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  if (!sorted.length) return NaN;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Linear interpolation between the two order statistics around a share of them. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/** The nearest integer, halves to the even one. */
export function rint(value) {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 ? down + 1 : down;
}

/** How many of the sorted values are less than one (`side` "left"), or not more than it ("right"). */
export function searchSorted(sorted, value, side = "left") {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value || (side === "right" && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A straight line between the two points around `x`; the first or last value outside. */
export function interp(x, xs, ys) {
  const after = searchSorted(xs, x, "right");
  if (after === 0) return ys[0];
  if (after === xs.length) return ys[xs.length - 1];
  const before = after - 1;
  return ys[before] + ((x - xs[before]) * (ys[after] - ys[before])) / (xs[after] - xs[before]);
}
