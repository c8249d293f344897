"""The kinds of secrets and personal data. Importing this module fills `corpus.SECRETS`."""

from __future__ import annotations

import json
import random
import string

from tests.redaction.corpus import (
    ALNUM,
    B64,
    HEX,
    UPPER,
    URL64,
    base64_of,
    draw,
    drawn,
    grouped,
    iban,
    jwt,
    log,
    luhn_number,
    password,
    pem,
    provider,
    secret,
)

Made = tuple[str, list[str]]


# Keyed values, in the grammars of configuration files.


@secret
def _password_in_log(rng: random.Random) -> Made:
    p = password(rng)
    form = rng.choice(
        ["login failed password={}", "auth ok, pwd={} retry=2", "opts: passwd={};mode=tls", "db_pass={} connected"]
    )
    return log(rng, form.format(p)), [p]


@secret
def _password_environment(rng: random.Random) -> Made:
    p = password(rng)
    name = rng.choice(
        ["DB_PASSWORD", "POSTGRES_PASSWORD", "MYSQL_ROOT_PASSWORD", "SMTP_PASS", "PGPASSWORD", "REDIS_PASSWORD"]
    )
    return f"PATH=/usr/bin:/bin\nHOME=/root\n{name}={p}\nLANG=de_DE.UTF-8", [p]


@secret
def _password_environment_nul(rng: random.Random) -> Made:
    p = password(rng)
    return f"PATH=/usr/bin\0LANG=C\0ADMIN_PASSWORD={p}\0TERM=xterm\0", [p]


@secret
def _password_json(rng: random.Random) -> Made:
    p = password(rng) + rng.choice(["", '"x', "\\y", " z"])
    key = rng.choice(["password", "Password", "userPassword", "smtp_password", "passphrase", "dbPwd"])
    return json.dumps({"host": "db1", "port": 5432, key: p, "pool": 4}), [json.dumps(p)[1:-1]]


@secret
def _password_json_in_json(rng: random.Random) -> Made:
    p = password(rng)
    return json.dumps({"level": "info", "msg": json.dumps({"user_id": 7, "password": p})}), [p]


@secret
def _password_yaml(rng: random.Random) -> Made:
    p = password(rng)
    return f"database:\n  host: db1\n  {rng.choice(['password', 'pass', 'adminPassword'])}: {p}\n  port: 5432", [p]


@secret
def _passphrase_with_blanks(rng: random.Random) -> Made:
    drawn_words = ["correct", "horse", "battery", "staple", "purple", "monkey", "river"]
    words = " ".join(rng.choice(drawn_words) for _ in range(4))
    return f"[wifi]\npassphrase = {words}\nband = a", [words]


@secret
def _password_yaml_block(rng: random.Random) -> Made:
    p = password(rng)
    return f"auth:\n  password: |\n    {p}\n  realm: main", [p]


@secret
def _password_yaml_list(rng: random.Random) -> Made:
    a, b = password(rng), password(rng)
    return f"passwords:\n  - {a}\n  - {b}\nother: 1", [a, b]


@secret
def _password_element(rng: random.Random) -> Made:
    p = password(rng)
    tag = rng.choice(["password", "Password", "ns:password", "dbPassword", "sharedSecret"])
    return f"<server><host>a</host><{tag}>{p}</{tag}></server>", [p]


@secret
def _password_attribute(rng: random.Random) -> Made:
    p = password(rng)
    form = rng.choice(
        ['<user name="x" password="{}"/>', '<add key="SmtpPassword" value="{}"/>', "<db pwd='{}' host='h'/>"]
    )
    return form.format(p), [p]


@secret
def _password_property_list(rng: random.Random) -> Made:
    p = password(rng)
    return f"<dict>\n\t<key>Password</key>\n\t<string>{p}</string>\n</dict>", [p]


@secret
def _password_php(rng: random.Random) -> Made:
    p = password(rng)
    return rng.choice(["define('DB_PASSWORD', '{}');", "'password' => '{}',", "$db_password = '{}';"]).format(p), [p]


@secret
def _password_coloured(rng: random.Random) -> Made:
    p = password(rng)
    return f"\x1b[33mpassword\x1b[0m=\x1b[1m{p}\x1b[0m ok", [p]


