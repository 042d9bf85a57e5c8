"""First-order mutants of C sources: each differs from the source in one place, by one small mistake that a person could make.

    operators    + - * / % << >> & | ^, their assignments, < <= > >= == !=, && ||, ++ --, ! ~ -
    constants    an integer one larger or one smaller, true for false, also in the numbers of #define
    conditions   always true, always false, one side of && or || alone
    statements   a call, an assignment, break, continue or return left out; another value returned

They come from the syntax tree that libclang makes of the release build (so an assertion is no code), and are edits of the
text: what a macro's body says is left alone where it is used, what is in a macro's arguments is not. A tree rather than tokens:
tokens do not tell a pointer's * from a product, nor where an operand or a statement ends, and much of what they give is no C.
"""
import ctypes
import hashlib
import re
from dataclasses import dataclass

import clang.cindex as cindex
from clang.cindex import CursorKind as Kind

OTHER_OPERATORS = {
    "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"], "<<": [">>"], ">>": ["<<"],
    "&": ["|"], "|": ["&"], "^": ["&"], "&&": ["||"], "||": ["&&"], "==": ["!="], "!=": ["=="],
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"],
    "+=": ["-=", "="], "-=": ["+=", "="], "*=": ["/="], "/=": ["*="], "%=": ["/="], "<<=": [">>="], ">>=": ["<<="],
    "&=": ["|=", "="], "|=": ["&=", "="], "^=": ["&="],
}
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)")
NOTHING = "(void)0"
STATEMENTS = (Kind.CALL_EXPR, Kind.BINARY_OPERATOR, Kind.COMPOUND_ASSIGNMENT_OPERATOR, Kind.UNARY_OPERATOR)
JUMPS = (Kind.BREAK_STMT, Kind.CONTINUE_STMT, Kind.GOTO_STMT)


