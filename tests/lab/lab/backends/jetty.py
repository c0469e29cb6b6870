"""Jetty."""
import os

from ..daemon import dpkg, write

PACKAGES = ("jetty9", "openjdk-17-jre-headless")


def start(ctx, o):
    base = os.path.join(ctx.dir, "jetty")
    os.makedirs(os.path.join(base, "webapps", "ROOT"), exist_ok=True)
    os.makedirs(os.path.join(base, "logs"), exist_ok=True)
    write(ctx, "jetty/webapps/ROOT/ok", "ok from jetty\n")
    argv = ["java", "-Xmx256m", "-XX:-UsePerfData", "-Djetty.home=/usr/share/jetty9", "-Djetty.base=" + base, "-jar", "/usr/share/jetty9/start.jar",
            "--module=http,deploy,requestlog", "jetty.http.port=%d" % o["port"], "jetty.http.idleTimeout=%d" % int(o["ka"] * 1000)]
    p = ctx.lab.spawn(ctx.lab.backend, argv, "backend-error.log", cwd=base)
    return {"proc": p, "version": dpkg("jetty9")}
