"""House rules for the code itself: size, names, docstrings, the purity of the domain, the one reader of the clock."""

import ast
import io
import re
import sys
import tokenize

from tests.house.tree import Module, dotted, imports, modules

MODULE_LINES = 400
FUNCTION_LINES = 40
FLOORS = {"domain", "config", "store", "channels", "telephony", "intake", "engine", "web", "cli"}
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "service", "misc"}

# A clock is read in one place; spans of time may also be measured where they become a metric.
CLOCK_READERS = {
    "contactd/clock.py": {"now", "span"},
    "contactd/metrics.py": {"span"},
}
NOW = re.compile(
    r"(^|\.)(datetime|date|dt)\.(now|utcnow|today)$|^time\.(time|time_ns|gmtime|localtime|ctime|strftime)$"
)
SPAN = re.compile(r"^time\.(monotonic|perf_counter|process_time)(_ns)?$")

# Of the standard library, the domain leaves alone what reads a clock, draws, logs, waits or reaches out of the process.
NOT_FOR_THE_DOMAIN = {
    "asyncio", "concurrent", "ctypes", "http", "io", "logging", "multiprocessing", "os", "random", "secrets", "select",
    "selectors", "signal", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time",
    "urllib",
}  # fmt: skip

UNFINISHED = re.compile("TOD[O]|FIXM[E]|XX[X]|NotImplementedErro[r]")  # brackets: not itself
BROAD = {"Exception", "BaseException"}
REASON = re.compile(r"#(?:\s*noqa: ?[A-Z0-9, ]+)?[\s:–—-]*(?P<reason>\S+ \S+ \S+.*)")  # noqa: RUF100 - a pattern, no order

SUPPRESSION = re.compile(
    r"#\s*(?:ruff:\s*)?(?:noqa\b(?::\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*)?|type:\s*ignore\b(?:\[[a-z-, ]+\])?"
    r"|pragma:\s*no (?:cover|branch))"
)


def is_migration(module: Module) -> bool:
    """Tell a schema revision, which is a list of statements and as long as the schema."""
    return module.path.match("contactd/store/migrations/versions/*.py")


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(module.path)
        for top in ("contactd", "tests")
        for module in modules(top)
        if not ast.get_docstring(module.tree)
    ]
    assert silent == []


def test_no_module_outgrows_its_limit() -> None:
    long = {
        str(module.path): len(module.lines)
        for top in ("contactd", "tests")
        for module in modules(top)
        if len(module.lines) > MODULE_LINES and not is_migration(module)
    }
    assert long == {}


def test_no_function_outgrows_its_limit() -> None:
    long = {
        f"{module.at(node)} {node.name}": length
        for top in ("contactd", "tests")
        for module in modules(top)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
        and not is_migration(module)
    }
    assert long == {}


def test_a_package_file_holds_a_docstring_and_nothing_else() -> None:
    busy = [
        str(module.path)
        for top in ("contactd", "tests")
        for module in modules(top)
        if module.path.name == "__init__.py" and len(module.tree.body) != 1
    ]
    assert busy == []


def test_every_floor_states_its_promise() -> None:
    said = {
        module.path.parts[1]: ast.get_docstring(module.tree) or "" for module in modules("contactd") if is_floor(module)
    }
    assert set(said) >= FLOORS
    assert [floor for floor in FLOORS if "Promise:" not in said[floor]] == []


def is_floor(module: Module) -> bool:
    """Tell the package file of a floor."""
    return module.path.name == "__init__.py" and len(module.path.parts) == 3


def test_no_module_has_a_name_that_says_nothing() -> None:
    nameless = [
        str(module.path)
        for top in ("contactd", "tests")
        for module in modules(top)
        if any(NAMES_THAT_SAY_NOTHING & set(part.removesuffix(".py").split("_")) for part in module.path.parts)
    ]
    assert nameless == []


def test_the_domain_imports_nothing_but_quiet_standard_library() -> None:
    allowed = sys.stdlib_module_names - NOT_FOR_THE_DOMAIN
    foreign = [
        f"{module.at(node)} {name}"
        for module in domain()
        for name, node in imports(module)
        if name.split(".")[0] not in allowed and not name.startswith("contactd.domain")
    ]
    assert foreign == []


