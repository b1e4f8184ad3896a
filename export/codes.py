"""QR codes: an address as a picture that a telephone reads. Black on white whatever the theme, with its quiet zone."""

from __future__ import annotations

import io

import segno


def svg(address: str) -> str:
    """As SVG without a size of its own: who shows it says how large. A seventh of it may be soiled."""
    out = io.BytesIO()
    made = segno.make(address, micro=False, error="m")
    made.save(out, kind="svg", xmldecl=False, svgclass=None, lineclass=None, omitsize=True, nl=False, light="#fff")
    return out.getvalue().decode()