@secret
def _password_foreign(rng: random.Random) -> Made:
    p = password(rng)
    return f"{rng.choice(['пароль', 'Passwort', 'contraseña', 'mot_de_passe', 'hasło', '密码'])}: {p}", [p]


@secret
def _connection_string(rng: random.Random) -> Made:
    p = password(rng).rstrip("!")
    return f'"Server=tcp:db1,1433;Database=x;User ID=app7;Password={p};Encrypt=True;"', [p]


@secret
def _secret_objects(rng: random.Random) -> Made:
    a, b = drawn(rng, 20), password(rng)
    return json.dumps(
        {"name": "x", "secrets": {"smtp": b, "nested": {"api": [a]}}, "n": 1}, indent=rng.choice([None, 2])
    ), [a, b]


# Command lines.


@secret
def _flag(rng: random.Random) -> Made:
    p = password(rng)
    flag = rng.choice(["--password", "--token", "--api-key", "--client-secret", "--db-password", "-password"])
    return log(rng, f"exec: /usr/bin/tool run {flag}{rng.choice([' ', '='])}{p} --verbose"), [p]


@secret
def _flag_list(rng: random.Random) -> Made:
    p = password(rng)
    return f"argv=['tool', '--password', '{p}', '-v']", [p]


@secret
def _flag_nul(rng: random.Random) -> Made:
    p = password(rng)
    return f"/usr/bin/tool\0--password\0{p}\0-v\0", [p]


@secret
def _mysql(rng: random.Random) -> Made:
    p = password(rng)
    return f"{rng.choice(['mysql', 'mysqldump', 'mariadb'])} -h db1 -u app -p{p} shop", [p]


@secret
def _curl(rng: random.Random) -> Made:
    p = password(rng)
    return f"curl -s {rng.choice(['-u ', '--user ', '-u'])}svcbot:{p} http://x/api", [p]


@secret
def _sshpass(rng: random.Random) -> Made:
    p = password(rng)
    return f"sshpass -p {rng.choice(['', chr(39)])}{p} ssh box uptime", [p]


@secret
def _net_use(rng: random.Random) -> Made:
    p = password(rng)
    return f"net use Z: \\\\srv1\\share {p} /user:svc7", [p]


@secret
def _sql(rng: random.Random) -> Made:
    p = password(rng)
    form = rng.choice(
        [
            "CREATE USER 'app'@'%' IDENTIFIED BY '{}';",
            "ALTER ROLE app WITH PASSWORD '{}';",
            "SET PASSWORD = PASSWORD('{}');",
        ]
    )
    return form.format(p), [p]


@secret
def _netrc(rng: random.Random) -> Made:
    p = password(rng)
    return f"machine api.example.test login robot7 password {p}", [p]


@secret
def _prose(rng: random.Random) -> Made:
    p = password(rng)
    return rng.choice(
        ["The new password is {}", "password for robot7 is {}", "PIN was changed, password set to {}"]
    ).format(p), [p]


@secret
def _router(rng: random.Random) -> Made:
    p = password(rng)
    form = rng.choice(
        ["snmp-server community {} RO", "rocommunity {}", "username op7 password 7 {}", "enable secret {}"]
    )
    return form.format(p), [p]


# URLs and headers.


@secret
def _url_password(rng: random.Random) -> Made:
    p = password(rng).replace("#", "").replace("%", "")
    scheme = rng.choice(["https", "postgres", "amqp", "ftp", "redis", "mongodb+srv", "smb"])
    return log(rng, f"connecting to {scheme}://svc7:{p}@db1.example.test:5432/app"), [f":{p}@"]


@secret
def _url_query(rng: random.Random) -> Made:
    t = drawn(rng, rng.choice([16, 24, 40]))
    key = rng.choice(["token", "access_token", "api_key", "sig", "auth", "sessionid", "client_secret", "code_token"])
    return f'10.0.0.9 - - "GET /v1/items?page=2&{key}={t}&sort=up HTTP/1.1" 200 512', [t, "10.0.0.9"]


@secret
def _bearer(rng: random.Random) -> Made:
    t = drawn(rng, 40)
    form = rng.choice(
        [
            "Authorization: Bearer {}",
            "> authorization: Bearer {}",
            "{{'Authorization': 'Bearer {}'}}",
            "retry with Bearer {}",
        ]
    )
    return form.format(t), [t]


