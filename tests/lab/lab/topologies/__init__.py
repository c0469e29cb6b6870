"""Where people really capture: hosts of containers, nodes of Kubernetes, pods with sidecars, single machines.

A topology is a function NAME(lab) in any module here; a case names it with dashes. It makes the hosts (lab.client,
lab.proxy, lab.backend) and their links, and says in the laboratory's terms what they are: front, server, leg,
places (net.py), and proxy_if and backend_if, where the truth is read. At the proxy's interface the leg shows once, by `server`,
also where other places show it translated, by halves or twice.
"""
import importlib
import inspect
import pkgutil

ALL = {}
for _, _name, _ in pkgutil.iter_modules(__path__):
    _module = importlib.import_module("." + _name, __name__)
    for _f, _v in inspect.getmembers(_module, inspect.isfunction):
        if _v.__module__ == _module.__name__ and list(inspect.signature(_v).parameters) == ["lab"]:
            assert _f not in ALL, _f
            ALL[_f.replace("_", "-")] = _v
