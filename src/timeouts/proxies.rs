//! Proxies that one runs oneself, and gateways.

use super::product::{Limit, PROXY, Product, millis, secs};

/// In the order of the list.
pub(super) const PROXIES: &[Product] = &[
    Product {
        id: "nginx",
        name: "nginx (upstream keepalive)",
        idle: secs(60),
        connect: secs(60),
        read: secs(60),
        requests: Limit::After(1_000),
        retries: "proxy_next_upstream error timeout; POST/LOCK/PATCH not retried once sent \
                 (non_idempotent); a failure on a CACHED connection adds one extra try (tries++) \
                 so single-server upstreams do get retried for idempotent methods",
        knob: "keepalive_timeout",
        fix: "upstream NAME { keepalive_timeout {s}s; }",
        place: "nginx.conf, in the upstream block",
        read_knob: "proxy_read_timeout",
        read_place: "nginx.conf, in the http, server or location block",
        source: "https://nginx.org/en/docs/http/ngx_http_upstream_module.html ; \
                 src/http/ngx_http_upstream.c ngx_http_upstream_next",
        note: "since 1.29.7 keepalive is ON by default ('32 local') and proxy_http_version \
                 default is 1.1 (was 1.0 + Connection: close): upgrading EXPOSES the race; \
                 keepalive_requests 100 before 1.19.10; keepalive_time 1h; read/send timeouts are \
                 between two operations",
        ..PROXY
    },
    Product {
        id: "ingress-nginx",
        name: "kubernetes/ingress-nginx",
        aliases: &["ingress"],
        idle: secs(60),
        connect: secs(5),
        read: secs(60),
        requests: Limit::After(10_000),
        retries: "proxy-next-upstream 'error timeout', tries 3",
        knob: "upstream-keepalive-timeout",
        fix: r#"upstream-keepalive-timeout: "{s}""#,
        place: "the controller's ConfigMap",
        read_knob: "nginx.ingress.kubernetes.io/proxy-read-timeout",
        read_place: "the Ingress, in its annotations",
        source: "https://github.com/kubernetes/ingress-nginx/blob/main/docs/user-guide/nginx-configuration/configmap.md",
        note: "320 idle conns/worker; upstream-keepalive-time 1h; keys \
                 upstream-keepalive-timeout/-requests/-time; global only (no per-Ingress)",
        ..PROXY
    },
    Product {
        id: "openresty",
        name: "OpenResty (lua balancer)",
        idle: secs(60),
        connect: secs(60),
        read: secs(60),
        requests: Limit::After(1_000),
        retries: "as nginx; balancer.set_more_tries",
        knob: "keepalive_timeout",
        fix: "upstream NAME { keepalive_timeout {s}s; }",
        place: "nginx.conf, in the upstream block",
        read_knob: "proxy_read_timeout",
        read_place: "nginx.conf, in the http, server or location block",
        source: "https://openresty.org/en/upstream-keepalive-nginx-module.html (part of nginx \
                 itself: its documentation) ; \
                 https://nginx.org/en/docs/http/ngx_http_upstream_module.html",
        checked: "2026-11-21",
        note: "nginx core defaults; 1.31.1.1 (June 2026) is on nginx 1.31.1, so keepalive is on \
                 by default there",
        ..PROXY
    },
    Product {
        id: "kong",
        name: "Kong Gateway",
        idle: secs(60),
        connect: secs(60),
        read: secs(60),
        requests: Limit::After(10_000),
        retries: "retries=5 (connect errors; idempotent rule of nginx)",
        knob: "upstream_keepalive_idle_timeout",
        fix: "upstream_keepalive_idle_timeout = {s}",
        place: "kong.conf",
        read_knob: "read_timeout",
        read_place: "the service",
        source: "https://github.com/Kong/kong/blob/master/kong.conf.default ; \
                 kong/db/schema/entities/services.lua",
        note: "upstream_keepalive_pool_size 512",
        ..PROXY
    },
    Product {
        id: "apisix",
        name: "Apache APISIX",
        idle: secs(60),
        connect: secs(60),
        read: secs(60),
        requests: Limit::After(1_000),
        retries: "upstream.retries = nodes-1 (not verified)",
        knob: "keepalive_pool.idle_timeout",
        fix: r#""keepalive_pool": { "idle_timeout": {s} }"#,
        place: "the upstream object",
        source: "https://github.com/apache/apisix/blob/master/apisix/schema_def.lua",
        note: "keepalive_pool size 320, idle_timeout 60, requests 1000 verified; connect/read 60 \
                 not verified",
        ..PROXY
    },
    Product {
        id: "haproxy",
        name: "HAProxy",
        idle: Limit::Never,
        connect: Limit::Never,
        read: Limit::Never,
        retries: "retries 3, retry-on conn-failure only; http-reuse safe (first request of a \
                 session never on a reused connection); when a reused connection dies HAProxy may \
                 close client connection WITHOUT any response",
        knob: "pool-purge-delay",
        fix: "pool-purge-delay {s}s",
        place: "haproxy.cfg, on the server or default-server line",
        read_knob: "timeout server",
        read_place: "haproxy.cfg, in defaults or backend",
        source: "https://docs.haproxy.org/dev/configuration.html (http-reuse, retry-on, \
                 pool-purge-delay) ; https://github.com/haproxy/haproxy/issues/1423",
        note: "no fixed idle timeout to servers: every pool-purge-delay (5 s) half of the surplus \
                 idle connections is closed; timeout connect/server have NO default; timeout \
                 http-keep-alive is client side only (haproxy#1236)",
        measured: "closes half of its idle pool every 5 s",
        ..PROXY
    },
    Product {
        id: "envoy",
        name: "Envoy",
        idle: secs(3600),
        connect: secs(5),
        read: secs(15),
        retries: "none by default; retry_on reset|connect-failure|reset-before-request...",
        knob: "common_http_protocol_options.idle_timeout",
        fix: "common_http_protocol_options: { idle_timeout: {s}s }",
        place: "the cluster's HttpProtocolOptions",
        read_knob: "timeout",
        read_place: "the route",
        source: "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts ; api \
                 protocol.proto, cluster.proto, route_components.proto",
        note: "idle 1 h = no active streams; h2 PING does not count; failure is 503 (UC), not \
                 502; route timeout 15 s includes retries -> 504 UT",
        ..PROXY
    },
    Product {
        id: "istio",
        name: "Istio sidecar/gateway",
        idle: secs(3600),
        connect: secs(10),
        read: Limit::Never,
        retries: "2 attempts on \
                 connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes(503): \
                 POST is retried too (istio#51619)",
        knob: "connectionPool.http.idleTimeout",
        fix: "connectionPool: { http: { idleTimeout: {s}s } }",
        place: "the DestinationRule, in trafficPolicy",
        source: "https://github.com/istio/istio/issues/51619 ; \
                 https://github.com/istio/istio/issues/13848",
        note: "DestinationRule.trafficPolicy.connectionPool.http.idleTimeout; route timeout \
                 disabled; connect 10 s not verified; inbound listener also pools towards the app on \
                 127.0.0.6",
        ..PROXY
    },
    Product {
        id: "traefik",
        name: "Traefik",
        idle: secs(90),
        connect: secs(30),
        read: Limit::Never,
        retries: "none unless retry middleware (non-idempotent only with \
                 retryNonIdempotentMethod); Go transport retries idempotent on reused conn",
        knob: "forwardingTimeouts.idleConnTimeout",
        fix: "forwardingTimeouts: { idleConnTimeout: {s}s }",
        place: "the dynamic configuration, in the serversTransport",
        read_knob: "forwardingTimeouts.responseHeaderTimeout",
        read_place: "the dynamic configuration, in the serversTransport",
        source: "https://doc.traefik.io/traefik/reference/routing-configuration/http/load-balancing/serverstransport/",
        note: "responseHeaderTimeout 0 = none; maxIdleConnsPerHost 2; EOF->502, net timeout->504, \
                 other net error->502, client cancel->499, else 500",
        ..PROXY
    },
    Product {
        id: "caddy",
        name: "Caddy reverse_proxy",
        idle: secs(120),
        connect: secs(3),
        retries: "lb try_duration 0 = none; after connect only GET retried unless retry_match",
        knob: "transport http { keepalive }",
        fix: "transport http { keepalive {s}s }",
        place: "Caddyfile, in reverse_proxy",
        source: "https://github.com/caddyserver/caddy/blob/master/modules/caddyhttp/reverseproxy/httptransport.go",
        note: "TCP probe 30 s; MaxIdleConnsPerHost 32; server side idle 5 min",
        ..PROXY
    },
    Product {
        id: "apache-mod-proxy",
        name: "Apache httpd mod_proxy_http",
        aliases: &["apache", "httpd", "mod-proxy"],
        idle: Limit::Never,
        connect: secs(60),
        read: secs(60),
        retries: "no retry of sent requests; on race of a reused conn closes the client \
                 connection so the browser retries; Expect:100-continue ping option",
        knob: "ttl=",
        fix: r#"ProxyPass "/" "http://BACKEND/" ttl={s}"#,
        place: "httpd.conf, on the ProxyPass line",
        read_knob: "ProxyTimeout",
        read_place: "httpd.conf",
        source: "https://public.dhe.ibm.com/software/websphere/ihs/support/fixes/PK96410/readme.txt \
                 ; https://access.redhat.com/solutions/2381261",
        verified: false,
        note: "ttl unset = never expires; ttl ignored with prefork; ProxyTimeout -> Timeout 60; \
                 proxy-initial-not-pooled env avoids race for first request",
        ..PROXY
    },
    Product {
        id: "varnish",
        name: "Varnish Cache",
        idle: secs(60),
        connect: millis(3500),
        read: secs(60),
        retries: "exactly one automatic retry when a recycled connection fails and the body \
                 allows it (bereq.retry_connect)",
        knob: "backend_idle_timeout",
        fix: "varnishd -p backend_idle_timeout={s}",
        place: "varnishd's command line",
        read_knob: "first_byte_timeout",
        read_place: "the backend in VCL",
        source: "https://github.com/varnishcache/varnish-cache/blob/master/include/tbl/params.h ; \
                 cache_backend.c",
        note: "first_byte 60, between_bytes 60; error 503 'backend fetch failed'",
        ..PROXY
    },
    Product {
        id: "squid",
        name: "Squid",
        idle: secs(60),
        connect: secs(60),
        read: secs(900),
        retries: "retries idempotent on pconn race (not verified)",
        knob: "server_idle_pconn_timeout",
        fix: "server_idle_pconn_timeout {s} seconds",
        place: "squid.conf",
        read_knob: "read_timeout",
        read_place: "squid.conf",
        source: "https://www.squid-cache.org/Doc/config/server_idle_pconn_timeout/",
        note: "server_idle_pconn_timeout 1 min; read_timeout 15 min; connect_timeout 1 min",
        ..PROXY
    },
    Product {
        id: "ats",
        name: "Apache Traffic Server",
        aliases: &["trafficserver", "apache-traffic-server"],
        idle: secs(120),
        connect: secs(30),
        read: secs(30),
        retries: "retries GET on keep-alive race (not verified)",
        knob: "proxy.config.http.keep_alive_no_activity_timeout_out",
        fix: "proxy.config.http.keep_alive_no_activity_timeout_out: {s}",
        place: "records.yaml",
        source: "the text of records.yaml: keep_alive_no_activity_timeout_out \
                 INT 120",
        note: "connect_attempts_timeout 30 and transaction_no_activity_timeout_out 30 not verified; \
                 since PR apache/trafficserver#12437 logs an error when the server closes a reused \
                 connection",
        ..PROXY
    },
    Product {
        id: "yarp",
        name: "YARP (.NET)",
        idle: secs(60),
        connect: secs(15),
        read: secs(100),
        retries: "none",
        knob: "SocketsHttpHandler.PooledConnectionIdleTimeout",
        fix: "ConfigureHttpClient((_, handler) => handler.PooledConnectionIdleTimeout = \
                 TimeSpan.FromSeconds({s}))",
        place: "Program.cs, after AddReverseProxy()",
        source: "https://github.com/dotnet/yarp/blob/main/src/ReverseProxy/Forwarder/ForwarderHttpClientFactory.cs",
        note: "connect 15 s verified; SocketsHttpHandler PooledConnectionIdleTimeout 1 min (2 min \
                 before .NET 6); ActivityTimeout 100 s not verified",
        ..PROXY
    },
    Product {
        id: "scg-reactor-netty",
        name: "Spring Cloud Gateway / reactor-netty",
        aliases: &["scg", "spring", "spring-cloud-gateway"],
        idle: Limit::Never,
        connect: secs(30),
        read: Limit::Never,
        retries: "reactor-netty retries once when connection dies before anything was sent \
                 (not verified); SCG Retry filter",
        knob: "spring.cloud.gateway.server.webflux.httpclient.pool.max-idle-time",
        fix: "spring.cloud.gateway.server.webflux.httpclient.pool.max-idle-time={s}s",
        place: "application.properties",
        read_knob: "spring.cloud.gateway.server.webflux.httpclient.response-timeout",
        read_place: "application.properties",
        source: "https://github.com/spring-cloud/spring-cloud-gateway (_configprops.adoc) ; \
                 reactor-netty docs http-client.adoc",
        note: "pool max-idle-time NOT SET = never expires; set \
                 spring.cloud.gateway.server.webflux.httpclient.pool.max-idle-time; \
                 response-timeout none; error PrematureCloseException",
        ..PROXY
    },
];
