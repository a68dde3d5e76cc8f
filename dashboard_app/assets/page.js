// Clicks and choices go to the server by one hidden input; exports never leave the browser.
function documents() { return (window.Bokeh && Bokeh.documents) || []; }
function models() { return documents().flatMap(d => Array.from(d._all_models.values())); }
var wishes = [], wished = 0;  // the last ones each time: of two quick ones the server sees one message
function wish(name, value) {
  var input = models().find(m => m.tags && m.tags.includes("wish"));
  wishes = wishes.concat({set: name, value: value, at: ++wished}).slice(-20);
  if (input) { input.value = JSON.stringify({wishes: wishes}); }
}
function save(blob, name) {
  var link = document.createElement("a");
  link.href = URL.createObjectURL(blob); link.download = name; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
function csv(rows, name) {
  var cell = v => /[",\n]/.test(v) ? '"' + v.replaceAll('"', '""') + '"' : v;
  var guard = v => /^[=+@]/.test(v) ? "'" + v : v;
  var lines = rows.map(r => r.map(v => cell(guard(String(v)))).join(","));
  save(new Blob([lines.join("\n") + "\n"], {type: "text/csv"}), name + ".csv");
}
function words(name) { return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"); }
function chart(name) { return models().find(m => m.name === name && m.renderers); }
function chartCsv(name) {
  var source = chart(name).renderers.find(r => r.name === "lines").data_source.data, rows = [];
  (source.name || []).forEach((series, i) => Array.from(source.xs[i]).forEach((t, j) => {
    var value = source.value[i][j];
    rows.push([new Date(t).toISOString(), series, Number.isFinite(value) ? value : ""]);
  }));
  csv([["time", "series", "value"], ...rows], "gateway-" + name);
}
function chartPng(name) {
  var drawn = Bokeh.index.find_one(chart(name)).export("png").canvas;
  var sheet = document.createElement("canvas"), pen = sheet.getContext("2d");
  sheet.width = drawn.width; sheet.height = drawn.height;
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--card");
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.drawImage(drawn, 0, 0);
  sheet.toBlob(blob => save(blob, "gateway-" + name + ".png"));
}
function tableCsv(button) {
  var section = button.closest("section"), cells = row => Array.from(row.cells)
    .map(c => Array.from(c.childNodes).map(n => n.textContent.trim()).filter(t => t).join(" "));
  csv(Array.from(section.querySelectorAll("tr")).map(cells),
    "gateway-" + words(section.getAttribute("aria-label")));
}
function paint(theme) { document.documentElement.dataset.theme = theme; wish("theme", theme); }
function pressed(button) {
  button.parentElement.querySelectorAll("button").forEach(
    b => b.setAttribute("aria-pressed", String(b === button)));
}
function seconds(input) { return Math.floor(Date.parse(input.value + "Z") / 1000); }
document.addEventListener("click", event => {
  var at = event.composedPath().find(n => n.tagName === "BUTTON" || n.tagName === "A");
  if (!at || event.ctrlKey || event.metaKey) { return; }
  var data = at.dataset;
  if ("set" in data) {
    event.preventDefault();
    if (at.hasAttribute("aria-pressed")) { pressed(at); }
    if (data.set === "request" && data.value) { scrollTo({top: 0, behavior: "smooth"}); }
    wish(data.set, data.value);
  } else if ("toggle" in data) {
    var on = at.getAttribute("aria-pressed") !== "true";
    at.setAttribute("aria-pressed", String(on)); wish(data.toggle, on);
  } else if ("clear" in data) { wish("filters", {});
  } else if ("theme" in data) {
    wanted = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    paint(wanted);
  } else if ("csv" in data) { tableCsv(at);
  } else if ("csvOf" in data) { chartCsv(data.csvOf);
  } else if ("pngOf" in data) { chartPng(data.pngOf);
  } else if ("apply" in data) {
    var box = at.closest("details"), from = seconds(box.querySelector("[data-from]"));
    var to = seconds(box.querySelector("[data-to]"));
    if (from < to) { wish("zoom", from + "-" + to); box.open = false; }
  }
});
document.addEventListener("input", event => {
  var at = event.composedPath()[0];
  if (at.dataset && at.dataset.choose) { wish(at.dataset.choose, at.value); }
});

// While the pointer is in one chart, the others tell their values of that instant, too.
var INSTANT = "position:absolute;top:4px;z-index:5;pointer-events:none;padding:4px 8px;"
  + "border:1px solid var(--border);border-radius:6px;background:var(--card);color:var(--text);"
  + "font:11px system-ui,sans-serif;font-variant-numeric:tabular-nums;white-space:nowrap";
var KEY = "<style>i{display:inline-block;width:10px;height:3px;border-radius:2px;margin-right:5px;"
  + "vertical-align:middle}</style>";
function hovered(figure) { return figure.renderers.find(r => r.name === "hover").data_source.data; }
function nearest(times, x) {
  var at = -1;
  times.forEach((t, i) => { if (at < 0 || Math.abs(t - x) < Math.abs(times[at] - x)) { at = i; } });
  return at;
}
function tell(chart, x) {
  var data = hovered(chart.figure), times = Array.from(data.x || []), at = nearest(times, x);
  if (at < 0) { chart.note.hidden = true; return; }
  var place = chart.view.frame.x_scale.compute(times[at]), width = chart.view.el.clientWidth;
  chart.note.innerHTML = KEY + data.said[at];
  chart.note.style.left = place < width / 2 ? place + 10 + "px" : "auto";
  chart.note.style.right = place < width / 2 ? "auto" : width - place + 10 + "px";
  chart.note.hidden = false;
}
function link() {
  var charts = models().filter(m => m.x_range && m.renderers.some(r => r.name === "hover"))
    .map(figure => ({figure: figure, view: Bokeh.index.find_one(figure)})).filter(c => c.view);
  charts.forEach(chart => {
    chart.note = document.createElement("div");
    chart.note.className = "instant"; chart.note.hidden = true; chart.note.style.cssText = INSTANT;
    chart.note.setAttribute("aria-hidden", "true");
    chart.view.el.shadowRoot.append(chart.note);
    chart.view.el.addEventListener("mousemove", event => {
      var x = chart.view.frame.x_scale.invert(
        event.clientX - chart.view.el.getBoundingClientRect().left);
      charts.forEach(one => { if (one !== chart) { tell(one, x); } });
    });
    chart.view.el.addEventListener("mouseleave", () => {
      charts.forEach(one => { one.note.hidden = true; });
    });
  });
}

(function wait() {
  var live = document.querySelector("#live [data-root-id] > *");
  if (live && live.shadowRoot && documents().length && documents()[0].is_idle) {
    document.getElementById("first").remove();
    document.getElementById("live").classList.add("shown");
    link();
    if (document.documentElement.dataset.theme === "light") { wish("theme", "light"); }
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", system => {
      if (!wanted) { paint(system.matches ? "light" : "dark"); }
    });
  } else { requestAnimationFrame(wait); }
})();
