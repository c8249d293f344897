"""Search in somebody's own words: a few hundred short texts, words bent and mistyped, English and Russian. Pure.

    "мой компютер жутко тормозит"  ─►  words ─► no stop words ─► each against every word of the texts:
        the same word            1.0       тормозит
        a word of the same stem  0.8       тормозят, тормозить
        nearly the same letters  ≤ 0.7     компютер ~ компьютер            (trigrams)
        another word for it      0.7       тормозит ≈ медленно ≈ slow      (SYNONYMS, both languages)
    ─► a rare word weighs more than a common one, a title more than an article
    ─► what answers too little of what was said is no hit: better none than anything

An index of its own and no database's: it finds the same on a customer's machine without any network, and on a server
whatever keeps its texts. 100 texts are read in some 10 ms and searched in 1.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

QUERY_MAX_CHARS: Final = 4000
#: Of a long story only the first words are searched: what is wrong comes first.
QUERY_MAX_WORDS: Final = 40
HITS_MAX: Final = 8

_STEM_WEIGHT: Final = 0.8
_SYNONYM_WEIGHT: Final = 0.7
_ALIKE_WEIGHT: Final = 0.7
#: Dice of trigrams: one letter wrong in the middle of a word of seven is 0.6, an ending gone 0.7.
_ALIKE_AT_LEAST: Final = 0.5
_STEM_CHARS: Final = 4
#: A hit answers at least this share of what was said, rare words counting more.
_COVERED_AT_LEAST: Final = 0.35
#: And is at least this good beside the best one.
_BESIDE_BEST: Final = 0.45

_WORD = re.compile(r"[^\W_]+")

_STOP_LINES: Final = """
a an and are as at be but by can cannot for from has have i in is it its me my no not of on or so that the then there
this to very was we what when which while who why will with you your do does did am im dont doesnt isnt and since after
before always again computer laptop pc machine please help problem something wrong
а без бы в во все вот вы где да для до его ее если есть еще же за и из или их к как когда кто ли мне мой моя мое мы на
не нет ни но ну о он она они от очень по под при с само сам сейчас со так там то тоже только у уже что чтобы это я после
всегда снова компьютер ноутбук пк помогите проблема почему жутко ужасно просто меня
"""
STOP_WORDS: Final = frozenset(_STOP_LINES.split())

#: Words for the same trouble. Each line is one; a phrase is no word.
_SYNONYM_LINES: Final = """
slow sluggish lag lags laggy crawls медленно медленный тормозит тормоза лагает виснет тупит медлит
hangs freezes frozen freeze stuck unresponsive зависает завис зависло замирает виснет
full space room storage места место переполнен заполнен забит кончилось
disk disc drive hdd ssd диск винчестер накопитель жесткий
crash crashes crashed dies exits падает вылетает закрывается рушится сбой
internet network web online wifi wlan wireless lan ethernet интернет сеть вайфай связь инет
hot heat overheats warm fan fans noisy loud греется перегрев горячий шумит вентилятор нагревается
battery charge charger unplugged батарея аккумулятор заряд разряжается садится
print printer printing prints paper принтер печать печатает печатается бумага
update updates upgrade patch patches обновление обновления обновляется обновить
start boot boots starts startup загрузка загружается включается запуск стартует запускается
restart reboot restarts reboots перезагрузка перезагружается перезапуск
shutdown off выключается выключение отключается
memory ram память оперативка озу
certificate ssl tls https secure сертификат безопасное
clock time date hour часы время дата
backup backups copy copies резервная копия бэкап бекап копирование
error errors fault fails failed failing ошибка ошибки сбой
sign login signin password войти вход пароль логин
virus malware antivirus вирус антивирус
screen display picture monitor graphics экран монитор картинка изображение графика
file files folder documents файл файлы папка документы
program app application browser программа приложение браузер
dns names address имя имена адрес
""".strip()


@dataclass(frozen=True, slots=True)
class Text:
    """What can be found. `fields`: (weight, words); a title weighs more than an article."""

    id: str
    fields: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """`because`: the words that were said and found, and as what: ("компютер", "компьютер")."""

    id: str
    score: float
    because: tuple[tuple[str, str], ...]


def words_of(text: str) -> list[str]:
    """Lower case, ё as е, accents gone; numbers and codes (0x80070643, ENOSPC) are words."""
    flat = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return _WORD.findall(flat)


class Index:
    """Over texts that do not change. Build another when they do."""

    def __init__(self, texts: Iterable[Text]) -> None:
        self._weights: dict[str, dict[str, float]] = {}  # word → text → weight of its best field
        count = 0
        for text in texts:
            count += 1
            for weight, field in text.fields:
                for word in set(words_of(field)) - STOP_WORDS:
                    held = self._weights.setdefault(word, {})
                    held[text.id] = max(weight, held.get(text.id, 0.0))
        self._count = count
        self._by_trigram: dict[str, set[str]] = defaultdict(set)
        self._by_stem: dict[str, set[str]] = defaultdict(set)
        for word in self._weights:
            if len(word) >= _STEM_CHARS:
                self._by_stem[word[:_STEM_CHARS]].add(word)
                for trigram in _trigrams(word):
                    self._by_trigram[trigram].add(word)

    def search(self, said: str, *, at_most: int = HITS_MAX) -> tuple[Hit, ...]:
        """The best first. Nothing for words that say nothing."""
        asked = [word for word in dict.fromkeys(words_of(said[:QUERY_MAX_CHARS])) if word not in STOP_WORDS]
        asked = [word for word in asked if len(word) > 1][:QUERY_MAX_WORDS]
        scores: dict[str, float] = defaultdict(float)
        covered: dict[str, float] = defaultdict(float)
        because: dict[str, list[tuple[str, str]]] = defaultdict(list)
        said_in_all = 0.0
        for word in asked:
            alike = self._alike(word)
            # What is in no text at all (a name, a curse) says nothing about which text is meant: it counts a little.
            said_in_all += max((self._rarity(found) for found in alike), default=self._rarity("") / 2)
            for text, (strength, found) in self._best_by_text(alike).items():
                scores[text] += strength * self._weights[found][text]
                covered[text] += strength
                because[text].append((word, found))
        if not scores:
            return ()
        floor = max(scores.values()) * _BESIDE_BEST
        hits = [
            Hit(text, score, tuple(because[text]))
            for text, score in scores.items()
            if score >= floor and covered[text] >= said_in_all * _COVERED_AT_LEAST
        ]
        return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.id))[:at_most])

    def _best_by_text(self, alike: Mapping[str, float]) -> dict[str, tuple[float, str]]:
        """Of all the words that may be meant by one, the strongest in each text: saying it twice is saying it once."""
        best: dict[str, tuple[float, str]] = {}
        for found, likeness in alike.items():
            strength = likeness * self._rarity(found)
            for text, weight in self._weights[found].items():
                held = best.get(text)
                if held is None or (strength * weight, found) > (held[0] * self._weights[held[1]][text], held[1]):
                    best[text] = (strength, found)
        return best

    def _rarity(self, word: str) -> float:
        return math.log(1 + (self._count + 1) / (1 + len(self._weights.get(word, ()))))

    def _alike(self, word: str) -> dict[str, float]:
        """Words of the texts that may be meant, with how surely."""
        found = self._spelled(word)
        for other in _synonyms().get(word, ()) or self._synonyms_of_stem(word):
            for near, likeness in self._spelled(other, typos=False).items():
                found[near] = max(found.get(near, 0.0), _SYNONYM_WEIGHT * likeness)
        return found

    def _synonyms_of_stem(self, word: str) -> set[str]:
        """`тормозят` is bent from a word of the list."""
        return {other for known, others in _synonyms().items() if _same_stem(word, known) for other in others}

    def _spelled(self, word: str, *, typos: bool = True) -> dict[str, float]:
        found = {word: 1.0} if word in self._weights else {}
        if len(word) < _STEM_CHARS or any(sign.isdigit() for sign in word):
            return found  # `sda1` is not `sda2`, and an error's number is that number
        for near in self._by_stem.get(word[:_STEM_CHARS], ()):
            if near != word and _same_stem(word, near):
                found[near] = _STEM_WEIGHT
        if typos:
            own = _trigrams(word)
            shared: dict[str, int] = defaultdict(int)
            for trigram in own:
                for near in self._by_trigram.get(trigram, ()):
                    shared[near] += 1
            for near, count in shared.items():
                likeness = 2 * count / (len(own) + len(_trigrams(near)))
                if likeness >= _ALIKE_AT_LEAST and near not in found:
                    found[near] = _ALIKE_WEIGHT * likeness
        return found


@lru_cache(maxsize=8192)
def _trigrams(word: str) -> frozenset[str]:
    framed = f"  {word} "
    return frozenset(framed[at : at + 3] for at in range(len(framed) - 2))


def _same_stem(one: str, other: str) -> bool:
    """Bent endings: `печатает`, `печатать`; `update`, `updates`. Over two thirds of the longer one are the same."""
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared >= _STEM_CHARS and 3 * shared > 2 * max(len(one), len(other))


@lru_cache(maxsize=1)
def _synonyms() -> Mapping[str, frozenset[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for line in _SYNONYM_LINES.splitlines():
        words: Sequence[str] = line.split()
        for word in words:
            groups[word] |= set(words) - {word}
    return {word: frozenset(others) for word, others in groups.items()}
