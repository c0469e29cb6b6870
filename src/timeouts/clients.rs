//! HTTP clients with a pool of connections, of which gateways are made.

use super::product::{Limit, PROXY, Product, secs};

/// In the order of the list.
pub(super) const CLIENTS: &[Product] = &[
    Product {
        id: "dotnet-httpclient",
        name: ".NET SocketsHttpHandler",
        aliases: &["dotnet", "httpclient"],
        idle: secs(60),
        connect: Limit::Never,
        read: secs(100),
        retries: "retries when reused connection closed before request body was sent (not verified)",
        knob: "SocketsHttpHandler.PooledConnectionIdleTimeout",
        fix: "new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds({s}) }",
        place: "the code that makes the HttpClient",
        source: "HttpHandlerDefaults, decompiled: FromMinutes(1)",
        note: "HttpClient.Timeout 100 s not verified; connect infinite",
        ..PROXY
    },
    Product {
        id: "go-transport",
        name: "Go net/http DefaultTransport",
        aliases: &["go", "golang"],
        idle: secs(90),
        connect: secs(30),
        retries: "reused conn + (GET/HEAD/OPTIONS/TRACE or Idempotency-Key) or nothing written: \
                 retried; POST surfaces EOF / 'server closed idle connection'",
        knob: "Transport.IdleConnTimeout",
        fix: "&http.Transport{IdleConnTimeout: {s}*time.Second}",
        place: "the code that makes the http.Client",
        source: "https://github.com/golang/go/issues/22158 ; \
                 https://github.com/golang/go/issues/19943",
        verified: false,
        note: "90/30 numbers are not verified, retry behaviour from the issues",
        ..PROXY
    },
    Product {
        id: "node-undici",
        name: "Node fetch / undici",
        aliases: &["undici", "fetch"],
        idle: secs(4),
        connect: secs(10),
        read: secs(300),
        retries: "idempotent pipelining retry only; else UND_ERR_SOCKET other side closed",
        knob: "keepAliveTimeout",
        fix: "new Agent({ keepAliveTimeout: {ms} })",
        place: "the code that makes the Agent",
        source: "https://github.com/nodejs/undici/blob/main/docs/docs/api/Client.md",
        note: "obeys server Keep-Alive: timeout=N minus 2 s (threshold), max 600 s",
        ..PROXY
    },
    Product {
        id: "node-http-agent",
        name: "Node http.Agent (keepAlive)",
        aliases: &["node", "http-agent"],
        idle: secs(5),
        retries: "none; req.reusedSocket + ECONNRESET report it to the caller",
        knob: "timeout",
        fix: "new http.Agent({ keepAlive: true, timeout: {ms} })",
        place: "the code that makes the Agent",
        source: "https://nodejs.org/api/http.html#httpglobalagent ; \
                 https://github.com/nodejs/node/pull/59315",
        checked: "2026-11-21",
        note: "http.globalAgent: keepAlive on (since v19) with a timeout of 5 s; an Agent of \
                 one's own has neither; closes 1 s before what the server announces \
                 (agentKeepAliveTimeoutBuffer)",
        ..PROXY
    },
    Product {
        id: "hyper-reqwest",
        name: "hyper-util / reqwest",
        aliases: &["hyper", "reqwest"],
        idle: secs(90),
        retries: "retried only if nothing was written; else IncompleteMessage",
        knob: "pool_idle_timeout",
        fix: "Client::builder().pool_idle_timeout(Duration::from_secs({s}))",
        place: "the code that makes the Client",
        source: "https://github.com/hyperium/hyper-util/blob/master/src/client/legacy/client.rs ; \
                 https://github.com/hyperium/hyper/issues/2136",
        note: "pool_idle_timeout 90 s",
        ..PROXY
    },
    Product {
        id: "okhttp",
        name: "OkHttp",
        idle: secs(300),
        connect: secs(10),
        read: secs(10),
        retries: "retryOnConnectionFailure true (incl. POST if body repeatable and nothing \
                 received)",
        knob: "ConnectionPool",
        fix: ".connectionPool(new ConnectionPool(5, {s}, TimeUnit.SECONDS))",
        place: "the code that makes the OkHttpClient",
        source: "https://github.com/square/okhttp/blob/master/okhttp/src/commonJvmAndroid/kotlin/okhttp3/ConnectionPool.kt",
        note: "5 idle conns / 5 min verified; 10 s timeouts not verified",
        ..PROXY
    },
    Product {
        id: "apache-httpclient5",
        name: "Apache HttpClient 5",
        aliases: &["httpclient5"],
        idle: secs(180),
        connect: secs(180),
        retries: "1 retry after 1 s, idempotent only",
        knob: "evictIdleConnections",
        fix: "HttpClients.custom().evictIdleConnections(TimeValue.ofSeconds({s}))",
        place: "the code that makes the HttpClient",
        source: "https://github.com/apache/httpcomponents-client \
                 RequestConfig.java/ConnectionConfig.java",
        note: "default keep alive 3 min if server announces none; validateAfterInactivity \
                 undefined in ConnectionConfig; v4: 2 s stale check; NoHttpResponseException",
        ..PROXY
    },
    Product {
        id: "pekko-http-pool",
        name: "Pekko/Akka HTTP host pool",
        aliases: &["pekko", "akka"],
        idle: Limit::Never,
        connect: secs(10),
        retries: "max-retries 5, idempotent",
        knob: "pekko.http.host-connection-pool.keep-alive-timeout",
        fix: "pekko.http.host-connection-pool.keep-alive-timeout = {s}s",
        place: "application.conf",
        source: "https://github.com/apache/pekko-http/blob/main/http-core/src/main/resources/reference.conf",
        note: "keep-alive-timeout infinite; client idle-timeout 60 s (pool 30 s)",
        ..PROXY
    },
    Product {
        id: "vertx-client",
        name: "Vert.x HttpClient",
        aliases: &["vertx"],
        idle: secs(60),
        connect: secs(60),
        retries: "none",
        knob: "HttpClientOptions.setKeepAliveTimeout",
        fix: "new HttpClientOptions().setKeepAliveTimeout({s})",
        place: "the code that makes the HttpClient",
        source: "https://github.com/eclipse-vertx/vert.x HttpClientOptions.java",
        note: "DEFAULT_KEEP_ALIVE_TIMEOUT 60",
        ..PROXY
    },
];
