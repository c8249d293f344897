"""Rules of the house that a reader can check with their eyes, checked by a machine."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("protocol", "diagnostics", "web", "agent", "server", "technician")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
#: What protocol may import beyond itself: pure computation only.
PURE_STDLIB = {
    "__future__", "abc", "base64", "binascii", "collections", "contextlib", "dataclasses", "enum", "functools",
    "hashlib", "hmac", "itertools", "json", "math", "re", "string", "struct", "types", "typing", "unicodedata", "uuid",
}  # fmt: skip


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the committed files cannot be listed")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            yield node


def called_name(call: ast.Call) -> str:
    return ast.unparse(call.func)


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def test_no_shell_no_eval_no_pickle() -> None:
    forbidden = {"eval", "exec", "os.system", "os.popen", "pickle.load", "pickle.loads", "yaml.load", "marshal.loads"}
    found = []
    for path in SOURCES:
        for call in calls(path):
            shell = any(
                word.arg == "shell" and not (isinstance(word.value, ast.Constant) and word.value.value is False)
                for word in call.keywords
            )
            if shell or called_name(call) in forbidden or "create_subprocess_shell" in called_name(call):
                found.append(where(path, call))
    assert found == []


#: Statements of SQLite that take no parameters; what is put into them is a number or a name of our own.
WITHOUT_PARAMETERS = ("PRAGMA ", "SAVEPOINT ", "ROLLBACK TO ", "RELEASE ")
#: Reads every table of a database that it did not make: the name comes from sqlite_master and is quoted.
READS_FOREIGN_TABLES = {"technician/demo/search.py"}


def test_no_sql_is_built_from_strings() -> None:
    """`execute` and its kin take a constant, a name bound elsewhere or an expression; never an f-string or %."""
    found = []
    for path in SOURCES:
        if str(path.relative_to(ROOT)) in READS_FOREIGN_TABLES:
            continue
        for call in calls(path):
            if called_name(call).rsplit(".", 1)[-1] not in {"execute", "executemany", "executescript", "query", "text"}:
                continue
            for argument in call.args[:1]:
                glued = isinstance(argument, ast.JoinedStr) or (
                    isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add | ast.Mod)
                )
                formatted = isinstance(argument, ast.Call) and called_name(argument).endswith(".format")
                if (glued or formatted) and not ast.unparse(argument)[2:].startswith(WITHOUT_PARAMETERS):
                    found.append(where(path, call))
    assert found == []


def test_protocol_is_pure() -> None:
    """No sockets, files, threads, clock or randomness: pydantic, cryptography and computation only."""
    found = []
    for path in sorted((ROOT / "protocol").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                allowed = PURE_STDLIB | {"protocol", "pydantic", "pydantic_core", "cryptography"}
                if path.name == "tables.py":
                    allowed |= {"sys"}  # also a command, from standard input to standard output
                if name.split(".")[0] not in allowed:
                    found.append(f"{where(path, node)} imports {name}")
    assert found == []


def test_nothing_is_swallowed() -> None:
    """An `except` that only passes names a narrow exception, and says in a comment why nothing is to be done."""
    found = []
    for path in SOURCES:
        source = path.read_text("utf-8")
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
            only_pass = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            said = only_pass and "  # " in lines[node.body[0].lineno - 1]
            if node.type is None or (only_pass and (broad or not said)):
                found.append(where(path, node))
    assert found == []


def test_files_hold_one_subject() -> None:
    """p90 of the source files is at most 300 lines, none is over 500."""
    lengths = sorted((len(path.read_text("utf-8").splitlines()), path) for path in SOURCES)
    assert [str(path) for length, path in lengths if length > 500] == []
    assert lengths[int(len(lengths) * 0.9)][0] <= 300
    vague = re.compile(r"^(utils?|helpers?|managers?|common|misc|base|stuff)\.py$")
    assert [str(path) for path in SOURCES if vague.match(path.name)] == []


def test_every_package_is_inside_the_import_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    linter = settings["tool"]["importlinter"]
    assert set(linter["root_packages"]) == set(ROOMS)
    layers = next(contract for contract in linter["contracts"] if contract["type"] == "layers")["layers"]
    assert {name.strip() for layer in layers for name in layer.split("|")} == set(ROOMS)
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(ROOMS)


def test_committed_files_name_no_index_and_hold_no_foreign_code() -> None:
    hosts = re.compile(rb"(registry\.npmjs\.org|files\.pythonhosted\.org|pypi\.org/simple|deb\.debian\.org)")
    for path in tracked_files():
        if path == Path(__file__):
            continue
        data = path.read_bytes()
        assert not hosts.search(data), f"{path} names a registry"
        assert b"web/static/vendor" not in str(path).encode()
        assert path.name != "uv.lock"


def test_every_module_tells_its_story() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_bytes()))
    ]
    assert silent == []


@pytest.mark.parametrize("room", ["protocol", "diagnostics"])
def test_a_library_imports_without_the_rooms_above(room: str) -> None:
    """Importing a library pulls in none of the programs, whatever the linter thinks of dynamic imports."""
    code = (
        f"import sys, {room}; bad = {{'agent', 'server', 'technician'}} & set(sys.modules); sys.exit(1 if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
