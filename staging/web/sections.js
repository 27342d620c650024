/** The parts of a night's result that are words and numbers. */
import { contract, words } from "./about.js";
import { make } from "./dom.js";
import { hypnogramCsv } from "./outputs.js";
import { minutesText, valueText, wholePct } from "./words.js";

/** The metrics that are looked at first. */
export function tiles(night) {
  const shown = words.headlines.filter(([name]) => name in night.metrics);
  const each = shown.map(([name, label]) => {
    const value = night.metrics[name];
    const text = name.endsWith("_pct") ? valueText(value, "%", 1) : minutesText(value);
    const within = `of ${minutesText(night.metrics.tib_min)} ${night.lightsKnown ? "in bed" : "recorded"}`;
    const aside = { tst_min: within, rem_latency_min: "from sleep onset" }[name] ?? "";
    return make(
      "div",
      { class: "tile" },
      make("dt", {}, label),
      make("dd", {}, text),
      make("dd", { class: "aside" }, aside),
    );
  });
  return make("dl", { class: "tiles" }, ...each);
}

/** How the time was spent: one bar, and the same in words, which is the legend of the stages as well. */
export function composition(night) {
  const lengths = words.rows.map((stage) => [stage, night.metrics[`${stage.toLowerCase()}_min`] ?? 0]);
  lengths.push(["UNSCORED", night.metrics.unscored_min]);
  let from = 0;
  const bars = lengths.map(([stage, length]) => {
    const share = (100 * length) / night.metrics.tib_min;
    const bar = make("rect", { class: `s-${stage}`, x: `${from}%`, width: `${share}%`, height: 26 });
    from += share;
    return bar;
  });
  const items = lengths
    .filter(([stage, length]) => stage !== "UNSCORED" || length)
    .map(([stage, length]) => {
      const swatch = make(
        "svg",
        { "aria-hidden": "true" },
        make("rect", { class: `s-${stage}`, width: 12, height: 12, rx: 3 }),
      );
      const pct = night.metrics[`${stage.toLowerCase()}_pct`] ?? null;
      const ofSleep = pct === null ? [] : [make("span", {}, `${valueText(pct, "%", 1)} of sleep`)];
      const name = make("strong", {}, words.stages[stage] ?? "Unscored");
      return make("li", {}, swatch, name, make("span", {}, minutesText(length)), ...ofSleep);
    });
  return make(
    "section",
    { class: "card" },
    make("h2", {}, "Stages"),
    make("svg", { class: "stagebar", "aria-hidden": "true" }, ...bars),
    make("ul", { class: "stagelist" }, ...items),
  );
}

/** Which sensors were there, and what to mind. */
export function notes(night) {
  const width = contract.sensors.length;
  const n = night.stages.length;
  const sensors = contract.sensors.map((sensor, column) => {
    const share = night.stages.reduce((sum, _, epoch) => sum + night.quality[epoch * width + column], 0) / n;
    const said = share ? `usable in ${wholePct(share)} % of the time` : "not recorded, or nowhere usable";
    return `${words.sensors[sensor]}: ${said}`;
  });
  const unknown = "lights-off and lights-on are not known: time in bed is the whole recording, ";
  const lights = night.lightsKnown
    ? []
    : [`${unknown}and sleep onset latency and sleep efficiency count from its start`];
  const said = [...night.warnings, ...lights, ...sensors];
  const items = said.map((text) => make("li", {}, text[0].toUpperCase() + text.slice(1)));
  return make("aside", { class: "card note" }, make("h2", {}, "What this was made from"), make("ul", {}, ...items));
}

/** The night as a file, made in the page. */
export function downloads(night, clock) {
  const href = URL.createObjectURL(new Blob([hypnogramCsv(night, clock, contract)], { type: "text/csv" }));
  const link = make(
    "a",
    { class: "button", id: "csv", href, download: `${night.name}.hypnogram.csv` },
    "Download the hypnogram (CSV)",
  );
  const hint = "A row an epoch with its stage, probabilities and coverage; ";
  const read = make("p", {}, hint, make("code", {}, "staging summarize"), " reads it.");
  return make("section", { class: "card" }, make("h2", {}, "Take it with you"), make("p", {}, link), read);
}

/** All metrics, what they mean, and who says so. */
export function definitions(night) {
  const sources = [...new Set(Object.keys(night.metrics).map((name) => words.metrics[name].source))];
  const rows = Object.entries(night.metrics).map(([name, value]) => {
    const { unit, decimals, definition, source } = words.metrics[name];
    return make(
      "div",
      { class: "metric-row" },
      make("dt", {}, make("code", {}, name), make("span", { class: "value" }, valueText(value, unit, decimals))),
      make("dd", {}, `${definition} [${sources.indexOf(source) + 1}]`),
    );
  });
  const hint = "A dash means that it is not defined for this night.";
  const listed = make("ol", { class: "sources" }, ...sources.map((source) => make("li", {}, source)));
  return make(
    "section",
    { class: "card", id: "metrics" },
    make("h2", {}, "Sleep architecture"),
    make("p", {}, hint),
    make("dl", {}, ...rows),
    make("h3", {}, "Where the definitions come from"),
    listed,
  );
}
