"""`bellpull workbench`: the technician's pages on loopback."""

import webbrowser
from typing import Annotated

import typer

from technician.commands.output import HomeOption, JsonOption, Output, PassphraseOption, reports
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.sign_in import Technician


@reports
def workbench(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")] = True,
    own_host: Annotated[
        bool, typer.Option("--own-host/--plain-host", help="A host name of this run alone, or 127.0.0.1.")
    ] = True,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the workbench on this machine alone, until Ctrl-C."""
    # The web server's libraries cost every other command 0.4 s if they were imported above.
    from technician.workbench.app import build_app
    from technician.workbench.desk import Desk
    from technician.workbench.serve import serve

    desk = Desk.open(Technician.open(Home.at(home), Passphrases(passphrase_file)))
    out = Output(as_json)

    def announce(address: str) -> None:
        if as_json:
            out.json({"address": address})
            return
        out.say("The workbench runs on this machine alone. Open it once by this address; Ctrl-C ends it:")
        out.say(f"  {address}", "bold")
        if own_host:
            out.say("  A browser that does not know .localhost names needs --plain-host.", "dim")
        if browser:
            webbrowser.open(address)

    serve(build_app(desk), port=port, own_host=own_host, announce=announce)
