"""`bellpull-agent page`: the customer's page in a browser, served by this computer to this person."""

import argparse

from agent.cli.command import Command, folder_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    parser.add_argument(
        "--plain-host", action="store_true", help="127.0.0.1 in the address, for browsers that do not know *.localhost"
    )
    parser.add_argument("--json", action="store_true", help='print {"url": …} and serve')


def run(arguments: argparse.Namespace) -> int:
    from agent.page.serve import open_page  # a web server that other commands do without

    return open_page(
        folder_of(arguments).root,
        browser=not arguments.no_browser,
        wants_json=arguments.json,
        plain_host=arguments.plain_host,
    )


COMMAND = Command(
    name="page",
    help="Open your page: health in plain words, get help, who is connected with a Stop button, receipts.",
    example="bellpull-agent page",
    add_arguments=add_arguments,
    run=run,
)
