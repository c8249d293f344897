// Turns every `.plot` into a uPlot chart. Data comes from the JSON block inside it, or from data-series (a URL of
// this origin):  {"times": [unix seconds], "series": [{"label": "CPU", "values": [0.12, null, …]}]}
// With "marks": [{"at", "text", "tone", "number"}] a numbered line stands at each of these times, and says its text in
// the legend while the pointer is near; the page lists them too.
// Colours come from the stylesheet, so that dark and light follow the reader.
"use strict";
(() => {
  const SIZES = ["B", "kB", "MB", "GB", "TB", "PB"];
  const charts = new Map();

  const bytes = (value) => {
    let unit = 0;
    while (Math.abs(value) >= 999.5 && unit < SIZES.length - 1) {
      value /= 1000;
      unit += 1;
    }
    return `${+value.toPrecision(3)} ${SIZES[unit]}`;
  };
  const FORMATS = {
    "": (value) => `${+value.toPrecision(4)}`,
    percent: (value) => `${+(value * 100).toPrecision(3)} %`,
    bytes,
    seconds: (value) => (Math.abs(value) < 1 ? `${+(value * 1000).toPrecision(3)} ms` : `${+value.toPrecision(3)} s`),
    celsius: (value) => `${+value.toPrecision(3)} °C`,
    per_second: (value) => `${bytes(value)}/s`,
  };

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // light-dark() is resolved by the browser only where a colour is used.
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };

  async function read(element) {
    const block = element.querySelector('script[type="application/json"]');
    if (block) return JSON.parse(block.textContent);
    const url = new URL(element.dataset.series, location.href);
    if (url.origin !== location.origin) throw new Error("a plot reads only from its own origin");
    const answer = await fetch(url, { headers: { Accept: "application/json" }, mode: "same-origin" });
    if (!answer.ok) throw new Error(`${url.pathname} answered ${answer.status}`);
    return answer.json();
  }

  function options(element, data, width) {
    const format = FORMATS[element.dataset.unit] || FORMATS[""];
    const show = (_, value) => (value === null || value === undefined ? "–" : format(value));
    const axis = { stroke: colour("--ink-soft"), font: `12px ${token("--font")}`, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const bound = (name) => (element.dataset[name] === undefined ? null : Number(element.dataset[name]));
    return {
      width,
      height: Number(element.dataset.height) || 200,
      cursor: { y: false, points: { size: 6 } },
      legend: { live: true },
      hooks: data.marks ? { draw: [(chart) => drawMarks(chart, data.marks)], setCursor: [(chart) => sayMark(chart, data.marks)] } : {},
      scales: { y: { range: (_, low, high) => scale(low, high, bound("low"), bound("high")) } },
      axes: [
        { ...axis, space: 70, size: 32, values: times },
        { ...axis, size: 64, space: 30, values: (_, ticks) => ticks.map(format) },
      ],
      series: [
        { value: (_, time) => (time === null ? "–" : new Date(time * 1000).toLocaleString(window.bellpullLocale)) },
        ...data.series.map((series, index) => ({
          label: series.label,
          stroke: colour(`--series-${index % 4}`),
          fill: index === 0 && data.series.length === 1 ? colour("--series-fill") : undefined,
          width: 1.75,
          points: { show: false },
          value: show,
        })),
      ],
    };
  }

  // Hours as 14:30, midnight and longer steps as the date, in the reader's zone and language.
  const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
  const DAY = new Intl.DateTimeFormat(window.bellpullLocale, { day: "numeric", month: "short" });
  const MONTH = new Intl.DateTimeFormat(window.bellpullLocale, { month: "short", year: "numeric" });
  function times(_, ticks, _axis, _space, step) {
    return ticks.map((tick) => {
      const moment = new Date(tick * 1000);
      if (step >= 28 * 86400) return MONTH.format(moment);
      const midnight = moment.getHours() === 0 && moment.getMinutes() === 0;
      return step >= 86400 || midnight ? DAY.format(moment) : CLOCK.format(moment);
    });
  }

  const TONES = { ok: "--ok", info: "--info", warning: "--warning", error: "--error", critical: "--critical", accent: "--accent" };
  const NEAR_PX = 9;
  function drawMarks(chart, marks) {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio || 1;
    let free = -Infinity; // where the next number has room
    ctx.save();
    ctx.lineWidth = ratio;
    ctx.font = `600 ${11 * ratio}px ${token("--font")}`;
    ctx.textAlign = "center";
    for (const mark of marks) {
      const x = Math.round(chart.valToPos(mark.at, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(TONES[mark.tone] || "--ink-soft");
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + 13 * ratio);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (x > free) {
        ctx.fillText(String(mark.number), x, bbox.top + 10 * ratio);
        free = x + 16 * ratio;
      }
    }
    ctx.restore();
  }

  function sayMark(chart, marks) {
    const text = chart.root.parentElement?.querySelector(".plot-mark");
    if (!text) return;
    const left = chart.cursor.left;
    const near = marks.filter((mark) => left >= 0 && Math.abs(chart.valToPos(mark.at, "x") - left) <= NEAR_PX);
    text.textContent = near.map((mark) => `${mark.number}. ${mark.text}`).join(" · ");
  }

  function scale(low, high, fixedLow, fixedHigh) {
    const bottom = fixedLow ?? low ?? 0;
    const top = fixedHigh ?? high ?? 1;
    if (top > bottom) return [bottom, fixedHigh ?? top + (top - bottom) * 0.08];
    return [bottom, bottom + (Math.abs(bottom) || 1) * 0.1];
  }

  function draw(element, data) {
    charts.get(element)?.chart.destroy();
    const holder = document.createElement("div");
    for (const child of [...element.children]) {
      if (child.tagName !== "SCRIPT") child.remove();
    }
    element.append(holder);
    const width = Math.max(160, element.clientWidth);
    const chart = new uPlot(options(element, data, width), [data.times, ...data.series.map((series) => series.values)], holder);
    if (data.marks) {
      const said = document.createElement("p");
      said.className = "plot-mark";
      said.ariaHidden = "true"; // for the pointer, under the plot, which must not move away from it; whoever reads has the list
      holder.append(said);
    }
    charts.set(element, { chart, data });
  }

  function complain(element, error) {
    const text = document.createElement("p");
    text.className = "soft";
    text.textContent = `This plot could not be drawn: ${error.message}`;
    element.append(text);
  }

  const widths = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const known = charts.get(target);
      if (!known) continue;
      const width = Math.max(160, Math.floor(contentRect.width));
      if (Math.abs(known.chart.width - width) > 1) known.chart.setSize({ width, height: known.chart.height });
    }
  });

  window.bellpullPlots = (root) => {
    for (const element of charts.keys()) {
      if (!element.isConnected) {
        widths.unobserve(element);
        charts.get(element).chart.destroy();
        charts.delete(element);
      }
    }
    for (const element of root.querySelectorAll(".plot:not([data-drawn])")) {
      element.dataset.drawn = "";
      read(element)
        .then((data) => {
          draw(element, data);
          widths.observe(element);
        })
        .catch((error) => complain(element, error));
    }
  };

  const redraw = () => {
    for (const [element, { data }] of [...charts]) draw(element, data);
  };
  document.addEventListener("bellpull:theme", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
