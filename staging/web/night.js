/** A staged night in the page: when it was, the lights times that a person may give, and all that follows from them. */
import { contract } from "./about.js";
import { Clock } from "./clock.js";
import { make } from "./dom.js";
import { lightsOf } from "./lights.js";
import { inBed, inBedSpan, summarize } from "./metrics.js";
import { connectReader, nightCharts } from "./reader.js";
import { composition, definitions, downloads, notes, tiles } from "./sections.js";
import { minutesText, valueText } from "./words.js";

/**
 * Show a night that was staged.
 *
 * @param {object} night of the worker
 */
export function show(night) {
  const result = document.getElementById("result");
  const clock = new Clock(night.startUnixS, night.offsetMin);
  const facts = [
    night.device,
    `${night.stages.length} epochs of ${contract.epoch_s} s`,
    `staged in ${night.seconds.staging.toFixed(1)} s`,
  ];
  const heading = make("h2", { id: "name", tabindex: -1 }, make("bdi", {}, night.name));
  result.replaceChildren(
    make(
      "header",
      {},
      heading,
      make("p", { class: "when" }, clock.span(night.stages.length * contract.epoch_s)),
      make("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    ),
    ...(clock.isKnown ? [lightsForm(night, clock)] : []),
    make("div", { id: "parts" }),
  );
  result.hidden = false;
  draw(night, clock);
  say(`Done: total sleep time ${minutesText(night.metrics.tst_min)}.`);
  heading.focus();
  result.dataset.graphS = night.seconds.graph.toFixed(3);
}

/** All that follows from the stages and the lights times. */
function draw(night, clock) {
  const drawn = nightCharts(night, clock);
  const parts = [tiles(night), composition(night), notes(night), drawn, downloads(night, clock), definitions(night)];
  document.getElementById("parts").replaceChildren(...parts);
  connectReader(night, clock);
}

/** Where a person says when lights went off and on; what depends on it is worked out anew. */
function lightsForm(night, clock) {
  const [off, on] = [
    ["lights-off", night.lightsOffS],
    ["lights-on", night.lightsOnS],
  ].map(([id, atS]) => make("input", { type: "time", id, value: atS === undefined ? "" : clock.text(atS) }));
  const problem = make("p", { class: "problem", role: "alert" });
  const change = () => {
    const endS = night.stages.length * contract.epoch_s;
    const { problem: said = "", lightsOffS, lightsOnS } = lightsOf(off.value, on.value, endS, clock);
    problem.textContent = said;
    if (said) return;
    const span = inBedSpan(night.stages.length, lightsOffS, lightsOnS, contract.epoch_s);
    if (span[1] <= span[0]) {
      problem.textContent = "No epoch lies between lights off and lights on; give other times, or none.";
      return;
    }
    const lightsKnown = lightsOffS !== undefined || lightsOnS !== undefined;
    const metrics = summarize(inBed(night.stages, span), contract.epoch_s);
    draw({ ...night, lightsOffS, lightsOnS, lightsKnown, span, metrics }, clock);
    say(`Worked out anew: sleep efficiency ${valueText(metrics.se_pct, "%", 1)}.`);
  };
  for (const input of [off, on]) input.addEventListener("change", change);
  const labels = [make("label", {}, "Lights off ", off), " ", make("label", {}, "Lights on ", on)];
  const hint = `Time in bed, where it is known (${clock.zone})`;
  return make("fieldset", { class: "card lights" }, make("legend", {}, hint), ...labels, problem);
}

/** In the line that screen readers speak. */
function say(text) {
  document.getElementById("said").textContent = text;
}
