// Charts as SVG, each with its numbers as a table. Colours and strokes are in styles/charts.css; here is only geometry.

import { h, s } from "./dom.js";

const MARGIN = { top: 10, right: 8, bottom: 22, left: 8 };

/** The trend of a tile: one line through all known points; the label tells what it shows. */
export function sparkline(points, label) {
  const known = points.flatMap(({ value }, index) => (value === null ? [] : [{ index, value }]));
  if (known.length < 2) return null;
  const values = known.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (index) => ((index / (points.length - 1)) * 100).toFixed(1);
  const y = (value) => (high === low ? 15 : 27 - ((value - low) / (high - low)) * 24).toFixed(1);
  const line = known.map(({ index, value }) => `${x(index)} ${y(value)}`).join("L");
  const last = known.at(-1);
  return s(
    "svg",
    { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": label },
    s("path", { class: "spark-line", d: `M${line}` }),
    s("path", { class: "spark-end", d: `M${x(last.index)} ${y(last.value)}h0.01` }),
  );
}

/**
 * A chart over days or steps, with a readout that follows pointer and arrow keys, and a table of the same numbers.
 *
 * `layers`, drawn in order: {kind: "columns" | "line" | "band", name, style, values} (a band has `lower` and `upper`
 * instead of values; `onTable: false` leaves a layer out of the table and the readout). `steps` are the labels of the
 * positions: {date, short, long, isPart}. `rule` is the position of a vertical line with the words `ruleName`.
 */
export function chart({ label, steps, layers, format, axis, rule = null, ruleName = "", height = 240 }) {
  const told = layers.filter((layer) => layer.onTable !== false);
  const drawing = h("div", { class: "drawing" });
  const readout = h("p", { class: "readout", "aria-live": "polite" });
  const numbers = table({ label, steps, told, format });
  const figure = h("figure", { class: "chart" }, legend(layers), drawing, readout, numbers);
  let at = null;
  let width = 0;

  const draw = () => {
    const plot = plotted({ width, height, steps, layers, axis, rule, ruleName });
    plot.svg.setAttribute("aria-label", label);
    drawing.replaceChildren(plot.svg);
    show(at);
    function show(position) {
      at = position;
      plot.point(position);
      readout.textContent = position === null ? "" : spoken(steps[position], told, position, format);
    }
    plot.svg.onpointermove = (event) => show(plot.nearest(event.clientX - plot.svg.getBoundingClientRect().left));
    plot.svg.onpointerleave = () => show(null);
    plot.svg.onblur = () => show(null);
    plot.svg.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const from = at ?? (step > 0 ? -1 : steps.length);
      show(Math.min(steps.length - 1, Math.max(0, from + step)));
    };
  };
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now && now !== width) {
      width = now;
      draw();
    }
  }).observe(drawing);
  return figure;
}

/** A bar of one value among others; `share` from 0 to 1 of the width. */
export function bar(share, style = "") {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return s(
    "svg",
    { class: `bar ${style}`, viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "bar-rail", width: 100, height: 6 }),
    s("rect", { class: "bar-fill", width: width.toFixed(2), height: 6 }),
  );
}

/** Parts of a whole side by side; `parts` are {value, style}. */
export function stack(parts, label) {
  const all = parts.reduce((sum, part) => sum + part.value, 0);
  let x = 0;
  const pieces = parts.map((part) => {
    const width = all ? (part.value / all) * 100 : 0;
    const piece = s("rect", { class: part.style, x: x.toFixed(2), width: width.toFixed(2), height: 8 });
    x += width;
    return piece;
  });
  return s(
    "svg",
    { class: "stack", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": label },
    ...pieces,
  );
}

/** How far a value lies from the usual, in spreads: a dot on a line whose grey middle is "usual". */
export function deviation(spreads, style, label) {
  const x = (value) => 60 + Math.max(-4, Math.min(4, value)) * 13.5;
  return s(
    "svg",
    { class: "deviation", viewBox: "0 0 120 14", role: "img", "aria-label": label },
    s("rect", { class: "deviation-usual", x: x(-2), y: 3.5, width: x(2) - x(-2), height: 7, rx: 3.5 }),
    s("path", { class: "deviation-middle", d: "M60 1v12" }),
    s("circle", { class: `deviation-dot ${style}`, cx: x(spreads).toFixed(1), cy: 7, r: 4.5 }),
  );
}

function plotted({ width, height, steps, layers, axis, rule, ruleName }) {
  const values = layers.flatMap((layer) => [...(layer.values ?? []), ...(layer.lower ?? []), ...(layer.upper ?? [])]);
  const known = values.filter((value) => value !== null && value !== undefined);
  const grid = ticks(Math.min(0, ...known), Math.max(0, ...known), height > 200 ? 5 : 4);
  const [low, high] = [grid[0], grid.at(-1)];
  const labels = grid.map(axis);
  const left = MARGIN.left + 7 * Math.max(...labels.map((text) => text.length));
  const inner = width - left - MARGIN.right;
  const slot = inner / steps.length;
  const x = (index) => left + slot * (index + 0.5);
  const y = (value) => MARGIN.top + (1 - (value - low) / (high - low || 1)) * (height - MARGIN.top - MARGIN.bottom);

  const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: 0 });
  svg.classList.toggle("dense", slot < 2.5);
  grid.forEach((value, index) => {
    const line = y(value).toFixed(1);
    svg.append(
      s("path", { class: value === 0 ? "grid-zero" : "grid", d: `M${left} ${line}H${width - MARGIN.right}` }),
      s("text", { class: "tick", x: left - 6, y: line, "text-anchor": "end", dy: "0.32em" }, labels[index]),
    );
  });
  for (const index of marks(steps, inner)) {
    const isLast = width - x(index) < 30;
    const place = { x: isLast ? width : x(index).toFixed(1), "text-anchor": isLast ? "end" : "middle" };
    svg.append(s("text", { class: "tick", y: height - 6, ...place }, steps[index].short));
  }
  if (rule !== null) {
    const where = (x(rule) + slot / 2).toFixed(1);
    svg.append(
      s("path", { class: "rule", d: `M${where} ${MARGIN.top}V${height - MARGIN.bottom}` }),
      s("text", { class: "tick", x: where, dx: -5, y: MARGIN.top + 9, "text-anchor": "end" }, ruleName),
    );
  }
  const sides = layers.filter((layer) => layer.kind === "columns");
  for (const layer of layers) {
    if (layer.kind === "band") svg.append(s("path", { class: layer.style, d: area(layer, x, y) }));
    if (layer.kind === "line") svg.append(s("path", { class: `line ${layer.style}`, d: path(layer.values, x, y) }));
    if (layer.kind === "columns") svg.append(columns(layer, sides, { steps, slot, x, y }));
  }
  const cursor = s("path", { class: "cursor" });
  svg.append(cursor);
  return {
    svg,
    nearest: (pixels) => Math.max(0, Math.min(steps.length - 1, Math.floor((pixels - left) / slot))),
    point(index) {
      const line = index === null ? "" : `M${x(index).toFixed(1)} ${MARGIN.top}V${height - MARGIN.bottom}`;
      cursor.setAttribute("d", line);
    },
  };
}