def test_the_domain_neither_waits_nor_prints_nor_opens() -> None:
    noisy = [
        f"{module.path}:{getattr(node, 'lineno', 0)} {type(node).__name__}"
        for module in domain()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(node, ast.Call) and dotted(node.func) in {"print", "open", "input"})
    ]
    assert noisy == []


def domain() -> list[Module]:
    """Return the modules of the domain."""
    return [module for module in modules("contactd") if module.path.parts[1] == "domain"]


def test_only_the_clock_reads_the_clock() -> None:
    readings = [
        f"{module.at(node)} {dotted(node)}"
        for module in modules("contactd")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and not may_read(module, dotted(node))
    ]
    assert readings == []


def test_nobody_imports_a_clock_under_another_name() -> None:
    hidden = [
        f"{module.at(node)} {name}"
        for module in modules("contactd")
        for name, node in imports(module)
        if isinstance(node, ast.ImportFrom) and node.module == "time" and not may_read(module, name)
    ]
    assert hidden == []


def may_read(module: Module, name: str) -> bool:
    """Tell whether this module may use this dotted name, as far as clocks are concerned."""
    allowed = CLOCK_READERS.get(module.path.as_posix(), set())
    return ("now" in allowed or not NOW.search(name)) and ("span" in allowed or not SPAN.search(name))


def test_nothing_in_the_program_is_left_unfinished() -> None:
    marks = [
        f"{module.path}:{number} {line.strip()}"
        for module in modules("contactd")
        for number, line in enumerate(module.lines, 1)
        if UNFINISHED.search(line)
    ]
    assert marks == []


def test_every_broad_except_gives_its_reason() -> None:
    silent = [
        module.at(node)
        for module in modules("contactd")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and is_broad(node.type)
        and not passes_on(node)
        and not has_reason(module, node.lineno)
    ]
    assert silent == []


def is_broad(caught: ast.expr | None) -> bool:
    """Tell whether an `except` takes everything."""
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or dotted(name) in BROAD for name in names)


def passes_on(handler: ast.ExceptHandler) -> bool:
    """Tell whether the last word of a handler is to raise again what it caught: it tidied up and hid nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def has_reason(module: Module, lineno: int) -> bool:
    """Tell whether a comment of three words or more stands on the line or alone on the next."""
    beside, below = module.lines[lineno - 1], module.lines[lineno].strip()
    return bool(REASON.search(beside) or (below.startswith("#") and REASON.search(below)))


def test_every_suppression_gives_its_reason() -> None:
    silent = [
        f"{module.path}:{lineno} {comment}"
        for top in ("contactd", "tests")
        for module in modules(top)
        for lineno, comment in comments(module)
        if is_silent(comment) and not module.lines[lineno - 2].strip().startswith("#")
    ]
    assert silent == []


def test_a_reason_is_told_from_a_bare_suppression() -> None:
    mark = "# noqa"
    for bare in (
        mark,
        f"{mark}: S324",
        f"{mark}: S1, S2 --",
        "# type: ignore[misc] # noqa: ANN001",
        "# ruff: noqa: S1 -",
    ):
        assert is_silent(bare)
    for good in (
        f"{mark}: S1 - a pattern",
        "# type: ignore[misc] # as given",
        "# why, and no more",
        "# noqa: S1 # Twilio's",
    ):
        assert not is_silent(good)


def comments(module: Module) -> list[tuple[int, str]]:
    """List the comments of a module with their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(module.source).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def is_silent(comment: str) -> bool:
    """Tell whether a comment switches a rule off and says nothing else."""
    rest = SUPPRESSION.sub("", comment)
    return rest != comment and not re.search(r"\w", rest)


def test_verbs_write_to_the_terminal_in_one_place_where_words_of_others_cannot_command_it() -> None:
    writers = {"print", "click.echo", "click.secho", "click.style", "Console", "rich.console.Console", "rich.print"}
    writers |= {"sys.stdout.write", "sys.stderr.write", "csv.writer", "csv.DictWriter"}
    odd = [
        module.at(node)
        for module in modules("contactd")
        if module.path.parts[1] == "cli" and module.path.name != "output.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and dotted(node.func) in writers
    ]
    assert odd == [], "say it by contactd/cli/output.py"