@secret
def _basic(rng: random.Random) -> Made:
    t = base64_of(f"svc7:{password(rng)}")
    return rng.choice(
        ["Authorization: Basic {}", "Proxy-Authorization: Basic {}", '"Authorization":"Basic {}"']
    ).format(t), [t.rstrip("=")]


@secret
def _digest(rng: random.Random) -> Made:
    r = draw(rng, HEX, 32)
    return f'Authorization: Digest username="svc7", realm="x", nonce="{draw(rng, HEX, 16)}", uri="/", response="{r}"', [
        r
    ]


@secret
def _cookie(rng: random.Random) -> Made:
    a, b = drawn(rng, 26), drawn(rng, 12)
    return f"Cookie: PHPSESSID={a}; remember={b}; lang=de", [a, b]


@secret
def _set_cookie(rng: random.Random) -> Made:
    a = drawn(rng, 32)
    return f"Set-Cookie: sid={a}; Path=/; HttpOnly; SameSite=Lax", [a]


@secret
def _api_key_header(rng: random.Random) -> Made:
    t = drawn(rng, 32)
    return f"{rng.choice(['X-Api-Key', 'x-auth-token', 'X-Vault-Token', 'api-key', 'PRIVATE-TOKEN'])}: {t}", [t]


@secret
def _jwt(rng: random.Random) -> Made:
    t = jwt(rng)
    return log(rng, f"session {t} expired"), [t.split(".")[1], t.split(".")[2]]


# Providers' keys.

PROVIDERS = {
    "aws_key_id": lambda r: provider("AK", "IA") + draw(r, string.ascii_uppercase + "234567", 16),
    "github": lambda r: provider("gh", "p_") + draw(r, ALNUM, 36),
    "github_fine": lambda r: provider("github", "_pat_") + draw(r, ALNUM, 22) + "_" + draw(r, ALNUM, 59),
    "gitlab": lambda r: provider("gl", "pat-") + draw(r, URL64, 20),
    "slack": lambda r: provider("xo", "xb-") + draw(r, string.digits, 12) + "-" + draw(r, ALNUM, 24),
    "stripe": lambda r: provider("sk_", "live_") + draw(r, ALNUM, 24),
    "twilio": lambda r: provider("S", "K") + draw(r, HEX, 32),
    "sendgrid": lambda r: provider("S", "G.") + draw(r, URL64, 22) + "." + draw(r, URL64, 43),
    "mailgun": lambda r: provider("ke", "y-") + draw(r, HEX, 32),
    "npm": lambda r: provider("np", "m_") + draw(r, ALNUM, 36),
    "pypi": lambda r: provider("py", "pi-") + draw(r, URL64, 90),
    "openai": lambda r: provider("s", "k-proj-") + drawn(r, 48),
    "anthropic": lambda r: provider("s", "k-ant-api03-") + drawn(r, 80),
    "google_api": lambda r: provider("AI", "za") + draw(r, URL64, 35),
    "google_oauth": lambda r: provider("ya", "29.") + draw(r, URL64, 60),
    "telegram": lambda r: draw(r, "123456789", 9) + ":" + provider("A", "A") + draw(r, URL64, 33),
    "shopify": lambda r: provider("shp", "at_") + draw(r, HEX, 32),
    "digitalocean": lambda r: provider("dop", "_v1_") + draw(r, HEX, 64),
    "huggingface": lambda r: provider("h", "f_") + draw(r, ALNUM, 34),
    "vault": lambda r: provider("hv", "s.") + draw(r, URL64, 90),
    "databricks": lambda r: provider("da", "pi") + draw(r, HEX, 32),
    "discord": lambda r: provider("M", "T") + draw(r, ALNUM, 24) + "." + draw(r, ALNUM, 6) + "." + draw(r, URL64, 38),
    "age": lambda r: provider("AGE-", "SECRET-KEY-1") + draw(r, UPPER, 58),
    "tailscale": lambda r: provider("ts", "key-auth-") + draw(r, ALNUM, 17) + "-" + draw(r, ALNUM, 32),
}


