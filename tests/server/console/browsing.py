"""A browser's side of the console without a browser: cookies, forms with their token, redirects followed."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from server.people.passwords import Passwords
from server.people.rules import Role
from tests.running import PLAIN
from tests.server.actors import World

PASSWORD = "correct horse battery staple"
_TOKEN = re.compile(r'name="form" value="([0-9a-f]{64})"')


@dataclass
class Browser:
    """One person's browser. `get` and `post` follow redirects, and say where they ended as `url`."""

    world: World
    http: httpx2.AsyncClient
    form_token: str = field(default="")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        answer = await self.http.get(path, headers=headers)
        if found := _TOKEN.search(answer.text):
            self.form_token = found[1]
        return answer

    async def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx2.Response:
        fields = {"form": self.form_token, **(form or {})}
        if not fields["form"]:
            del fields["form"]
        answer = await self.http.post(path, data=fields, headers={"origin": self.world.origin, **headers})
        if found := _TOKEN.search(answer.text):
            self.form_token = found[1]
        return answer

    async def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx2.Response:
        return await self.post("/sign-in", {"name": name, "password": password, **fields})


@dataclass
class People:
    """Makes accounts in the running server's own store, and browsers for them.

    `app`: the application itself, for browsers without sockets, each with an address of its own.
    """

    world: World
    open: list[httpx2.AsyncClient] = field(default_factory=list)
    app: Any = None

    def browser(self) -> Browser:
        transport = None
        if self.app is not None:
            number = len(self.open)
            transport = httpx2.ASGITransport(self.app, client=(f"10.0.{number // 250}.{1 + number % 250}", 4711))
        client = httpx2.AsyncClient(
            verify=PLAIN, base_url=self.world.origin, timeout=20, follow_redirects=True, transport=transport
        )
        self.open.append(client)
        return Browser(self.world, client)

    async def account(self, name: str, role: Role, password: str | None = PASSWORD) -> str:
        await self.world.office.people.add(name, role)
        if password is not None:
            await self.world.office.people.set_password(name, await self.world.office.passwords.hash(password))
        return name

    async def browser_for(self, name: str) -> Browser:
        """Signed in by a one-use link, for accounts that are there already."""
        browser = self.browser()
        answer = await browser.post(
            f"/sign-in/link/{await self.world.office.people.new_link(name)}", {"act": "sign-in"}
        )
        assert answer.status_code == 200, answer.text
        await browser.get("/account")
        return browser

    async def signed_in(self, role: Role, name: str = "") -> Browser:
        await self.account(name or role.value, role)
        browser = self.browser()
        answer = await browser.sign_in(name or role.value)
        assert answer.status_code == 200, answer.text
        await browser.get("/account")
        return browser


@contextlib.asynccontextmanager
async def people_of(desk: World, app: Any = None) -> AsyncIterator[People]:
    """For the fixtures of this folder and its neighbour."""
    # Argon2id at its real cost is tested on its own; here it would only heat the machine.
    desk.office.passwords = Passwords(memory_kib=64, passes=1)
    made = People(desk, app=app)
    yield made
    for client in made.open:
        await client.aclose()
