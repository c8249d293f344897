"""Arithmetic that tells a real number from a look-alike. Pure; digits in, verdict out."""

from __future__ import annotations

import hashlib


def luhn(digits: bytes) -> bool:
    """ISO/IEC 7812-1 check digit: 4111111111111111 passes, 4111111111111112 does not."""
    total = 0
    for index, byte in enumerate(reversed(digits)):
        value = byte - 48
        if index % 2:
            value *= 2
            if value > 9:
                value -= 9
        total += value
    return total % 10 == 0


def card_length_fits(digits: bytes) -> bool:
    """Does the issuer prefix go with this length? Keeps epoch stamps and trace ids out before Luhn is asked."""
    size = len(digits)
    two, three, four = int(digits[:2]), int(digits[:3]), int(digits[:4])
    if digits[0:1] == b"4":
        return size in (13, 16, 19)
    if two in (34, 37):
        return size == 15
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return size == 16
    if 2200 <= four <= 2204 or two == 62 or two in (60, 64, 65, 81):
        return 16 <= size <= 19
    if 300 <= three <= 305 or two in (36, 38, 39):
        return size == 14
    if 3528 <= four <= 3589:
        return 16 <= size <= 19
    if two == 50 or 56 <= two <= 58 or two in (61, 63, 66, 67, 68, 69):  # Maestro
        return 16 <= size <= 19
    return False


def card(digits: bytes) -> bool:
    return 12 <= len(digits) <= 19 and len(set(digits)) > 1 and card_length_fits(digits) and luhn(digits)


# Length by country, from the SWIFT registry; a pair that is not here is not an account number.
_LENGTHS = """
    AD=24 AE=23 AL=28 AT=20 AZ=28 BA=20 BE=16 BG=22 BH=22 BI=27 BR=29 BY=28 CH=21 CR=22 CY=28 CZ=24
    DE=22 DJ=27 DK=18 DO=28 EE=20 EG=29 ES=24 FI=18 FK=18 FO=18 FR=27 GB=22 GE=22 GI=23 GL=18 GR=27
    GT=28 HR=21 HU=28 IE=22 IL=23 IQ=23 IS=26 IT=27 JO=30 KW=30 KZ=20 LB=28 LC=32 LI=21 LT=20 LU=20
    LV=21 LY=25 MC=27 MD=24 ME=22 MK=19 MN=20 MR=27 MT=31 MU=30 NI=28 NL=18 NO=15 OM=23 PK=24 PL=28
    PS=29 PT=25 QA=29 RO=24 RS=22 RU=33 SA=24 SC=31 SD=18 SE=24 SI=19 SK=24 SM=27 SO=23 ST=25 SV=28
    TL=23 TN=24 TR=26 UA=29 VA=22 VG=24 XK=20
"""
IBAN_LENGTHS = {pair[:2]: int(pair[3:]) for pair in _LENGTHS.split()}


def iban(text: bytes) -> bool:
    """``text`` without blanks, upper case. ISO 13616: country length and mod 97 = 1."""
    if IBAN_LENGTHS.get(text[:2].decode("ascii", "replace")) != len(text):
        return False
    moved = text[4:] + text[:4]
    number = "".join(str(int(chr(byte), 36)) for byte in moved)
    return int(number) % 97 == 1


def us_ssn(area: int, group: int, serial: int) -> bool:
    return 0 < area < 900 and area != 666 and group > 0 and serial > 0


def snils(digits: bytes) -> bool:
    """Russian pension account: nine digits and a two-digit check (112-233-445 95)."""
    if len(digits) != 11:
        return False
    total = sum((9 - index) * (byte - 48) for index, byte in enumerate(digits[:9]))
    check = total if total < 100 else 0 if total in (100, 101) else total % 101 % 100
    return check == int(digits[9:])


BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(text: bytes) -> bool:
    """Wallet keys (WIF, xprv): the last four bytes are a double SHA-256 of the rest."""
    number = 0
    for byte in text:
        digit = BASE58.find(byte)
        if digit < 0:
            return False
        number = number * 58 + digit
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    raw = bytes(len(text) - len(text.lstrip(b"1"))) + raw
    body, check = raw[:-4], raw[-4:]
    return len(raw) > 4 and hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] == check
