// Before anything is painted.
var wanted = new URLSearchParams(location.search).get("theme");
var asks = matchMedia("(prefers-color-scheme: light)").matches;
var light = wanted === "light" || (wanted !== "dark" && asks);
document.documentElement.dataset.theme = light ? "light" : "dark";
