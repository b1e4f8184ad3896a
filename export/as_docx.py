"""A bibliography as a Word document that one goes on working with: real headings, styles to change, live links.

Headings are Word's own (the navigation pane and a table of contents work), references have a style of their own
with a hanging indent, the call number stands at a right tab stop, the language is set, so that spelling is checked
in it. XML has no sign for controls: `items.text` and `items.line` took them out before.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from docx import Document
from docx.document import Document as Word
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from catalogue.i18n import _, use_language
from export.bibliography import Bibliography, Entry
from export.citing.runs import Run

LOCALES = {"fr": "fr-FR", "en": "en-GB"}
_WIDTH = Cm(17)  # of the text on A4 with margins of 2 cm
_FORMS = (
    ("italic", "italic"),
    ("bold", "bold"),
    ("small_caps", "small_caps"),
    ("raised", "superscript"),
    ("lowered", "subscript"),
    ("underline", "underline"),
)
_SERIF, _MONO = "Cambria", "Consolas"
_INK, _QUIET, _LINK = RGBColor(0x1C, 0x1B, 0x19), RGBColor(0x54, 0x50, 0x4A), RGBColor(0x0B, 0x5C, 0x62)


def file_bytes(bibliography: Bibliography) -> bytes:
    with use_language(bibliography.language):
        word = _blank(bibliography)
        ids = {style.name: style.style_id for style in word.styles}
        _paragraph(word, ids["Title"], bibliography.title)
        _paragraph(word, ids["Subtitle"], bibliography.line)
        for group in bibliography.groups:
            if group.heading:
                _paragraph(word, ids["Heading 1"], f"{group.heading} ({group.total})")
            for entry in group.entries:
                _add(word, entry, ids)
        for sentence in bibliography.told:
            _paragraph(word, ids[_("Où le trouver")], sentence)
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def _add(word: Word, entry: Entry, ids: Mapping[str | None, str]) -> None:
    shown = _paragraph(word, ids[_("Référence")])
    for run in entry.runs:
        _write(shown, run)
    if entry.place is not None and entry.place.call_number:
        shown.add_run("\t" + entry.place.call_number).font.name = _MONO
    lines = [(paragraph, _("Résumé")) for paragraph in entry.summary]
    lines += [(words, _("Où le trouver")) for words in (entry.place.words if entry.place else ())]
    for line, style in lines:
        _paragraph(word, ids[style], line)
    last = _paragraph(word, ids[_("Adresse")])
    _write(last, Run(entry.short_link, link=entry.permalink if "://" in entry.permalink else ""))


def _paragraph(word: Word, style_id: str, text: str = "") -> Paragraph:
    """A paragraph in a style: by its id, since python-docx goes through all the styles to find one by name."""
    paragraph = word.add_paragraph(text)
    paragraph._p.style = style_id
    return paragraph


def _write(paragraph: Paragraph, run: Run) -> None:
    written = paragraph.add_run(run.text)
    for form, name in _FORMS:
        if getattr(run, form):
            setattr(written.font, name, True)
    if run.link:
        written.font.color.rgb = _LINK
        number = paragraph.part.relate_to(run.link, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        around = OxmlElement("w:hyperlink")
        around.set(qn("r:id"), number)
        written._r.addprevious(around)
        around.append(written._r)


# --- the document and its styles -------------------------------------------------------------


def _blank(bibliography: Bibliography) -> Word:
    word = Document()
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2)
    about = word.core_properties
    about.title, about.author, about.language = bibliography.title, bibliography.centre, LOCALES[bibliography.language]
    if bibliography.on:
        about.created = about.modified = datetime.combine(bibliography.on, time(12), tzinfo=UTC)
    about.comments, about.last_modified_by = "", bibliography.centre
    _say_language(word, LOCALES[bibliography.language])
    _set_styles(word)
    _number_pages(section.footer.paragraphs[0], bibliography.centre)
    return word


def _set_styles(word: Word) -> None:
    normal = word.styles["Normal"]
    _font(normal, _SERIF, 11, _INK)
    for name, size in (("Title", 20), ("Subtitle", 11), ("Heading 1", 14)):
        style = word.styles[name]
        _font(style, _SERIF, size, _QUIET if name == "Subtitle" else _INK)
        style.font.italic = style.font.bold = None if name != "Heading 1" else style.font.bold
    word.styles["Heading 1"].paragraph_format.space_before = Pt(18)
    border = word.styles["Title"].element.find(".//" + qn("w:pBdr"))
    if border is not None:
        border.getparent().remove(border)
    shown = _style(word, _("Référence"), before=8)
    shown.paragraph_format.left_indent, shown.paragraph_format.first_line_indent = Cm(1), Cm(-1)
    shown.paragraph_format.tab_stops.add_tab_stop(_WIDTH, WD_TAB_ALIGNMENT.RIGHT)
    shown.paragraph_format.keep_together = shown.paragraph_format.keep_with_next = True
    for name in (_("Résumé"), _("Où le trouver"), _("Adresse")):
        style = _style(word, name, before=2)
        _font(style, _SERIF, 10, _INK if name == _("Résumé") else _QUIET)
        style.paragraph_format.left_indent = Cm(1)


def _style(word: Word, name: str, *, before: int) -> ParagraphStyle:
    style = word.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    assert isinstance(style, ParagraphStyle)
    style.base_style = word.styles["Normal"]
    style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(0)
    style.paragraph_format.widow_control = True
    return style


def _font(style: Any, name: str, size: int, colour: RGBColor) -> None:
    style.font.name, style.font.size, style.font.color.rgb = name, Pt(size), colour
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):  # they win over the name
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:cs"), name)


def _say_language(word: Word, locale: str) -> None:
    for language in word.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), locale)


def _number_pages(paragraph: Paragraph, centre: str) -> None:
    """« Espace doc      2 / 7 », the numbers counted by Word."""
    paragraph.paragraph_format.tab_stops.add_tab_stop(_WIDTH, WD_TAB_ALIGNMENT.RIGHT)
    paragraph.add_run(f"{centre}\t")
    for n, name in enumerate(("PAGE", "NUMPAGES")):
        if n:
            paragraph.add_run(" / ")
        counted = OxmlElement("w:fldSimple")
        counted.set(qn("w:instr"), name)
        inside, text = OxmlElement("w:r"), OxmlElement("w:t")
        text.text = "1"
        inside.append(text)
        counted.append(inside)
        paragraph._p.append(counted)
    for run in paragraph.runs:
        run.font.size, run.font.color.rgb = Pt(9), _QUIET
