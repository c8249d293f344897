"""What no source of ours may hold: ways to run text as a program, to load objects from bytes, to build SQL out of
strings, or to talk to a server without checking who it is. Found in the syntax tree, whatever name it is known by.

    forbidden('import os as o; o.system("id")')  →  ["1: os.system runs a shell"]

It sees what is written in one file. A name that is handed from file to file is beyond it.
"""

import ast
from collections.abc import Iterator
from typing import Final

#: Dotted name → what is wrong with it. Called, passed on or merely named: no matter.
NAMES: Final = {
    "eval": "runs text as a program",
    "exec": "runs text as a program",
    "compile": "makes a program out of text",
    "__import__": "imports what a text names",
    "builtins.eval": "runs text as a program",
    "builtins.exec": "runs text as a program",
    "code.InteractiveInterpreter": "runs text as a program",
    "os.system": "runs a shell",
    "os.popen": "runs a shell",
    "subprocess.getoutput": "runs a shell",
    "subprocess.getstatusoutput": "runs a shell",
    "asyncio.create_subprocess_shell": "runs a shell",
    "yaml.load": "makes objects out of text",
    "yaml.unsafe_load": "makes objects out of text",
    "yaml.full_load": "makes objects out of text",
    "ssl._create_unverified_context": "checks no certificate",
    "ssl._create_default_https_context": "may check no certificate",
    "ssl.CERT_NONE": "checks no certificate",
    "ssl.CERT_OPTIONAL": "may check no certificate",
    "tempfile.mktemp": "names a file that somebody else may make",
}  # fmt: skip
MODULES: Final = {
    **dict.fromkeys(("pickle", "cPickle", "marshal", "shelve", "dill", "jsonpickle"), "makes objects out of bytes"),
    "commands": "runs a shell",
    "telnetlib": "speaks in clear",
}
#: Keyword → the only constant it may be.
KEYWORDS: Final = {"shell": False, "verify": True, "check_hostname": True}
#: Of these `shell` must be the word False, or not be there; elsewhere it may be a name for a shell.
STARTS_PROGRAMS: Final = {"run", "Popen", "call", "check_call", "check_output", "create_subprocess_exec"}
#: These take an SQL text first.
SQL_CALLS: Final = {"execute", "executemany", "executescript", "query", "text", "exec_driver_sql"}
#: Statements of SQLite that take no parameters; what is put into them is a number or a name of our own.
WITHOUT_PARAMETERS: Final = ("PRAGMA ", "SAVEPOINT ", "ROLLBACK TO ", "RELEASE ")


def forbidden(source: str | ast.AST) -> list[str]:
    """Every place, as `line: why`."""
    nodes = list(ast.walk(ast.parse(source) if isinstance(source, str) else source))
    aliases = _aliases(nodes)
    return [f"{getattr(node, 'lineno', 0)}: {why}" for node, why in _found(nodes, aliases)]


def _aliases(nodes: list[ast.AST]) -> dict[str, str]:
    """Local name → dotted name, for everything that is imported anywhere in the file."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for each in node.names:
                found[each.asname or each.name.split(".")[0]] = each.name if each.asname else each.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for each in node.names:
                found[each.asname or each.name] = f"{node.module}.{each.name}"
    return found


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return aliases.get(name, name)
        case ast.Attribute(value=value, attr=name):
            before = _dotted(value, aliases)
            return f"{before}.{name}" if before else ""
        case _:
            return ""


def _found(nodes: list[ast.AST], aliases: dict[str, str]) -> Iterator[tuple[ast.AST, str]]:
    for node in nodes:
        match node:
            case ast.Import(names=names):
                for each in names:
                    yield from _module(node, each.name)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield from _module(node, module)
                for name in (f"{module}.{each.name}" for each in names):
                    if name in NAMES:
                        yield node, f"{name} {NAMES[name]}"
            case ast.Name() | ast.Attribute():
                name = _dotted(node, aliases)
                if name in NAMES:
                    yield node, f"{name} {NAMES[name]}"
            case ast.Call():
                yield from _keywords(node)
                yield from _dynamic(node, aliases)
            case ast.Assign(targets=[ast.Attribute(attr="check_hostname")], value=ast.Constant(value=False)):
                yield node, "check_hostname = False checks no name"
    if not any(isinstance(node, ast.Call) and _last_name(node.func) in SQL_CALLS for node in nodes):
        return
    for scope in nodes:
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            yield from _sql(scope)


def _module(node: ast.AST, name: str) -> Iterator[tuple[ast.AST, str]]:
    if name.split(".")[0] in MODULES:
        yield node, f"{name} {MODULES[name.split('.')[0]]}"


def _keywords(call: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    for word in call.keywords:
        if word.arg in KEYWORDS and isinstance(word.value, ast.Constant) and isinstance(word.value.value, bool):
            if word.value.value is not KEYWORDS[word.arg]:
                yield call, f"{word.arg}={word.value.value}"
        elif word.arg == "shell" and _last_name(call.func) in STARTS_PROGRAMS:
            yield call, "shell= something that is not the word False"


def _dynamic(call: ast.Call, aliases: dict[str, str]) -> Iterator[tuple[ast.AST, str]]:
    """getattr(os, "system"): the same by another way."""
    match call:
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_]):
            whole = f"{_dotted(owner, aliases)}.{name}"
            if whole in NAMES:
                yield call, f"{whole} {NAMES[whole]}"


# --- SQL -------------------------------------------------------------------------------------------------------------


def _sql(scope: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Calls that take SQL, with a text glued together: on the spot, or in a variable of the same function."""
    own = list(_within(scope))
    glued = {
        target.id
        for node in own
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and _is_glued(node.value)
    }
    for node in own:
        if not isinstance(node, ast.Call) or _last_name(node.func) not in SQL_CALLS:
            continue
        texts = [*node.args[:1], *(word.value for word in node.keywords if word.arg in ("sql", "statement", "text"))]
        for text in texts:
            if _is_glued(text) or (isinstance(text, ast.Name) and text.id in glued):
                yield node, "SQL built out of strings"


def _last_name(function: ast.AST) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _within(scope: ast.AST) -> Iterator[ast.AST]:
    """Everything of this function, but not of the functions in it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def _is_glued(text: ast.AST) -> bool:
    """Put together from anything that is not a constant."""
    match text:
        case ast.JoinedStr(values=values):
            first = values[0].value if values and isinstance(values[0], ast.Constant) else ""
            varies = any(isinstance(value, ast.FormattedValue) for value in values)
            return varies and not str(first).startswith(WITHOUT_PARAMETERS)
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return not _is_constant(text) and any(_is_text(each) for each in ast.walk(text))
        case ast.Call(func=ast.Attribute(value=value, attr="format" | "join" | "replace")):
            return _is_text(value)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_glued(body) or _is_glued(orelse)
        case _:
            return False


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_constant(node: ast.AST) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_constant(left) and _is_constant(right)
        case _:
            return False
