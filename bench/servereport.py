"""What bench/serve found, as a table, as JSON and as a drawing."""

import json
import os
from xml.sax.saxutils import escape

# Member of the JSON, what it is, its unit.
ROWS = (
    ("rps_max", "RSA_2048 burst, highest rate", "/s"),
    ("nginx_rps_max", "nginx, static file", "/s"),
    ("ratio_to_nginx", "of nginx", ""),
    ("rps_sustained_p256", "ECC_NIST_P256 with refill, no miss", "/s"),
    ("p99_us_idle", "p99 at half the rate, no refill", "us"),
    ("p99_us_refill", "p99, all workers refilling", "us"),
    ("p99_us_drain", "p99, RSA_2048 draining", "us"),
    ("p99_refill_to_idle", "refill to none", ""),
    ("p99_rsa_4096_to_p256", "p99 of RSA_4096 to ECC_NIST_P256", ""),
    ("cpu_us_per_request", "server's CPU time a request", "us"),
    ("kworker_us_per_request", "kernel workers besides", "us"),
    ("nginx_cpu_us_per_request", "nginx's CPU time a request", "us"),
    ("audit_records_per_second", "audit log by itself, records", "/s"),
)
WIDTH, HEIGHT = 860, 420


def machine():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "kernel": os.uname().release, "cores": os.cpu_count()}


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def cell(found, name):
    if not found or found.get(name) is None:
        return "-"
    span = found["confidence"].get(name)
    return number(found[name]) + (f" ({number(span[0])} - {number(span[1])})" if span else "")


def print_table(found):
    sides = [found] + ([found["tls"]] if found["tls"] else [])
    print(f"{'':38}{'plain HTTP':>30}{'TLS' if found['tls'] else '':>30}")
    for name, title, unit in ROWS:
        print(f"{title + (', ' + unit if unit else ''):38}" + "".join(f"{cell(side, name):>30}" for side in sides))
    for side in sides:
        kind = "TLS" if side is not found else "plain HTTP"
        print(f"\n{kind}: answers of {side['answer_bytes']} bytes; {side['depth']} RSA_2048 pairs at the start, which workers alone make at "
            f"{side['rsa_2048_sustained_per_second']:.0f} a second.")
        if side["burst"]:
            burst = side["burst"]
            print(f"  Burst of {burst['requests']} at {burst['rate']:.0f}/s out of {burst['depth']}: p99 {number(burst['p99_us'])} us, "
                f"{burst['failed']} failed, {'met' if burst['met'] else 'missed'}.")
        print(f"  Load program: {side['generator_core']:.0%} of its core at our highest rate"
            + (f", {side['nginx_generator_core']:.0%} at most with nginx" if side["nginx_rps_max"] else "")
            + "".join(f"; {what} IS LIMITED BY THE LOAD PROGRAM" for what, name in (("OUR RATE", "limited_by_load"), ("NGINX'S RATE",
            "nginx_limited_by_load")) if side.get(name)) + ".")
        print(f"  Workers took {number(side['worker_cores_refill'])} cores with refill, {number(side['worker_cores_drain'])} while draining, "
            f"{number(side['worker_cores_idle'])} without.")
    print(f"\n{found['machine']['cpu']}, Linux {found['machine']['kernel']}; steal {found['steal']:.2%}; {found['connections']} connections; "
        f"{found['objective']}; {found['seconds']:.0f} s" + ("; SMOKE SIZE: NO FIGURE MEANS ANYTHING" if found["quick"] else ""))


# --- the drawing: sizes in pixels, no background, colours that can be read on white and on black alike

def text(x, y, what, anchor="start", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(what)}</text>'


def panel(left, title, unit, groups):
    """Bars with intervals, a group each: (label, [(colour, value, interval)])."""
    width, top, bottom = 380, 84, 350
    most = max((max([value or 0, *(span or [])]) for _, bars in groups for _, value, span in bars), default=0) or 1
    out = [text(left, 62, title, style=' class="strong"')]
    for part in (0, 0.5, 1):
        y = bottom - (bottom - top) * part
        out.append(f'<line class="grid" x1="{left}" y1="{y}" x2="{left + width}" y2="{y}"/>')
    step = width / max(len(groups), 1)
    for number_of, (label, bars) in enumerate(groups):
        out.append(text(left + step * (number_of + 0.5), bottom + 20, label, "middle"))
        wide = step * 0.8 / len(bars)
        for index, (colour, value, span) in enumerate(bars):
            x = left + step * (number_of + 0.1) + wide * index
            if value is None:
                continue
            height = (bottom - top) * value / most
            out.append(f'<rect x="{x:.1f}" y="{bottom - height:.1f}" width="{wide - 4:.1f}" height="{height:.1f}" fill="{colour}"/>')
            out.append(text(x + wide / 2 - 2, bottom - (bottom - top) * max(value, *(span or [0])) / most - 6, f"{number(value)} {unit}", "middle",
                ' font-size="11"'))
            if span:
                low, high = (bottom - (bottom - top) * end / most for end in span)
                out.append(f'<line class="span" x1="{x + wide / 2 - 2:.1f}" y1="{low:.1f}" x2="{x + wide / 2 - 2:.1f}" y2="{high:.1f}"/>')
    return out


def drawing(found):
    sides = [("#0969da", found)] + ([("#bf8700", found["tls"])] if found["tls"] else [])

    def bars(name):
        return [(colour, side.get(name), side["confidence"].get(name)) for colour, side in sides]

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="13">', "<title>Requests a second and their tails</title>",
        "<style>text{fill:#6e7781} .strong{font-weight:bold} .grid{stroke:#8b949e;stroke-opacity:.35} .span{stroke:#6e7781;stroke-width:2}</style>",
        text(12, 26, "keywell: one serving core, signed and durably audited requests", style=' class="strong" font-size="17"')]
    out += panel(20, "Highest rate with p99 below 1 ms", "/s", [("RSA_2048 burst", bars("rps_max")), ("P-256 sustained", bars("rps_sustained_p256")),
        ("nginx, static", bars("nginx_rps_max"))])
    out += panel(460, "p99 at half of that rate", "us", [("no refill", bars("p99_us_idle")), ("refill", bars("p99_us_refill")),
        ("draining", bars("p99_us_drain"))])
    for index, (colour, side) in enumerate(sides):
        out.append(f'<rect x="{20 + 130 * index}" y="388" width="12" height="12" fill="{colour}"/>')
        out.append(text(38 + 130 * index, 399, "TLS" if side is not found else "plain HTTP"))
    out.append(text(300, 399, f"{found['depth']:,} pairs deep; {found['machine']['cpu']}, Linux {found['machine']['kernel']}"
        + (", SMOKE SIZE" if found["quick"] else "")))
    return "\n".join(out) + "\n</svg>\n"


def write(found, options):
    print_table(found)
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(found, file, indent=1)
    if options.svg:
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(drawing(found))