def _provider(name: str) -> None:
    def maker(rng: random.Random) -> Made:
        key = PROVIDERS[name](rng)
        form = rng.choice(["using {} for upload", "401 with {}", '{{"value":"{}"}}', "export X={}", "  - {}"])
        return log(rng, form.format(key)), [key]

    maker.__name__ = "_provider_" + name
    secret(maker)


for _name in PROVIDERS:
    _provider(_name)


@secret
def _webhook(rng: random.Random) -> Made:
    t = f"T{draw(rng, UPPER, 8)}/B{draw(rng, UPPER, 8)}/{draw(rng, ALNUM, 24)}"
    d = draw(rng, URL64, 68)
    host = provider("https://hooks.sl", "ack.com/serv", "ices/")
    if rng.random() < 0.5:
        return f"POST {host}{t} 200", [t]
    return f"POST https://discord.com/api/webhooks/{draw(rng, '123456789', 18)}/{d} 204", [d]


@secret
def _aws_secret(rng: random.Random) -> Made:
    t = draw(rng, B64, 39) + "9"
    form = rng.choice(["aws_secret_access_key = {}", "AWS_SECRET_ACCESS_KEY={}", '"SecretAccessKey": "{}"'])
    return form.format(t), [t]


@secret
def _azure_storage(rng: random.Random) -> Made:
    t = draw(rng, B64, 86) + "=="
    return f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={t};EndpointSuffix=core.windows.net", [t]


@secret
def _azure_sas(rng: random.Random) -> Made:
    t = draw(rng, ALNUM, 40) + "%3D"
    return f"https://x.blob.core.windows.net/c?sv=2022-11-02&ss=b&se=2030-01-01&sig={t}", [t]


@secret
def _docker_auth(rng: random.Random) -> Made:
    t = base64_of(f"robot7:{password(rng)}{password(rng)}")
    return json.dumps({"auths": {"registry.example.test": {"auth": t}}}), [t]


@secret
def _kubeconfig(rng: random.Random) -> Made:
    t = provider("LS0tLS1C", "RUdJTi") + draw(rng, ALNUM, 300)
    return f"users:\n- name: admin\n  user:\n    client-key-data: {t}", [t]


@secret
def _wireguard(rng: random.Random) -> Made:
    a, b = draw(rng, B64, 43) + "=", draw(rng, B64, 43) + "="
    return f"[Interface]\nPrivateKey = {a}\n[Peer]\nPresharedKey = {b}\nAllowedIPs = 0.0.0.0/0", [a, b]


@secret
def _wifi_psk(rng: random.Random) -> Made:
    p = password(rng) + "x9"
    return rng.choice(
        ['network={{\n  ssid="Cafe"\n  psk="{}"\n}}', "[wifi-security]\nkey-mgmt=wpa-psk\npsk={}"]
    ).format(p), [p]


@secret
def _otpauth(rng: random.Random) -> Made:
    t = draw(rng, string.ascii_uppercase + "234567", 32)
    return f"otpauth://totp/Shop:svc7?secret={t}&issuer=Shop", [t]


@secret
def _drawn_alone(rng: random.Random) -> Made:
    t = drawn(rng, rng.choice([32, 40, 48, 64]))
    return log(rng, f"worker got {t} from queue"), [t]


# Hashes, keys, codes.


@secret
def _shadow(rng: random.Random) -> Made:
    h = draw(rng, ALNUM + "./", 86)
    return f"svc7:$6${draw(rng, ALNUM, 16)}${h}:19700:0:99999:7:::", [h]


@secret
def _bcrypt(rng: random.Random) -> Made:
    h = draw(rng, ALNUM + "./", 53)
    return f"hash=$2b$12${h}", [h]


@secret
def _argon2(rng: random.Random) -> Made:
    h = draw(rng, B64, 43)
    return f"$argon2id$v=19$m=65536,t=3,p=4${draw(rng, B64, 22)}${h}", [h]


@secret
def _apr1(rng: random.Random) -> Made:
    h = draw(rng, ALNUM + "./", 22)
    return f"svc7:$apr1${draw(rng, ALNUM, 8)}${h}", [h]


@secret
def _ntlm(rng: random.Random) -> Made:
    h = draw(rng, HEX, 32)
    return f"Administrator:500:{draw(rng, HEX, 32)}:{h}:::", [h]


