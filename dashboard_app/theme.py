"""Two palettes, and the stylesheets of the page, its blocks, charts and controls.

Colours are variables of the whole page: shadow roots inherit them, so a theme changes in one place.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of a theme; contrast against *card* is at least 4.5 for text and states."""

    name: str
    bg: str
    card: str
    border: str
    text: str
    muted: str
    ok: str
    warn: str
    bad: str
    info: str
    series: tuple[str, ...]
    other: str

    def colour(self, slot: str) -> str:
        """The colour of ``s0`` … ``s5`` (the last is "other"), or of a state by its name."""
        if slot[:1] == "s" and slot[1:].isdigit():
            return (*self.series, self.other)[int(slot[1:])]
        return str(getattr(self, slot))


DARK = Palette(
    name="dark",
    bg="#0b0e14",
    card="#12161f",
    border="#252c3a",
    text="#e6eaf2",
    muted="#93a0b4",
    ok="#2fbf8f",
    warn="#f0b429",
    bad="#ff6b5e",
    info="#5aa9ff",
    series=("#56b4e9", "#e69f00", "#1fb58f", "#cc79a7", "#f0e442"),
    other="#6b778c",
)
LIGHT = Palette(
    name="light",
    bg="#f6f7f9",
    card="#ffffff",
    border="#dfe3ea",
    text="#111827",
    muted="#566072",
    ok="#00795a",
    warn="#9a6700",
    bad="#c2185b",
    info="#0b66c3",
    series=("#0072b2", "#b87a00", "#00896a", "#700503", "#2132f0"),
    other="#8a93a3",
)


def _variables(p: Palette) -> str:
    names = ("bg", "card", "border", "text", "muted", "ok", "warn", "bad", "info")
    colours = {name: getattr(p, name) for name in names}
    colours |= {f"s{i}": colour for i, colour in enumerate((*p.series, p.other))}
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


