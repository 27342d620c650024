"use strict";
// Reads the values of an epoch under the pointer or the slider. The page is complete without it.
(() => {
  const night = JSON.parse(document.getElementById("epochs").textContent);
  const charts = document.getElementById("charts");
  const reader = charts.querySelector(".reader");
  const slider = reader.querySelector("input");
  const output = reader.querySelector("output");
  const cursor = charts.querySelector(".cursor");
  const plot = charts.querySelector(".plot");

  const element = (tag, text) => {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  };

  function show(epoch) {
    const values = night.series
      .filter((series) => series.values[epoch] !== null)
      .map((series) => `${series.name} ${series.values[epoch]}${series.unit}`);
    const likely = night.p ? night.p[epoch] : null;
    const chances = likely ? night.classes.map((name, k) => `${name} ${likely[k]} %`) : [];
    const stage = night.stages[epoch];
    const lines = [values, chances].map((texts) => {
      const line = document.createElement("div");
      line.append(...texts.map((text) => element("span", text)));
      return line;
    });
    lines[0].prepend(element("b", `${night.times[epoch]} ${stage}`));
    output.replaceChildren(...lines);
    slider.value = epoch;
    slider.setAttribute("aria-valuetext", [night.times[epoch], stage, ...values].join(", "));
    const box = plot.getBoundingClientRect();
    const left = box.left - charts.getBoundingClientRect().left;
    cursor.style.left = `${left + (box.width * (epoch + 0.5)) / night.times.length}px`;
    cursor.hidden = false;
  }

  charts.addEventListener("pointermove", (event) => {
    if (!event.target.closest(".plot")) return;
    const box = plot.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    show(Math.min(night.times.length - 1, Math.max(0, Math.floor(share * night.times.length))));
  });
  slider.addEventListener("input", () => show(Number(slider.value)));
  window.addEventListener("resize", () => cursor.hidden || show(Number(slider.value)));
  reader.hidden = false;
})();