@secret
def _product_key(rng: random.Random) -> Made:
    k = "-".join(draw(rng, UPPER, 5) for _ in range(5))
    return f"slmgr: installed product key {k} successfully", [k]


@secret
def _recovery_key(rng: random.Random) -> Made:
    k = "-".join(draw(rng, string.digits, 6) for _ in range(8))
    return f"Numerical Password: {k}", [k]


def _key_kind(name: str, label: str) -> None:
    def maker(rng: random.Random) -> Made:
        text, body = pem(rng, label)
        way = rng.randrange(5)
        if way == 1:
            return json.dumps({"type": "service_account", "private_key": text + "\n", "n": 1}), body
        if way == 2:
            return "\n".join(log(rng, line) for line in text.split("\n")), body
        if way == 3:
            return "key: |\n" + "\n".join("    " + line for line in text.split("\n")) + "\nnext: 1", body
        if way == 4:
            return text.rsplit("\n", 3)[0] + f"\n{log(rng, 'rotated')}", body[:-3]
        return f"cat server.key\n{text}\n$ ls", body

    maker.__name__ = "_pem_" + name
    secret(maker)


for _name, _label in {
    "rsa": "RSA PRIVATE KEY",
    "ec": "EC PRIVATE KEY",
    "pkcs8": "PRIVATE KEY",
    "encrypted": "ENCRYPTED PRIVATE KEY",
    "openssh": "OPENSSH PRIVATE KEY",
    "pgp": "PGP PRIVATE KEY BLOCK",
}.items():
    _key_kind(_name, _label)


@secret
def _putty(rng: random.Random) -> Made:
    body = [draw(rng, B64, 64) for _ in range(4)]
    return "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPrivate-Lines: 4\n" + "\n".join(
        body
    ) + "\nPrivate-MAC: 00ff", body


# Money and papers.


@secret
def _card(rng: random.Random) -> Made:
    number = luhn_number(
        rng, *rng.choice([("4", 16), ("51", 16), ("2221", 16), ("6011", 16), ("62", 16), ("2200", 16)])
    )
    shown = rng.choice([number, grouped(number, 4), grouped(number, 4, "-")])
    return log(rng, f"payment with {shown} declined"), [shown]


@secret
def _card_amex(rng: random.Random) -> Made:
    n = luhn_number(rng, rng.choice(["34", "37"]), 15)
    shown = rng.choice([n, f"{n[:4]} {n[4:10]} {n[10:]}"])
    return f'{{"pan":"{shown}","cvv":"{draw(rng, string.digits, 4)}"}}', [shown]


@secret
def _card_security_code(rng: random.Random) -> Made:
    code = draw(rng, string.digits, 3)
    return f"cvv={code}&amount=12.00", [f"cvv={code}"]


@secret
def _iban(rng: random.Random) -> Made:
    text = iban(rng)
    shown = rng.choice([text, grouped(text, 4)])
    return log(rng, f"transfer to {shown} ok"), [shown]


@secret
def _ssn(rng: random.Random) -> Made:
    n = f"{rng.randrange(100, 600):03d}-{rng.randrange(1, 99):02d}-{rng.randrange(1, 9999):04d}"
    return f"applicant {n} verified", [n]


@secret
def _snils(rng: random.Random) -> Made:
    digits = draw(rng, string.digits, 9)
    total = sum((9 - i) * int(d) for i, d in enumerate(digits))
    check = total if total < 100 else 0 if total in (100, 101) else total % 101 % 100
    shown = f"{digits[:3]}-{digits[3:6]}-{digits[6:]} {check:02d}"
    return f"СНИЛС {shown}", [shown]


@secret
def _passport(rng: random.Random) -> Made:
    n = draw(rng, string.ascii_uppercase, 2) + draw(rng, string.digits, 7)
    return f'{{"passport_number": "{n}"}}', [n]


@secret
def _birth_date(rng: random.Random) -> Made:
    d = f"19{rng.randrange(40, 99)}-0{rng.randrange(1, 9)}-1{rng.randrange(0, 9)}"
    return f'{{"date_of_birth":"{d}"}}', [d]


@secret
def _person_keyed(rng: random.Random) -> Made:
    first = rng.choice(["Ludmila", "Giovanni", "Aoife", "Björk", "Oksana", "Thibault"])
    last = rng.choice(["Petrowa", "Bianchi", "Murphy", "Jónsdóttir", "Kowalczyk", "Lefèvre"])
    return json.dumps({"first_name": first, "lastName": last, "n": 3}, ensure_ascii=False), [first, last]