# Nothing here may set `display` on :host: it would beat the rule that hides a block.
_BASE = """
:host,#first{font-family:Inter,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-size:13px;
  color:var(--text);font-variant-numeric:tabular-nums}
*{box-sizing:border-box} a{color:var(--info)} h2,h3,p,ul,dl,dd{margin:0;padding:0}
.card{background:var(--card);border:1px solid var(--border);border-radius:8px;padding:12px 14px;
  position:relative;overflow:hidden;min-width:0}
.card.warn{border-color:var(--warn)} .card.bad{border-color:var(--bad)}
.bk-clearfix,section.card{height:100%}
.reason{display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden}
.tiles{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:12px}
.providers{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px}
@media (max-width:1150px){.tiles{grid-template-columns:repeat(3,minmax(0,1fr))}}
@media (max-width:640px){.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}}
.tiles .card{min-height:132px;padding-bottom:40px}
.top{display:flex;justify-content:space-between;gap:8px;align-items:baseline}
.label,.muted{color:var(--muted);font-size:12px}
.value{font-size:26px;font-weight:600;letter-spacing:-.01em;line-height:1.35;white-space:nowrap}
.ok{color:var(--ok)} .warn-text{color:var(--warn)} .bad-text{color:var(--bad)}
svg.spark{position:absolute;left:0;right:0;bottom:0;width:100%;height:34px}
.pill{align-self:start;
  border:1px solid currentColor;border-radius:99px;padding:1px 8px;font-size:11px;
  white-space:nowrap}
h2{font-size:13px;font-weight:600} h3{font-size:13px;font-weight:600;overflow-wrap:anywhere}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin-top:4px;font-size:12px;
  color:var(--muted);min-height:18px}
.legend b{color:var(--text);font-weight:600}
.key{display:inline-block;width:10px;height:3px;border-radius:2px;margin-right:5px;
  vertical-align:middle}
.scroll{overflow-x:auto;margin-top:8px}
table{border-collapse:collapse;width:100%;font-size:12.5px}
th{font-weight:500;color:var(--muted);font-size:11.5px;text-align:right;white-space:nowrap}
td{text-align:right;border-top:1px solid var(--border);white-space:nowrap} th,td{padding:6px 8px}
th:first-child,td:first-child,.left{text-align:left!important} td small{display:block;
  color:var(--muted)}
td:first-child{white-space:normal;overflow-wrap:anywhere;min-width:104px}
.bar{display:block;height:3px;background:var(--s0);border-radius:2px;margin:3px 0 0 auto}
.events{list-style:none;margin-top:6px} .events li{border-top:1px solid var(--border);
  padding:7px 0;display:grid;grid-template-columns:minmax(0,1fr) auto;gap:2px 10px}
.events li:first-child{border-top:0} .wrap{overflow-wrap:anywhere;white-space:normal}
.banner{border:1px solid var(--bad);color:var(--bad);border-radius:8px;padding:9px 14px;
  background:var(--card)}
.empty{padding:22px 0;text-align:center;color:var(--muted)}
.lane{display:grid;grid-template-columns:150px minmax(0,1fr);gap:10px;align-items:center;
  margin-top:6px} .lane span:first-child{color:var(--muted);font-size:12px;text-align:right;
  overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.track{position:relative;height:12px;border-radius:2px;background:var(--ok);opacity:.9}
.track i{position:absolute;top:0;height:100%;background:var(--bad);min-width:2px}
.track b{position:absolute;top:-6px;color:var(--text);font-size:10px;transform:translateX(-50%)}
@media (max-width:640px){.lane{grid-template-columns:84px minmax(0,1fr)} .value{font-size:21px}}
.controls{display:flex;flex-wrap:wrap;gap:6px 10px;align-items:center}
.group{display:inline-flex} .group button{border-radius:0;margin-left:-1px}
.group button:first-child{border-radius:6px 0 0 6px;margin-left:0}
.group button:last-child{border-radius:0 6px 6px 0}
button,select,input,summary{font:inherit;font-size:12.5px;background:var(--card);
  color:var(--text);border:1px solid var(--border);border-radius:6px;padding:4px 10px;
  min-height:28px;cursor:pointer} select{max-width:190px}
button:hover,summary:hover{border-color:var(--muted)}
button[aria-pressed=true]{background:var(--border);box-shadow:inset 0 -2px 0 var(--info)}
button:focus-visible,select:focus-visible,input:focus-visible,summary:focus-visible,
a:focus-visible,.scroll:focus-visible{outline:2px solid var(--info);outline-offset:1px}
.custom{position:relative} .custom>div{position:absolute;z-index:20;top:34px;left:0;display:grid;
  gap:8px;background:var(--card);border:1px solid var(--border);border-radius:8px;padding:12px}
.custom label{display:grid;color:var(--muted);font-size:12px}
.exports{display:flex;gap:4px;margin-left:auto} .exports button,button.plain{min-height:22px;
  padding:1px 7px;font-size:11px;color:var(--muted)}
.spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.facts{display:flex;flex-wrap:wrap;gap:8px 24px;margin:8px 0} .facts dt{color:var(--muted);
  font-size:11.5px} .facts dd{overflow-wrap:anywhere}
summary{cursor:pointer} details>div{padding:6px 0 8px}
.step{display:grid;grid-template-columns:180px minmax(0,1fr) 70px;gap:8px;font-size:12px;
  align-items:center;margin-top:3px} .step>span:nth-child(2){position:relative;height:10px}
.step i{position:absolute;height:10px;border-radius:2px;min-width:2px;background:var(--s0)}
.step i.bad{background:var(--bad)} .live{white-space:nowrap;font-size:12.5px}
"""

CSS = _BASE

CHART_CSS = """
:host{background:var(--card);border:1px solid var(--border);border-radius:8px;overflow:hidden}
"""

PAGE_CSS = (
    f":root[data-theme=dark]{{color-scheme:dark;{_variables(DARK)}}}"
    f":root[data-theme=light]{{color-scheme:light;{_variables(LIGHT)}}}"
    """
html,body{background:var(--bg);color:var(--text);height:auto;min-height:100%}
header.shell{position:sticky;top:0;z-index:10;display:flex;flex-wrap:wrap;gap:4px 20px;
  align-items:center;padding:8px 16px;background:var(--bg);border-bottom:1px solid var(--border);
  font-family:Inter,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header.shell h1{font-size:17px;font-weight:600;margin:0;white-space:nowrap}
header.shell nav{flex:1 1 300px;min-width:0}
main{padding:12px 16px;min-width:0} #live:not(.shown){visibility:hidden;height:0;overflow:hidden}
#first{display:grid;gap:12px}
@media (max-width:640px){header.shell{position:static} main{padding:10px}}
""" + _BASE
)
