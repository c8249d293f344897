"""What a key's name promises about its value: ``DB_PASSWORD`` → a password, ``password_file`` → nothing.

The name is split into words (``clientSecret`` → client, secret; ``X-Api-Key`` → x, api, key) and judged by them, so
one table serves JSON, INI, environment, XML, headers, flags and URLs. The answer also says how sure it is:

* ``ANY``: whatever stands there is the secret (``password=12345``);
* ``RANDOM``: only a value that looks drawn, not written, is taken (``token: identifier`` stays);
* ``SHAPED``: the value must have the shape this kind has (a phone has digits).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from diagnostics.redaction.kinds import Kind


class Trust(StrEnum):
    ANY = "any"
    RANDOM = "random"
    SHAPED = "shaped"


@dataclass(frozen=True, slots=True)
class Promise:
    kind: Kind
    trust: Trust


def _named(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")

# A last word that turns the key into something about the secret instead of the secret.
_ABOUT = _named(
    """count counts counter length len size min max limit limits file files filename path paths dir directory folder
    name names type types policy expiry expires expired expiration ttl age date time timeout at url uri endpoint
    endpoints enabled disabled required optional attempts attempt retries status state error errors method mode
    algorithm alg version field provider hint prompt changed change reset strength format encoding used usage bits
    index ref reference label class left remaining generation authentication manager store server service host
    port auth cmd command rotation interval threshold lock locked prefix suffix kind exists valid validity invalid
    missing present only mount mounts source issuer audience scope scopes bytes per rate rates budget bucket
    window cache agent failed failures failure ok created updated modified days warn inactive
    dialog encryption hashing"""
)
# Words that alone make a password, wherever in the name they stand last (or before digits: password2).
_PASSWORDS = _named(
    """password passwords passwd passwds passwort kennwort passphrase passphrases passcode passcodes pwd pwds pass pw
    psk passkey motdepasse storepass keypass passe contrasena contraseña senha wachtwoord heslo haslo hasło parol
    salasana
    losenord
    пароль пароли пасс 密码 密碼 パスワード 비밀번호 passw userpass userpassword unpw"""
)
_PASSWORD_ENDS = ("password", "passwd", "passphrase", "passcode", "pwd", "passwort")
_SECRETS = _named(
    """secret secrets credential credentials creds apikey apikeys apisecret secretkey privatekey accesskey authkey
    masterkey encryptionkey signingkey accountkey sharedkey connectionstring mnemonic seedphrase authtoken
    accesstoken refreshtoken idtoken sessiontoken bearertoken bearer securitytoken csrftoken xsrftoken
    csrfmiddlewaretoken sastoken webhook webhooksecret clientsecret appsecret dsn licensekey productkey
    recoverykey storagekey sharedaccesskey privkey"""
)
_SECRET_ENDS = ("secret", "apikey", "secretkey", "privatekey", "accesskey", "accesstoken", "authtoken")
# Two words in a row.
_SECRET_PAIRS = frozenset(
    tuple(pair.split("-"))
    for pair in _named(
        """api-key api-keys api-secret access-key secret-key private-key account-key master-key encryption-key
    signing-key shared-key auth-key client-secret app-secret app-key storage-key session-key host-key primary-key
    secondary-key service-key deploy-key license-key product-key recovery-key functions-key subscription-key
    preshared-key pre-shared activation-key function-key write-key read-key admin-key auth-token access-token
    refresh-token id-token session-token bearer-token security-token csrf-token registration-token deploy-token
    bot-token user-token sas-token personal-token join-token identity-token connection-string seed-phrase
    auth-code authorization-code device-code client-key key-data webhook-url webhook-secret shared-access
    access-code mot-passe community-string otp-secret totp-secret vapid-private aes-key des-key hmac-key rsa-key
    enc-key crypt-key cipher-key jwt-secret"""
    )
)
# Primary and foreign keys of databases, host keys of ssh: named like keys, openly shown.
_OPEN_PAIRS = frozenset(
    {("primary", "key"), ("secondary", "key"), ("host", "key"), ("public", "key"), ("foreign", "key")}
)
_SESSIONS = _named(
    """sid sessionid phpsessid jsessionid aspsessionid sessid connectsid sessionkey sess csrf xsrf cookie cookies
    authcookie viewstate authid asid ssid2 laravelsession"""
)
_WEAK_SECRETS = _named("""token tokens key auth session sig signature code nonce jwt salt seed ticket hash digest sk""")
_ANIMALS = ("monkey", "donkey", "turkey", "hockey", "jockey", "whiskey")
_PINS = _named("""pin pins otp totp mfa pincode puk cvv cvc cvv2 cvc2 passcode tan""")
_CARD_WORDS = frozenset({"cardnumber", "cardno", "creditcard", "pan", "ccnumber", "ccnum", "cc"})
_USERS = _named("""user username login logname ruser acct userid uname loginname accountname sudouser owner""")
_PEOPLE = _named(
    """fullname firstname lastname surname displayname realname givenname familyname gecos middlename cardholder
    holdername customername contactname maidenname"""
)
_PEOPLE_PAIRS = frozenset(
    tuple(pair.split("-"))
    for pair in _named(
        """full-name first-name last-name display-name real-name given-name family-name middle-name card-holder
    holder-name customer-name contact-name maiden-name"""
    )
)
_SERIALS = _named("""serial serialnumber serialno imei imsi iccid meid udid serialnum assettag machineid""")
_SERIAL_PAIRS = frozenset(
    {("serial", "number"), ("serial", "no"), ("serial", "num"), ("asset", "tag"), ("s", "n"), ("product", "id")}
)
_HOSTS = frozenset(["hostname", "computername", "nodename", "machinename", "workstation", "netbiosname"])
_HOST_PAIRS = frozenset({("computer", "name"), ("machine", "name"), ("host", "name"), ("node", "name")})
_PHONES = frozenset(["phone", "mobile", "tel", "telephone", "msisdn", "fax", "cell", "phonenumber", "cellphone"])
_NATIONAL = _named("""ssn passport nino inn snils taxid nationalid personnummer cpf nif dni pesel aadhaar""")
_NATIONAL_PAIRS = frozenset(
    {
        ("passport", "number"),
        ("passport", "no"),
        ("tax", "id"),
        ("national", "id"),
        ("social", "security"),
        ("id", "card"),
        ("driver", "license"),
        ("licence", "number"),
    }
)
_PLACES = frozenset(["latitude", "longitude", "lat", "lng", "lon", "geo", "gps", "coordinates"])
_BIRTH = frozenset(["birthday", "birthdate", "dob", "dateofbirth", "born"])
_STREETS = _named("street streetaddress addressline postaladdress zipcode postalcode homeaddress")
_STREET_PAIRS = frozenset(
    {("street", "address"), ("address", "line"), ("postal", "address"), ("home", "address"), ("postal", "code")}
)


def split_name(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name))


@lru_cache(maxsize=4096)
def promise_of(name: bytes) -> Promise | None:
    """What the value under ``name`` is, or nothing. ``name`` is the whole key without quotes."""
    words = split_name(name.decode("utf-8", "replace"))
    while words and words[-1].isdigit():
        words = words[:-1]
    if not words:
        return None
    last = words[-1]
    joined = "".join(words)
    pairs = tuple(pairwise(words))
    personal = _personal(last, joined, pairs)
    if personal is not None:
        return personal
    if ("session", "id") in pairs or ("sess", "id") in pairs or joined.endswith(("sessionid", "sessid")):
        return Promise(Kind.COOKIE, Trust.RANDOM)
    if last == "url" and "webhook" in words:
        return Promise(Kind.TOKEN, Trust.ANY)
    if last in _ABOUT and len(words) > 1:
        return None
    if last in _PASSWORDS or last.endswith(_PASSWORD_ENDS) or _any_password(words):
        return Promise(Kind.PASSWORD, Trust.ANY)
    if last in _PINS:
        return Promise(Kind.CARD if last.startswith(("cvv", "cvc")) else Kind.PASSWORD, Trust.SHAPED)
    if pairs and pairs[-1] in _OPEN_PAIRS:
        return Promise(Kind.TOKEN, Trust.RANDOM) if "cosmos" in words or "azure" in words else None
    if last in _SECRETS or last.endswith(_SECRET_ENDS) or any(pair in _SECRET_PAIRS for pair in pairs):
        return Promise(Kind.TOKEN, Trust.ANY)
    if "secret" in words or "credential" in words:
        return Promise(Kind.TOKEN, Trust.RANDOM)
    if last in _SESSIONS or joined in _SESSIONS:
        return Promise(Kind.COOKIE, Trust.RANDOM)
    if last in _WEAK_SECRETS or (last.endswith(("token", "key", "hash")) and not last.endswith(_ANIMALS)):
        return Promise(Kind.TOKEN, Trust.RANDOM)
    return None


def _any_password(words: tuple[str, ...]) -> bool:
    """``admin_password_production``: the word inside, nothing about it behind."""
    return any(word in _PASSWORDS and word not in ("pass", "pw", "pwd") for word in words[:-1])


def _personal(last: str, joined: str, pairs: tuple[tuple[str, str], ...]) -> Promise | None:
    final = pairs[-1] if pairs else None
    shaped: tuple[tuple[bool, Kind], ...] = (
        (last in _CARD_WORDS or joined in _CARD_WORDS or final == ("card", "number"), Kind.CARD),
        (
            last in _SERIALS or joined in _SERIALS or final in _SERIAL_PAIRS or joined.endswith("serialnumber"),
            Kind.SERIAL,
        ),
        (joined in ("idserialshort", "machineid"), Kind.SERIAL),
        (last == "ssid" or last == "essid", Kind.SSID),
        (last in _HOSTS or final in _HOST_PAIRS, Kind.HOST),
        (last in _PHONES or joined in _PHONES or final == ("phone", "number"), Kind.PHONE),
        (last in _NATIONAL or final in _NATIONAL_PAIRS, Kind.NATIONAL_ID),
        (last in _PLACES, Kind.LOCATION),
        (last in _BIRTH or joined in _BIRTH or "dateofbirth" in joined, Kind.BIRTH_DATE),
        (last in _STREETS or final in _STREET_PAIRS, Kind.POSTAL_ADDRESS),
        (last in _PEOPLE or final in _PEOPLE_PAIRS, Kind.PERSON),
        (last in _USERS or final in (("user", "name"), ("account", "name")), Kind.USER),
    )
    for holds, kind in shaped:
        if holds:
            return Promise(kind, Trust.SHAPED)
    return None
