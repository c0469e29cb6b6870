"""The scenarios. Each drives the client, the backend or the wire, and states the cause it made.

A scenario is a function NAME(ctx, **params) in any module here whose first parameter is `ctx`; a case
names it.
"""
import importlib
import inspect
import pkgutil

ALL = {}
for _, _name, _ in pkgutil.iter_modules(__path__):
    _module = importlib.import_module("." + _name, __name__)
    for _f, _v in inspect.getmembers(_module, inspect.isfunction):
        if _v.__module__ == _module.__name__ and next(iter(inspect.signature(_v).parameters), "") == "ctx":
            assert _f not in ALL, _f
            ALL[_f] = _v
