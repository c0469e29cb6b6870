//! Web servers, and proxies where another proxy uses them as a backend.

use super::product::{Limit, Product, SERVER, secs};

/// In the order of the list.
pub(super) const SERVERS: &[Product] = &[
    Product {
        id: "apache-httpd",
        name: "Apache httpd",
        aliases: &["apache", "httpd"],
        idle: secs(5),
        requests: Limit::After(100),
        announces: "Keep-Alive: timeout=5, max=100",
        knob: "KeepAliveTimeout, MaxKeepAliveRequests",
        fix: "KeepAliveTimeout {s}",
        place: "httpd.conf (Debian: apache2.conf)",
        source: "https://httpd.apache.org/docs/2.4/mod/core.html#keepalivetimeout ; header seen \
                 in https://github.com/inception-project/inception/issues/3106",
        note: "max=N counts down; event MPM closes idle keep-alive EARLY when busy (not verified): \
                 races even with a long timeout; Debian conf text 5/100 seen; mod_reqtimeout \
                 header=20-40",
        measured: "2.4 (event) configured 2 s: closes after 2.0 s",
        ..SERVER
    },
    Product {
        id: "nginx-backend",
        name: "nginx as backend",
        aliases: &["nginx"],
        idle: secs(75),
        head: secs(60),
        requests: Limit::After(1_000),
        announces: "Keep-Alive: timeout=N only with 2nd parameter",
        knob: "keepalive_timeout, keepalive_requests, keepalive_time",
        fix: "keepalive_timeout {s}s;",
        place: "nginx.conf, in the http or server block",
        source: "https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout",
        note: "distro configs often ship 65; keepalive_time 1h; on reload/worker shutdown closes \
                 idle at once unless keepalive_min_timeout (1.27.4) is set; may close idle earlier \
                 when worker_connections are short",
        measured: "1.22.1 configured 2 s: closes after 2.0 s",
        ..SERVER
    },
    Product {
        id: "lighttpd",
        name: "lighttpd",
        idle: secs(5),
        requests: Limit::After(1_000),
        knob: "server.max-keep-alive-idle, server.max-keep-alive-requests",
        fix: "server.max-keep-alive-idle = {s}",
        place: "lighttpd.conf",
        source: "https://github.com/lighttpd/lighttpd1.4/blob/master/src/configfile.c",
        note: "annotated conf still says 16 requests; source default 1000",
        measured: "configured 2 s: closes after 3.0 s",
        ..SERVER
    },
    Product {
        id: "iis",
        name: "IIS / http.sys",
        aliases: &["http-sys"],
        idle: secs(120),
        head: secs(120),
        knob: "connectionTimeout in <limits>, MinBytesPerSecond",
        fix: "appcmd set config -section:sites /siteDefaults.limits.connectionTimeout:{hms}",
        place: "applicationHost.config",
        source: "https://learn.microsoft.com/en-us/iis/configuration/system.applicationhost/sites/sitedefaults/limits",
        checked: "2026-11-21",
        note: "connectionTimeout 00:02:00; also bounds the wait for a body and in the queue of \
                 the application pool",
        ..SERVER
    },
    Product {
        id: "varnish-backend",
        name: "Varnish as backend",
        aliases: &["varnish"],
        idle: secs(5),
        knob: "-p timeout_idle",
        fix: "varnishd -p timeout_idle={s}",
        place: "varnishd's command line",
        source: "https://github.com/varnishcache/varnish-cache/blob/master/include/tbl/params.h",
        note: "max 1h",
        ..SERVER
    },
    Product {
        id: "caddy-backend",
        name: "Caddy as backend",
        aliases: &["caddy"],
        idle: secs(300),
        head: secs(60),
        knob: "servers { timeouts { idle } }",
        fix: "servers { timeouts { idle {s}s } }",
        place: "Caddyfile, in the global options",
        source: "https://github.com/caddyserver/caddy/blob/master/modules/caddyhttp/app.go",
        note: "idle 5 min",
        ..SERVER
    },
    Product {
        id: "traefik-backend",
        name: "Traefik entrypoint as backend",
        aliases: &["traefik"],
        idle: secs(180),
        head: secs(60),
        requests: Limit::Never,
        knob: "entryPoints.X.transport.respondingTimeouts.idleTimeout",
        fix: "--entrypoints.web.transport.respondingTimeouts.idleTimeout={s}s",
        place: "the static configuration, in the entry point",
        source: "https://github.com/traefik/traefik/blob/master/pkg/config/static/static_config.go",
        note: "keepAliveMaxRequests/keepAliveMaxTime 0 = off; they announce Connection: close",
        ..SERVER
    },
    Product {
        id: "envoy-backend",
        name: "Envoy listener as backend",
        aliases: &["envoy"],
        idle: secs(3600),
        knob: "common_http_protocol_options.idle_timeout",
        fix: "idle_timeout: {s}s",
        place: "the listener's HttpConnectionManager",
        source: "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        note: "stream_idle_timeout 5 min -> 504 SI/408",
        ..SERVER
    },
    Product {
        id: "haproxy-backend",
        name: "HAProxy frontend as backend",
        aliases: &["haproxy"],
        idle: Limit::Never,
        knob: "timeout http-keep-alive, timeout client",
        fix: "timeout http-keep-alive {s}s",
        place: "haproxy.cfg, in defaults or frontend",
        source: "https://docs.haproxy.org/dev/configuration.html#timeout%20http-keep-alive",
        note: "falls back to timeout http-request then timeout client; no built-in default",
        ..SERVER
    },
    Product {
        id: "squid-backend",
        name: "Squid as backend",
        aliases: &["squid"],
        idle: secs(120),
        knob: "client_idle_pconn_timeout",
        fix: "client_idle_pconn_timeout {s} seconds",
        place: "squid.conf",
        source: "https://www.squid-cache.org/Doc/config/client_idle_pconn_timeout/",
        ..SERVER
    },
    Product {
        id: "php-builtin",
        name: "PHP built-in server",
        idle: secs(0),
        requests: Limit::After(1),
        announces: "Connection: close",
        fix: "use php-fpm",
        source: "no primary source found",
        verified: false,
        note: "dev only",
        ..SERVER
    },
    Product {
        id: "php-fpm",
        name: "php-fpm (FastCGI)",
        knob: "request_terminate_timeout, pm.max_requests",
        fix: "request_terminate_timeout = 65s",
        place: "the pool's file",
        source: "no primary source found",
        verified: false,
        note: "FastCGI not HTTP; 502 = worker died or terminated; 504 = fastcgi_read_timeout",
        ..SERVER
    },
];