function columns(layer, sides, { steps, slot, x, y }) {
  const group = s("g", { class: layer.style });
  const width = Math.min(22, (slot * 0.76) / sides.length);
  const offset = (sides.indexOf(layer) - sides.length / 2) * width;
  layer.values.forEach((value, index) => {
    if (value === null) return;
    const [top, bottom] = [Math.min(y(value), y(0)), Math.max(y(value), y(0))];
    const size = { width: Math.max(width - 1, 0.8).toFixed(1), height: (bottom - top).toFixed(1) };
    const place = { x: (x(index) + offset).toFixed(1), y: top.toFixed(1) };
    group.append(s("rect", { ...place, ...size, class: steps[index].isPart ? "part" : null }));
  });
  return group;
}

/** A line through the known values; a gap where one is missing, a dot where one stands alone. */
function path(values, x, y) {
  const isKnown = (index) => values[index] !== null && values[index] !== undefined;
  return values
    .map((value, index) => {
      if (!isKnown(index)) return "";
      const where = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      if (isKnown(index - 1)) return `L${where}`;
      return isKnown(index + 1) ? `M${where}` : `M${where}h0.01`;
    })
    .join("");
}

function area({ lower, upper }, x, y) {
  const known = upper.map((value, index) => index).filter((index) => upper[index] !== null);
  if (!known.length) return "";
  const point = (index, value) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
  const there = known.map((index) => point(index, upper[index]));
  const back = known.toReversed().map((index) => point(index, lower[index]));
  return `M${[...there, ...back].join("L")}Z`;
}

/** Positions that get a label below: first days of months when the steps are many days, else every n-th. */
function marks(steps, width) {
  const most = Math.max(2, Math.floor(width / 68));
  const firsts = steps.flatMap((step, index) => (step.date.endsWith("-01") ? [index] : []));
  const chosen = steps.length > 60 && firsts.length > 1 ? firsts : steps.map((_, index) => index);
  const every = Math.ceil(chosen.length / most);
  return chosen.filter((_, index) => (chosen.length - 1 - index) % every === 0);
}

/** Round values from below the least to above the most. */
export function ticks(least, most, wanted) {
  if (least === most) return [least, least + 1];
  const rough = (most - least) / (wanted - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.floor(least / step);
  const last = Math.ceil(most / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function legend(layers) {
  const swatch = ({ kind, style }) => h("i", { class: `swatch swatch-${kind} ${style}`, "aria-hidden": "true" });
  return h("ul", { class: "legend" }, layers.map((layer) => h("li", {}, swatch(layer), layer.name)));
}

function cell(layer, index, format) {
  if (layer.kind !== "band") return format(layer.values[index]);
  const [lower, upper] = [layer.lower[index], layer.upper[index]];
  return upper === null ? format(null) : `${format(lower)} – ${format(upper)}`;
}

function spoken(step, told, index, format) {
  const parts = told
    .filter((layer) => (layer.values ?? layer.upper)[index] !== null)
    .map((layer) => `${layer.name} ${cell(layer, index, format)}`);
  return [step.long, ...parts].join("  ·  ");
}

/** Filled when it is opened: hundreds of rows nobody looks at would only cost time. */
function table({ label, steps, told, format }) {
  const details = h("details", { class: "numbers" }, h("summary", {}, "Show the numbers"));
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const head = ["", ...told.map((layer) => layer.name)].map((text) => h("th", { scope: "col" }, text || "When"));
    const rows = steps.map((step, index) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, step.long),
        told.map((layer) => h("td", {}, cell(layer, index, format))),
      ),
    );
    const caption = h("caption", { class: "unseen" }, label);
    const content = h("table", {}, caption, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
    details.append(h("div", { class: "scroll", tabindex: 0 }, content));
  });
  return details;
}
