//! Servers in other languages.

use super::product::{Limit, Product, SERVER, secs};

/// In the order of the list.
pub(super) const RUNTIMES: &[Product] = &[
    Product {
        id: "node-pre26",
        name: "Node.js http (8 .. 25)",
        aliases: &["node", "nodejs", "express"],
        idle: secs(5),
        head: secs(60),
        requests: Limit::Never,
        announces: "Keep-Alive: timeout=5",
        knob: "server.keepAliveTimeout, server.headersTimeout",
        fix: "server.keepAliveTimeout = {ms}",
        place: "the code that makes the server, often server.js",
        source: "https://nodejs.org/api/http.html ; https://github.com/nodejs/node/issues/59193",
        note: "socket.destroy() on idle: FIN, RST if unread data; real socket timeout = \
                 keepAliveTimeout + keepAliveTimeoutBuffer (1 s, new option in 24.x, PR#59243) in \
                 newer lines; 10.15.2-12: headersTimeout 40/60 s counted from connection idle -> \
                 closes earlier than keepAliveTimeout (node#27363, #26165)",
        measured: "20.20.2 configured 5 s: closes after 6.0 s, configured 2 s: closes after 3.0 s, configured 1 s: closes after 2.0 \
                 s: the buffer of 1 s",
        ..SERVER
    },
    Product {
        id: "node-26",
        name: "Node.js http (26+)",
        idle: secs(65),
        head: secs(60),
        requests: Limit::Never,
        announces: "Keep-Alive: timeout=65",
        knob: "server.keepAliveTimeout",
        fix: "server.keepAliveTimeout = {ms}",
        place: "the code that makes the server, often server.js",
        source: "https://github.com/nodejs/node/pull/62782 ; \
                 https://github.com/nodejs/node/blob/main/lib/_http_server.js",
        note: "default raised 5 s -> 65 s (semver-major, v26); still below GCLB 600, Cloudflare \
                 900, Envoy 3600, Heroku 90, Traefik 90, Caddy 120",
        ..SERVER
    },
    Product {
        id: "nextjs",
        name: "Next.js start",
        aliases: &["next"],
        idle: secs(5),
        head: secs(60),
        requests: Limit::Never,
        announces: "Keep-Alive: timeout=5",
        knob: "--keepAliveTimeout",
        fix: "next start --keepAliveTimeout {ms}",
        place: "the command that starts it",
        source: "https://www.flightcontrol.dev/docs/troubleshooting/load-balancer-502-keepalive-timeout",
        note: "inherits Node default",
        ..SERVER
    },
    Product {
        id: "fastify",
        name: "Fastify",
        idle: secs(72),
        head: secs(60),
        requests: Limit::Never,
        announces: "Keep-Alive: timeout=72",
        knob: "keepAliveTimeout",
        fix: "fastify({ keepAliveTimeout: {ms} })",
        place: "the code that makes the server",
        source: "https://www.flightcontrol.dev/docs/troubleshooting/load-balancer-502-keepalive-timeout",
        note: "framework overrides Node",
        ..SERVER
    },
    Product {
        id: "deno",
        name: "Deno.serve",
        fix: "terminate before proxy idle at the proxy side",
        source: "no primary source found",
        verified: false,
        note: "hyper based",
        ..SERVER
    },
    Product {
        id: "bun",
        name: "Bun.serve",
        idle: secs(10),
        knob: "idleTimeout (0..255 s)",
        fix: "Bun.serve({ idleTimeout: {s}, fetch })",
        place: "the code that calls Bun.serve",
        source: "comments in public code ('Bun's default is ten seconds')",
        note: "also kills IN-FLIGHT requests whose handler is silent >10 s (looks like \
                 truncated/empty response); max 255 so cannot exceed GCLB 600; node:http in Bun 65 \
                 s (bun PR#31587)",
        ..SERVER
    },
    Product {
        id: "gunicorn",
        name: "gunicorn gthread/gevent/eventlet",
        idle: secs(2),
        knob: "--keep-alive / keepalive",
        fix: "gunicorn --keep-alive {s} -k gthread app:app",
        place: "gunicorn's command line",
        source: "https://github.com/benoitc/gunicorn/blob/master/gunicorn/config.py",
        note: "sync worker: no keep-alive at all (Connection: close); --timeout 30 kills worker \
                 => FIN/RST in flight; --max-requests restarts also 502 (gunicorn#3323)",
        measured: "configured 2 s: closes after 2.0 s to 3.0 s",
        ..SERVER
    },
    Product {
        id: "uvicorn",
        name: "uvicorn",
        idle: secs(5),
        knob: "--timeout-keep-alive",
        fix: "uvicorn app:app --timeout-keep-alive {s}",
        place: "uvicorn's command line",
        source: "https://github.com/encode/uvicorn/blob/master/docs/settings.md",
        note: "old UvicornWorker ignored gunicorn --keep-alive (uvicorn#194)",
        measured: "0.17.6 configured 2 s: closes after 2.0 s",
        ..SERVER
    },
    Product {
        id: "hypercorn",
        name: "hypercorn",
        idle: secs(5),
        requests: Limit::After(1_000),
        knob: "keep_alive_timeout / --keep-alive; keep_alive_max_requests",
        fix: "hypercorn --keep-alive {s} app:app",
        place: "hypercorn's command line",
        source: "https://github.com/pgjones/hypercorn/blob/main/src/hypercorn/config.py",
        note: "read_timeout none",
        ..SERVER
    },
    Product {
        id: "daphne",
        name: "daphne (Twisted)",
        knob: "--http-timeout (whole request)",
        fix: "daphne --http-timeout {s} app:app",
        place: "daphne's command line",
        source: "https://github.com/django/daphne/blob/main/daphne/http_protocol.py",
        note: "http-timeout answers 503; Twisted HTTPChannel idle 60 s (not verified)",
        ..SERVER
    },
    Product {
        id: "waitress",
        name: "waitress",
        idle: secs(120),
        knob: "channel_timeout",
        fix: "waitress-serve --channel-timeout={s} app:app",
        place: "waitress-serve's command line",
        source: "https://github.com/Pylons/waitress/blob/main/docs/arguments.rst",
        note: "checked only every cleanup_interval 30 s => closes at 120..150 s",
        measured: "looks only every 30 s",
        ..SERVER
    },
    Product {
        id: "werkzeug",
        name: "Werkzeug / Flask dev server",
        aliases: &["flask"],
        idle: secs(0),
        requests: Limit::After(1),
        announces: "Connection: close",
        fix: "use a production server",
        source: "https://github.com/pallets/werkzeug/blob/main/src/werkzeug/serving.py",
        note: "always closes",
        ..SERVER
    },
    Product {
        id: "uwsgi-http",
        name: "uWSGI --http router / --http11-socket",
        aliases: &["uwsgi"],
        idle: secs(60),
        knob: "--http-keepalive, --http-timeout, --http11-socket",
        fix: "uwsgi --http-keepalive --http-timeout {s}",
        place: "uwsgi's command line",
        source: "https://github.com/unbit/uwsgi/blob/master/plugins/http/http.c",
        note: "--http-socket speaks HTTP/1.0-style close; http-timeout 60 also bounds slow apps",
        ..SERVER
    },
    Product {
        id: "puma-pre7",
        name: "Puma < 7",
        idle: secs(20),
        head: secs(30),
        requests: Limit::After(10),
        knob: "persistent_timeout",
        fix: "persistent_timeout {s}",
        place: "config/puma.rb",
        source: "https://github.com/puma/puma/pull/3378 ; https://github.com/puma/puma/issues/957",
        note: "max_fast_inline 10 requests then back to reactor; puma#3487 keep-alive latency bug \
                 in 6.x",
        measured: "5.6.5 configured 2 s: closes after 2.2 s",
        ..SERVER
    },
    Product {
        id: "puma-7",
        name: "Puma >= 7",
        idle: secs(65),
        head: secs(30),
        requests: Limit::After(999),
        knob: "persistent_timeout / PUMA_PERSISTENT_TIMEOUT",
        fix: "PUMA_PERSISTENT_TIMEOUT={s}",
        place: "Puma's environment",
        source: "https://github.com/puma/puma/blob/master/lib/puma/configuration.rb",
        note: "default 65 < Heroku router 90: Heroku buildpack sets 95",
        ..SERVER
    },
    Product {
        id: "unicorn",
        name: "Unicorn",
        idle: secs(0),
        requests: Limit::After(1),
        announces: "Connection: close",
        fix: "put nginx in front",
        source: "http://rubyforge.org/pipermail/mongrel-unicorn/2010-April/000473.html",
        checked: "2026-11-21",
        note: "no keep-alive, by design: every answer has Connection: close",
        ..SERVER
    },
    Product {
        id: "passenger",
        name: "Passenger standalone (nginx)",
        idle: secs(60),
        requests: Limit::After(1_000),
        knob: "nginx keepalive_timeout",
        fix: "keepalive_timeout {s}s;",
        place: "its nginx configuration template",
        source: "https://github.com/phusion/passenger/blob/00717177bbd3f208322828d4650673e9d540e851/resources/templates/standalone/config.erb",
        checked: "2026-11-21",
        note: "its nginx template has keepalive_timeout 60 (not nginx's own 75); change it in a \
                 template of your own: passenger start --nginx-config-template",
        ..SERVER
    },
    Product {
        id: "falcon",
        name: "Falcon (async-http)",
        idle: Limit::Never,
        knob: "--timeout",
        fix: "falcon serve --timeout {s}",
        place: "falcon's command line",
        source: "https://github.com/socketry/falcon/blob/main/lib/falcon/command/serve.rb",
        note: "default nil = none",
        ..SERVER
    },
    Product {
        id: "kestrel",
        name: "ASP.NET Core Kestrel",
        aliases: &["aspnet", "aspnetcore", "dotnet"],
        idle: secs(130),
        head: secs(30),
        knob: "KestrelServerLimits.KeepAliveTimeout",
        fix: "options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds({s})",
        place: "Program.cs, in ConfigureKestrel",
        source: "https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.server.kestrel.core.kestrelserverlimits.keepalivetimeout",
        note: "older docs say 2 min; fine for ALB, racing for GCLB/Cloudflare/Envoy; YARP/nginx ok",
        ..SERVER
    },
    Product {
        id: "go-http",
        name: "Go net/http Server",
        aliases: &["go", "golang"],
        idle: Limit::Never,
        knob: "Server.IdleTimeout, ReadTimeout, ReadHeaderTimeout",
        fix: "&http.Server{IdleTimeout: {s}*time.Second}",
        place: "the code that makes the http.Server",
        source: "https://pkg.go.dev/net/http#Server",
        note: "IdleTimeout 0 -> ReadTimeout -> none: setting ReadTimeout=5s for safety silently \
                 makes keep-alive 5 s; Shutdown() closes idle conns immediately (golang/go#23829)",
        measured: "1.19.8 configured 2 s: closes after 2.0 s",
        ..SERVER
    },
    Product {
        id: "actix-web",
        name: "actix-web",
        aliases: &["actix"],
        idle: secs(5),
        head: secs(5),
        knob: "HttpServer::keep_alive",
        fix: "HttpServer::new(..).keep_alive(Duration::from_secs({s}))",
        place: "the code that makes the HttpServer",
        source: "https://github.com/actix/actix-web/blob/master/actix-web/src/server.rs",
        note: "client_request_timeout 5 s",
        ..SERVER
    },
    Product {
        id: "axum-hyper",
        name: "axum / hyper",
        aliases: &["axum", "hyper"],
        idle: Limit::Never,
        head: secs(30),
        knob: "hyper http1::Builder header_read_timeout (needs timer)",
        fix: "http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(None)",
        source: "https://github.com/hyperium/hyper/blob/master/src/server/conn/http1.rs",
        note: "no idle timeout; header_read_timeout default 30 s only when a Timer is set - check \
                 whether it counts while waiting for the next request in the used version",
        ..SERVER
    },
    Product {
        id: "rocket",
        name: "Rocket",
        idle: secs(5),
        knob: "keep_alive (Rocket.toml)",
        fix: "ROCKET_KEEP_ALIVE={s}",
        place: "the server's environment",
        source: "https://github.com/rwf2/Rocket/blob/master/core/lib/src/config/config.rs",
        note: "0 disables",
        ..SERVER
    },
    Product {
        id: "cowboy",
        name: "Cowboy (Phoenix, Erlang)",
        idle: secs(5),
        head: secs(5),
        requests: Limit::After(1_000),
        knob: "request_timeout (idle between requests), idle_timeout, max_keepalive",
        fix: "http: [protocol_options: [request_timeout: {ms}, idle_timeout: {ms}]]",
        place: "the endpoint's configuration (config/runtime.exs)",
        source: "https://github.com/ninenines/cowboy/blob/master/doc/src/manual/cowboy_http.asciidoc",
        note: "the gap between requests is request_timeout 5 s, not idle_timeout 60 s (see \
                 cowboy#1286 confusion)",
        ..SERVER
    },
    Product {
        id: "bandit",
        name: "Bandit / Thousand Island (Phoenix >=1.7.11)",
        idle: secs(60),
        requests: Limit::Never,
        knob: "thousand_island_options: [read_timeout: ..]",
        fix: "http: [thousand_island_options: [read_timeout: {ms}]]",
        place: "the endpoint's configuration (config/runtime.exs)",
        source: "https://github.com/mtrudel/thousand_island/blob/main/lib/thousand_island.ex",
        note: "60 s = tie with ALB",
        ..SERVER
    },
];
