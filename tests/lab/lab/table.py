"""What the runner prints: a line for each case as it ends, and the totals."""
import collections

WIDTHS = (30, 12, 12, 38, 4, 38, 38)
TITLES = ("case", "proxy", "backend", "cause", "lost", "said at the proxy", "said at the backend")


def _line(cells):
    return " ".join(str(c).ljust(w) for c, w in zip(cells, WIDTHS))


def header():
    return "%-8s %s" % ("", _line(TITLES))


def _counted(words):
    return ", ".join("%s×%d" % (k, n) if n > 1 else k for k, n in sorted(collections.Counter(words).items())) or "–"


def causes(truth):
    """The causes in words, those that the client did not see marked."""
    words = []
    for r in truth["requests"]:
        if r["cause"]:
            words.append(r["cause"] + ("(h)" if r["hidden_by_retry"] else "(m)" if r.get("masked") else ""))
    return _counted(words)


def row(result):
    """A line for one case, and below it what does not agree, or what the machine did not do."""
    case, truth = result["case"], result["truth"]
    said = {side: "–" for side in ("proxy", "backend")}
    for capture, told in result.get("said", {}).items():
        said[capture.split("-")[0]] = _counted(told)
    cells = (case["name"], case["proxy"], case["backend"], causes(truth) if truth else "?", result.get("lost", "?"), said["proxy"], said["backend"])
    lines = ["%-8s %s %.0f s" % (result["verdict"], _line(cells).rstrip(), result["seconds"])]
    lines += ["         %s" % one for one in result["trouble"][:4]]
    for how, kind, capture, truth_row, told in result.get("odd", [])[:8]:
        lines.append("         %s%s, %s: request %s (proxy's port %s): truth %s, said %s" % (
            kind, how and " (%s)" % how, capture, truth_row["id"], truth_row["port"], truth_row["observed"], told))
    if truth and truth["places"]:
        for name, (made, told, back) in result.get("counted", {}).items():
            lines.append("         live, %s: %d made, %d told, %d retracted" % (name, made, told, back))
    for place, (odd, latest) in result.get("live", {}).items():
        lines += ["         live, %s: %s" % (place, one) for one in odd[:4]]
        lines += ["         live, %s: the latest told %.2f s after its end" % (place, latest)] if latest else []
    return "\n".join(lines)


def totals(results, seconds):
    n = collections.Counter(r["verdict"] for r in results)
    lost = sum(r.get("lost", 0) for r in results if r["verdict"] in ("agreed", "DIFFERS"))
    lines = ["", "%d cases in %.0f s: %d agreed (%d lost attempts), %d differ, %d not judged yet, %d where the machine did not do what was meant" % (
        len(results), seconds, n["agreed"], lost, n["DIFFERS"], n["not yet"], n["machine"])]
    for verdict in ("DIFFERS", "machine"):
        names = sorted(r["case"]["name"] for r in results if r["verdict"] == verdict)
        if names:
            lines.append("%s: %s" % (verdict, " ".join(names)))
    return "\n".join(lines)
