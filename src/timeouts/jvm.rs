//! Servers on the Java virtual machine.

use super::product::{Limit, Product, SERVER, secs};

/// In the order of the list.
pub(super) const JVM: &[Product] = &[
    Product {
        id: "tomcat",
        name: "Apache Tomcat (server.xml)",
        idle: secs(20),
        head: secs(20),
        requests: Limit::After(100),
        announces: "Keep-Alive: timeout=20 when useKeepAliveResponseHeader=true (default in 9+, \
                 sent if client sent Connection: keep-alive)",
        knob: "keepAliveTimeout, maxKeepAliveRequests on <Connector>",
        fix: r#"<Connector ... keepAliveTimeout="{ms}" maxKeepAliveRequests="-1"/>"#,
        place: "server.xml, on the Connector",
        source: "https://tomcat.apache.org/tomcat-10.1-doc/config/http.html (quoted in \
                 https://github.com/dogtagpki/tomcat/wiki/Configuring-HTTP-Connector)",
        note: "keepAliveTimeout defaults to connectionTimeout: 60 s in code, 20 s in shipped \
                 server.xml; after 100 requests answers with Connection: close then FIN (clean, \
                 not a race)",
        measured: "10.1 configured 2 s: closes after 2.0 s, counted from the end of the answer",
        ..SERVER
    },
    Product {
        id: "spring-boot-tomcat",
        name: "Spring Boot embedded Tomcat",
        aliases: &["spring", "spring-boot"],
        idle: secs(60),
        head: secs(60),
        requests: Limit::After(100),
        announces: "Keep-Alive: timeout=60",
        knob: "server.tomcat.keep-alive-timeout, server.tomcat.max-keep-alive-requests",
        fix: "server.tomcat.keep-alive-timeout={s}s",
        place: "application.properties",
        source: "https://github.com/spring-projects/spring-boot/pull/25805 (connectionTimeout is \
                 not set) ; https://tomcat.apache.org/tomcat-10.1-doc/config/http.html (60000 \
                 unless server.xml sets another value)",
        checked: "2026-11-21",
        note: "EXACT TIE with ALB/nginx 60 s: still races; not applied to HTTP/2 in old versions \
                 (spring-boot#30321); without server.xml Tomcat's own 60 s hold",
        ..SERVER
    },
    Product {
        id: "jetty",
        name: "Jetty",
        idle: secs(30),
        head: secs(30),
        knob: "jetty.http.idleTimeout / HttpConfiguration.idleTimeout / \
                 server.jetty.connection-idle-timeout",
        fix: "server.jetty.connection-idle-timeout={s}s",
        place: "application.properties (Spring Boot)",
        source: "the text of Jetty's http.ini (jetty.http.idleTimeout=30000) ; \
                 https://www.eclipse.org/lists/jetty-users/msg10763.html",
        note: "same timer also bounds slow request/response IO",
        measured: "configured 2 s: closes after 2.0 s",
        ..SERVER
    },
    Product {
        id: "undertow",
        name: "Undertow / WildFly",
        aliases: &["wildfly"],
        idle: secs(60),
        knob: "UndertowOptions.NO_REQUEST_TIMEOUT; server.undertow.no-request-timeout",
        fix: "server.undertow.no-request-timeout={s}s",
        place: "application.properties (Spring Boot)",
        source: "https://github.com/undertow-io/undertow/blob/main/core/src/main/java/io/undertow/Undertow.java",
        note: "60 s only via Undertow.builder(); WildFly listener no-request-timeout 60000",
        ..SERVER
    },
    Product {
        id: "reactor-netty-server",
        name: "Reactor Netty / Spring WebFlux",
        aliases: &["webflux", "reactor-netty"],
        idle: Limit::Never,
        knob: "HttpServer.idleTimeout; server.netty.idle-timeout",
        fix: "server.netty.idle-timeout={s}s",
        place: "application.properties (Spring Boot)",
        source: "https://github.com/reactor/reactor-netty docs/modules/ROOT/pages/http-server.adoc",
        note: "no idle timeout by default: backend never closes first (proxy does)",
        ..SERVER
    },
    Product {
        id: "netty-raw",
        name: "Netty raw",
        aliases: &["netty"],
        knob: "IdleStateHandler",
        fix: "pipeline.addLast(new IdleStateHandler(0, 0, {s}))",
        source: "no primary source found",
        verified: false,
        note: "application defined",
        ..SERVER
    },
    Product {
        id: "vertx",
        name: "Vert.x / Quarkus HTTP",
        aliases: &["quarkus"],
        idle: Limit::Never,
        knob: "HttpServerOptions.setIdleTimeout; quarkus.http.idle-timeout",
        fix: "new HttpServerOptions().setIdleTimeout({s})",
        place: "the code that makes the HttpServer",
        source: "https://github.com/eclipse-vertx/vert.x TCPSSLOptions.java",
        note: "Vert.x 0 = never; Quarkus sets 30 min (not verified)",
        ..SERVER
    },
    Product {
        id: "pekko-http",
        name: "Pekko HTTP / Akka HTTP server",
        aliases: &["pekko", "akka", "akka-http"],
        idle: secs(60),
        knob: "pekko.http.server.idle-timeout",
        fix: "pekko.http.server.idle-timeout = {s}s",
        place: "application.conf",
        source: "https://github.com/apache/pekko-http/blob/main/http-core/src/main/resources/reference.conf",
        note: "idle timeout RESETS the TCP connection and also kills slow responses; \
                 request-timeout 20 s -> 503",
        ..SERVER
    },
    Product {
        id: "play",
        name: "Play Framework",
        idle: secs(75),
        knob: "play.server.http.idleTimeout",
        fix: "play.server.http.idleTimeout={s}s",
        place: "conf/application.conf",
        source: "https://github.com/playframework/playframework/blob/main/transport/server/play-server/src/main/resources/reference.conf",
        checked: "2026-11-21",
        note: "idle timeout of an open connection, 75 seconds",
        ..SERVER
    },
];