@secret
def _location(rng: random.Random) -> Made:
    lat = f"{rng.uniform(40, 60):.6f}"
    return f'{{"latitude": {lat}, "longitude": {rng.uniform(5, 20):.6f}}}', [lat]


# Addresses and names.


@secret
def _email(rng: random.Random) -> Made:
    name = f"{draw(rng, string.ascii_lowercase, 6)}.{draw(rng, string.ascii_lowercase, 5)}"
    m = f"{name}@{rng.choice(['mail', 'firma'])}.{rng.choice(['test', 'de', 'co.uk'])}"
    return log(rng, rng.choice(["to=<{}>, relay=none", "user {} not found", "mailto:{}", "from: {};"]).format(m)), [m]


@secret
def _phone(rng: random.Random) -> Made:
    n = draw(rng, "123456789", 7)
    form = rng.choice(
        [f"+49 170 {n}", f"+1 (415) 555-{n[:4]}", f"+44-20-{n[:4]}-{n[3:]}", f"+7 912 {n[:3]}-{n[3:5]}-{n[5:7]}"]
    )
    return log(rng, f"call from {form} dropped"), [form]


@secret
def _ipv4(rng: random.Random) -> Made:
    a = f"{rng.choice([10, 91, 203, 172, 192])}.{rng.randrange(1, 250)}.{rng.randrange(1, 250)}.{rng.randrange(1, 250)}"
    form = rng.choice(
        ["connection from {} port 5022", "http://{}:8080/x", "src={} dst=0.0.0.0", "[{}]", "ip_{}_up", "peer {}."]
    )
    return log(rng, form.format(a)), [a]


@secret
def _ipv6(rng: random.Random) -> Made:
    groups = [f"{rng.randrange(1, 65536):x}" for _ in range(6)]
    a = rng.choice(
        [
            f"2a02:{':'.join(groups)}:{rng.randrange(1, 65536):x}",
            f"2a02:{groups[0]}::{groups[1]}",
            f"fe80::{':'.join(groups[:4])}",
        ]
    )
    return log(rng, rng.choice(["from {} port 22", "[{}]:443", "addr {}/64", "peer={},"]).format(a)), [a]


@secret
def _mac(rng: random.Random) -> Made:
    m = rng.choice([":", "-"]).join(f"{rng.randrange(1, 255):02x}" for _ in range(6))
    return log(rng, rng.choice(["link {} up", "DHCPACK on eth0 to {} via x", "bssid={}"]).format(m)), [m]


@secret
def _host_name(rng: random.Random) -> Made:
    h = rng.choice(["annas-laptop", "Annas-Laptop", "ANNAS-LAPTOP"])
    return rng.choice(
        ["{} kernel: up", "ssh {} failed", "/var/backups/{}_2024.tar", "\\\\{}\\c$", "smb://{}/x", "a\\n{} b"]
    ).format(h), [h]


@secret
def _domain(rng: random.Random) -> Made:
    d = "corp.example-gmbh.test"
    return f"lookup {rng.choice(['mail.', 'dc1.', ''])}{d} timed out", [d, "example-gmbh"]


@secret
def _user_name(rng: random.Random) -> Made:
    u = rng.choice(["anna.schmidt", "bkr77", "BKR77"])
    form = rng.choice(
        [
            "session opened for user {}(uid=1000)",
            "{} : TTY=pts/0 ; PWD=/",
            "owner {}",
            "({}) CMD (x)",
            "drwx {} {} 4096",
            "ran_as_{}",
        ]
    )
    return form.replace("{}", u), [u]


@secret
def _foreign_user(rng: random.Random) -> Made:
    u = draw(rng, string.ascii_lowercase, 5) + str(rng.randrange(10, 99))
    form = rng.choice(
        [
            "Failed password for invalid user {} from 203.0.113.9 port 22",
            "Invalid user {} from 203.0.113.9",
            '{{"username":"{}"}}',
            "user={} action=x",
        ]
    )
    return form.format(u), [u]


