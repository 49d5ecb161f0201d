"""The picture of docs/performance.md: what one costs, at ten thousand, a hundred thousand and a million. Plain SVG, in light and dark."""

import math
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 790
HEIGHT: Final = 420
LEFT, RIGHT, TOP, BOTTOM = 70, 220, 56, 52
COLOURS: Final = ("one", "two", "three", "four")
STYLE: Final = """
  svg { color-scheme: light dark; font: 13px system-ui, sans-serif; }
  .paper { fill: #ffffff; } .ink { fill: #24292f; } .quiet { fill: #57606a; } .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; } .title { font-size: 15px; font-weight: 600; }
  .one { stroke: #0969da; } .two { stroke: #bc4c00; } .three { stroke: #1a7f37; } .four { stroke: #8250df; }
  circle.one { fill: #0969da; } circle.two { fill: #bc4c00; } circle.three { fill: #1a7f37; } circle.four { fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } .ink { fill: #e6edf3; } .quiet { fill: #9198a1; } .grid { stroke: #30363d; }
    .one { stroke: #58a6ff; } .two { stroke: #f0883e; } .three { stroke: #3fb950; } .four { stroke: #bc8cff; }
    circle.one { fill: #58a6ff; } circle.two { fill: #f0883e; } circle.three { fill: #3fb950; } circle.four { fill: #bc8cff; }
  }
"""

Costs = Mapping[int, float]  # microseconds for one, by how many there were


def draw(lines: Mapping[str, Costs], sizes: Sequence[int], title: str) -> str:
    """The SVG; a line for each name that has costs, at most four. Flat is good: a line that rises grows faster than the work."""
    drawn = {name: costs for name, costs in lines.items() if costs}
    top = _nice(max((cost for costs in drawn.values() for cost in costs.values()), default=100.0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        f'<text class="ink title" x="{LEFT}" y="26">{escape(title)}</text>',
        f'<text class="quiet" x="{LEFT}" y="44">microseconds for each; flat is good</text>',
        *_grid(top, sizes),
    ]
    ends = _apart({name: _y(costs[max(costs)], top) for name, costs in drawn.items()})
    for (name, costs), colour in zip(drawn.items(), COLOURS, strict=False):
        parts += _line(name, costs, colour, top, sizes, ends[name])
    if not drawn:
        parts.append(f'<text class="quiet" x="{WIDTH // 2 - 80}" y="{HEIGHT // 2}">not measured yet</text>')
    return "\n".join([*parts, "</svg>", ""])


def _grid(top: float, sizes: Sequence[int]) -> list[str]:
    parts = []
    for step in range(5):
        value = top * step / 4
        y = _y(value, top)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text class="quiet" x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for size in sizes:
        x = _x(size, sizes)
        parts.append(f'<text class="quiet" x="{x:.1f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{size:,}</text>')
    return parts


def _line(name: str, costs: Costs, colour: str, top: float, sizes: Sequence[int], end: float) -> list[str]:
    points = [(_x(size, sizes), _y(cost, top), cost) for size, cost in sorted(costs.items())]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dots = [
        f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(name)}: {cost:.1f} us</title></circle>'
        for x, y, cost in points
    ]
    words = (
        f'<text class="ink" x="{points[-1][0] + 12:.1f}" y="{end + 4:.1f}">{escape(name)}, {points[-1][2]:.0f}</text>'
    )
    return [f'<polyline class="line {colour}" points="{path}"/>', *dots, words]


def _apart(ends: Mapping[str, float], gap: float = 18) -> Mapping[str, float]:
    """Where the names stand: beside the ends of their lines, and not on each other."""
    placed: dict[str, float] = {}
    last = -gap
    for name, y in sorted(ends.items(), key=lambda pair: pair[1]):
        last = max(y, last + gap)
        placed[name] = last
    return placed


def _x(size: int, sizes: Sequence[int]) -> float:
    first, last = math.log10(min(sizes)), math.log10(max(sizes))
    return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(size) - first) / (last - first)


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _nice(most: float) -> float:
    """A round number above."""
    power: float = 10 ** math.floor(math.log10(most))
    return next(factor * power for factor in (1, 2, 4, 8, 10, 20) if factor * power >= most * 1.05)
