"""Tomcat. Options: connection_timeout_ms, max_keepalive_requests, extra."""
import os
import shutil

from ..daemon import dpkg, write

PACKAGES = ("tomcat10", "openjdk-17-jre-headless")


def start(ctx, o):
    base = os.path.join(ctx.dir, "tomcat")
    for d in ("conf", "logs", "temp", "webapps/ROOT/WEB-INF", "work"):
        os.makedirs(os.path.join(base, d), exist_ok=True)
    for f in os.listdir("/etc/tomcat10"):
        s = os.path.join("/etc/tomcat10", f)
        if os.path.isfile(s):
            shutil.copy(s, os.path.join(base, "conf"))
    write(ctx, "tomcat/conf/server.xml", """<Server port="-1"><Service name="Catalina">
<Connector port="%(port)d" protocol="HTTP/1.1" connectionTimeout="%(ct)d" keepAliveTimeout="%(ka)d" maxKeepAliveRequests="%(n)d" %(extra)s/>
<Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps" autoDeploy="false">
<Valve className="org.apache.catalina.valves.AccessLogValve" directory="${catalina.base}/logs" prefix="access" suffix=".log" buffered="false" pattern="%%t &quot;%%r&quot; %%s %%b"/>
</Host></Engine></Service></Server>
""" % dict(port=o["port"], ka=int(o["ka"] * 1000), ct=o.get("connection_timeout_ms", 20000), n=o.get("max_keepalive_requests", 100), extra=o.get("extra", "")))
    jsp = {"ok": "", "slow": "Thread.sleep((long)(1000*Double.parseDouble(request.getParameter(\"s\"))));",
           "crash": "Thread.sleep(50); Runtime.getRuntime().halt(9);",
           "oops": "if (true) throw new RuntimeException(\"application error\");",
           "truncate": "response.setContentLength(20000); char[] c = new char[9000]; java.util.Arrays.fill(c,'y'); out.write(c); out.flush(); response.flushBuffer(); Thread.sleep(100); if (true) throw new RuntimeException(\"failed while streaming\");"}
    for k, code in jsp.items():
        write(ctx, "tomcat/webapps/ROOT/%s.jsp" % k, '<%%@page contentType="text/plain"%%><%% %s %%>ok <%%=request.getParameter("id")%%>\n' % code)
    argv = ["java", "-Xmx256m", "-XX:-UsePerfData", "-Dcatalina.home=/usr/share/tomcat10", "-Dcatalina.base=" + base, "-Djava.io.tmpdir=" + base + "/temp",
            "-classpath", "/usr/share/tomcat10/bin/bootstrap.jar:/usr/share/tomcat10/bin/tomcat-juli.jar",
            "org.apache.catalina.startup.Bootstrap", "start"]
    p = ctx.lab.spawn(ctx.lab.backend, argv, "backend-error.log")
    b = {"proc": p, "version": dpkg("tomcat10"), "suffix": ".jsp", "warm": ["/ok.jsp?id=warm", "/slow.jsp?id=warm&s=0", "/truncate.jsp?id=warm"]}
    return b
