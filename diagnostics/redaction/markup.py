"""Secrets between tags: ``<password>x</password>``, ``<add key="Password" value="x"/>``, property lists.

<key>Password</key>
<string>x</string>
"""

from __future__ import annotations

import re

from diagnostics.redaction.edits import Edit, Rule, is_marked, mark_or_hole
from diagnostics.redaction.key_names import promise_of
from diagnostics.redaction.key_values import ANYWHERE, BOUNDED
from diagnostics.redaction.pseudonyms import Pseudonyms
from diagnostics.redaction.values import fits

_KEY = rb"(?:" + ANYWHERE + rb"|" + BOUNDED + rb")"
ELEMENT = rb"<[A-Za-z0-9_.:-]{0,48}?" + _KEY + rb"[A-Za-z0-9_.-]{0,48}(?:[ \t][^<>\r\n]{0,256})?>[^<\r\n]"
ATTRIBUTE = (
    rb"=[\"'][A-Za-z0-9_.:-]{0,48}?" + _KEY + rb"[A-Za-z0-9_.-]{0,48}[\"'][ \t]+(?i:value)[ \t]*=[ \t]*[\"'][^\"'\r\n]"
)
NAMED = rb"=[\"'][A-Za-z0-9_.:-]{0,48}?" + _KEY + rb"[A-Za-z0-9_.-]{0,48}[\"'][^<>\r\n]{0,64}>[^<\r\n]"
PROPERTY = (
    rb"<key>[A-Za-z0-9_. -]{0,48}?" + _KEY + rb"[A-Za-z0-9_. -]{0,48}</key>[ \t\r\n]*<(?:string|data)>[ \t\r\n]*[^<]"
)

_NAME_IN_ELEMENT = re.compile(rb"<([A-Za-z0-9_.:-]+)")
_NAME_IN_ATTRIBUTE = re.compile(rb"=[\"']([^\"']+)")
_NAME_IN_PROPERTY = re.compile(rb"<key>([^<]+)")
_CONTENT = re.compile(rb"[^<]+")
_QUOTED = re.compile(rb"[^\"'\r\n]+")
# In a property list `key` is the name of what follows, and no key itself.
_PROPERTY_NAME = re.compile(rb"[^<]*</key>[ \t\r\n]*<(?:string|integer|real|true|false|dict|array|date|data)\b")


def _hide(match: re.Match[bytes], name: re.Pattern[bytes], value: re.Pattern[bytes], marks: Pseudonyms) -> Edit | None:
    data = match.string
    named = name.match(match[0])
    start = match.end() - 1
    found = value.match(data, start)
    if named is None or found is None or is_marked(data, start) or is_marked(data, match.start()):
        return None
    promise = promise_of(named[1].rsplit(b":", 1)[-1])
    content = found[0].rstrip()
    if promise is None or not content or not fits(promise, content, quoted=True, assigned=True):
        return None
    return mark_or_hole(start, start + len(content), promise.kind, content, marks)


def judge_element(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    if match[0].startswith(b"<key>") and _PROPERTY_NAME.match(match.string, match.end() - 1):
        return None
    return _hide(match, _NAME_IN_ELEMENT, _CONTENT, marks)


def judge_attribute(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    return _hide(match, _NAME_IN_ATTRIBUTE, _QUOTED, marks)


def judge_named(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    """``<property name="connection.password">x</property>``"""
    return _hide(match, _NAME_IN_ATTRIBUTE, _CONTENT, marks)


def judge_property(match: re.Match[bytes], marks: Pseudonyms) -> Edit | None:
    return _hide(match, _NAME_IN_PROPERTY, _CONTENT, marks)


RULES = (
    Rule("property-list", PROPERTY, judge_property),
    Rule("element", ELEMENT, judge_element),
    Rule("attribute", ATTRIBUTE, judge_attribute),
    Rule("named-element", NAMED, judge_named),
)
