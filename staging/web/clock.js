/** Times of a night as people and files read them: of day at the recorder's offset, or since the first epoch. */

const TICK_STEPS_S = [60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const MOST_TICKS = 12;

export class Clock {
  /**
   * @param {number | null} startUnixS null where no clock is known
   * @param {number | null} offsetMin minutes from UTC; null for those of this machine at that time
   */
  constructor(startUnixS, offsetMin) {
    this.startUnixS = startUnixS;
    this.offsetMin = startUnixS === null ? 0 : (offsetMin ?? -new Date(startUnixS * 1000).getTimezoneOffset());
  }

  /** Whether the time of day is known. */
  get isKnown() {
    return this.startUnixS !== null;
  }

  /** Offset from UTC in words. */
  get zone() {
    return this.offsetMin ? `UTC${this.#offset()}` : "UTC";
  }

  /** Time of day of a second of the night, or the time since its first epoch. */
  text(atS, withSeconds = false) {
    if (this.isKnown)
      return this.#wall(atS)
        .toISOString()
        .slice(11, withSeconds ? 19 : 16);
    const [hours, minutes, seconds] = [atS / 3600, (atS / 60) % 60, atS % 60].map((part) => String(Math.floor(part)));
    return `${hours}:${minutes.padStart(2, "0")}${withSeconds ? `:${seconds.padStart(2, "0")}` : ""}`;
  }

  /** From when to when, with dates and zone. */
  span(durationS) {
    if (!this.isKnown) return "start time unknown";
    const [from, to] = [0, durationS].map((atS) => this.#wall(atS).toISOString().slice(0, 16).replace("T", " "));
    return `${from} – ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to} (${this.zone})`;
  }

  /** Date and time with its offset as machines read them, or seconds from `originS` where no clock is known. */
  iso(atS, originS = 0) {
    if (!this.isKnown) return String(atS - originS);
    const micros = Math.round((((this.startUnixS % 1) + 1) % 1) * 1e6);
    const fraction = micros && micros < 1e6 ? `.${String(micros).padStart(6, "0")}` : "";
    return `${this.#wall(atS).toISOString().slice(0, 19)}${fraction}${this.#offset()}`;
  }

  /** Marks at round times, at most a dozen. @returns {{atS: number, label: string}[]} */
  ticks(durationS) {
    const step =
      TICK_STEPS_S.find((each) => durationS / each < MOST_TICKS) ?? Math.ceil(durationS / 11 / 86400) * 86400;
    const beginS = this.isKnown ? this.startUnixS + this.offsetMin * 60 : 0;
    const first = Math.ceil(beginS / step) * step - beginS;
    const count = Math.max(0, Math.floor((durationS - first) / step + 1e-9) + 1);
    return Array.from({ length: count }, (_, index) => first + index * step).map((atS) => ({
      atS,
      label: this.text(atS + 1e-3),
    }));
  }

  #wall(atS) {
    return new Date((this.startUnixS + atS + this.offsetMin * 60) * 1000);
  }

  #offset() {
    const size = Math.abs(this.offsetMin);
    const [hours, minutes] = [size / 60, size % 60].map((part) => String(Math.floor(part)).padStart(2, "0"));
    return `${this.offsetMin < 0 ? "-" : "+"}${hours}:${minutes}`;
  }
}