@dataclass(frozen=True)
class Mutant:
    """An edit of one file: text[start:end] becomes `new`."""
    file: str      # name of the file in its folder
    function: str  # or the macro
    line: int
    start: int     # in bytes
    end: int
    old: str
    new: str
    key: str       # what it is, whatever is edited elsewhere: the line's text, the function, the edit

    @property
    def name(self):
        """Eight hexadecimal digits of the key, evenly distributed: also the order in which mutants are tried."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:8]

    def place(self):
        """Which it is, for people."""
        return f"{self.name}  {self.file}:{self.line} {self.function}: {self.describe()}"

    def describe(self):
        """The edit in one line."""
        flat = [re.sub(r"\s+", " ", text) for text in (self.old, self.new)]
        return " → ".join(text if len(text) <= 60 else text[:57] + "…" for text in flat)


class Source:
    """A file, and the mutants found in it so far."""

    def __init__(self, name, data):
        self.name = name
        self.data = data
        self.mutants = {}

    def text(self, start, end):
        return self.data[start:end].decode()

    def add(self, function, start, end, new):
        old = self.text(start, end)
        if not old.strip() or old == new or (start, end, new) in self.mutants:
            return
        first = self.data.rfind(b"\n", 0, start) + 1
        last = self.data.find(b"\n", start)
        line = self.text(first, last).strip()
        # Equal lines of a function are told apart by their number among themselves.
        before = [other for other in self.mutants.values() if other.function == function]
        places = sorted({self.data.rfind(b"\n", 0, other.start) + 1 for other in before
                         if self.line_of(other.start) == line} | {first})
        key = "|".join([self.name, function, line, str(places.index(first)), str(start - first), old, new])
        self.mutants[start, end, new] = Mutant(self.name, function, self.data.count(b"\n", 0, start) + 1, start, end,
                                               old, new, key)

    def line_of(self, offset):
        return self.text(self.data.rfind(b"\n", 0, offset) + 1, self.data.find(b"\n", offset)).strip()


class Finder:
    """Walks the functions of one translation unit that one of its files defines."""

    def __init__(self, unit, path, source):
        self.source = source
        self.path = path
        self.function = None
        for cursor in unit.cursor.get_children():
            if cursor.kind == Kind.FUNCTION_DECL and cursor.is_definition() and self.file_of(cursor) == path:
                self.function = cursor.spelling
                self.returns = cursor.result_type.get_canonical().kind
                self.walk(cursor)

    @staticmethod
    def file_of(cursor):
        file = cursor.location.file
        return file.name if file else None

    def extent(self, cursor):
        """Where the text of it stands, in bytes; of what a macro's body says, the macro. None if it is in another file."""
        def place(location):
            file, offset = ctypes.c_void_p(), ctypes.c_uint()
            cindex.conf.lib.clang_getFileLocation(location, ctypes.byref(file), None, None, ctypes.byref(offset))
            return offset.value
        start, end = place(cursor.extent.start), place(cursor.extent.end)
        return (start, end) if start < end else None

    def walk(self, cursor):
        children = list(cursor.get_children())
        self.mutate(cursor, children)
        for child in children:
            self.walk(child)

    def mutate(self, cursor, children):
        kind = cursor.kind
        if kind in (Kind.BINARY_OPERATOR, Kind.COMPOUND_ASSIGNMENT_OPERATOR):
            self.binary(cursor, children)
        elif kind == Kind.UNARY_OPERATOR:
            self.unary(cursor)
        elif kind == Kind.INTEGER_LITERAL:
            self.constant(cursor)
        elif kind in (Kind.IF_STMT, Kind.CONDITIONAL_OPERATOR):
            self.replace(children[0], "1")
            self.replace(children[0], "0")
        elif kind in (Kind.WHILE_STMT, Kind.DO_STMT):
            self.replace(children[0 if kind == Kind.WHILE_STMT else 1], "0")
        elif kind == Kind.FOR_STMT:
            for child in children[:-1]:
                if child.type.kind in (cindex.TypeKind.BOOL, cindex.TypeKind.INT) and child.kind == Kind.BINARY_OPERATOR:
                    self.replace(child, "0")
        elif kind == Kind.RETURN_STMT:
            self.returned(cursor, children)
        self.statements(kind, children)

    def statements(self, kind, children):
        """What stands as a statement of its own can be left out."""
        if kind == Kind.COMPOUND_STMT:
            bodies = children
        elif kind == Kind.IF_STMT:
            bodies = children[1:]
        elif kind in (Kind.WHILE_STMT, Kind.FOR_STMT, Kind.CASE_STMT, Kind.DEFAULT_STMT):
            bodies = children[-1:]
        elif kind == Kind.DO_STMT:
            bodies = children[:1]
        else:
            return
        for body in bodies:
            if body.kind in STATEMENTS or body.kind in JUMPS:
                self.replace(body, NOTHING)
            elif body.kind == Kind.RETURN_STMT and not list(body.get_children()):
                self.replace(body, NOTHING)

    def replace(self, cursor, new):
        extent = self.extent(cursor)
        if extent and not self.source.text(*extent).startswith(("assert(", "(void)")):
            self.source.add(self.function, *extent, new)

    def binary(self, cursor, children):
        left, right = self.extent(children[0]), self.extent(children[1])
        if not left or not right:
            return
        between = self.source.text(left[1], right[0])
        operator = between.strip()
        if operator not in OTHER_OPERATORS:
            return
        start = left[1] + between.index(operator)
        for other in OTHER_OPERATORS[operator]:
            self.source.add(self.function, start, start + len(operator), other)
        if operator in ("&&", "||"):
            whole = self.extent(cursor)
            if whole and whole[0] <= left[0] and right[1] <= whole[1]:
                self.source.add(self.function, *whole, self.source.text(*left))
                self.source.add(self.function, *whole, self.source.text(*right))

    def unary(self, cursor):
        extent = self.extent(cursor)
        if not extent:
            return
        text = self.source.text(*extent)
        for operator, other in (("++", "--"), ("--", "++")):
            if text.startswith(operator):
                self.source.add(self.function, extent[0], extent[0] + 2, other)
                return
            if text.endswith(operator):
                self.source.add(self.function, extent[1] - 2, extent[1], other)
                return
        if text[0] in "!~-":
            self.source.add(self.function, extent[0], extent[0] + 1, " ")

    def constant(self, cursor):
        extent = self.extent(cursor)
        if not extent:
            return
        text = self.source.text(*extent)
        if text in ("true", "false"):
            self.source.add(self.function, *extent, "false" if text == "true" else "true")
        for new in neighbours(text):
            self.source.add(self.function, *extent, new)

    def returned(self, cursor, children):
        if not children:
            return
        extent = self.extent(children[0])
        if not extent or NUMBER.fullmatch(self.source.text(*extent)) or self.source.text(*extent) in ("true", "false", "NULL"):
            return
        if self.returns == cindex.TypeKind.BOOL:
            self.source.add(self.function, *extent, f"!({self.source.text(*extent)})")
        elif self.returns != cindex.TypeKind.RECORD:
            self.source.add(self.function, *extent, "0")


def neighbours(text):
    """The integers next to one, as they are written in C."""
    match = NUMBER.fullmatch(text)
    if not match:
        return []
    value = int(match[1], 16 if match[1][:2] in ("0x", "0X") else 10)
    return [f"{near}{match[2]}" for near in (value + 1, value - 1) if near >= 0]


def find_in_macros(source):
    """The numbers in the macros that a file defines. Whoever includes the file is changed by them."""
    for match in re.finditer(rb"^#define +(\w+) +([^\n]*)$", source.data, re.M):
        body = re.sub(rb"//.*", b"", match[2])
        for number in re.finditer(rb"(?<![\w.])(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*(?!\w)", body):
            start = match.start(2) + number.start()
            for new in neighbours(number[0].decode()):
                source.add(match[1].decode(), start, start + len(number[0]), new)


def find(path, name, data, unit_path, arguments):
    """Mutants of the file at `path`.

    name: what the mutants call the file. unit_path: the C file to parse, another one if `path` is a header. arguments: of the
    compiler. Returns a list of Mutant in the order of the text. O(file)
    """
    lib = cindex.conf.lib
    lib.clang_getFileLocation.argtypes = [cindex.SourceLocation, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                                          ctypes.c_void_p]
    unit = cindex.Index.create().parse(unit_path, args=arguments)
    errors = [str(d) for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
    if errors:
        raise ValueError(f"{unit_path}: libclang does not read it: {errors[0]}")
    source = Source(name, data)
    Finder(unit, path, source)
    find_in_macros(source)
    return sorted(source.mutants.values(), key=lambda mutant: (mutant.start, mutant.end, mutant.new))
