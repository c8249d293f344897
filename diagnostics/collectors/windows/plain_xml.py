"""XML of Windows' own programs, read without anything that grows: bounded, no declarations, so no entities.

<!DOCTYPE x [<!ENTITY a "aaaa">…]>    refused before it is parsed: none of these programs writes one
"""

from __future__ import annotations

from xml.etree import ElementTree

from diagnostics.machine.interface import Unreadable


def plain_xml(content: str, *, max_chars: int, what: str) -> ElementTree.Element:
    """Raises Unreadable."""
    if len(content) > max_chars:
        raise Unreadable(f"{what} is larger than {max_chars} letters")
    if "<!" in content:
        raise Unreadable(f"{what} holds a declaration, which {what} never does")
    try:
        return ElementTree.fromstring(content)  # noqa: S314 — bounded, and no declaration can be in it
    except (ElementTree.ParseError, ValueError):
        raise Unreadable(f"{what} is no XML that can be read") from None


def local_name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def child_text(element: ElementTree.Element, name: str) -> str:
    """Of the first child with this name, whatever its namespace; empty where there is none."""
    for child in element:
        if local_name(child) == name:
            return (child.text or "").strip()
    return ""
