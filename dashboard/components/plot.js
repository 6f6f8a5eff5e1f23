// One Plotly chart, mounted once and updated in place, so that zoom, pan and hover outlive a new cycle.
const NARROW = 640; // narrower than this [px], what is marked "wide" is left out

function library(url) {
  window.hermesPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.min.js could not be loaded"));
    document.head.append(script);
  });
  return window.hermesPlotly;
}

function rgba(hex, opacity) {
  const parts = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
  return `rgba(${parts.join(",")},${opacity})`;
}

function coloured(value, colours) {
  if (typeof value === "string" && value[0] === "@") {
    const [name, opacity] = value.slice(1).split("/");
    return opacity === undefined ? colours[name] : rgba(colours[name], opacity);
  }
  if (Array.isArray(value)) return value.map((one) => coloured(one, colours));
  if (value !== null && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, coloured(one, colours)]));
  return value;
}

function fitted(figure, width) {
  const { traces, layout, narrow } = figure;
  if (width >= NARROW || !narrow) return { traces, layout };
  const kept = (items) => (items ?? []).filter((item) => item.name !== "wide" && item.meta !== "wide");
  return {
    traces: kept(traces),
    layout: { ...layout, ...narrow, annotations: kept(layout.annotations), shapes: layout.shapes },
  };
}

async function draw(chart) {
  const { figure, palette, url } = chart.hermes;
  const plotly = await library(url);
  if (!chart.isConnected || chart.hermes.figure !== figure) return;
  const dark = getComputedStyle(chart).colorScheme.includes("dark");
  const { traces, layout } = fitted(coloured(figure, palette[dark ? "dark" : "light"]), chart.clientWidth);
  chart.dataset.theme = dark ? "dark" : "light";
  await plotly.react(chart, traces, layout, { displaylogo: false, responsive: true, displayModeBar: false });
  chart.dataset.revision = String(figure.revision ?? "");
  if (chart.hermes.hasOwnProperty("observer")) return;
  const again = () => draw(chart);
  const scheme = new MutationObserver(() => {
    const now = getComputedStyle(chart).colorScheme.includes("dark") ? "dark" : "light";
    if (now !== chart.dataset.theme) again();
  });
  scheme.observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ["class", "style"] });
  let narrow = chart.clientWidth < NARROW;
  const size = new ResizeObserver(() => {
    if (chart.clientWidth && chart.clientWidth < NARROW !== narrow) {
      narrow = chart.clientWidth < NARROW;
      again();
    }
  });
  size.observe(chart);
  chart.hermes.observer = [scheme, size];
}

export default function ({ data, parentElement }) {
  const chart = parentElement.querySelector(".hermes-plot");
  chart.style.height = `${data.height}px`;
  chart.setAttribute("aria-label", data.alt);
  chart.hermes = Object.assign(chart.hermes ?? {}, data);
  draw(chart).catch((error) => {
    chart.textContent = error.message;
  });
  return () => {
    if (chart.isConnected) return;
    (chart.hermes?.observer ?? []).forEach((one) => one.disconnect());
    window.Plotly?.purge(chart);
  };
}