@secret
def _home_folder(rng: random.Random) -> Made:
    u = draw(rng, string.ascii_lowercase, 6)
    form = rng.choice(
        [
            "/home/{}/.cache/x",
            "C:\\Users\\{}\\AppData",
            "/Users/{}/Library",
            '"C:\\\\Users\\\\{}\\\\x"',
            "file:///home/{}/a.txt",
        ]
    )
    return log(rng, "open " + form.format(u)), [u]


@secret
def _full_name(rng: random.Random) -> Made:
    n = rng.choice(["Anna Schmidt", "Björn Krüger", "Schmidt, Anna"])
    return rng.choice(["owner: {}", "Author: {} <x>", "anna.x {}"]).format(n), [n]


@secret
def _ssid(rng: random.Random) -> Made:
    s = "Schmidt Wohnzimmer 5G"
    return rng.choice(["wlan0: associated with {}", 'SSID="{}"', "id: {} mode: ap"]).format(s), [s]


@secret
def _serial(rng: random.Random) -> Made:
    if rng.random() < 0.5:
        s = rng.choice(["PF3XY9Z1QK", "S4EVNX0R123456"])
        return f"disk {s} ok", [s]
    s = draw(rng, UPPER, 6) + draw(rng, string.digits, 6)
    return rng.choice(["Serial Number:    {}", "ID_SERIAL_SHORT={}", "usb 1-1: SerialNumber: {}"]).format(s), [s]


@secret
def _imei(rng: random.Random) -> Made:
    n = luhn_number(rng, "35", 15)
    return f"modem IMEI: {n}", [n]


@secret
def _windows_sid(rng: random.Random) -> Made:
    parts = "-".join(str(rng.randrange(10**8, 4 * 10**9)) for _ in range(3))
    return f"profile S-1-5-21-{parts}-1001 loaded", [parts]


@secret
def _ssh_fingerprint(rng: random.Random) -> Made:
    f = draw(rng, B64, 43)
    return f"Accepted publickey for git: ED25519 SHA256:{f}", [f]


@secret
def _account_line(rng: random.Random) -> Made:
    u, n = draw(rng, string.ascii_lowercase, 6), rng.choice(["Ludmila Petrowa", "Giovanni Bianchi"])
    return f"{u}:x:{rng.randrange(1000, 2000)}:1000:{n},,,:/home/{u}:/bin/bash", [u, n]


@secret
def _mail_header(rng: random.Random) -> Made:
    n = rng.choice(["Ludmila Petrowa", "Giovanni Bianchi"])
    return rng.choice(['From: "{}" <x9@mail.test>', "Author: {} <x9@mail.test>"]).format(n), [n, "x9@mail.test"]


@secret
def _lease_name(rng: random.Random) -> Made:
    n = draw(rng, string.ascii_uppercase, 1) + draw(rng, string.ascii_lowercase, 5) + "s-iPhone"
    return log(rng, f"DHCPACK on 192.168.1.23 to 00:1a:2b:3c:4d:5e ({n}) via eth0"), [n, "192.168.1.23"]


@secret
def _network_name(rng: random.Random) -> Made:
    n = draw(rng, string.ascii_uppercase, 6) + " Wifi"
    return log(rng, rng.choice(["Trying to associate with SSID '{}'", "starting connection '{}' (x)"]).format(n)), [n]


@secret
def _one_time_code(rng: random.Random) -> Made:
    c = draw(rng, string.digits, 6)
    return rng.choice(["Your verification code is {}", "2FA code: {}", "otp={}"]).format(c), [c]


@secret
def _registry_login(rng: random.Random) -> Made:
    p = password(rng)
    return rng.choice(["docker login -u robot7 -p {} r.test", "schtasks /create /u x7 /p {} /tn y"]).format(p), [p]


@secret
def _oracle(rng: random.Random) -> Made:
    p = password(rng).split("@")[0]
    return rng.choice(["jdbc:oracle:thin:svc7/{}@//db:1521/x", "sqlplus svc7/{}@db"]).format(p), [p]


@secret
def _named_element(rng: random.Random) -> Made:
    p = password(rng)
    return f'<property name="connection.password">{p}</property>', [p]


@secret
def _mail_dialogue(rng: random.Random) -> Made:
    t = base64_of(f"svc7:{password(rng)}")
    return log(rng, f"C: AUTH PLAIN {t}"), [t]
