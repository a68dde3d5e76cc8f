"""Two palettes, and the one stylesheet of all blocks."""

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


def theme_config() -> dict[str, object]:
    """Both palettes for the page's own parts."""
    return {palette.name: _material(palette) for palette in (DARK, LIGHT)}


def _material(p: Palette) -> dict[str, object]:
    return {
        "palette": {
            "primary": {"main": p.info},
            "background": {"default": p.bg, "paper": p.card},
            "text": {"primary": p.text, "secondary": p.muted},
            "divider": p.border,
        },
        "components": {
            "MuiAppBar": {
                "styleOverrides": {
                    "root": {
                        "backgroundColor": p.bg,
                        "backgroundImage": "none",
                        "color": p.text,
                        "boxShadow": "none",
                        "borderBottom": f"1px solid {p.border}",
                        "& .MuiTypography-root": {"color": f"{p.text} !important"},
                    }
                }
            },
            "MuiToggleButton": {
                "styleOverrides": {
                    "root": {
                        "color": p.muted,
                        "borderColor": p.border,
                        "padding": "3px 10px",
                        "textTransform": "none",
                        "&.Mui-selected": {"color": p.text, "backgroundColor": p.border},
                    }
                }
            },
        },
    }


def _variables(p: Palette) -> str:
    names = ("bg", "card", "border", "text", "muted", "ok", "warn", "bad", "info")
    colours = {name: getattr(p, name) for name in names}
    colours |= {f"s{i}": colour for i, colour in enumerate((*p.series, p.other))}
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


# Nothing here may set `display` on :host: it would beat the rule that hides a block.
CSS = (
    f":host(.dark){{{_variables(DARK)}}} :host(.light){{{_variables(LIGHT)}}}"
    """
:host{font-family:Inter,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-size:13px;
  color:var(--text);font-variant-numeric:tabular-nums}
*{box-sizing:border-box} a{color:var(--info)} h2,h3,p,ul,dl,dd{margin:0;padding:0}
.card{background:var(--card);border:1px solid var(--border);border-radius:8px;padding:12px 14px;
  position:relative;overflow:hidden;min-width:0}
.card.warn{border-color:var(--warn)} .card.bad{border-color:var(--bad)}
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
.pill{border:1px solid currentColor;border-radius:99px;padding:1px 8px;font-size:11px;
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
summary{cursor:pointer} details>div{padding:6px 0 8px}
.step{display:grid;grid-template-columns:180px minmax(0,1fr) 70px;gap:8px;font-size:12px;
  align-items:center;margin-top:3px} .step>span:nth-child(2){position:relative;height:10px}
.step i{position:absolute;height:10px;border-radius:2px;min-width:2px;background:var(--s0)}
.step i.bad{background:var(--bad)} .live{white-space:nowrap;font-size:12.5px}
"""
)
