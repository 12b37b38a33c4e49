"""The check that what fills a slot is used through its contract only, and that nobody changes a contract."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from conduit_devtools.checks.contract_types import (
    annotation_names,
    manifest_contracts,
    manifest_dictionaries,
    parameters,
)
from conduit_devtools.checks.contracts import subclasses
from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.source import Checkout, ModuleSource, SourceFile, last_name, module_of, text_of

Members = Mapping[str, frozenset[str]]
"""The names that each needed contract declares, by its full name."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
# Functions that see more of an object than its type declares, with the position of the object.
REFLECTION = {"cast": 1, "delattr": 0, "getattr": 0, "setattr": 0, "vars": 0, "dir": 0}
SETTERS = frozenset({"setattr", "delattr", "__setattr__", "__delattr__"})
UNTYPED = frozenset({"Any", "object"})


def check_contract_access(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for each use of a slot that its contract does not offer, and each changed contract."""
    needed = {name for module in checkout.modules for name, _ in manifest_contracts(module, "needs")}
    protocols = {
        name: members
        for package in (checkout.kernel, *checkout.modules)
        for name, members in _protocols(package).items()
        if name in needed
    }
    for module in checkout.modules:
        # Its own contracts are classes of its own.
        others = {
            name: members for name, members in protocols.items() if not name.startswith(f"{module.package}.")
        }
        parameters_by_name = _parameters_by_name(module)
        for file in module.files:
            visitor = _SlotVisitor(module, file, others, parameters_by_name)
            visitor.visit(file.tree)
            yield from visitor.findings
    for package in checkout.packages:
        for file in package.files:
            yield from _patches(checkout, package, file)


def _protocols(package: ModuleSource) -> Members:
    members: dict[str, frozenset[str]] = {}
    for file in package.files:
        layer = file.path.relative_to(package.folder).parts[0]
        if layer not in {"contracts.py", "domain"}:
            continue
        contracts = subclasses(file.classes, {"Protocol", "ABC"})
        declared = {definition.name: definition for definition in file.classes}
        for name in contracts & declared.keys():
            members[f"{package.dotted_name(file)}.{name}"] = frozenset(_names(declared, name))
    return members


def _names(declared: Mapping[str, ast.ClassDef], name: str) -> Iterator[str]:
    """Yield the names that a class and its bases in the same file declare."""
    if name in declared:
        for node in declared[name].body:
            if isinstance(node, ast.AnnAssign):
                yield last_name(node.target)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name
        for base in declared[name].bases:
            yield from _names(declared, last_name(base))


class _SlotVisitor(ast.NodeVisitor):
    """Follows the slots of a module through the annotations of one file, and collects the findings."""

    def __init__(
        self,
        module: ModuleSource,
        file: SourceFile,
        contracts: Members,
        parameters_by_name: Mapping[str, Sequence[ast.arg]],
    ) -> None:
        self.findings: list[Finding] = []
        self._parameters = parameters_by_name
        self._file = file
        self._contracts = contracts
        self._slots = {slot: name for slot, name in _slots(module).items() if name in contracts}
        self._is_container = file.path == module.folder / "container.py"
        self._scope: Mapping[str, str] = {}
        """The contract of each variable of the current scope, by its name; of attributes, as `self.name`."""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_scope(node, _attributes(self._file, node, self._contracts))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_scope(node, _typed_parameters(self._file, node, self._contracts))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_scope(node, _typed_parameters(self._file, node, self._contracts))

    def visit_Assign(self, node: ast.Assign) -> None:
        if contract := self._contract(node.value):
            names = {target.id: contract for target in node.targets if isinstance(target, ast.Name)}
            self._scope = {**self._scope, **names}
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        contract = self._contract(node.value)
        if contract and annotation_names(self._file, node.annotation) & UNTYPED:
            self._report(node, f"{ast.unparse(node)} hides the contract", contract)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if contract := self._contract(node.value):
            if not isinstance(node.ctx, ast.Load):
                self._report(node, f"{ast.unparse(node)} is replaced", contract)
            elif node.attr not in self._contracts[contract]:
                self._report(node, f"{ast.unparse(node)} is not in the contract", contract)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        position = REFLECTION.get(last_name(node.func))
        reflected = node.args[position : position + 1] if position is not None else []
        if contract := next(filter(None, map(self._contract, reflected)), ""):
            self._report(node, f"{ast.unparse(node)} evades the contract", contract)
        for value, parameter in self._arguments(node):
            provided = self._slots.get(last_name(value), "") if self._is_container else ""
            contract = self._contract(value) or provided
            if contract and (names := _untyped(self._file, parameter)):
                message = (
                    f"{ast.unparse(value)} is passed as {parameter.arg}: {names}, which hides the contract"
                )
                self._report(value, message, contract)
        self.generic_visit(node)

    def _visit_scope(self, node: ast.AST, names: Mapping[str, str]) -> None:
        outer, self._scope = self._scope, {**self._scope, **names}
        self.generic_visit(node)
        self._scope = outer

    def _contract(self, node: ast.expr | None) -> str:
        """Return the contract of an expression, or an empty string."""
        match node:
            case ast.Name(id=name):
                return self._scope.get(name, "")
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self._scope.get(f"self.{name}", "")
            # In the container, a slot is a provider.
            case ast.Attribute(value=ast.Name(id=slot), attr="provided") if self._is_container:
                return self._slots.get(slot, "")
            # In the manifest, the container has it.
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr=slot), args=[], keywords=[]):
                return self._slots.get(slot, "")
        return ""

    def _arguments(self, call: ast.Call) -> Iterator[tuple[ast.expr, ast.arg]]:
        """Yield the arguments of a call of a function or class of the module, with their parameters."""
        function, values = call.func, call.args
        if isinstance(function, ast.Attribute) and last_name(function.value) == "providers" and values:
            function, values = values[0], values[1:]
        found = self._parameters.get(last_name(function), ())
        yield from zip(values, found, strict=False)
        named = {parameter.arg: parameter for parameter in found}
        for keyword in call.keywords:
            if keyword.arg in named:
                yield keyword.value, named[keyword.arg]

    def _report(self, node: ast.AST, problem: str, contract: str) -> None:
        message = f"{problem} {contract.rpartition('.')[2]}"
        self.findings.append(self._file.finding("contract-access", node, message, module_of(contract)))


def _slots(module: ModuleSource) -> Mapping[str, str]:
    """Return the full name of the contract of each slot in the manifest's `needs`."""
    manifest = module.manifest
    return {
        slot: manifest.full_name(contract)
        for needs in manifest_dictionaries(module, "needs")
        if manifest is not None
        for key, contract in zip(needs.keys, needs.values, strict=True)
        if (slot := text_of(key))
    }


def _typed_parameters(file: SourceFile, function: Function, contracts: Members) -> Mapping[str, str]:
    return {
        parameter.arg: contract
        for parameter in parameters(function)
        if (contract := _contract_in(file, parameter.annotation, contracts))
    }


def _attributes(file: SourceFile, definition: ast.ClassDef, contracts: Members) -> Mapping[str, str]:
    """Return the contracts of a class's attributes: its fields, and the parameters that it stores."""
    attributes = {}
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and (contract := _contract_in(file, node.annotation, contracts)):
            attributes[f"self.{last_name(node.target)}"] = contract
        elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
            typed = _typed_parameters(file, node, contracts)
            for statement in node.body:
                value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
                targets = statement.targets if isinstance(statement, ast.Assign) else []
                attributes |= {
                    f"self.{target.attr}": typed[last_name(value)]
                    for target in targets
                    if isinstance(target, ast.Attribute) and value and last_name(value) in typed
                }
    return attributes


def _contract_in(file: SourceFile, annotation: ast.expr | None, contracts: Members) -> str:
    """Return the contract that an annotation is, alone or with None; an empty string for all others."""
    if isinstance(annotation, ast.BinOp):
        return _contract_in(file, annotation.left, contracts) or _contract_in(
            file, annotation.right, contracts
        )
    if text := text_of(annotation):
        return _contract_in(file, ast.parse(text, mode="eval").body, contracts)
    name = file.full_name(annotation) if annotation is not None else ""
    return name if name in contracts else ""


def _parameters_by_name(module: ModuleSource) -> Mapping[str, Sequence[ast.arg]]:
    """Return the parameters of each function and class of the module, without `self`."""
    found: dict[str, Sequence[ast.arg]] = {}
    for node in (node for file in module.files for node in file.tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = parameters(node)
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    found[node.name] = parameters(method)[1:]
    return found


def _untyped(file: SourceFile, parameter: ast.arg) -> str:
    names = {"Any"} if parameter.annotation is None else annotation_names(file, parameter.annotation)
    return ", ".join(sorted(names & UNTYPED))


# Patches.


def _patches(checkout: Checkout, package: ModuleSource, file: SourceFile) -> Iterator[Finding]:
    """Yield the assignments to attributes of what another package defines, and of contracts."""
    stored: list[ast.Attribute | ast.Subscript] = [*file.nodes(ast.Attribute), *file.nodes(ast.Subscript)]
    targets: list[tuple[ast.AST, ast.expr]] = [
        (node, node.value) for node in stored if not isinstance(node.ctx, ast.Load)
    ]
    targets += [(call, call.args[0]) for name, call in file.calls if name in SETTERS and call.args]
    packages = {other.package: other for other in checkout.packages}
    for node, changed in targets:
        name = file.full_name(changed)
        owner = next((other for root, other in packages.items() if name.startswith(f"{root}.")), package)
        if owner is not package or name.startswith(f"{package.package}.contracts."):
            message = f"{package.name} changes {name}, of {owner.name}"
            yield file.finding("contract-patch", node, message, owner.name if owner is not package else "")
